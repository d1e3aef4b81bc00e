//! What the quota rule promises, in integers, against a naive oracle and against adversaries.

use proptest::prelude::*;
use splitter_core::strategy::quota::{Bound, UNIT, pick, repick, shares, spread_removed};

/// The rule word by word in `i128`, without any of the short cuts.
fn oracle(credits: &mut [i64], shares: &[i64], present: Option<usize>) -> usize {
    let unit = i128::from(UNIT);
    let mut wide: Vec<i128> = credits.iter().map(|c| i128::from(*c)).collect();
    match present {
        Some(present) => wide[present] += unit,
        None => wide.iter_mut().zip(shares).for_each(|(c, s)| *c += i128::from(*s)),
    }
    let sharing: Vec<usize> = (0..shares.len()).filter(|i| shares[*i] > 0).collect();
    let d = 2 * sharing.len() as i128 - 2;
    let hi = (d - 1) * unit;
    let largest = |of: &[usize]| of.iter().copied().reduce(|a, b| if wide[b] > wide[a] { b } else { a });
    let rescue: Vec<usize> = sharing.iter().copied().filter(|i| d * wide[*i] > hi).collect();
    let early: Vec<usize> = sharing.iter().copied().filter(|i| d * wide[*i] >= unit).collect();
    let chosen = if sharing.len() == 1 {
        sharing[0]
    } else if let Some(chosen) = largest(&rescue) {
        chosen
    } else if let Some(chosen) = early.iter().copied().reduce(|a, b| {
        let earlier = (hi - d * wide[b]) * i128::from(shares[a]) < (hi - d * wide[a]) * i128::from(shares[b]);
        if earlier { b } else { a }
    }) {
        chosen
    } else {
        largest(&sharing).expect("some share")
    };
    wide[chosen] -= unit;
    for (credit, wide) in credits.iter_mut().zip(wide) {
        *credit = i64::try_from(wide).expect("credits fit");
    }
    chosen
}

/// A small generator (splitmix64), so that long runs are the same everywhere and cost nothing to describe.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("fits")
    }
}

/// Weights chosen to hurt: nearly equal, one giant, tiny ones beside large ones, powers, primes, extremes of the type.
fn adversarial(k: usize) -> Vec<Vec<u64>> {
    let n = k as u64;
    let mut out = vec![
        vec![1; k],
        (0..n).map(|i| 1_000_000 + i).collect(),
        (0..n).map(|i| if i == 0 { 1_000_000 } else { 1 }).collect(),
        (0..n).map(|i| if i + 1 == n { 1_000_000 } else { 7 }).collect(),
        (0..n).map(|i| 1 << (i % 63)).collect(),
        (0..n).map(|i| if i % 2 == 0 { 10_000 } else { 3 }).collect(),
        (0..n).map(|i| 2 * n - 3 + u64::from(i == 0)).collect(),
        (1..=n).collect(),
        (1..=n).rev().map(|i| i * i * i).collect(),
        (0..n).map(|i| u64::MAX - i).collect(),
        (0..n).map(|i| if i == 0 { u64::MAX } else { u64::MAX / (2 * n) }).collect(),
    ];
    let mut rng = Rng(n);
    out.extend((0..4).map(|_| (0..k).map(|_| 1 + rng.next() % 10_000).collect()));
    out.extend((0..2).map(|_| (0..k).map(|_| rng.next() >> (rng.next() % 60)).map(|w| w.max(1)).collect()));
    out
}

#[test]
fn constant_shares_stay_inside_the_bound_at_every_prefix() {
    for (k, decisions) in [(2, 10_000), (3, 10_000), (5, 20_000), (10, 20_000), (20, 20_000), (50, 20_000)] {
        let bound = Bound::of(k);
        for weights in adversarial(k) {
            let shares = shares(&weights).expect("some weight");
            let sharing = shares.iter().filter(|s| **s > 0).count();
            let bound = if sharing == k { bound } else { Bound::of(sharing) };
            let mut credits = vec![0; k];
            for n in 0..decisions {
                pick(&mut credits, &shares);
                assert!(credits.iter().all(|c| bound.allows(*c)), "{weights:?}, decision {n}: {credits:?}");
            }
            assert_eq!(credits.iter().sum::<i64>(), 0, "{weights:?}");
        }
    }
}

