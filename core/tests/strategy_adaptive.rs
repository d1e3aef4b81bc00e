//! The adaptive strategy: probabilities against references, shares, and the model's bookkeeping.

use proptest::prelude::*;
use splitter_core::id::CampaignId;
use splitter_core::strategy::adaptive::{
    Beta, COUNT, Model, Outcome, Settings, floor_bp, floor_cost, p_best, shares_bp,
};
use splitter_core::time::{DAY_MS, Timestamp};
use uuid::Uuid;

fn betas(parameters: &[(f64, f64)]) -> Vec<Beta> {
    parameters.iter().map(|&(alpha, beta)| Beta { alpha, beta }).collect()
}

/// Posterior parameters with the probability of each being the best.
type Reference<'a> = (&'a [(f64, f64)], &'a [f64]);

/// References from a trapezoid sum over millions of points with another library's Beta function.
const REFERENCES: [Reference<'static>; 10] = [
    (&[(6.0, 96.0), (5.0, 97.0)], &[0.626_202_41, 0.373_797_59]),
    (&[(11.0, 91.0), (9.0, 93.0), (3.0, 40.0), (1.0, 1.0)], &[0.071_158_47, 0.029_942_89, 0.019_967_18, 0.878_931_46]),
    (&[(50_001.0, 950_001.0), (49_501.0, 950_501.0)], &[0.948_032_12, 0.051_967_88]),
    (&[(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)], &[0.333_333_33, 0.333_333_33, 0.333_333_33]),
    (&[(1.0, 1.0), (2.0, 1.0)], &[0.333_333_33, 0.666_666_67]),
    (&[(1.0, 1_000_001.0), (2.0, 1_000_001.0)], &[0.250_000_13, 0.749_999_87]),
    (&[(1.5, 3.25), (40.0, 80.0), (400.0, 900.0)], &[0.409_148_58, 0.434_372_5, 0.156_478_93]),
    (
        &[
            (1.0, 100.0),
            (2.0, 103.0),
            (3.0, 106.0),
            (4.0, 109.0),
            (5.0, 112.0),
            (6.0, 115.0),
            (7.0, 118.0),
            (8.0, 121.0),
            (9.0, 124.0),
            (10.0, 127.0),
        ],
        &[
            0.000_289_88,
            0.001_891_49,
            0.006_738_39,
            0.017_447_18,
            0.036_864_79,
            0.067_638_3,
            0.111_937_93,
            0.171_345_49,
            0.246_862_45,
            0.338_984_1,
        ],
    ),
    (&[(1.0, 1.0), (5_000.0, 5_000.0)], &[0.5, 0.5]),
    (&[(1.0, 5.0), (30_000.0, 70_000.0), (3.0, 8.0)], &[0.137_185_85, 0.513_476_03, 0.349_338_12]),
];

#[test]
fn probabilities_match_the_references_to_six_digits() {
    for (parameters, expected) in REFERENCES {
        let p = p_best(&betas(parameters));
        for (p, expected) in p.iter().zip(expected) {
            assert!((p - expected).abs() < 5e-7, "{parameters:?}: {p} is not {expected}");
        }
    }
}

#[test]
fn extremes_neither_hang_nor_break() {
    let extremes = [1e-9, 1e-3, 1.0, 3.5, 1e6, 1e15, f64::MAX, f64::INFINITY, f64::NAN, 0.0, -1.0];
    for a in extremes {
        for b in extremes {
            let p = p_best(&betas(&[(a, b), (b, a), (1.0, 1.0), (5.0, 90.0)]));
            assert!(p.iter().all(|p| (0.0..=1.0 + 1e-12).contains(p)), "{a} {b}: {p:?}");
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{a} {b}: {p:?}");
        }
    }
    assert_eq!(p_best(&[]), Vec::<f64>::new());
    assert_eq!(p_best(&betas(&[(3.0, 4.0)])), [1.0]);
}

#[test]
fn shares_by_hand() {
    assert_eq!(shares_bp(&[0.5, 0.5], 0), [5000, 5000]);
    assert_eq!(shares_bp(&[1.0, 0.0], 100), [9900, 100]);
    // Three floors of at most 666: a fifth of all contacts is the most that floors take.
    assert_eq!(shares_bp(&[1.0, 0.0, 0.0], 2000), [8668, 666, 666]);
    assert_eq!(shares_bp(&[1.0 / 3.0; 3], 0), [3334, 3333, 3333]);
    assert_eq!(shares_bp(&[0.0, f64::NAN, -1.0, 0.0], 0), [2500; 4]);
    assert_eq!(shares_bp(&[], 100), Vec::<u32>::new());
    assert_eq!((floor_bp(100, 2), floor_bp(100, 50), floor_bp(2000, 3), floor_bp(100, 0)), (100, 40, 666, 100));
    // 1 % of the contacts go to a campaign that converts 1 point less: 1 in 10,000.
    let cost = floor_cost(&betas(&[(50.0, 950.0), (40.0, 960.0)]), 100);
    assert!((cost - 0.0001).abs() < 1e-12, "{cost}");
}

