//! What becomes of the credit of removed campaigns.

use proptest::prelude::*;
use splitter_core::strategy::quota::{UNIT, spread_removed};

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

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
