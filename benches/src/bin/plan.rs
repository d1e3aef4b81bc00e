//! How long one whole plan takes: five campaigns, three steps of outreach each, a new contact, the number parsed before.
//!
//! `cargo run --release -p splitter-benches --bin plan`

use std::{hint::black_box, time::Instant};

use splitter_core::{
    Actor, AdminId, CampaignConfig, CampaignStatus, Channel, EnrollContact, Env, OutreachStep, PhoneNumber, Plan,
    Rejection, Reply, Settings, Snapshot, SplitterDraft, Target, Template, Timestamp, WeeklyWindow, enroll, manage,
    splitter::{Caps, Member, Overflow, ReturningContacts, Strategy},
    splitter_commands,
    time::{TimeOfDay, Weekdays},
};

const ROUNDS: usize = 15;
const PLANS: u64 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("| campaign's calling window | median µs per plan | fastest round |\n|---|---|---|");
    for (label, window) in [("none", None), ("09:00–20:00 on working days", Some(office_hours()?))] {
        let (snapshot, request) = prepare(window)?;
        let mut times: Vec<f64> = (0..ROUNDS).map(|_| round(&snapshot, &request)).collect();
        times.sort_by(f64::total_cmp);
        println!("| {label} | {:.2} | {:.2} |", times[ROUNDS / 2], times[0]);
    }
    Ok(())
}

/// Microseconds per plan.
fn round(snapshot: &Snapshot, request: &EnrollContact) -> f64 {
    let start = Instant::now();
    for n in 0..PLANS {
        let env = Env::new(Timestamp::from_millis(1_778_682_600_000), n, n << 20);
        black_box(enroll::plan(black_box(snapshot), black_box(request), &env)).ok();
    }
    start.elapsed().as_secs_f64() * 1e6 / PLANS as f64
}

fn office_hours() -> Result<WeeklyWindow, Box<dyn std::error::Error>> {
    let times = TimeOfDay::from_minutes(9 * 60).zip(TimeOfDay::from_minutes(20 * 60));
    let (from, to) = times.ok_or("a time of day")?;
    Ok(WeeklyWindow::new(Weekdays::WORKING, from, to)?)
}

fn prepare(window: Option<WeeklyWindow>) -> Result<(Snapshot, EnrollContact), Box<dyn std::error::Error>> {
    let mut snapshot = Snapshot::default();
    let env = |n: u64| Env::new(Timestamp::from_millis(1_778_682_000_000), 0, n << 30);
    let admin = manage::create_admin("me@example.com".into(), None, Settings::default(), &env(0));
    snapshot.apply(&admin);
    let admin = admin.admin_id;
    let mut members = Vec::new();
    for n in 1..=5 {
        let plan = create_campaign(admin, window, &env(n))?;
        snapshot.apply(&plan);
        let Reply::Campaign(campaign) = plan.reply else { return Err("a campaign".into()) };
        members.push(Member {
            campaign_id: campaign.id,
            percentage_bp: [4000, 2500, 1500, 1000, 1000][members.len()],
            enabled: true,
            caps: Caps::default(),
        });
    }
    let draft = SplitterDraft {
        name: "five".into(),
        timezone: chrono_tz::America::New_York,
        strategy: Strategy::Percentage,
        campaigns: members,
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    };
    let plan = splitter_commands::create(&snapshot, admin, &draft, Actor::Admin, &env(6))?;
    snapshot.apply(&plan);
    let Reply::Splitter(splitter) = plan.reply else { return Err("a splitter".into()) };
    let request = EnrollContact {
        admin_id: admin,
        target: Target::Splitter(splitter.id),
        phone_number: PhoneNumber::parse("+15551234567")?,
        name: Some("Jane Smith".into()),
        timezone: None,
        custom_variables: Some([("company".to_owned(), "Acme Corp".to_owned())].into()),
        actor: Actor::Admin,
        idempotency_key: None,
        max_variables: 100,
    };
    Ok((snapshot, request))
}

fn create_campaign(admin: AdminId, window: Option<WeeklyWindow>, env: &Env) -> Result<Plan, Rejection> {
    let step = |channel, delay_minutes| {
        Template::parse("Hi {{name}}, this is {{company|our team}}.")
            .map(|template| OutreachStep { channel, delay_minutes, template })
            .map_err(|_| Rejection::CampaignNotFound)
    };
    let outreach = vec![step(Channel::Sms, 0)?, step(Channel::Call, 60)?, step(Channel::Whatsapp, 24 * 60)?];
    let config = CampaignConfig {
        name: "one of five".into(),
        status: CampaignStatus::Active,
        outreach,
        calling_window: window,
        requires_email: false,
    };
    manage::create_campaign(admin, config, env)
}