#[test]
fn settings_have_ranges() {
    let default = Settings::default();
    assert_eq!(default, Settings { min_share_bp: 100, half_life: 10_000, burn_in: 50, attribution_ms: 7 * DAY_MS });
    assert_eq!(default.validate(), Ok(()));
    let say = |settings: Settings| settings.validate().map_err(|e| e.to_string()).expect_err("out of range");
    assert_eq!(
        say(Settings { min_share_bp: 2001, ..default }),
        "minimum share of `2001` basis points is not between 0 and 2000"
    );
    assert_eq!(
        say(Settings { half_life: 9, ..default }),
        "half-life of `9` contacts is neither 0 nor between 10 and 10000000"
    );
    assert_eq!(
        say(Settings { burn_in: 100_001, ..default }),
        "burn-in of `100001` contacts is not between 0 and 100000"
    );
    assert!(say(Settings { attribution_ms: 59_999, ..default }).starts_with("attribution window of `59999` ms"));
    for fine in [
        Settings { min_share_bp: 0, half_life: 0, burn_in: 0, attribution_ms: 60_000 },
        Settings { min_share_bp: 2000, half_life: 10_000_000, burn_in: 100_000, attribution_ms: 365 * DAY_MS },
    ] {
        assert_eq!(fine.validate(), Ok(()));
    }
    let parsed: Settings = serde_json::from_str(r#"{"halfLife":0}"#).expect("settings");
    assert_eq!(parsed, Settings { half_life: 0, ..default });
    assert!(serde_json::from_str::<Settings>(r#"{"halflife":0}"#).is_err());
}

fn campaign(n: u128) -> CampaignId {
    CampaignId(Uuid::from_u128(n))
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + ms)
}

/// No floor, no forgetting, no burn-in, a window of 100 s.
const PLAIN: Settings = Settings { min_share_bp: 0, half_life: 0, burn_in: 0, attribution_ms: 100_000 };

#[test]
fn pending_trials_are_part_failures() {
    let (mut model, a) = (Model::default(), campaign(1));
    model.open_trial(a, at(0));
    model.open_trial(a, at(50_000));
    let part = |model: &Model, ms: i64| model.arm(a).pending_failures(at(ms), PLAIN.attribution_ms);
    assert_eq!(part(&model, 50_000), COUNT / 2);
    assert_eq!(part(&model, 100_000), COUNT + COUNT / 2);
    assert_eq!(part(&model, 1_000_000), 2 * COUNT, "never more than one each");
    assert_eq!(part(&model, -10), 0, "a clock that went back");
    assert!(model.close(&PLAIN, a, at(0), Outcome::Withdrawn));
    assert_eq!(part(&model, 75_000), COUNT / 4);
    assert!((model.arm(a).posterior(at(75_000), 100_000).beta - 1.25).abs() < 1e-9);
    assert!(model.close(&PLAIN, a, at(50_000), Outcome::Success));
    assert!(!model.close(&PLAIN, a, at(50_000), Outcome::Success), "nothing is pending any more");
    assert!(!model.close(&PLAIN, campaign(2), at(0), Outcome::Failure), "never heard of");
    let arm = model.arm(a);
    assert_eq!((arm.successes, arm.failures, arm.resolved, arm.pending, arm.pending_since), (COUNT, 0, 1, 0, 0));
}

#[test]
fn a_withdrawn_trial_leaves_no_trace() {
    let (mut model, a) = (Model::default(), campaign(1));
    model.open_trial(a, at(0));
    let before = model.clone();
    model.open_trial(a, at(7));
    assert_ne!(model, before);
    assert!(model.close(&Settings::default(), a, at(7), Outcome::Withdrawn));
    assert_eq!(model, before);
}

#[test]
fn counts_halve_after_the_half_life() {
    for half_life in [10, 50, 128, 1_000, 1_280, 10_000, 1_000_000] {
        let settings = Settings { half_life, ..PLAIN };
        let (mut model, a, b) = (Model::default(), campaign(1), campaign(2));
        for _ in 0..3 {
            model.open_trial(a, at(0));
            model.close(&PLAIN, a, at(0), Outcome::Success);
        }
        for _ in 0..half_life {
            model.open_trial(b, at(0));
            model.close(&settings, b, at(0), Outcome::Failure);
        }
        let left = model.arm(a).successes as f64 / COUNT as f64;
        assert!((left - 1.5).abs() < 0.015, "half-life {half_life}: {left} of 3 left");
        // What was added on the way: about h·(1 − 1/2)/ln 2.
        let of_b = model.arm(b).failures as f64 / COUNT as f64 / f64::from(half_life);
        assert!((of_b - 0.721).abs() < 0.04, "half-life {half_life}: {of_b}");
        assert_eq!(
            (model.arm(a).resolved, model.arm(b).resolved),
            (3, u64::from(half_life)),
            "these are not forgotten"
        );
    }
}

#[test]
fn shares_are_due_when_something_was_learnt() {
    let (mut model, a, b) = (Model::default(), campaign(1), campaign(2));
    let ids = [a, b];
    assert!(model.needs_recompute(&PLAIN, at(0), &ids), "never computed");
    model.recompute(&PLAIN, at(0), &[(a, 1), (b, 1)]);
    assert!(!model.needs_recompute(&PLAIN, at(900_000), &ids), "nothing pending: time teaches nothing");
    assert!(model.needs_recompute(&PLAIN, at(0), &[a, campaign(3)]), "a campaign without a share");
    assert!(!model.needs_recompute(&PLAIN, at(0), &[a]), "one fewer is no reason");
    model.open_trial(a, at(0));
    assert!(!model.needs_recompute(&PLAIN, at(999), &ids));
    assert!(model.needs_recompute(&PLAIN, at(1_000), &ids), "a hundredth of the window");
    model.close(&PLAIN, a, at(0), Outcome::Failure);
    assert!(model.needs_recompute(&PLAIN, at(0), &ids), "the first outcome");
    for n in 0..1_000 {
        model.open_trial(a, at(n));
        model.close(&PLAIN, a, at(n), Outcome::Failure);
    }
    model.recompute(&PLAIN, at(0), &[(a, 1), (b, 1)]);
    for n in 0..10 {
        assert!(!model.needs_recompute(&PLAIN, at(0), &ids), "{n} of 1,001");
        model.open_trial(a, at(n));
        model.close(&PLAIN, a, at(n), Outcome::Success);
    }
    assert!(model.needs_recompute(&PLAIN, at(0), &ids), "1 %");
    model.recompute(&PLAIN, at(0), &[(a, 1), (b, 1)]);
    model.invalidate();
    assert!(model.needs_recompute(&PLAIN, at(0), &ids) && model.shares().is_empty());
}

#[test]
fn burn_in_keeps_base_shares_and_waits_for_eligible_campaigns_only() {
    let settings = Settings { burn_in: 5, ..PLAIN };
    let (mut model, a, b, c, off) = (Model::default(), campaign(1), campaign(2), campaign(3), campaign(4));
    let resolve = |model: &mut Model, campaign, outcome| {
        model.open_trial(campaign, at(0));
        assert!(model.close(&settings, campaign, at(0), outcome));
    };
    let all = [(a, 50), (off, 0), (b, 30), (c, 20)];
    let base = [(a, 5000), (off, 0), (b, 3000), (c, 2000)];
    assert_eq!(model.recompute(&settings, at(0), &all), base);
    assert_eq!(model.version(), 1);
    for _ in 0..5 {
        resolve(&mut model, a, Outcome::Success);
        resolve(&mut model, b, Outcome::Failure);
    }
    assert_eq!(model.recompute(&settings, at(0), &all), base, "waits for the third");
    assert_eq!(model.version(), 1, "the same shares");
    let without = model.recompute(&settings, at(0), &[(a, 50), (b, 30), (off, 0)]);
    assert!(without[0].1 > 9_500 && without[0].1 + without[1].1 == 10_000 && without[2] == (off, 0), "{without:?}");
    assert_eq!(model.version(), 2);
    for _ in 0..5 {
        resolve(&mut model, c, Outcome::Failure);
    }
    let learnt = model.recompute(&settings, at(0), &all).to_vec();
    assert!(learnt[0].1 > 9_500 && learnt[2].1.abs_diff(learnt[3].1) <= 1 && learnt[1] == (off, 0), "{learnt:?}");
    assert_eq!(model.recompute(&settings, at(0), &[(off, 0)]), [(off, 0)]);
    assert!(model.recompute(&settings, at(0), &[]).is_empty());
}

#[test]
fn a_removed_campaign_is_forgotten() {
    let (mut model, a) = (Model::default(), campaign(1));
    model.open_trial(a, at(0));
    model.recompute(&PLAIN, at(0), &[(a, 1)]);
    model.remove(a);
    assert_eq!(model.arms().count(), 0);
    assert!(model.needs_recompute(&PLAIN, at(0), &[]));
    assert!(!model.close(&PLAIN, a, at(0), Outcome::Success));
}

#[test]
fn the_model_is_plain_data() {
    let (mut model, a) = (Model::default(), campaign(1));
    model.open_trial(a, at(5));
    model.open_trial(a, at(9));
    model.close(&Settings::default(), a, at(5), Outcome::Success);
    model.recompute(&Settings::default(), at(10), &[(a, 100)]);
    let json = serde_json::to_string(&model).expect("json");
    assert_eq!(serde_json::from_str::<Model>(&json).expect("model"), model);
    assert_eq!(
        json,
        "{\"arms\":{\"00000000-0000-0000-0000-000000000001\":{\"successes\":65536,\"failures\":0,\"resolved\":1,\
         \"pending\":1,\"pendingSince\":1700000000009}},\"resolved\":1,\"unforgotten\":1,\"computed\":\
         {\"at\":\"2023-11-14T22:13:20.010Z\",\"resolved\":1,\"shares\":\
         [[\"00000000-0000-0000-0000-000000000001\",10000]]},\"version\":1}"
    );
}

prop_compose! {
    fn any_arms()(parameters in prop::collection::vec((0_u32..2_000, 0_u32..20_000), 1..12)) -> Vec<Beta> {
        parameters.iter().map(|&(s, f)| Beta { alpha: 1.0 + f64::from(s), beta: 1.0 + f64::from(f) }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn probabilities_sum_to_one_and_follow_the_order_of_arms(arms in any_arms(), rotate in any::<prop::sample::Index>()) {
        let p = p_best(&arms);
        prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let rotate = rotate.index(arms.len());
        let mut rotated = arms.clone();
        rotated.rotate_left(rotate);
        for (i, q) in p_best(&rotated).iter().enumerate() {
            prop_assert!((q - p[(i + rotate) % arms.len()]).abs() < 1e-12);
        }
    }

    #[test]
    fn equal_arms_are_equally_likely(arm in any_arms(), k in 2_usize..12) {
        for p in p_best(&vec![arm[0]; k]) {
            prop_assert!((p - 1.0 / k as f64).abs() < 1e-12);
        }
    }

    #[test]
    fn one_more_success_never_hurts(arms in any_arms(), which in any::<prop::sample::Index>(), more in 1_u32..50) {
        let which = which.index(arms.len());
        let mut better = arms.clone();
        better[which].alpha += f64::from(more);
        let (before, after) = (p_best(&arms)[which], p_best(&better)[which]);
        prop_assert!(after >= before - 1e-7, "{} to {}", before, after);
    }

    #[test]
    fn shares_sum_up_above_the_floor(arms in any_arms(), min_share_bp in 0_u32..3_000) {
        let p = p_best(&arms);
        let shares = shares_bp(&p, min_share_bp);
        let floor = floor_bp(min_share_bp, arms.len());
        prop_assert_eq!(shares.iter().sum::<u32>(), 10_000);
        prop_assert!(floor * u32::try_from(arms.len()).expect("small") <= 2_000);
        for (share, p) in shares.iter().zip(&p) {
            let exact = f64::from(floor) + (10_000.0 - f64::from(floor) * arms.len() as f64) * p;
            prop_assert!(*share >= floor && (f64::from(*share) - exact).abs() < 1.0 + 1e-6);
        }
    }

    /// The model in constant time against a list of trials.
    #[test]
    fn bookkeeping_equals_a_list_of_trials(steps in prop::collection::vec((0_u8..5, 0_u128..3, 0_i64..400, any::<prop::sample::Index>()), 1..200)) {
        let mut model = Model::default();
        let mut trials: Vec<(CampaignId, Timestamp)> = Vec::new();
        let mut counts = std::collections::BTreeMap::<CampaignId, [u64; 2]>::new();
        let mut now = 0;
        for (kind, id, later, index) in steps {
            now += later;
            if kind < 3 || trials.is_empty() {
                trials.push((campaign(id), at(now)));
                model.open_trial(campaign(id), at(now));
            } else {
                let (of, opened) = trials.swap_remove(index.index(trials.len()));
                let outcome = [Outcome::Success, Outcome::Failure, Outcome::Withdrawn][(id % 3) as usize];
                prop_assert!(model.close(&PLAIN, of, opened, outcome));
                if outcome != Outcome::Withdrawn {
                    counts.entry(of).or_default()[usize::from(outcome == Outcome::Failure)] += COUNT;
                }
            }
            for id in (0..3).map(campaign) {
                let arm = model.arm(id);
                let ages: i64 = trials.iter().filter(|(of, _)| *of == id).map(|(_, opened)| at(now).millis_since(*opened)).sum();
                prop_assert_eq!(arm.pending_failures(at(now), PLAIN.attribution_ms), ages.unsigned_abs() * COUNT / 100_000);
                prop_assert_eq!([arm.successes, arm.failures], counts.get(&id).copied().unwrap_or_default());
                prop_assert_eq!(arm.pending as usize, trials.iter().filter(|(of, _)| *of == id).count());
            }
        }
    }
}
