//! Sticky choices: committed vectors, and the least movement when weights change.

use proptest::prelude::*;
use serde::Deserialize;
use splitter_core::id::{CampaignId, SplitterId};
use splitter_core::strategy::sticky::{HASH_VERSION, choose, hash};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    hash_version: u16,
    splitter: SplitterId,
    campaigns: Vec<CampaignId>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    seed: u64,
    phone: String,
    hashes: Vec<String>,
    chosen: Vec<Chosen>,
}

#[derive(Deserialize)]
struct Chosen {
    weights: Vec<u64>,
    position: usize,
}

/// The vectors were computed by another implementation of xxh3 and of the logarithm.
#[test]
fn vectors() {
    let vectors: Vectors = serde_json::from_str(include_str!("spec/sticky.json")).expect("vectors");
    assert_eq!(vectors.hash_version, HASH_VERSION);
    assert!(!vectors.cases.is_empty());
    for Case { seed, phone, hashes, chosen } in vectors.cases {
        for (campaign, expected) in vectors.campaigns.iter().zip(hashes) {
            assert_eq!(format!("{:016x}", hash(vectors.splitter, seed, &phone, *campaign)), expected, "{phone}");
        }
        for Chosen { weights, position } in chosen {
            let candidates: Vec<_> = vectors.campaigns.iter().copied().zip(weights).collect();
            assert_eq!(choose(vectors.splitter, seed, &phone, &candidates), Some(position), "{phone} {candidates:?}");
        }
    }
}

fn candidates(weights: &[u64]) -> Vec<(CampaignId, u64)> {
    weights.iter().zip(1..).map(|(weight, id)| (CampaignId(Uuid::from_u128(id)), *weight)).collect()
}

fn phone(n: u64) -> String {
    format!("+1{:010}", 2_000_000_000 + n)
}

#[test]
fn counts_follow_the_weights_as_chance_would() {
    let weights = [50, 30, 0, 20];
    let candidates = candidates(&weights);
    let n = 20_000;
    let mut counts = [0_u64; 4];
    for i in 0..n {
        counts[choose(SplitterId(Uuid::from_u128(9)), 1, &phone(i), &candidates).expect("some weight")] += 1;
    }
    for (count, weight) in counts.iter().zip(weights) {
        let p = weight as f64 / 100.0;
        let deviation = (*count as f64 - n as f64 * p).abs();
        assert!(deviation <= 4.0 * (n as f64 * p * (1.0 - p)).sqrt(), "{counts:?}");
    }
}

#[test]
fn nobody_to_choose() {
    assert_eq!(choose(SplitterId(Uuid::nil()), 0, "+15551234567", &[]), None);
    assert_eq!(choose(SplitterId(Uuid::nil()), 0, "+15551234567", &candidates(&[0, 0])), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn raising_one_weight_moves_contacts_only_to_it(
        weights in prop::collection::vec(0_u64..10_000, 1..12),
        raised in any::<prop::sample::Index>(),
        by in 1_u64..20_000,
        seed in any::<u64>(),
    ) {
        let splitter = SplitterId(Uuid::from_u128(77));
        let before = candidates(&weights);
        let mut after = before.clone();
        let raised = raised.index(weights.len());
        after[raised].1 += by;
        for n in 0..200 {
            let (old, new) = (choose(splitter, seed, &phone(n), &before), choose(splitter, seed, &phone(n), &after));
            prop_assert!(new == old || new == Some(raised), "{:?} to {:?}", old, new);
        }
    }

    #[test]
    fn order_and_bystanders_do_not_matter(weights in prop::collection::vec(1_u64..10_000, 2..12), seed in any::<u64>()) {
        let splitter = SplitterId(Uuid::from_u128(78));
        let forward = candidates(&weights);
        let mut backward = forward.clone();
        backward.reverse();
        for n in 0..50 {
            let chosen = forward[choose(splitter, seed, &phone(n), &forward).expect("some weight")];
            prop_assert_eq!(chosen, backward[choose(splitter, seed, &phone(n), &backward).expect("some weight")]);
            let without_another: Vec<_> = forward.iter().copied().enumerate().filter(|(i, c)| *c == chosen || i % 2 == 0).map(|(_, c)| c).collect();
            prop_assert_eq!(chosen, without_another[choose(splitter, seed, &phone(n), &without_another).expect("some weight")]);
        }
    }
}
