//! The adaptive strategy in a month of somebody's business, through the same commands that the API uses.
#![cfg(feature = "conformance")]

use std::{cmp::Reverse, collections::BinaryHeap};

use splitter_core::{
    CampaignConfig, CampaignStatus, ContactStatus, MemoryStore, PhoneNumber, Reply, SplitterDraft, Target, Timestamp,
    conformance::{World, broken_invariants},
    contact_commands::ContactChange,
    splitter::{Overflow, ReturningContacts, Strategy},
    strategy::adaptive,
    time::{DAY_MS, HOUR_MS},
};

/// The in-memory store is never pending, so polling once is enough.
fn ready<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the in-memory store waits for nothing"),
    }
}

struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

const DAYS: i64 = 30;
const PER_DAY: i64 = 200;

/// The share of the better campaign among the decisions of the last ten days.
async fn simulate(seed: u64) -> f64 {
    let store = MemoryStore::new();
    let mut world = World::new(&store, seed).await.expect("an admin");
    for name in ["Worse", "Better"] {
        // Without outreach: it would change nothing here but the time that the test takes.
        let config = CampaignConfig {
            name: name.into(),
            status: CampaignStatus::Active,
            outreach: Vec::new(),
            calling_window: None,
            requires_email: false,
        };
        world.create_campaign_from(config).await.expect("a campaign");
    }
    let draft = SplitterDraft {
        name: "S".into(),
        timezone: chrono_tz::America::New_York,
        strategy: Strategy::Adaptive(adaptive::Settings::default()),
        campaigns: vec![world.member("Worse", 5000), world.member("Better", 5000)],
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    };
    world.create_splitter_from(draft).await.expect("a splitter");
    let better = world.campaigns["Better"];
    let target = Target::Splitter(world.splitters["S"]);
    let start = world.now;
    let mut draws = Draws(seed);
    let mut outcomes: BinaryHeap<Reverse<(Timestamp, PhoneNumber, bool)>> = BinaryHeap::new();
    let (mut last_days, mut last_days_better) = (0u32, 0u32);
    for n in 0..DAYS * PER_DAY {
        let at = start.plus_millis(n * DAY_MS / PER_DAY);
        while let Some(Reverse((when, phone, success))) = outcomes.pop_if_due(at) {
            world.now = world.now.max(when);
            let status = if success { ContactStatus::Fulfilled } else { ContactStatus::NotInterested };
            let change = ContactChange::Update { status: Some(status), campaign_id: None };
            world.edit_contact(phone, change).await.expect("a contact");
        }
        world.now = world.now.max(at);
        let phone = PhoneNumber::from_u64(15_550_000_000 + n.unsigned_abs()).expect("a number");
        let Reply::Enrolled(enrolled) = world.enroll(world.request(phone, target)).await.expect("a decision").reply
        else {
            panic!("an enrolment answers with the contact")
        };
        let chose_better = enrolled.contact.campaign_id == better;
        let success = draws.below(100) < if chose_better { 20 } else { 10 };
        let delay = HOUR_MS + i64::try_from(draws.below(71 * 3600)).expect("seconds") * 1000;
        outcomes.push(Reverse((world.now.plus_millis(delay), phone, success)));
        if n >= (DAYS - 10) * PER_DAY {
            last_days += 1;
            last_days_better += u32::from(chose_better);
        }
    }
    let broken = broken_invariants(&store, world.admin).await.expect("rows");
    assert!(broken.is_empty(), "{broken:#?}");
    f64::from(last_days_better) / f64::from(last_days)
}

trait PopIfDue<T> {
    fn pop_if_due(&mut self, at: Timestamp) -> Option<T>;
}

impl PopIfDue<Reverse<(Timestamp, PhoneNumber, bool)>> for BinaryHeap<Reverse<(Timestamp, PhoneNumber, bool)>> {
    fn pop_if_due(&mut self, at: Timestamp) -> Option<Reverse<(Timestamp, PhoneNumber, bool)>> {
        if self.peek()?.0.0 <= at { self.pop() } else { None }
    }
}

#[test]
fn the_better_campaign_gets_most_of_the_last_ten_days() {
    let shares: Vec<f64> = (1..=10).map(|seed| ready(simulate(seed))).collect();
    let good = shares.iter().filter(|share| **share >= 0.8).count();
    assert!(good >= 9, "{shares:?}");
}