#[test]
fn a_hundred_thousand_decisions_among_fifty_campaigns() {
    let mut rng = Rng(50);
    let weights: Vec<u64> = (0..50).map(|_| 1 + rng.next() % 9_999).collect();
    let shares = shares(&weights).expect("some weight");
    let mut credits = vec![0; 50];
    let mut counts = vec![0_i64; 50];
    for n in 1..=100_000 {
        counts[pick(&mut credits, &shares)] += 1;
        // Credit is exactly the target less the count, so nothing is hidden in it.
        for i in 0..50 {
            assert_eq!(i128::from(credits[i]), i128::from(shares[i]) * n - i128::from(counts[i]) * i128::from(UNIT));
        }
        assert!(credits.iter().all(|c| Bound::of(50).allows(*c)), "decision {n}");
    }
}

/// `H(k−1) − 1/(2k−2)` contacts in units, every term rounded up: at most `k` units (10⁻¹⁰ of a contact) too much.
fn under_service_limit(k: usize) -> i64 {
    let unit_over = |n: usize| UNIT / i64::try_from(n).expect("small") + 1;
    (1..k).map(unit_over).sum::<i64>() - (unit_over(2 * k - 2) - 2)
}

/// Whoever moves the shares before every contact.
enum Mover {
    /// Independent random shares.
    Random,
    /// All but a unit each to the campaigns that were not served since the round began: starves as hard as can be.
    Starve,
    /// All but a unit each to the poorest campaign: pushes towards over-service.
    FeedPoorest,
    /// All but a unit each to the richest.
    FeedRichest,
}

#[test]
fn shares_that_change_at_every_contact_keep_both_bounds() {
    for k in [2, 3, 5, 10, 20, 50] {
        let over = Bound::of(k);
        let under = under_service_limit(k);
        for mover in [Mover::Random, Mover::Starve, Mover::FeedPoorest, Mover::FeedRichest] {
            let mut rng = Rng(k as u64);
            let mut credits = vec![0_i64; k];
            let mut served = vec![false; k];
            for n in 0..10_000 {
                let by_credit = |i: &usize| credits[*i];
                let favoured: Vec<usize> = match mover {
                    Mover::Random => (0..k).collect(),
                    Mover::Starve => (0..k).filter(|i| !served[*i]).collect(),
                    Mover::FeedPoorest => (0..k).min_by_key(by_credit).into_iter().collect(),
                    Mover::FeedRichest => (0..k).max_by_key(by_credit).into_iter().collect(),
                };
                let mut weights = vec![1_u64; k];
                for i in favoured {
                    weights[i] =
                        1_000_000_000 * (1 + if matches!(mover, Mover::Random) { rng.next() % 1000 } else { 0 });
                }
                let chosen = pick(&mut credits, &shares(&weights).expect("some weight"));
                served[chosen] = true;
                if served.iter().all(|s| *s) {
                    served.fill(false);
                }
                assert!(credits.iter().all(|c| *c >= 0 || over.allows(*c)), "over-served, k {k}, decision {n}");
                assert!(credits.iter().all(|c| *c <= under), "under-served, k {k}, decision {n}");
                assert_eq!(credits.iter().sum::<i64>(), 0);
            }
        }
    }
}

#[test]
fn contacts_posted_again_count_once() {
    let vectors: [&[u64]; 5] =
        [&[50, 50], &[50, 30, 20], &[70, 20, 10], &[40, 25, 15, 10, 10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]];
    // Every contact twice, every contact three times, and 40 % random repeats of any earlier contact.
    for weights in vectors {
        for mode in 0..3 {
            repeats_keep_the_bound(weights, mode, 4_000);
        }
    }
}

fn repeats_keep_the_bound(weights: &[u64], mode: u8, posts: usize) {
    let shares = shares(weights).expect("some weight");
    let bound = Bound::of(weights.len());
    let mut credits = vec![0; weights.len()];
    let mut present: Vec<usize> = Vec::new();
    let mut rng = Rng(u64::from(mode));
    let mut moved = 0;
    for post in 0..posts {
        let again = match mode {
            0 => (post % 2 == 1).then(|| present.len() - 1),
            1 => (post % 3 > 0).then(|| present.len() - 1),
            _ => (rng.below(10) < 4 && !present.is_empty()).then(|| rng.below(present.len())),
        };
        if let Some(contact) = again {
            let chosen = repick(&mut credits, &shares, present[contact]);
            moved += usize::from(chosen != present[contact]);
            present[contact] = chosen;
        } else {
            present.push(pick(&mut credits, &shares));
        }
        assert!(credits.iter().all(|c| bound.allows(*c)), "{weights:?}, mode {mode}, post {post}: {credits:?}");
        let n = i128::try_from(present.len()).expect("small");
        if post % 97 == 0 {
            for (i, credit) in credits.iter().enumerate() {
                let count = present.iter().filter(|p| **p == i).count() as i128;
                assert_eq!(i128::from(*credit), i128::from(shares[i]) * n - count * i128::from(UNIT));
            }
        }
    }
    assert_eq!(moved, 0, "{weights:?}, mode {mode}: no contact moves while shares are constant");
}

