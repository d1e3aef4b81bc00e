//! From weights to shares, and what equal shares give over a period.

use proptest::prelude::*;
use splitter_core::strategy::quota::{UNIT, pick, shares};

use crate::common::any_weights;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

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
}
