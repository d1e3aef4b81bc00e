//! The core alone: no server, no database, no runtime. Plans are pure; what to do with them is up to you.
//!
//! `cargo run -p splitter-embed --bin core-alone`

use splitter_core::{
    Actor, AdminId, CampaignConfig, CampaignId, CampaignStatus, Channel, ContactInput, Env, Limits, OutreachStep,
    PhonePolicy, Plan, Rejection, Reply, Settings, Snapshot, SplitterDraft, Target, Template, Timestamp, Violations,
    enroll, manage,
    splitter::{Caps, Member, Overflow, ReturningContacts, Strategy},
    splitter_commands,
};

/// Ten contacts, the third of which is sent twice.
const PHONES: [&str; 11] = [
    "+15551234501",
    "+15551234502",
    "+15551234503",
    "+15551234503",
    "+15551234504",
    "+15551234505",
    "+15551234506",
    "+15551234507",
    "+15551234508",
    "+15551234509",
    "+15551234510",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A snapshot holds what a plan may read. Here it is everything there is; a database would load a part of it.
    let mut snapshot = Snapshot::default();
    let mut clock = Clock(1_778_682_600_000);

    let admin = perform(
        &mut snapshot,
        Ok(manage::create_admin("me@example.com".into(), None, Settings::default(), &clock.env())),
    )?
    .admin_id;
    let names = ["Text first", "Call first", "WhatsApp first"];
    let mut campaigns = Vec::new();
    for (name, channel) in names.into_iter().zip([Channel::Sms, Channel::Call, Channel::Whatsapp]) {
        campaigns.push(create_campaign(&mut snapshot, admin, name, channel, &clock.env())?);
    }
    let percentages = [5000, 3000, 2000];
    let draft = SplitterDraft {
        name: "50/30/20".into(),
        timezone: chrono_tz::America::New_York,
        strategy: Strategy::Percentage,
        campaigns: campaigns
            .iter()
            .zip(percentages)
            .map(|(id, percentage_bp)| Member { campaign_id: *id, percentage_bp, enabled: true, caps: Caps::default() })
            .collect(),
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    };
    let plan = splitter_commands::create(&snapshot, admin, &draft, Actor::Admin, &clock.env());
    let Reply::Splitter(splitter) = perform(&mut snapshot, plan)?.reply else { return Err("no splitter".into()) };

    for phone in PHONES {
        // Every rule is checked before anything is planned, and everything that is wrong is said at once.
        let input = ContactInput {
            phone_number: Some(phone.into()),
            target: Some(Target::Splitter(splitter.id)),
            name: Some("Jane Smith".into()),
            ..ContactInput::default()
        };
        let request =
            input.check(admin, Actor::System, &PhonePolicy::default(), &Limits::default(), Violations::new())?;
        let plan = enroll::plan(&snapshot, &request, &clock.env());
        let Reply::Enrolled(enrolled) = perform(&mut snapshot, plan)?.reply else { return Err("not enrolled".into()) };
        let position = campaigns.iter().position(|id| *id == enrolled.contact.campaign_id).unwrap_or_default();
        println!("{phone}  {:10}  {}", format!("{:?}", enrolled.enrolment), names[position]);
    }

    // Every decision can be made again from its row alone.
    for row in &snapshot.written.decisions {
        assert_eq!(row.decision.replay()?, row.decision.campaign_id);
    }
    println!(
        "{} decisions replayed, {} pieces of outreach scheduled",
        snapshot.written.decisions.len(),
        snapshot.written.outreach.len()
    );
    Ok(())
}

/// Carries a plan out. A database would match on each of its effects instead.
fn perform(snapshot: &mut Snapshot, plan: Result<Plan, Rejection>) -> Result<Plan, Rejection> {
    let plan = plan?;
    snapshot.apply(&plan);
    Ok(plan)
}

fn create_campaign(
    snapshot: &mut Snapshot,
    admin: AdminId,
    name: &str,
    channel: Channel,
    env: &Env,
) -> Result<CampaignId, Box<dyn std::error::Error>> {
    let template = Template::parse("Hi {{name|there}}, this is {{company|our team}}.")?;
    let config = CampaignConfig {
        name: name.into(),
        status: CampaignStatus::Active,
        outreach: vec![OutreachStep { channel, delay_minutes: 0, template }],
        calling_window: None,
        requires_email: false,
    };
    match perform(snapshot, manage::create_campaign(admin, config, env))?.reply {
        Reply::Campaign(campaign) => Ok(campaign.id),
        _ => Err("no campaign".into()),
    }
}

/// The clock and the random source of this program: a second per request, and seeds that repeat.
struct Clock(i64);

impl Clock {
    fn env(&mut self) -> Env {
        self.0 += 1000;
        Env::new(Timestamp::from_millis(self.0), 0, self.0.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}
