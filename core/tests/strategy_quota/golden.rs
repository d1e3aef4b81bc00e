//! The quota rule against choices written down by hand. They never change for rule version 1.

use splitter_core::strategy::quota::{RULE_VERSION, pick, shares};

fn picks(credits: &mut [i64], weights: &[u64], n: usize) -> Vec<usize> {
    let shares = shares(weights).expect("some weight");
    (0..n).map(|_| pick(credits, &shares)).collect()
}

#[test]
fn constant_weights_repeat_their_period_with_zero_credit() {
    assert_eq!(RULE_VERSION, 1, "another version needs other vectors");
    let cases: [(&[u64], &[usize]); 6] = [
        (&[50, 30, 20], &[0, 1, 0, 2, 0, 1, 0, 2, 1, 0]),
        (&[70, 20, 10], &[0, 0, 1, 0, 0, 2, 0, 0, 1, 0]),
        (&[5, 1, 1], &[0, 0, 1, 0, 0, 2, 0]),
        (&[40, 25, 15, 10, 10], &[0, 1, 0, 2, 1, 0, 3, 4, 0, 1, 0, 2, 0, 1, 3, 0, 4, 2, 1, 0]),
        (&[0, 60, 0, 40], &[1, 3, 1, 3, 1]),
        (&[7], &[0]),
    ];
    for (weights, period) in cases {
        let mut credits = vec![0; weights.len()];
        for repetition in 0..3 {
            assert_eq!(picks(&mut credits, weights, period.len()), period, "{weights:?}, repetition {repetition}");
            assert!(credits.iter().all(|c| *c == 0), "{weights:?}: {credits:?}");
        }
    }
}

#[test]
fn thirds_in_basis_points_start_with_the_larger_one() {
    let mut credits = [0; 3];
    assert_eq!(picks(&mut credits, &[3333, 3333, 3334], 30), [2, 0, 1].repeat(10));
}

#[test]
fn credits_after_seven_picks() {
    let mut credits = [0; 3];
    picks(&mut credits, &[50, 30, 20], 7);
    assert_eq!(credits, [-465_585_120_000, 93_117_024_000, 372_468_096_000]);
}

#[test]
fn a_paused_campaign_resumes_with_the_credit_it_had() {
    let mut credits = [0; 3];
    assert_eq!(picks(&mut credits, &[50, 30, 20], 7), [0, 1, 0, 2, 0, 1, 0]);
    let frozen = credits[0];
    assert_eq!(picks(&mut credits, &[0, 30, 20], 10), [2, 1, 1, 2, 1, 2, 1, 1, 2, 1]);
    assert_eq!(credits[0], frozen);
    assert_eq!(picks(&mut credits, &[50, 30, 20], 13), [2, 1, 0, 0, 1, 0, 2, 0, 1, 0, 2, 1, 0]);
    assert_eq!(credits, [0, 0, 0]);
}
