//! Contacts sent again, over HTTP: the split counts each of them once, in its present campaign.

mod common;

use std::collections::BTreeMap;

use common::Test;
use serde_json::json;

/// Checks after every request that each campaign has its share of the distinct contacts, within 1 − 1/(2k−2), in
/// integers: |count·W − n·w|·(2k−2) ≤ (2k−3)·W.
async fn check(percentages: &[u32], phones: &[u32]) {
    let test = Test::new().await;
    let mut campaigns = Vec::new();
    for n in 0..percentages.len() {
        campaigns.push(test.campaign(&format!("Campaign {n}")).await);
    }
    let members: Vec<(&str, f64)> =
        campaigns.iter().zip(percentages).map(|(id, percentage)| (id.as_str(), f64::from(*percentage))).collect();
    let splitter = test.splitter(&members).await;
    let mut present: BTreeMap<u32, String> = BTreeMap::new();
    for (step, phone) in phones.iter().enumerate() {
        let body = json!({"phoneNumber": format!("+1555{phone:07}"), "splitterId": splitter});
        let status = if present.contains_key(phone) { 200 } else { 201 };
        let data = test.post("/contacts", &body).await.data(status);
        present.insert(*phone, data["campaignId"].as_str().expect("an id").to_owned());
        let (k, n) = (whole(percentages.len()), whole(present.len()));
        for (id, percentage) in campaigns.iter().zip(percentages) {
            let count = whole(present.values().filter(|campaign| *campaign == id).count());
            let off = (count * 100 - n * i64::from(*percentage)).abs();
            assert!(off * (2 * k - 2) <= (2 * k - 3) * 100, "request {step}: {count} of {n} at {percentage} %");
        }
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).expect("a small count")
}

#[tokio::test]
async fn each_contact_sent_twice() {
    let twice: Vec<u32> = (0..200).map(|n| n / 2).collect();
    check(&[50, 50], &twice).await;
    check(&[50, 30, 20], &twice).await;
}

#[tokio::test]
async fn each_contact_sent_three_times() {
    let thrice: Vec<u32> = (0..240).map(|n| n / 3).collect();
    check(&[40, 25, 15, 10, 10], &thrice).await;
}

#[tokio::test]
async fn contacts_sent_at_random_again() {
    let mut state = 12_345_u64;
    let mut fresh = 0;
    let phones: Vec<u32> = (0..400)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = u32::try_from(state >> 33).expect("31 bits");
            if draw % 10 < 4 && fresh > 0 {
                draw / 10 % fresh
            } else {
                fresh += 1;
                fresh - 1
            }
        })
        .collect();
    check(&[50, 30, 20], &phones).await;
    check(&[70, 20, 10], &phones).await;
}