/// A contact repeated after later decisions can move, to a campaign that is now due earlier. It is rare: here fewer than one
/// repeat in two hundred, over weights that are no round numbers.
#[test]
fn late_repeats_hardly_ever_move() {
    let mut rng = Rng(11);
    let (mut repeats, mut moved) = (0, 0);
    for round in 0..100 {
        let weights: Vec<u64> = (0..3 + round % 10).map(|_| 1 + rng.next() % 1000).collect();
        let shares = shares(&weights).expect("some weight");
        let mut credits = vec![0; weights.len()];
        let mut present = vec![pick(&mut credits, &shares)];
        for _ in 0..2_000 {
            if rng.below(10) < 4 {
                let contact = rng.below(present.len());
                let chosen = repick(&mut credits, &shares, present[contact]);
                (repeats, moved) = (repeats + 1, moved + usize::from(chosen != present[contact]));
                present[contact] = chosen;
            } else {
                present.push(pick(&mut credits, &shares));
            }
            assert!(credits.iter().all(|c| Bound::of(weights.len()).allows(*c)));
        }
    }
    assert!(moved * 200 < repeats, "{moved} of {repeats} moved");
}

#[test]
fn forgiving_nothing_keeps_thirty_pause_scenarios_close() {
    // Random pauses and resumptions; the target of a paused campaign is 0, the others' targets grow pro rata.
    for seed in 0..30 {
        let mut rng = Rng(seed);
        let k = 2 + rng.below(9);
        let base: Vec<u64> = (0..k).map(|_| 1 + rng.next() % 100).collect();
        let mut credits = vec![0_i64; k];
        let mut weights = base.clone();
        for n in 0..20_000 {
            if rng.below(20) == 0 {
                let i = rng.below(k);
                weights[i] = if weights[i] == 0 { base[i] } else { 0 };
                if weights.iter().all(|w| *w == 0) {
                    weights[i] = base[i];
                }
            }
            pick(&mut credits, &shares(&weights).expect("some weight"));
            assert_eq!(credits.iter().sum::<i64>(), 0);
            let worst = credits.iter().map(|c| c.abs()).max().unwrap_or(0);
            assert!(worst <= under_service_limit(k).max(UNIT) + UNIT / 2, "seed {seed}, decision {n}, k {k}: {worst}");
        }
    }
}

