//! The database: one admin, six campaigns, 10,000 contacts with a message each that is due.

use std::{collections::BTreeMap, env, sync::Arc, time::Duration};

use splitter_core::{
    AdminId, CampaignConfig, CampaignId, CampaignStatus, Channel, ContactId, ContactStatus, EnrollContact, OutreachId,
    OutreachStep, PhoneNumber, Planned, Reply, Scope, Settings, Snapshot, Target, Template, Transact as _,
    WeeklyWindow, Work,
    actor::Actor,
    contact_commands::{self, ContactChange, EditContact},
    enroll, manage,
    time::{MINUTE_MS, TimeOfDay, Timestamp, Weekdays},
    webhook::{Webhook, WebhookSecret, WebhookUrl},
};
use splitter_sqlx::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Result, receiver::SECRET, world};

/// What a campaign is there for, and how many of twenty contacts are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Nothing happens to it.
    Plain,
    /// Contacts say no while it is sent.
    Refused,
    /// It is paused and resumed while it is sent.
    Paused,
    /// It is paused all the time.
    Held,
    /// Its calling window closes while it is sent.
    Closing,
    /// Its calling window is closed.
    Closed,
}

/// Which campaign each of twenty contacts is in.
const MIX: [(Role, u64); 6] =
    [(Role::Plain, 10), (Role::Refused, 4), (Role::Paused, 3), (Role::Held, 1), (Role::Closing, 1), (Role::Closed, 1)];

/// How many contacts there are, each with one message.
pub(crate) const CONTACTS: u64 = 10_000;

/// When [`Role::Closing`] closes, after the beginning.
const CLOSES_AFTER: Duration = Duration::from_secs(20);

/// A row as it is in the database.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: OutreachId,
    pub(crate) contact: ContactId,
    pub(crate) campaign: CampaignId,
    pub(crate) status: String,
    pub(crate) attempts: u32,
    pub(crate) cancel_requested: bool,
    pub(crate) scheduled_at: Timestamp,
}

pub(crate) struct Scene {
    pub(crate) url: String,
    server: String,
    name: String,
    pub(crate) store: Arc<PostgresStore>,
    pub(crate) admin: AdminId,
    pub(crate) campaigns: BTreeMap<Role, CampaignId>,
    /// When [`Role::Closing`] closes.
    pub(crate) closes_at: Timestamp,
}

/// The first contact's number.
const FIRST: u64 = 12_025_500_000;

/// The `n`-th contact's number.
pub(crate) fn phone(n: u64) -> PhoneNumber {
    PhoneNumber::from_u64(FIRST + n).unwrap_or_else(|| unreachable!("these are numbers"))
}

pub(crate) fn role(n: u64) -> Role {
    let mut left = n % 20;
    for (role, share) in MIX {
        if left < share {
            return role;
        }
        left -= share;
    }
    Role::Plain
}

impl Scene {
    /// A new database on the server at `TEST_DATABASE_URL`.
    pub(crate) async fn new(webhook: &str) -> Result<Self> {
        let server = env::var("TEST_DATABASE_URL").map_err(|_| "TEST_DATABASE_URL is not set")?;
        let name = format!("dispatch_torture_{}", std::process::id());
        let mut connection = PgConnection::connect(&server).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').ok_or("TEST_DATABASE_URL names no database")?;
        let url = format!("{base}/{name}?{query}");
        let store = Arc::new(PostgresStore::open(PostgresOptions::from_url(&url)?).await?);
        let secret = WebhookSecret::parse(SECRET)?;
        let settings = Settings {
            webhook: Some(Webhook { url: WebhookUrl::parse(webhook, true)?, secret }),
            ..Settings::default()
        };
        let plan = manage::create_admin("torture@example.com".into(), None, settings, &world());
        let admin = plan.admin_id;
        store.transact(Work::new(Scope::of(admin), move |_| Planned::Commit(plan.clone()))).await?;
        let mut scene = Self { url, server, name, store, admin, campaigns: BTreeMap::new(), closes_at: Timestamp::MAX };
        for (role, _) in MIX {
            scene.create(role).await?;
        }
        scene.enrol().await?;
        scene.set(Role::Held, |config| config.status = CampaignStatus::Paused).await?;
        // Windows have whole minutes. This one closes with the next one, in the midst of sending.
        let now = world().now.as_millis();
        let ahead = CLOSES_AFTER.as_millis().try_into().unwrap_or(0);
        let closing = (now + ahead).div_euclid(MINUTE_MS) + 1;
        let wait = closing * MINUTE_MS - ahead - now;
        println!("{CONTACTS} contacts are enrolled; the minute is waited for, {} s", wait / 1_000);
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
        scene.closes_at = Timestamp::from_millis(closing * MINUTE_MS);
        let (open, closed) = (window(closing - 5, closing)?, window(closing + 60, closing + 61)?);
        scene.set(Role::Closing, move |config| config.calling_window = Some(open)).await?;
        scene.set(Role::Closed, move |config| config.calling_window = Some(closed)).await?;
        Ok(scene)
    }

