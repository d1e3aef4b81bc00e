//! Every choice is that of the rule, word by word, whatever the credits are.

use proptest::prelude::*;
use splitter_core::strategy::quota::{MAX_CAMPAIGNS, UNIT, pick, repick, shares};

use crate::common::{any_weights, oracle};

/// The least `(behind, ahead)` with `first·behind − second·ahead = −gcd`, by Euclid's algorithm.
fn next_fraction(first: i64, second: i64) -> Option<(i64, i64)> {
    let (first, second) = (i128::from(first), i128::from(second));
    let (mut gcd, mut rest) = (second, first);
    let (mut ahead, mut next) = (1, 0);
    while rest > 0 {
        let quotient = gcd / rest;
        (gcd, rest) = (rest, gcd - quotient * rest);
        (ahead, next) = (next, ahead - quotient * next);
    }
    let ahead: i128 = ahead.rem_euclid(first / gcd);
    Some((i64::try_from((second * ahead - gcd) / first).ok()?, i64::try_from(ahead).ok()?))
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

    /// Credits at, beside and beyond every line that the rule or its arithmetic draws: of service, of rescue, of a whole
    /// contact, of 16 contacts, and of the widest credit. A choice does not depend on what they sum to.
    #[test]
    fn equals_the_naive_oracle_on_every_line(
        weights in any_weights(70),
        places in prop::collection::vec((0_usize..7, -1_i64..=1, any::<bool>()), 70),
    ) {
        let Some(shares) = shares(&weights) else { return Ok(()) };
        let sharing = shares.iter().filter(|share| **share > 0).count();
        let d = i64::try_from(2 * sharing).expect("small") - 2;
        prop_assume!(d > 0);
        let lines = [0, UNIT / d, (d - 1) * UNIT / d, UNIT, 1 << 44, 1 << 49, (1 << 50) - 2 - UNIT];
        let credit = |((line, beside, negative), share): (&(usize, i64, bool), &i64)| {
            (if *negative { -lines[*line] } else { lines[*line] }) + beside - share
        };
        let mut credits: Vec<i64> = places.iter().zip(&shares).map(credit).collect();
        let mut expected = credits.clone();
        for _ in 0..5 {
            prop_assert_eq!(pick(&mut credits, &shares), oracle(&mut expected, &shares, None));
            prop_assert_eq!(&credits, &expected);
        }
    }

    /// Deadlines that are only told apart by a few units of credit, or not at all, beside a campaign with frozen credit.
    #[test]
    fn equals_the_naive_oracle_where_deadlines_nearly_coincide(
        weights in any_weights(70),
        frozen in any::<prop::sample::Index>(),
        at in 1_i128..1_000_000,
        beside in prop::collection::vec(-1_i64..=1, 71),
    ) {
        let frozen = frozen.index(weights.len() + 1);
        let mut weights = weights;
        weights.insert(frozen, 0);
        let Some(shares) = shares(&weights) else { return Ok(()) };
        let sharing = shares.iter().filter(|share| **share > 0).count() as i128;
        prop_assume!(sharing > 2);
        let (unit, d) = (i128::from(UNIT), 2 * sharing - 2);
        let largest = i128::from(shares.iter().copied().max().expect("some share"));
        // The campaign with the largest share is so far from the rescue line, the others in proportion.
        let slack = |share: i64| (d - 2) * unit * at / 1_000_000 * i128::from(share) / largest;
        let credit = |(share, beside): (&i64, &i64)| {
            i64::try_from(((d - 1) * unit - slack(*share)) / d).expect("below a contact") - share + beside
        };
        let mut credits: Vec<i64> = shares.iter().zip(&beside).map(credit).collect();
        credits[frozen] -= credits.iter().sum::<i64>();
        let mut expected = credits.clone();
        for _ in 0..3 {
            prop_assert_eq!(pick(&mut credits, &shares), oracle(&mut expected, &shares, None));
        }
    }

    /// Two deadlines that differ by less than any `f64` can tell: by one part in the product of the two shares.
    #[test]
    fn deadlines_that_differ_by_next_to_nothing_are_told_apart(
        shares_of_two in (1_000_000_000_i64..100_000_000_000, 1_000_000_000_i64..100_000_000_000),
        sharing in prop::sample::select(vec![3_usize, 8, 15]),
        positions in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let (first, second) = shares_of_two;
        prop_assume!(first != second);
        // first·behind − second·ahead = −gcd
        let Some((behind, ahead)) = next_fraction(first, second) else { return Ok(()) };
        let (a, b) = (positions.0.index(sharing), positions.1.index(sharing));
        prop_assume!(a != b);
        let d = i64::try_from(2 * sharing - 2).expect("small");
        let others = (UNIT - first - second) / i64::try_from(sharing - 2).expect("small");
        let mut shares = vec![others; sharing];
        (shares[a], shares[b]) = (first, second);
        let last = (0..sharing).rfind(|i| *i != a && *i != b).expect("a third");
        shares[last] += UNIT - shares.iter().sum::<i64>();
        // Time D for both of them, and the fraction on top. The others may not be served.
        let line = (d - 1) * UNIT / d;
        prop_assert_eq!(line * d, (d - 1) * UNIT);
        let mut credits: Vec<i64> = shares.iter().map(|share| -share).collect();
        (credits[a], credits[b]) = (line - 2 * first - ahead, line - 2 * second - behind);
        credits[last] -= credits.iter().sum::<i64>();
        let mut expected = credits.clone();
        prop_assert_eq!(oracle(&mut expected, &shares, None), b);
        prop_assert_eq!(pick(&mut credits, &shares), b);
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
}

#[test]
fn the_widest_arithmetic_does_not_overflow() {
    let k = MAX_CAMPAIGNS;
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