prop_compose! {
    fn any_weights(most: usize)(bits in 1_u32..=64)(weights in prop::collection::vec(prop_oneof![1 => Just(0), 6 => 0..=(u64::MAX >> (64 - bits))], 1..=most)) -> Vec<u64> {
        weights
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Weights change, campaigns pause, contacts repeat: every choice and every credit equals the oracle's, the sum
    /// stays 0, and share 0 is never chosen and keeps its credit.
    #[test]
    fn equals_the_naive_oracle(
        start in any_weights(50),
        steps in prop::collection::vec((0_u8..10, any::<prop::sample::Index>(), 0_u64..100_000), 1..400),
    ) {
        let k = start.len();
        let mut weights = start;
        let mut credits = vec![0; k];
        let mut expected = vec![0; k];
        let mut present = Vec::new();
        for (kind, index, weight) in steps {
            if kind == 0 {
                weights[index.index(k)] = if weight % 3 == 0 { 0 } else { weight };
            }
            let Some(shares) = shares(&weights) else { continue };
            prop_assert_eq!(shares.iter().sum::<i64>(), UNIT);
            let before = credits.clone();
            let again = (kind >= 7 && !present.is_empty()).then(|| index.index(present.len()));
            let again = again.filter(|contact| shares[present[*contact]] > 0);
            let chosen = if let Some(contact) = again {
                let chosen = repick(&mut credits, &shares, present[contact]);
                prop_assert_eq!(chosen, oracle(&mut expected, &shares, Some(present[contact])));
                present[contact] = chosen;
                chosen
            } else {
                let chosen = pick(&mut credits, &shares);
                prop_assert_eq!(chosen, oracle(&mut expected, &shares, None));
                present.push(chosen);
                chosen
            };
            prop_assert_eq!(&credits, &expected);
            prop_assert_eq!(credits.iter().sum::<i64>(), 0);
            prop_assert!(shares[chosen] > 0);
            for i in (0..k).filter(|i| shares[*i] == 0) {
                prop_assert_eq!(credits[i], before[i]);
            }
        }
    }

    /// Any credits that sum to 0, not only reachable ones, so that ties and frozen credit of every size are met, within
    /// and beyond the range of the fast path.
    #[test]
    fn equals_the_naive_oracle_from_any_credit(
        weights in any_weights(70),
        eighths in prop::collection::vec(-160_i64..=160, 70),
        eighth in prop::sample::select(vec![UNIT / 80, UNIT / 8, UNIT * 4]),
    ) {
        let Some(shares) = shares(&weights) else { return Ok(()) };
        let mut credits: Vec<i64> = eighths[..weights.len()].iter().map(|e| e * eighth).collect();
        credits[0] -= credits.iter().sum::<i64>();
        let mut expected = credits.clone();
        for _ in 0..20 {
            prop_assert_eq!(pick(&mut credits, &shares), oracle(&mut expected, &shares, None));
            prop_assert_eq!(&credits, &expected);
        }
    }

    #[test]
    fn shares_are_the_largest_remainder_rounding(weights in any_weights(50)) {
        let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        prop_assume!(total > 0);
        let shares = shares(&weights).expect("some weight");
        prop_assert_eq!(shares.iter().sum::<i64>(), UNIT);
        let remainder = |i: usize| u128::from(weights[i]) * u128::from(UNIT.unsigned_abs()) % total;
        let gained = |i: usize| u128::from(shares[i].unsigned_abs()) - u128::from(weights[i]) * u128::from(UNIT.unsigned_abs()) / total;
        for i in 0..weights.len() {
            prop_assert!(gained(i) <= 1);
            for j in 0..weights.len() {
                if gained(i) > gained(j) {
                    prop_assert!(remainder(i) > remainder(j) || remainder(i) == remainder(j) && i < j);
                }
            }
        }
    }

    #[test]
    fn scaling_all_weights_changes_nothing(weights in prop::collection::vec(0_u64..1_000_000, 1..20), factor in 1_u64..1_000_000_000_000) {
        let scaled: Vec<u64> = weights.iter().map(|w| w * factor).collect();
        prop_assert_eq!(shares(&weights), shares(&scaled));
    }

    /// Weights over a total that divides the unit are exact: after total/gcd decisions all is even.
    #[test]
    fn after_a_period_all_is_even(parts in prop::collection::vec(0_u64..12, 1..12), total in prop::sample::select(vec![100_u64, 1_000, 10_000])) {
        let mut weights = parts;
        weights.push(total - weights.iter().sum::<u64>().min(total));
        prop_assume!(weights.iter().sum::<u64>() == total);
        let gcd = weights.iter().fold(0, |a, b| { let (mut a, mut b) = (a, *b); while b > 0 { (a, b) = (b, a % b); } a });
        let shares = shares(&weights).expect("some weight");
        let mut credits = vec![0; weights.len()];
        let mut counts = vec![0_u64; weights.len()];
        for _ in 0..total / gcd {
            counts[pick(&mut credits, &shares)] += 1;
        }
        prop_assert!(credits.iter().all(|c| *c == 0));
        prop_assert_eq!(counts, weights.iter().map(|w| w / gcd).collect::<Vec<_>>());
    }

    /// Folding the logged shares from zero reproduces every choice: nothing else decides.
    #[test]
    fn a_log_of_shares_replays(log in prop::collection::vec(prop::collection::vec(0_u64..50, 4), 1..200)) {
        let run = || {
            let mut credits = vec![0; 4];
            log.iter().filter_map(|w| shares(w)).map(|s| (pick(&mut credits, &s), credits.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }

    /// Any interleaving of repeats, any constant weights: the bound holds for the present assignments, and a contact
    /// repeated before the next decision stays where it is.
    #[test]
    fn repeats_keep_the_bound_whatever_their_order(
        weights in prop::collection::vec(1_u64..1000, 2..20),
        posts in prop::collection::vec(prop::option::weighted(0.5, any::<prop::sample::Index>()), 1..500),
    ) {
        let shares = shares(&weights).expect("some weight");
        let bound = Bound::of(weights.len());
        let mut credits = vec![0; weights.len()];
        let mut present: Vec<usize> = Vec::new();
        for again in posts {
            if let Some(contact) = again.filter(|_| !present.is_empty()).map(|index| index.index(present.len())) {
                present[contact] = repick(&mut credits, &shares, present[contact]);
            } else {
                let chosen = pick(&mut credits, &shares);
                let before = credits.clone();
                prop_assert_eq!(repick(&mut credits, &shares, chosen), chosen);
                prop_assert_eq!(&credits, &before);
                present.push(chosen);
            }
            prop_assert!(credits.iter().all(|c| bound.allows(*c)));
        }
    }

    #[test]
    fn removal_keeps_the_sum_and_spreads_pro_rata(
        eighths in prop::collection::vec(-40_i64..=40, 2..20),
        removed in prop::collection::vec(0_usize..25, 0..20),
        weight_seed in prop::collection::vec(0_u64..100, 20),
    ) {
        let mut credits: Vec<i64> = eighths.iter().map(|e| e * UNIT / 7).collect();
        credits[0] -= credits.iter().sum::<i64>();
        let before = credits.clone();
        let stay: Vec<usize> = (0..before.len()).filter(|i| !removed.contains(i)).collect();
        let weights = &weight_seed[..stay.len()];
        spread_removed(&mut credits, &removed, weights);
        prop_assert_eq!(credits.len(), stay.len());
        let pool: i64 = (0..before.len()).filter(|i| removed.contains(i)).map(|i| before[i]).sum();
        let total: u64 = weights.iter().sum();
        if !stay.is_empty() {
            prop_assert_eq!(credits.iter().sum::<i64>(), 0);
        }
        for (new, old) in stay.iter().enumerate() {
            let gain = i128::from(credits[new] - before[*old]);
            let (weight, total) = if total == 0 { (1, stay.len() as i128) } else { (i128::from(weights[new]), i128::from(total)) };
            // Within the rounding of the share (|pool|/UNIT units) and of the part (one unit), plus one left-over unit.
            let slack = total * (i128::from(pool.abs() / UNIT) + 3);
            prop_assert!((gain * total - i128::from(pool) * weight).abs() <= slack, "{} of {}", gain, pool);
            if weight == 0 {
                prop_assert_eq!(gain, 0);
            }
        }
    }
}

#[test]
fn removal_by_hand() {
    let mut credits = vec![10, -30, 13, 7];
    spread_removed(&mut credits, &[2], &[1, 1, 1]);
    // 13 in three truncated parts of 4, the unit left over to the first.
    assert_eq!(credits, [15, -26, 11]);
    let mut credits = vec![10, -17, 7];
    spread_removed(&mut credits, &[1], &[0, 0]);
    assert_eq!(credits, [1, -1], "no weight: equally, -8 each and the left-over unit to the first");
    let mut credits = vec![4, -4];
    spread_removed(&mut credits, &[1, 0, 1, 9], &[]);
    assert!(credits.is_empty());
}

#[test]
fn bounds_are_exact_fractions() {
    assert_eq!(Bound::of(0), Bound { numerator: 0, denominator: 1 });
    assert_eq!(Bound::of(1), Bound { numerator: 0, denominator: 1 });
    assert_eq!(Bound::of(2), Bound { numerator: 1, denominator: 2 });
    assert_eq!(Bound::of(50), Bound { numerator: 97, denominator: 98 });
    assert!(Bound::of(2).allows(-UNIT / 2) && !Bound::of(2).allows(UNIT / 2 + 1));
    assert!(Bound::of(1).allows(0) && !Bound::of(1).allows(1));
}

#[test]
fn the_widest_arithmetic_does_not_overflow() {
    let k = splitter_core::strategy::quota::MAX_CAMPAIGNS;
    let weights: Vec<u64> = (0..k as u64).map(|i| u64::MAX - i * 1_000_003).collect();
    let shares = shares(&weights).expect("some weight");
    let mut credits = vec![0; k];
    let mut expected = vec![0; k];
    for _ in 0..200 {
        assert_eq!(pick(&mut credits, &shares), oracle(&mut expected, &shares, None));
    }
    // The largest credit allowed: 2^50 - 1 on either side.
    credits.fill(0);
    (credits[0], credits[k - 1]) = ((1 << 50) - 1, -((1 << 50) - 1));
    let mut expected = credits.clone();
    for _ in 0..200 {
        assert_eq!(pick(&mut credits, &shares), oracle(&mut expected, &shares, None));
    }
}
