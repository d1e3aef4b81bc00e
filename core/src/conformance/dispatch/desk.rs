//! A world whose outreach is dispatched.

use std::{collections::VecDeque, sync::Mutex};

use async_trait::async_trait;

use super::super::World;
use crate::{
    CampaignId, ContactStatus, OutreachStatus, PhoneNumber, WeeklyWindow,
    campaign::{CampaignConfig, CampaignStatus},
    contact_commands::ContactChange,
    dispatch::{Claim, Delivered, Destination, Dispatch, Message, Options, SendError, Sender, deliver},
    enroll::Target,
    env::Env,
    manage,
    outreach::{Channel, Outreach, OutreachStep},
    plan::Reply,
    snapshot::Scope,
    store::{Store, StoreError, TransactError},
    template::Template,
    time::{MINUTE_MS, TimeOfDay, Timestamp, Weekdays},
};

/// How long claims last here.
pub(super) const LEASE_MS: i64 = MINUTE_MS;

/// The zone of every contact made here: four hours behind UTC at that time of the year.
const ZONE: chrono_tz::Tz = chrono_tz::America::New_York;

pub(super) struct Desk<'a> {
    pub(super) world: World<'a>,
    pub(super) dispatch: &'a dyn Dispatch,
    failures: Vec<String>,
}

