//! A small world to act in: one admin of a store, named campaigns and splitters, a clock that only the test moves.

use std::collections::BTreeMap;

use crate::{
    actor::Actor,
    campaign::{CampaignConfig, CampaignStatus},
    contact_commands::{self, ContactChange, EditContact},
    enroll::{self, EnrollContact, Target},
    env::Env,
    id::{AdminId, CampaignId, SplitterId},
    manage,
    outreach::{Channel, OutreachStep},
    phone::PhoneNumber,
    plan::{Plan, Reply},
    snapshot::Scope,
    splitter::{Caps, Member, Overflow, ReturningContacts, SplitterChange, SplitterDraft, SplitterState, Strategy},
    splitter_commands,
    store::{Planned, Store, TransactError, Work},
    template::Template,
    time::Timestamp,
};

/// One admin of a store, with names for what it owns.
#[derive(Clone)]
pub struct World<'a> {
    /// The store under test.
    pub store: &'a dyn Store,
    /// The admin that was made for this world.
    pub admin: AdminId,
    /// Campaigns by name.
    pub campaigns: BTreeMap<String, CampaignId>,
    /// Splitters by name.
    pub splitters: BTreeMap<String, SplitterId>,
    /// The time.
    pub now: Timestamp,
    seed: u64,
}

/// A well-mixed number: the finaliser of `SplitMix64`.
#[must_use]
pub(super) fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ n >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ n >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ n >> 31
}

