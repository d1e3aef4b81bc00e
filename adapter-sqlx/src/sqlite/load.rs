//! From scopes to snapshots.

use std::collections::BTreeSet;

use splitter_core::{
    AdminId, ApiKey, ApiKeyId, Campaign, CampaignId, Contact, PhoneNumber, Snapshot, Splitter, SplitterId,
    idempotency::IdempotencyKey,
    splitter::{Overflow, StrategyKind},
};
use sqlx::{
    AssertSqlSafe, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::write::MAX_ROWS;
use crate::{
    commit::{Snapshots, Wanted},
    rows::{self, Result},
};

type Bound = Query<'static, Sqlite, SqliteArguments>;

/// Trials of an adaptive splitter that a transaction sees: the oldest, which are the ones that run out.
const OLDEST_TRIALS: i64 = 256;

pub(super) async fn load(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Snapshots> {
    let mut snapshots: Snapshots = wanted.admins.iter().map(|id| (*id, Snapshot::default())).collect();
    load_admins(connection, &wanted.admins, &mut snapshots).await?;
    let splitters = load_splitters(connection, &wanted.splitters).await?;
    let mut campaigns: BTreeSet<(AdminId, CampaignId)> =
        wanted.campaigns.union(&wanted.edited_campaigns).copied().collect();
    for splitter in &splitters {
        campaigns.extend(listed(splitter).map(|id| (splitter.admin_id, id)));
    }
    for campaign in load_campaigns(connection, &campaigns).await? {
        snapshots.entry(campaign.admin_id).or_default().campaigns.insert(campaign.id, campaign);
    }
    for contact in load_contacts(connection, &wanted.phones).await? {
        snapshots.entry(contact.admin_id).or_default().contacts.insert(contact.phone_number, contact);
    }
    load_waiting(connection, &splitters, &mut snapshots).await?;
    for splitter in splitters {
        snapshots.entry(splitter.admin_id).or_default().splitters.insert(splitter.id, splitter);
    }
    for key in load_api_keys(connection, &wanted.api_keys).await? {
        snapshots.entry(key.admin_id).or_default().api_keys.insert(key.id, key);
    }
    load_idempotency(connection, &wanted.idempotency, &mut snapshots).await?;
    Ok(snapshots)
}

/// The campaigns that a splitter may send contacts to.
fn listed(splitter: &Splitter) -> impl Iterator<Item = CampaignId> + '_ {
    let fallback = match splitter.config.overflow {
        Overflow::FallbackCampaign { campaign_id } => Some(campaign_id),
        Overflow::NextEligible | Overflow::Reject => None,
    };
    splitter.config.campaigns.iter().map(|member| member.campaign_id).chain(fallback)
}

async fn load_admins(
    connection: &mut SqliteConnection,
    ids: &BTreeSet<AdminId>,
    snapshots: &mut Snapshots,
) -> Result<()> {
    let sql = "SELECT id, email, password_hash, settings, created_at, updated_at FROM admins WHERE id IN (VALUES ";
    let found = select(connection, sql, ")", "(?)", ids, |query, id| query.bind(id.0)).await?;
    for admin in rows::all(&found, rows::admin)? {
        let id = admin.id;
        snapshots.entry(id).or_default().admin = Some(admin);
    }
    Ok(())
}

async fn load_splitters(
    connection: &mut SqliteConnection,
    keys: &BTreeSet<(AdminId, SplitterId)>,
) -> Result<Vec<Splitter>> {
    let sql = "SELECT s.id, s.admin_id, s.status, s.version, s.config, s.created_at, s.updated_at, s.deleted_at, \
               t.seq, t.last_at, t.head, t.rule_version, t.members, t.adaptive \
               FROM splitters s JOIN splitter_states t ON t.splitter_id = s.id WHERE (s.admin_id, s.id) IN (VALUES ";
    let found = select(connection, sql, ")", "(?,?)", keys, |q, (admin, id)| q.bind(admin.0).bind(id.0)).await?;
    rows::all(&found, rows::splitter)
}

async fn load_campaigns(
    connection: &mut SqliteConnection,
    keys: &BTreeSet<(AdminId, CampaignId)>,
) -> Result<Vec<Campaign>> {
    let sql = "SELECT id, admin_id, name, status, outreach, calling_window, requires_email, created_at, updated_at, \
               deleted_at FROM campaigns WHERE (admin_id, id) IN (VALUES ";
    let found = select(connection, sql, ")", "(?,?)", keys, |q, (admin, id)| q.bind(admin.0).bind(id.0)).await?;
    rows::all(&found, rows::campaign)
}

async fn load_contacts(
    connection: &mut SqliteConnection,
    keys: &BTreeSet<(AdminId, PhoneNumber)>,
) -> Result<Vec<Contact>> {
    let sql = "SELECT id, admin_id, campaign_id, phone, name, timezone, status, variables, created_at, updated_at, \
               fulfilled_at, re_added_at, deleted_at, assignment FROM contacts WHERE (admin_id, phone) IN (VALUES ";
    let bind = |q: Bound, (admin, phone): &(AdminId, PhoneNumber)| q.bind(admin.0).bind(phone.to_string());
    let found = select(connection, sql, ")", "(?,?)", keys, bind).await?;
    rows::all(&found, rows::contact)
}

async fn load_api_keys(connection: &mut SqliteConnection, keys: &BTreeSet<(AdminId, ApiKeyId)>) -> Result<Vec<ApiKey>> {
    let sql = "SELECT id, admin_id, name, lookup, hash, created_at, revoked_at FROM api_keys \
               WHERE (admin_id, id) IN (VALUES ";
    let found = select(connection, sql, ")", "(?,?)", keys, |q, (admin, id)| q.bind(admin.0).bind(id.0)).await?;
    rows::all(&found, rows::api_key)
}

/// What waits for splitters: events in their order, and trials.
async fn load_waiting(
    connection: &mut SqliteConnection,
    splitters: &[Splitter],
    snapshots: &mut Snapshots,
) -> Result<()> {
    let admin_of = |id: SplitterId| splitters.iter().find(|splitter| splitter.id == id).map(|s| s.admin_id);
    let ids: BTreeSet<SplitterId> = splitters.iter().map(|splitter| splitter.id).collect();
    let sql = "SELECT id, splitter_id, decision_id, campaign_id, contact_id, at, active_delta, outcome \
               FROM splitter_events WHERE splitter_id IN (VALUES ";
    let found = select(connection, sql, ") ORDER BY seq", "(?)", &ids, |q, id| q.bind(id.0)).await?;
    for event in rows::all(&found, rows::event)? {
        if let Some(admin) = admin_of(event.splitter_id) {
            snapshots.entry(admin).or_default().events.push(event);
        }
    }
    for splitter in splitters.iter().filter(|s| s.config.strategy.kind() == StrategyKind::Adaptive) {
        let snapshot = snapshots.entry(splitter.admin_id).or_default();
        load_trials(connection, splitter.id, snapshot).await?;
    }
    Ok(())
}

/// The oldest trials, those that waiting events are about, and those of the contacts in the snapshot.
async fn load_trials(connection: &mut SqliteConnection, id: SplitterId, snapshot: &mut Snapshot) -> Result<()> {
    let oldest = sqlx::query(
        "SELECT splitter_id, decision_id, campaign_id, started_at FROM splitter_trials WHERE splitter_id = ? \
         ORDER BY started_at, decision_id LIMIT ?",
    );
    let mut found = oldest.bind(id.0).bind(OLDEST_TRIALS).fetch_all(&mut *connection).await?;
    let of_events = snapshot.events.iter().filter(|event| event.splitter_id == id).map(|event| event.decision_id);
    let of_contacts = snapshot.contacts.values().filter_map(|contact| contact.assignment).map(|a| a.decision_id);
    let named: BTreeSet<_> = of_events.chain(of_contacts).collect();
    let sql = "SELECT splitter_id, decision_id, campaign_id, started_at FROM splitter_trials \
               WHERE (splitter_id, decision_id) IN (VALUES ";
    found.extend(select(connection, sql, ")", "(?,?)", &named, |q, decision| q.bind(id.0).bind(decision.0)).await?);
    for trial in rows::all(&found, rows::trial)? {
        snapshot.trials.insert((trial.splitter_id, trial.decision_id), trial);
    }
    Ok(())
}

async fn load_idempotency(
    connection: &mut SqliteConnection,
    keys: &BTreeSet<IdempotencyKey>,
    snapshots: &mut Snapshots,
) -> Result<()> {
    let sql = "SELECT admin_id, route, key, body_hash, created_at, status, body, decision_id FROM idempotency \
               WHERE (admin_id, route, key) IN (VALUES ";
    let bind = |q: Bound, key: &IdempotencyKey| q.bind(key.admin_id.0).bind(key.route.clone()).bind(key.key.clone());
    let found = select(connection, sql, ")", "(?,?,?)", keys, bind).await?;
    for record in rows::all(&found, rows::idempotency)? {
        snapshots.entry(record.key.admin_id).or_default().idempotency.insert(record.key.clone(), record);
    }
    Ok(())
}

/// Selects by a list of keys. The list is filled up to a power of two with repeats of its last key, so that few
/// different statements have to be prepared and kept.
async fn select<K>(
    connection: &mut SqliteConnection,
    head: &'static str,
    tail: &'static str,
    key: &'static str,
    keys: &BTreeSet<K>,
    bind: impl Fn(Bound, &K) -> Bound,
) -> Result<Vec<SqliteRow>> {
    let keys: Vec<&K> = keys.iter().collect();
    let mut found = Vec::new();
    for chunk in keys.chunks(MAX_ROWS) {
        let size = chunk.len().next_power_of_two();
        let mut sql = String::with_capacity(head.len() + tail.len() + size * (key.len() + 1));
        sql.push_str(head);
        for n in 0..size {
            sql.push_str(if n == 0 { "" } else { "," });
            sql.push_str(key);
        }
        sql.push_str(tail);
        let last = chunk[chunk.len() - 1];
        let filled = chunk.iter().copied().chain(std::iter::repeat(last)).take(size);
        let query = filled.fold(sqlx::query(AssertSqlSafe(sql)), |query, key| bind(query, key));
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}
