//! Random commands from a seed: equal seeds give equal commands.

use splitter_core::{
    Actor, AdminId, ApiKeyId, CampaignId, CampaignStatus, ContactInput, ContactStatus, EnrollContact, Env, Limits,
    PhoneNumber, PhonePolicy, Plan, Planned, Reply, Scope, Settings, SplitterId, Target, Timestamp, Violations, Work,
    contact_commands::{self, ContactChange, EditContact},
    enroll,
    idempotency::{self, Attempt, IdempotencyKey},
    manage,
    splitter::{Caps, Member, Overflow, ReturningContacts, SplitterChange, SplitterDraft, Strategy},
    splitter_commands,
};

use super::{START, campaign_config};

/// A command of the generator: what is sent, and whether it may be sent together with its neighbours.
pub struct Command {
    pub work: Work,
    pub alone: bool,
    pub what: &'static str,
}

/// One admin's part of the world, as the generator knows it.
#[derive(Default)]
struct Known {
    campaigns: Vec<CampaignId>,
    splitters: Vec<SplitterId>,
    keys: Vec<ApiKeyId>,
}

pub struct Generator {
    state: u64,
    now: Timestamp,
    pub admins: Vec<AdminId>,
    known: Vec<Known>,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, now: START, admins: Vec::new(), known: Vec::new() }
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("small")
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        if list.is_empty() { None } else { Some(list[self.below(list.len())]) }
    }

    fn env(&mut self) -> Env {
        // Mostly forwards, sometimes not at all, sometimes backwards, as clocks of several servers do.
        let step = [0, 1, 250, 61_000, 3_600_000, -1_500];
        let n = self.below(step.len());
        self.now = self.now.plus_millis(step[n]);
        Env::new(self.now, self.next(), self.next())
    }

    /// Learns from an answer which things exist.
    pub fn learn(&mut self, plan: &Plan) {
        if let Reply::Admin(admin) = &plan.reply
            && !self.admins.contains(&admin.id)
        {
            self.admins.push(admin.id);
            self.known.push(Known::default());
        }
        let Some(admin) = self.admins.iter().position(|id| *id == plan.admin_id) else { return };
        match &plan.reply {
            Reply::Campaign(campaign) if !self.known[admin].campaigns.contains(&campaign.id) => {
                self.known[admin].campaigns.push(campaign.id);
            }
            Reply::Splitter(splitter) if !self.known[admin].splitters.contains(&splitter.id) => {
                self.known[admin].splitters.push(splitter.id);
            }
            Reply::ApiKey(key) if !self.known[admin].keys.contains(&key.id) => self.known[admin].keys.push(key.id),
            _ => {}
        }
    }

    pub fn create_admin(&mut self) -> Command {
        let env = self.env();
        // The second one collides with the first in three of ten cases.
        let email = if self.chance(30) { "taken@example.com".into() } else { format!("{}@example.com", env.draw) };
        let plan = manage::create_admin(email, Some("hash".into()), Settings::default(), &env);
        let work = Work::new(Scope::of(plan.admin_id), move |_| Planned::Commit(plan.clone()));
        Command { work, alone: true, what: "create admin" }
    }

    pub fn command(&mut self) -> Command {
        let n = self.below(self.admins.len());
        let admin = self.admins[n];
        match self.below(100) {
            0..5 => self.create_campaign(admin),
            5..9 => self.edit_campaign(n, admin),
            9..10 => self.delete_campaign(n, admin),
            10..14 => self.create_splitter(n, admin),
            14..18 => self.edit_splitter(n, admin),
            18..21 => self.splitter_status(n, admin),
            21..23 => self.api_key(n, admin),
            23..25 => self.settings(admin),
            25..45 => self.edit_contact(n, admin),
            45..55 => self.enrol(n, admin, true),
            _ => self.enrol(n, admin, false),
        }
    }

    fn create_campaign(&mut self, admin: AdminId) -> Command {
        let (env, steps, name) = (self.env(), self.below(4), self.text());
        let mut config = campaign_config(&name, steps);
        config.requires_email = self.chance(10);
        if self.chance(30) {
            config.calling_window =
                serde_json::from_value(serde_json::json!({"days": ["mon", "wed"], "from": "09:00", "to": "20:00"}))
                    .ok();
        }
        let work = Work::new(Scope::of(admin), move |_| manage::create_campaign(admin, config.clone(), &env).into());
        Command { work, alone: false, what: "create campaign" }
    }

    fn edit_campaign(&mut self, n: usize, admin: AdminId) -> Command {
        let (env, pause, name) = (self.env(), self.chance(50), self.text());
        let id = self.campaign(n);
        let work = Work::new(Scope::of(admin).edited_campaign(id), move |snapshot| {
            let change = |config: &mut splitter_core::CampaignConfig| {
                config.name.clone_from(&name);
                config.status = if pause { CampaignStatus::Paused } else { CampaignStatus::Active };
            };
            manage::save_campaign(snapshot, id, change, &env).into()
        });
        Command { work, alone: false, what: "edit campaign" }
    }

    fn delete_campaign(&mut self, n: usize, admin: AdminId) -> Command {
        let (env, id) = (self.env(), self.campaign(n));
        let work = Work::new(Scope::of(admin).edited_campaign(id), move |snapshot| {
            manage::delete_campaign(snapshot, id, &env).into()
        });
        Command { work, alone: false, what: "delete campaign" }
    }

    fn draft(&mut self, n: usize) -> SplitterDraft {
        let count = 1 + self.below(4);
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..count {
            let campaign_id = self.campaign(n);
            if members.iter().all(|member| member.campaign_id != campaign_id) {
                let mut caps = Caps::default();
                if self.chance(20) {
                    caps.per_hour = Some(3);
                    caps.active = Some(5);
                }
                members.push(Member { campaign_id, percentage_bp: 0, enabled: self.chance(90), caps });
            }
        }
        let each = 10_000 / u32::try_from(members.len()).expect("few");
        let rest = 10_000 - each * u32::try_from(members.len()).expect("few");
        for member in &mut members {
            member.percentage_bp = each;
        }
        members[0].percentage_bp += rest;
        let overflow = match self.below(4) {
            0 => Overflow::Reject,
            1 => Overflow::FallbackCampaign { campaign_id: self.campaign(n) },
            _ => Overflow::NextEligible,
        };
        let strategy = match self.below(5) {
            0 => Strategy::Random,
            1 => Strategy::Sticky { seed: 0 },
            _ => Strategy::Percentage,
        };
        SplitterDraft {
            name: self.text(),
            timezone: chrono_tz::Europe::Berlin,
            strategy,
            campaigns: members,
            overflow,
            returning_contacts: if self.chance(20) { ReturningContacts::Keep } else { ReturningContacts::Redistribute },
        }
    }

    fn create_splitter(&mut self, n: usize, admin: AdminId) -> Command {
        let (env, draft) = (self.env(), self.draft(n));
        let work = Work::new(splitter_commands::scope_of_draft(admin, &draft), move |snapshot| {
            splitter_commands::create(snapshot, admin, &draft, Actor::Admin, &env).into()
        });
        Command { work, alone: false, what: "create splitter" }
    }

    fn edit_splitter(&mut self, n: usize, admin: AdminId) -> Command {
        let (env, draft, id) = (self.env(), self.draft(n), self.splitter(n));
        let scope = splitter_commands::scope_of_draft(admin, &draft).splitter(id);
        let work = Work::new(scope, move |snapshot| {
            // As a caller who has just read it.
            let version = snapshot.splitter(id).map_or(1, |splitter| splitter.version);
            let change = |old: &mut SplitterDraft| old.clone_from(&draft);
            splitter_commands::edit(snapshot, id, version, change, Actor::Admin, &env).into()
        });
        Command { work, alone: false, what: "edit splitter" }
    }

    fn splitter_status(&mut self, n: usize, admin: AdminId) -> Command {
        let (env, id) = (self.env(), self.splitter(n));
        let change = match self.below(10) {
            0 => SplitterChange::Deleted,
            1..4 => SplitterChange::Paused,
            _ => SplitterChange::Resumed,
        };
        let work = Work::new(Scope::of(admin).splitter(id), move |snapshot| {
            splitter_commands::set_status(snapshot, id, change, Actor::Admin, &env).into()
        });
        Command { work, alone: false, what: "splitter status" }
    }

    fn api_key(&mut self, n: usize, admin: AdminId) -> Command {
        let env = self.env();
        let revoked = self.pick(&self.known[n].keys.clone()).filter(|_| self.chance(50));
        // Of 16 public parts, so that some collide.
        let lookup = format!("{:08x}", self.below(16));
        let work = match revoked {
            Some(id) => Work::new(Scope::of(admin).api_key(id), move |snapshot| {
                manage::revoke_api_key(snapshot, admin, id, &env).into()
            }),
            None => Work::new(Scope::of(admin), move |_| {
                Planned::Commit(manage::create_api_key(admin, "key".into(), lookup.clone(), [7; 32], &env))
            }),
        };
        Command { work, alone: false, what: "api key" }
    }

    fn settings(&mut self, admin: AdminId) -> Command {
        let (env, merge, suppress) = (self.env(), self.chance(50), self.chance(30));
        let work = Work::new(Scope::of(admin).editing_admin(), move |snapshot| {
            let change = |settings: &mut Settings| {
                settings.merge_variables = merge;
                settings.suppressing_statuses = if suppress {
                    [ContactStatus::Dnc, ContactStatus::NotInterested].into()
                } else {
                    [ContactStatus::Dnc].into()
                };
            };
            manage::save_settings(snapshot, change, &env).into()
        });
        Command { work, alone: false, what: "settings" }
    }

    fn edit_contact(&mut self, n: usize, admin: AdminId) -> Command {
        let (env, phone_number) = (self.env(), self.phone());
        let status = self.pick(&ContactStatus::ALL).filter(|_| self.chance(80));
        let change = match self.below(10) {
            0 => ContactChange::Delete,
            1 | 2 => ContactChange::Update { status, campaign_id: Some(self.campaign(n)) },
            _ => ContactChange::Update { status: Some(status.unwrap_or(ContactStatus::Fulfilled)), campaign_id: None },
        };
        // These may ask for the contact's campaign and are then planned after their neighbours.
        let alone = matches!(change, ContactChange::Update { status: Some(ContactStatus::Active), campaign_id: None });
        let request = EditContact { admin_id: admin, phone_number, change, actor: Actor::System };
        let work = Work::new(request.scope(), move |snapshot| contact_commands::plan(snapshot, &request, &env));
        Command { work, alone, what: "edit contact" }
    }

    fn enrol(&mut self, n: usize, admin: AdminId, directly: bool) -> Command {
        let env = self.env();
        let target = if directly { Target::Campaign(self.campaign(n)) } else { Target::Splitter(self.splitter(n)) };
        let variables = self.chance(60).then(|| {
            let mut list = vec![("company".to_owned(), self.text())];
            if self.chance(40) {
                list.push(("email".into(), "jane@example.com".into()));
            }
            list
        });
        let input = ContactInput {
            phone_number: Some(self.phone().to_string()),
            target: Some(target),
            name: self.chance(60).then(|| self.text()),
            timezone: self.chance(20).then(|| "Europe/Paris".into()),
            custom_variables: variables,
        };
        let checked = input.check(admin, Actor::Import, &PhonePolicy::default(), &Limits::default(), Violations::new());
        let mut request: EnrollContact = checked.expect("a valid contact");
        let attempt = self.chance(20).then(|| {
            let key =
                IdempotencyKey { admin_id: admin, route: "POST /contacts".into(), key: format!("k{}", self.below(12)) };
            Attempt { key, body_hash: [u8::try_from(self.below(2)).expect("small"); 32] }
        });
        request.idempotency_key = attempt.as_ref().map(|attempt| attempt.key.key.clone());
        let scope = request.scope().idempotency(attempt.as_ref().map(|attempt| attempt.key.clone()));
        let work = Work::new(scope, move |snapshot| {
            let render = |reply: &Reply| {
                let decision = if let Reply::Enrolled(enrolled) = reply { enrolled.decision_id } else { None };
                (201, b"{\"success\":true}".to_vec(), decision)
            };
            idempotency::once(snapshot, attempt.as_ref(), &env, render, || enroll::plan(snapshot, &request, &env))
                .into()
        });
        Command { work, alone: false, what: if directly { "enrol directly" } else { "enrol" } }
    }

    fn campaign(&mut self, n: usize) -> CampaignId {
        let list = self.known[n].campaigns.clone();
        let fresh = self.env().id(9);
        self.pick(&list).unwrap_or(fresh)
    }

    fn splitter(&mut self, n: usize) -> SplitterId {
        let list = self.known[n].splitters.clone();
        let fresh = self.env().id(10);
        self.pick(&list).unwrap_or(fresh)
    }

    fn phone(&mut self) -> PhoneNumber {
        let all = ["+12125550", "+4930123", "+61412345", "+5511987654"];
        let n = self.below(all.len());
        PhoneNumber::parse(&format!("{}{:03}", all[n], self.below(12))).expect("a number")
    }

    fn text(&mut self) -> String {
        let all = [
            "Jane Smith",
            "jane_smith",
            "50% off",
            "Ünal Öz",
            "ünal öz",
            "Zoë",
            "a\\b",
            "Ａ",
            "日本",
            "O'Neil \"x\"",
            "{}",
        ];
        let n = self.below(all.len());
        format!("{}{}", all[n], self.below(3))
    }
}