impl<'a> World<'a> {
    /// A new admin. Different seeds never meet in one database.
    pub async fn new(store: &'a dyn Store, seed: u64) -> Result<World<'a>, TransactError> {
        let mut world = World {
            store,
            admin: AdminId(uuid::Uuid::nil()),
            campaigns: BTreeMap::new(),
            splitters: BTreeMap::new(),
            // 2026-05-13T14:30:00.000Z
            now: Timestamp::from_millis(1_778_682_600_000),
            seed: mix(seed),
        };
        let env = world.env();
        let email = format!("{seed}@conformance.example");
        let plan = manage::create_admin(email, None, crate::admin::Settings::default(), &env);
        world.admin = plan.admin_id;
        world.run(Scope::of(world.admin), move |_| Planned::Commit(plan.clone())).await?;
        Ok(world)
    }

    /// The same admin seen by another caller, with ids and draws of its own.
    #[must_use]
    pub fn another(&self, caller: u64) -> Self {
        Self { seed: mix(self.seed ^ mix(caller)), ..self.clone() }
    }

    /// The next environment: a second later, with a draw and a seed that repeat in every run.
    pub fn env(&mut self) -> Env {
        self.now = self.now.plus_millis(1000);
        self.seed = mix(self.seed);
        Env::new(self.now, mix(self.seed ^ 1), self.seed)
    }

    /// Runs a command.
    pub async fn run(
        &self,
        scope: Scope,
        plan: impl Fn(&crate::Snapshot) -> Planned + Send + Sync + 'static,
    ) -> Result<Plan, TransactError> {
        self.store.transact(Work::new(scope, plan)).await
    }

    /// A campaign with an SMS at once and a call an hour later.
    ///
    /// # Panics
    /// If the templates written here can not be parsed.
    pub async fn create_campaign(&mut self, name: &str, requires_email: bool) -> Result<(), TransactError> {
        let step = |channel, delay_minutes, text| OutreachStep {
            channel,
            delay_minutes,
            template: Template::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")),
        };
        let config = CampaignConfig {
            name: name.to_owned(),
            status: CampaignStatus::Active,
            outreach: vec![
                step(Channel::Sms, 0, "Hi {{name|there}}, this is {{company|our team}}."),
                step(Channel::Call, 60, "Call {{name|the lead}}."),
            ],
            calling_window: None,
            requires_email,
        };
        self.create_campaign_from(config).await
    }

    /// A campaign from a configuration.
    pub async fn create_campaign_from(&mut self, config: CampaignConfig) -> Result<(), TransactError> {
        let (admin, env, name) = (self.admin, self.env(), config.name.clone());
        let plan = move |_: &crate::Snapshot| manage::create_campaign(admin, config.clone(), &env).into();
        if let Reply::Campaign(campaign) = self.run(Scope::of(admin), plan).await?.reply {
            self.campaigns.insert(name, campaign.id);
        }
        Ok(())
    }

    /// A member of a splitter: campaign and percentage in basis points.
    #[must_use]
    pub fn member(&self, campaign: &str, percentage_bp: u32) -> Member {
        Member { campaign_id: self.campaigns[campaign], percentage_bp, enabled: true, caps: Caps::default() }
    }

    /// A percentage splitter.
    pub async fn create_splitter(&mut self, name: &str, members: Vec<Member>) -> Result<(), TransactError> {
        let draft = SplitterDraft {
            name: name.to_owned(),
            timezone: chrono_tz::America::New_York,
            strategy: Strategy::Percentage,
            campaigns: members,
            overflow: Overflow::NextEligible,
            returning_contacts: ReturningContacts::Redistribute,
        };
        self.create_splitter_from(draft).await
    }

    /// A splitter from a draft.
    pub async fn create_splitter_from(&mut self, draft: SplitterDraft) -> Result<(), TransactError> {
        let (admin, env, name) = (self.admin, self.env(), draft.name.clone());
        let scope = splitter_commands::scope_of_draft(admin, &draft);
        let plan = move |s: &crate::Snapshot| splitter_commands::create(s, admin, &draft, Actor::Admin, &env).into();
        if let Reply::Splitter(splitter) = self.run(scope, plan).await?.reply {
            self.splitters.insert(name, splitter.id);
        }
        Ok(())
    }

    /// Changes a splitter's configuration, whatever its version is.
    pub async fn edit_splitter(
        &mut self,
        name: &str,
        change: impl Fn(&mut SplitterDraft) + Send + Sync + 'static,
    ) -> Result<Plan, TransactError> {
        let (id, env) = (self.splitters[name], self.env());
        let scope = Scope::of(self.admin).splitter(id).campaigns(self.campaigns.values().copied());
        self.run(scope, move |s| {
            let version = s.splitters.get(&id).map_or(0, |splitter| splitter.version);
            splitter_commands::edit(s, id, version, &change, Actor::Admin, &env).into()
        })
        .await
    }

    /// Pauses, resumes or deletes a splitter.
    pub async fn set_splitter(&mut self, name: &str, change: SplitterChange) -> Result<Plan, TransactError> {
        let (id, env) = (self.splitters[name], self.env());
        let plan = move |s: &crate::Snapshot| splitter_commands::set_status(s, id, change, Actor::Admin, &env).into();
        self.run(Scope::of(self.admin).splitter(id), plan).await
    }

    /// Pauses or resumes a campaign.
    pub async fn set_campaign(&mut self, name: &str, status: CampaignStatus) -> Result<Plan, TransactError> {
        let (id, env) = (self.campaigns[name], self.env());
        let plan = move |s: &crate::Snapshot| {
            manage::save_campaign(s, id, |config: &mut CampaignConfig| config.status = status, &env).into()
        };
        self.run(Scope::of(self.admin).edited_campaign(id), plan).await
    }

    /// Deletes a campaign.
    pub async fn delete_campaign(&mut self, name: &str) -> Result<Plan, TransactError> {
        let (id, env) = (self.campaigns[name], self.env());
        let plan = move |s: &crate::Snapshot| manage::delete_campaign(s, id, &env).into();
        self.run(Scope::of(self.admin).edited_campaign(id), plan).await
    }

    /// Changes the admin's settings.
    pub async fn set_settings(
        &mut self,
        change: impl Fn(&mut crate::admin::Settings) + Send + Sync + 'static,
    ) -> Result<Plan, TransactError> {
        let env = self.env();
        let plan = move |s: &crate::Snapshot| manage::save_settings(s, &change, &env).into();
        self.run(Scope::of(self.admin).editing_admin(), plan).await
    }

    /// A request with nothing but a number.
    #[must_use]
    pub fn request(&self, phone: PhoneNumber, target: Target) -> EnrollContact {
        EnrollContact {
            admin_id: self.admin,
            target,
            phone_number: phone,
            name: None,
            timezone: None,
            custom_variables: None,
            actor: Actor::Admin,
            idempotency_key: None,
            max_variables: 100,
        }
    }

    /// Enrols a contact.
    pub async fn enroll(&mut self, request: EnrollContact) -> Result<Plan, TransactError> {
        let env = self.env();
        self.run(request.scope(), move |s| enroll::plan(s, &request, &env).into()).await
    }

    /// Changes a contact by hand.
    pub async fn edit_contact(&mut self, phone: PhoneNumber, change: ContactChange) -> Result<Plan, TransactError> {
        let env = self.env();
        let request = EditContact { admin_id: self.admin, phone_number: phone, change, actor: Actor::Admin };
        self.run(request.scope(), move |s| contact_commands::plan(s, &request, &env)).await
    }

    /// The name of a campaign.
    #[must_use]
    pub fn campaign_name(&self, id: CampaignId) -> Option<&str> {
        self.campaigns.iter().find(|(_, known)| **known == id).map(|(name, _)| name.as_str())
    }

    /// The running state of a splitter, as stored.
    pub async fn state(&self, name: &str) -> Option<SplitterState> {
        let splitter = self.store.splitter(self.admin, self.splitters[name]).await.ok()??;
        Some(splitter.state)
    }
}
