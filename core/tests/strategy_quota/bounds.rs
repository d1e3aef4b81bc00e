//! How far a campaign can ever be from its quota.

use splitter_core::strategy::quota::{Bound, UNIT, pick, shares};

use crate::common::Rng;

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
    let long = [(5, 100_000), (50, 100_000)];
    for (k, decisions) in (2..=50).map(|k| (k, 10_000)).chain(long) {
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

#[test]
fn bounds_are_exact_fractions() {
    assert_eq!(Bound::of(0), Bound { numerator: 0, denominator: 1 });
    assert_eq!(Bound::of(1), Bound { numerator: 0, denominator: 1 });
    assert_eq!(Bound::of(2), Bound { numerator: 1, denominator: 2 });
    assert_eq!(Bound::of(50), Bound { numerator: 97, denominator: 98 });
    assert!(Bound::of(2).allows(-UNIT / 2) && !Bound::of(2).allows(UNIT / 2 + 1));
    assert!(Bound::of(1).allows(0) && !Bound::of(1).allows(1));
}