impl<'a> Desk<'a> {
    /// A new admin, on Monday 2001-05-14 at 14:30 UTC, 10:30 in New York.
    pub(super) async fn new(
        store: &'a dyn Store,
        dispatch: &'a dyn Dispatch,
        seed: u64,
    ) -> Result<Desk<'a>, TransactError> {
        let mut world = World::new(store, seed).await?;
        world.now = Timestamp::from_millis(989_850_600_000);
        Ok(Desk { world, dispatch, failures: Vec::new() })
    }

    /// Leaves nothing due behind, and says what failed.
    pub(super) async fn close(mut self, case: &str) -> Result<Vec<String>, TransactError> {
        for name in self.world.campaigns.keys().cloned().collect::<Vec<_>>() {
            let deleted = self.world.delete_campaign(&name).await;
            match deleted {
                Ok(_) | Err(TransactError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        // What is still being sent ends with its lease, and that may have been renewed just now.
        self.dispatch.recover(self.world.now.plus_millis(LEASE_MS)).await?;
        Ok(self.failures.into_iter().map(|failure| format!("{case}: {failure}")).collect())
    }

    pub(super) fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: T, seen: T) {
        if seen != expected {
            self.failures.push(format!("{what}: expected {expected:?}, saw {seen:?}"));
        }
    }

    /// Time passes.
    pub(super) fn wait(&mut self, millis: i64) {
        self.world.now = self.world.now.plus_millis(millis);
    }

    /// A campaign of one SMS at once.
    pub(super) async fn campaign(
        &mut self,
        name: &str,
        template: &str,
        calling_window: Option<WeeklyWindow>,
    ) -> Result<CampaignId, TransactError> {
        self.campaign_of(name, &[(0, template)], calling_window).await
    }

    /// A campaign of one SMS for each delay in minutes.
    pub(super) async fn campaign_of(
        &mut self,
        name: &str,
        steps: &[(u32, &str)],
        calling_window: Option<WeeklyWindow>,
    ) -> Result<CampaignId, TransactError> {
        let step = |(delay_minutes, text): &(u32, &str)| OutreachStep {
            channel: Channel::Sms,
            delay_minutes: *delay_minutes,
            template: Template::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")),
        };
        let config = CampaignConfig {
            name: name.to_owned(),
            status: CampaignStatus::Active,
            outreach: steps.iter().map(step).collect(),
            calling_window,
            requires_email: false,
        };
        let (admin, env) = (self.world.admin, self.world.env());
        let plan = move |_: &crate::Snapshot| manage::create_campaign(admin, config.clone(), &env).into();
        let Reply::Campaign(campaign) = self.world.run(Scope::of(admin), plan).await?.reply else {
            panic!("a new campaign is answered with")
        };
        self.world.campaigns.insert(name.to_owned(), campaign.id);
        Ok(campaign.id)
    }

    /// Enrols the `n`-th number in a campaign.
    pub(super) async fn enroll(&mut self, n: u64, campaign: &str) -> Result<(), TransactError> {
        let mut request = self.world.request(phone(n), Target::Campaign(self.world.campaigns[campaign]));
        request.name = Some(format!("Name {n}"));
        request.timezone = Some(ZONE);
        self.world.enroll(request).await.map(drop)
    }

    /// A new status for the contact with the `n`-th number.
    pub(super) async fn status(&mut self, n: u64, status: ContactStatus) -> Result<(), TransactError> {
        let change = ContactChange::Update { status: Some(status), campaign_id: None };
        self.world.edit_contact(phone(n), change).await.map(drop)
    }

    /// The outreach of the contact with the `n`-th number, oldest first.
    pub(super) async fn rows(&self, n: u64) -> Result<Vec<Outreach>, StoreError> {
        let contact = self.world.store.contact_by_phone(self.world.admin, phone(n)).await?;
        let Some(contact) = contact else { return Ok(Vec::new()) };
        let mut rows = self.world.store.outreach(self.world.admin, contact.id).await?;
        rows.sort_by_key(|row| row.id);
        Ok(rows)
    }

    /// The statuses of [`Self::rows`].
    pub(super) async fn statuses(&self, n: u64) -> Result<Vec<OutreachStatus>, StoreError> {
        Ok(self.rows(n).await?.iter().map(|row| row.status).collect())
    }

    /// The newest of [`Self::rows`].
    pub(super) async fn row(&self, n: u64) -> Result<Outreach, StoreError> {
        let newest = self.rows(n).await?.pop();
        newest.ok_or_else(|| StoreError::Broken(format!("contact {n} has no outreach")))
    }

    /// Claims what is due.
    pub(super) async fn claim(&self) -> Result<Vec<Claim>, StoreError> {
        self.dispatch.claim(self.world.now, 100, LEASE_MS).await
    }

    /// Claims the only row that is due.
    pub(super) async fn claim_one(&self) -> Result<Claim, StoreError> {
        let mut claims = self.claim().await?;
        match (claims.pop(), claims.len()) {
            (Some(claim), 0) => Ok(claim),
            (_, more) => Err(StoreError::Broken(format!("one row should have been due, not {more} more or none"))),
        }
    }

    pub(super) async fn start(&self, claim: &Claim) -> Result<bool, StoreError> {
        self.dispatch.start(&claim.lease, self.world.now, LEASE_MS).await
    }

    /// Delivers with a sender that answers as told.
    pub(super) async fn deliver(&self, claim: &Claim, sender: &Scripted) -> Result<Delivered, StoreError> {
        let now = self.world.now;
        let options = Options { lease_ms: LEASE_MS, ..Options::default() };
        deliver(self.dispatch, sender, &move || Env::new(now, u64::MAX, 0), claim, &options).await
    }
}

/// The `n`-th number.
pub(super) fn phone(n: u64) -> PhoneNumber {
    PhoneNumber::from_u64(12_025_550_100 + n).unwrap_or_else(|| panic!("a number"))
}

/// Every day from 09:00 to 20:00.
pub(super) fn office_hours() -> WeeklyWindow {
    let at = |hour: u16| TimeOfDay::from_minutes(hour * 60).unwrap_or_else(|| panic!("an hour"));
    WeeklyWindow::new(Weekdays::ALL, at(9), at(20)).unwrap_or_else(|error| panic!("{error}"))
}

/// A sender that answers as told, then takes everything; and remembers what it got.
#[derive(Default)]
pub(super) struct Scripted {
    answers: Mutex<VecDeque<SendError>>,
    got: Mutex<Vec<Message>>,
}

impl Scripted {
    pub(super) fn failing(answers: impl IntoIterator<Item = SendError>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), got: Mutex::default() }
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.got.lock().map(|got| got.iter().map(|message| message.text.clone()).collect()).unwrap_or_default()
    }
}

#[async_trait]
impl Sender for Scripted {
    async fn send(&self, message: &Message, _: &Destination) -> Result<(), SendError> {
        if let Ok(mut got) = self.got.lock() {
            got.push(message.clone());
        }
        match self.answers.lock().ok().and_then(|mut answers| answers.pop_front()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