    async fn create(&mut self, role: Role) -> Result<()> {
        let config = CampaignConfig {
            name: format!("{role:?}"),
            status: CampaignStatus::Active,
            outreach: vec![OutreachStep {
                channel: Channel::Sms,
                delay_minutes: 0,
                template: Template::parse("Hi {{name}} at {{phoneNumber}}, {{greeting|welcome}}.")?,
            }],
            calling_window: None,
            requires_email: false,
        };
        let (admin, env) = (self.admin, world());
        let plan = move |_: &Snapshot| manage::create_campaign(admin, config.clone(), &env).into();
        if let Reply::Campaign(campaign) = self.store.transact(Work::new(Scope::of(admin), plan)).await?.reply {
            self.campaigns.insert(role, campaign.id);
        }
        Ok(())
    }

    async fn enrol(&self) -> Result<()> {
        let mut tasks = JoinSet::new();
        for n in 0..CONTACTS {
            let request = EnrollContact {
                admin_id: self.admin,
                target: Target::Campaign(self.campaigns[&role(n)]),
                phone_number: phone(n),
                name: Some(format!("Contact {n}")),
                timezone: Some(chrono_tz::UTC),
                custom_variables: None,
                actor: Actor::Admin,
                idempotency_key: None,
                max_variables: 100,
            };
            let (store, env) = (Arc::clone(&self.store), world());
            let work = Work::new(request.scope(), move |s| enroll::plan(s, &request, &env).into());
            tasks.spawn(async move { store.transact(work).await });
            while tasks.len() >= 256 {
                tasks.join_next().await.transpose()?.transpose()?;
            }
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    }

    /// Changes a campaign.
    pub(crate) async fn set(
        &self,
        role: Role,
        change: impl Fn(&mut CampaignConfig) + Send + Sync + 'static,
    ) -> Result<()> {
        let (id, env) = (self.campaigns[&role], world());
        let plan = move |s: &Snapshot| manage::save_campaign(s, id, &change, &env).into();
        self.store.transact(Work::new(Scope::of(self.admin).edited_campaign(id), plan)).await?;
        Ok(())
    }

    /// The `n`-th contact must not be contacted any more.
    pub(crate) async fn refuse(&self, n: u64) -> Result<()> {
        let change = ContactChange::Update { status: Some(ContactStatus::Dnc), campaign_id: None };
        let request = EditContact { admin_id: self.admin, phone_number: phone(n), change, actor: Actor::Admin };
        let env = world();
        let work = Work::new(request.scope(), move |s| contact_commands::plan(s, &request, &env));
        self.store.transact(work).await?;
        Ok(())
    }

    /// A contact of [`Role::Refused`] whose message is claimed, started, or waits for being tried again.
    pub(crate) async fn under_way(&self, connection: &mut PgConnection) -> Result<Option<u64>> {
        let sql = "SELECT c.phone FROM outreach o JOIN contacts c ON c.admin_id = o.admin_id AND c.id = o.contact_id \
                   WHERE o.campaign_id = $1 AND o.next_attempt_at > now() AND o.scheduled_at <= now() \
                   AND o.status IN ('scheduled', 'sending') ORDER BY random() LIMIT 1";
        let phone: Option<String> =
            sqlx::query_scalar(sql).bind(self.campaigns[&Role::Refused].0).fetch_optional(connection).await?;
        Ok(phone.and_then(|text| Some(PhoneNumber::parse(&text).ok()?.as_u64() - FIRST)))
    }

    /// A look at the database from outside.
    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    pub(crate) async fn drop(self) -> Result<()> {
        self.store.close().await;
        let mut connection = PgConnection::connect(&self.server).await?;
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(())
    }
}

/// From one minute since the epoch to another, in UTC, every day.
fn window(from: i64, to: i64) -> Result<WeeklyWindow> {
    let time = |minute: i64| {
        let minute = u16::try_from(minute.rem_euclid(24 * 60)).ok().and_then(TimeOfDay::from_minutes);
        minute.ok_or("a day has 1,440 minutes")
    };
    Ok(WeeklyWindow::new(Weekdays::ALL, time(from)?, time(to)?)?)
}

/// Rows, all or a campaign's or a contact's, by number.
pub(crate) async fn rows(connection: &mut PgConnection, filter: &str, by: &str) -> Result<Vec<Row>> {
    let sql = format!(
        "SELECT o.id, o.contact_id, o.campaign_id, o.status, o.attempts, o.cancel_requested_at IS NOT NULL, \
         floor(extract(epoch FROM o.scheduled_at) * 1000)::bigint \
         FROM outreach o JOIN contacts c ON c.admin_id = o.admin_id AND c.id = o.contact_id WHERE {filter}"
    );
    let found = sqlx::query(AssertSqlSafe(sql)).bind(by).fetch_all(connection).await?;
    let row = |row: &sqlx::postgres::PgRow| -> Result<Row> {
        Ok(Row {
            id: OutreachId(row.try_get::<Uuid, _>(0)?),
            contact: ContactId(row.try_get::<Uuid, _>(1)?),
            campaign: CampaignId(row.try_get::<Uuid, _>(2)?),
            status: row.try_get(3)?,
            attempts: u32::try_from(row.try_get::<i32, _>(4)?)?,
            cancel_requested: row.try_get(5)?,
            scheduled_at: Timestamp::from_millis(row.try_get(6)?),
        })
    };
    found.iter().map(row).collect()
}
