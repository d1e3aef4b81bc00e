//! What is enrolled, where, and whether all of it is there afterwards.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use splitter_benches::store::{DECISION_BYTES, Row, TEMPLATE};
use splitter_core::{
    Actor, AdminId, Campaign, CampaignConfig, CampaignStatus, Channel, ContactInput, Env, Limits, OutreachStep,
    PhonePolicy, Planned, Reply, Scope, Settings, SplitterId, Store, Target, Timestamp, Violations, Work, enroll,
    manage,
    splitter::{Caps, Member, Overflow, ReturningContacts, SplitterDraft, Strategy},
    splitter_commands,
};
use uuid::Uuid;

use crate::load::load;

const NOW: Timestamp = Timestamp::from_millis(1_778_682_600_000);

static NEXT: AtomicU64 = AtomicU64::new(1);

fn next() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn env() -> Env {
    let n = next();
    Env::new(NOW.plus_millis(i64::try_from(n / 4).unwrap_or(0)), n, n << 6)
}

fn phone() -> String {
    format!("+1{}", 2_010_000_000 + next())
}

async fn reply(store: &dyn Store, work: Work) -> Reply {
    store.transact(work).await.expect("committed").reply
}

/// An admin with five campaigns of three messages and some splitters over them.
pub(crate) async fn fill(store: &dyn Store, splitters: usize) -> (AdminId, Vec<SplitterId>) {
    let at = env();
    let plan = manage::create_admin(
        format!("{}@example.com", Uuid::from_u128(at.draw.into())),
        None,
        Settings::default(),
        &at,
    );
    let admin = plan.admin_id;
    reply(store, Work::new(Scope::of(admin), move |_| Planned::Commit(plan.clone()))).await;
    let step = |n: u32| OutreachStep {
        channel: Channel::Sms,
        delay_minutes: n * 60,
        template: TEMPLATE.parse().expect("a template"),
    };
    let mut campaigns: Vec<Campaign> = Vec::new();
    for n in 0..5 {
        let at = env();
        let config = CampaignConfig {
            name: format!("campaign {n}"),
            status: CampaignStatus::Active,
            outreach: (0..3).map(step).collect(),
            calling_window: None,
            requires_email: false,
        };
        let work = Work::new(Scope::of(admin), move |_| manage::create_campaign(admin, config.clone(), &at).into());
        if let Reply::Campaign(campaign) = reply(store, work).await {
            campaigns.push(*campaign);
        }
    }
    let member = |(campaign, bp): (&Campaign, u32)| Member {
        campaign_id: campaign.id,
        percentage_bp: bp,
        enabled: true,
        caps: Caps::default(),
    };
    let draft = SplitterDraft {
        name: "leads".into(),
        timezone: chrono_tz::America::New_York,
        strategy: Strategy::Percentage,
        campaigns: campaigns.iter().zip([4_000, 2_500, 1_500, 1_000, 1_000]).map(member).collect(),
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    };
    let mut ids = Vec::new();
    for _ in 0..splitters {
        let (at, draft) = (env(), draft.clone());
        let work = Work::new(splitter_commands::scope_of_draft(admin, &draft), move |snapshot| {
            splitter_commands::create(snapshot, admin, &draft, Actor::Admin, &at).into()
        });
        if let Reply::Splitter(splitter) = reply(store, work).await {
            ids.push(splitter.id);
        }
    }
    (admin, ids)
}

async fn enrol(store: &dyn Store, admin: AdminId, splitter: SplitterId) -> bool {
    let input = ContactInput {
        phone_number: Some(phone()),
        target: Some(Target::Splitter(splitter)),
        name: Some("Jane Smith".into()),
        timezone: None,
        custom_variables: Some(vec![("company".into(), "Acme".into())]),
    };
    let request = input.check(admin, Actor::Admin, &PhonePolicy::default(), &Limits::default(), Violations::new());
    let (request, at) = (request.expect("valid"), env());
    let scope = request.scope();
    store.transact(Work::new(scope, move |snapshot| enroll::plan(snapshot, &request, &at).into())).await.is_ok()
}

pub(crate) async fn ours(
    store: &Arc<dyn Store>,
    admin: AdminId,
    splitters: &Arc<Vec<SplitterId>>,
    requests: u64,
) -> (f64, f64, f64, u64) {
    let (store, splitters) = (Arc::clone(store), Arc::clone(splitters));
    load(requests, move |n| {
        let (store, splitter) = (Arc::clone(&store), splitters[usize::try_from(n).unwrap_or(0) % splitters.len()]);
        async move { enrol(&*store, admin, splitter).await }
    })
    .await
}

/// The same enrolment for a peer.
pub(crate) fn row(splitter: Uuid) -> Row {
    let at = env();
    Row {
        splitter,
        phone: phone(),
        ids: std::array::from_fn(|n| at.id(n as u64)),
        bytes: vec![7; DECISION_BYTES + 32],
        at: at.now.as_millis(),
    }
}

/// Rows of all logs must be as many as were acknowledged.
pub(crate) async fn check(store: &dyn Store, admin: AdminId, splitters: &[SplitterId], acknowledged: u64) {
    let mut logged = 0;
    for id in splitters {
        logged += store.splitter(admin, *id).await.expect("an answer").expect("a splitter").state.seq;
    }
    println!("acknowledged {acknowledged}, stored {logged}");
    assert_eq!(logged, acknowledged);
}
