//! From scopes to snapshots.

use std::collections::BTreeSet;

use splitter_core::{
    Admin, AdminId, ApiKey, ApiKeyId, Campaign, CampaignId, Contact, DecisionId, PhoneNumber, Splitter, SplitterId,
    idempotency::{IdempotencyKey, IdempotencyRecord},
    splitter::{SplitterEvent, Trial},
};
use sqlx::{
    AssertSqlSafe, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::write::MAX_ROWS;
use crate::{
    commit::{Snapshots, Wanted},
    loaded::Loaded,
    rows::{self, Result},
};

type Bound = Query<'static, Sqlite, SqliteArguments>;

pub(super) async fn load(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Snapshots> {
    let mut loaded = Loaded { admins: load_admins(connection, &wanted.admins).await?, ..Loaded::default() };
    loaded.api_keys = load_api_keys(connection, &wanted.api_keys).await?;
    loaded.splitters = load_splitters(connection, &wanted.splitters.keys().copied().collect()).await?;
    loaded.campaigns = load_campaigns(connection, &loaded.campaign_keys(wanted)).await?;
    loaded.contacts = load_contacts(connection, &wanted.phones).await?;
    loaded.events = load_events(connection, &loaded.splitters).await?;
    let named = loaded.named_trials();
    let oldest: Vec<_> = loaded.oldest_trials(wanted, named.len()).collect();
    loaded.trials = load_trials(connection, &named, &oldest).await?;
    loaded.idempotency = load_idempotency(connection, &wanted.idempotency).await?;
    Ok(loaded.into_snapshots(wanted))
}

async fn load_admins(connection: &mut SqliteConnection, ids: &BTreeSet<AdminId>) -> Result<Vec<Admin>> {
    let sql = "SELECT id, email, password_hash, settings, created_at, updated_at FROM admins WHERE id IN (VALUES ";
    let found = select(connection, sql, ")", "(?)", ids, |query, id| query.bind(id.0)).await?;
    rows::all(&found, rows::admin)
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

async fn load_events(connection: &mut SqliteConnection, splitters: &[Splitter]) -> Result<Vec<SplitterEvent>> {
    let ids: BTreeSet<SplitterId> = splitters.iter().map(|splitter| splitter.id).collect();
    let sql = "SELECT id, splitter_id, decision_id, campaign_id, contact_id, at, active_delta, outcome \
               FROM splitter_events WHERE splitter_id IN (VALUES ";
    let found = select(connection, sql, ") ORDER BY seq", "(?)", &ids, |q, id| q.bind(id.0)).await?;
    rows::all(&found, rows::event)
}

async fn load_trials(
    connection: &mut SqliteConnection,
    named: &BTreeSet<(SplitterId, DecisionId)>,
    oldest: &[(SplitterId, i64)],
) -> Result<Vec<Trial>> {
    let sql = "SELECT splitter_id, decision_id, campaign_id, started_at FROM splitter_trials \
               WHERE (splitter_id, decision_id) IN (VALUES ";
    let bind = |q: Bound, (splitter, decision): &(SplitterId, DecisionId)| q.bind(splitter.0).bind(decision.0);
    let mut found = select(connection, sql, ")", "(?,?)", named, bind).await?;
    for (splitter, count) in oldest {
        let query = sqlx::query(
            "SELECT splitter_id, decision_id, campaign_id, started_at FROM splitter_trials WHERE splitter_id = ? \
             ORDER BY started_at, decision_id LIMIT ?",
        );
        found.extend(query.bind(splitter.0).bind(*count).fetch_all(&mut *connection).await?);
    }
    rows::all(&found, rows::trial)
}

async fn load_idempotency(
    connection: &mut SqliteConnection,
    keys: &BTreeSet<IdempotencyKey>,
) -> Result<Vec<IdempotencyRecord>> {
    let sql = "SELECT admin_id, route, key, body_hash, created_at, status, body, decision_id FROM idempotency \
               WHERE (admin_id, route, key) IN (VALUES ";
    let bind = |q: Bound, key: &IdempotencyKey| q.bind(key.admin_id.0).bind(key.route.clone()).bind(key.key.clone());
    let found = select(connection, sql, ")", "(?,?,?)", keys, bind).await?;
    rows::all(&found, rows::idempotency)
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
        let query = filled.fold(sqlx::query(AssertSqlSafe(sql)), &bind);
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}
