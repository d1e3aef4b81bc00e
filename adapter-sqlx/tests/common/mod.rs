//! What the tests share: environments without a clock, random commands, comparisons.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of this module")]

pub mod commands;
pub mod compare;
#[cfg(feature = "postgres")]
pub mod database;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use splitter_core::{
    Actor, AdminId, Campaign, CampaignConfig, CampaignStatus, ContactInput, EnrollContact, Env, Limits, PhonePolicy,
    Plan, Planned, Reply, Scope, Settings, Splitter, Store, Target, Timestamp, TransactError, Violations, Work, enroll,
    manage,
    splitter::{Caps, Member, Overflow, ReturningContacts, SplitterDraft, Strategy},
    splitter_commands,
    store::{ContactQuery, PageRequest},
};

/// 2026-05-13T14:30:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_778_682_600_000);

static SEED: AtomicU64 = AtomicU64::new(1);

/// An environment at a time, different from every other one.
pub fn env_at(now: Timestamp) -> Env {
    let n = SEED.fetch_add(1, Ordering::Relaxed);
    Env::new(now, n.wrapping_mul(0x9E37_79B9_7F4A_7C15), n << 6)
}

pub fn env() -> Env {
    env_at(START)
}

pub async fn run(
    store: &dyn Store,
    scope: Scope,
    plan: impl Fn(&splitter_core::Snapshot) -> Planned + Send + Sync + 'static,
) -> Result<Plan, TransactError> {
    store.transact(Work::new(scope, plan)).await
}

pub async fn create_admin(store: &dyn Store) -> AdminId {
    let env = env();
    let plan = manage::create_admin(format!("{}@example.com", env.draw), None, Settings::default(), &env);
    let admin = plan.admin_id;
    run(store, Scope::of(admin), move |_| Planned::Commit(plan.clone())).await.expect("an admin");
    admin
}

pub fn campaign_config(name: &str, steps: usize) -> CampaignConfig {
    let step = |n: usize| splitter_core::OutreachStep {
        channel: splitter_core::Channel::Sms,
        delay_minutes: u32::try_from(n * 60).expect("small"),
        template: "Hi {{name|there}}, this is {{company|us}}.".parse().expect("a template"),
    };
    CampaignConfig {
        name: name.into(),
        status: CampaignStatus::Active,
        outreach: (0..steps).map(step).collect(),
        calling_window: None,
        requires_email: false,
    }
}

pub async fn create_campaign(store: &dyn Store, admin: AdminId, config: CampaignConfig) -> Campaign {
    let env = env();
    let plan = run(store, Scope::of(admin), move |_| manage::create_campaign(admin, config.clone(), &env).into()).await;
    match plan.expect("a campaign").reply {
        Reply::Campaign(campaign) => *campaign,
        other => panic!("{other:?}"),
    }
}

pub fn draft(campaigns: &[Campaign], percentages: &[u32]) -> SplitterDraft {
    let member = |(campaign, bp): (&Campaign, &u32)| Member {
        campaign_id: campaign.id,
        percentage_bp: *bp,
        enabled: true,
        caps: Caps::default(),
    };
    SplitterDraft {
        name: "leads".into(),
        timezone: chrono_tz::America::New_York,
        strategy: Strategy::Percentage,
        campaigns: campaigns.iter().zip(percentages).map(member).collect(),
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    }
}

pub async fn create_splitter(store: &dyn Store, admin: AdminId, draft: SplitterDraft) -> Splitter {
    let env = env();
    let scope = splitter_commands::scope_of_draft(admin, &draft);
    let plan = move |snapshot: &splitter_core::Snapshot| {
        splitter_commands::create(snapshot, admin, &draft, Actor::Admin, &env).into()
    };
    match run(store, scope, plan).await.expect("a splitter").reply {
        Reply::Splitter(splitter) => *splitter,
        other => panic!("{other:?}"),
    }
}

pub fn enrolment(admin: AdminId, target: Target, phone: u64) -> EnrollContact {
    let input = ContactInput {
        phone_number: Some(format!("+{phone}")),
        target: Some(target),
        name: Some(format!("Contact {phone}")),
        timezone: None,
        custom_variables: Some(vec![("company".into(), "Acme".into())]),
    };
    let checked = input.check(admin, Actor::Admin, &PhonePolicy::default(), &Limits::default(), Violations::new());
    checked.expect("a valid contact")
}

pub fn enrol(request: EnrollContact, env: Env) -> Work {
    Work::new(request.scope(), move |snapshot| enroll::plan(snapshot, &request, &env).into())
}

/// The number of the `n`-th test contact.
pub const fn phone(n: u64) -> u64 {
    12_125_550_000 + n
}

/// A store with one admin, campaigns with these percentages, and a splitter over them.
pub async fn with_splitter(store: &Arc<dyn Store>, percentages: &[u32], steps: usize) -> (AdminId, Splitter) {
    let admin = create_admin(&**store).await;
    let mut campaigns = Vec::new();
    for n in 0..percentages.len() {
        campaigns.push(create_campaign(&**store, admin, campaign_config(&format!("campaign {n}"), steps)).await);
    }
    let splitter = create_splitter(&**store, admin, draft(&campaigns, percentages)).await;
    (admin, splitter)
}

/// How many contacts an admin has, deleted ones left out.
pub async fn count_contacts(store: &dyn Store, admin: AdminId) -> u64 {
    let query = ContactQuery::all(PageRequest { page: 1, limit: 1 });
    store.contacts(admin, &query).await.expect("a list").total
}
