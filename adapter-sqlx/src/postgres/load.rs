//! From scopes to snapshots, after the locks have been taken.

use splitter_core::{AdminId, CampaignId};
use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use crate::{
    commit::{Snapshots, Wanted, Witness},
    loaded::Loaded,
    rows::{self, Result},
};

pub(super) async fn load(connection: &mut PgConnection, wanted: &Wanted) -> Result<Snapshots> {
    let mut loaded = Loaded::default();
    let ids: Vec<Uuid> = wanted.admins.iter().map(|id| id.0).collect();
    let query = sqlx::query(
        "SELECT id, email, password_hash, settings, created_at, updated_at FROM admins WHERE id = ANY ($1)",
    );
    loaded.admins = rows::all(&query.bind(ids).fetch_all(&mut *connection).await?, rows::admin)?;
    if !wanted.api_keys.is_empty() {
        let (admins, ids) = columns(wanted.api_keys.iter().map(|(admin, id)| (*admin, id.0)));
        let query = sqlx::query(
            "SELECT id, admin_id, name, lookup, hash, created_at, revoked_at FROM api_keys \
             WHERE (admin_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
        );
        let found = query.bind(admins).bind(ids).fetch_all(&mut *connection).await?;
        loaded.api_keys = rows::all(&found, rows::api_key)?;
    }
    if !wanted.splitters.is_empty() {
        load_splitters(connection, wanted, &mut loaded).await?;
    }
    let campaigns = loaded.campaign_keys(wanted);
    if !campaigns.is_empty() {
        let found = load_campaigns(connection, campaigns.into_iter()).await?;
        loaded.campaigns = rows::all(&found, rows::campaign)?;
    }
    if !wanted.phones.is_empty() {
        let admins: Vec<Uuid> = wanted.phones.iter().map(|(admin, _)| admin.0).collect();
        let phones: Vec<String> = wanted.phones.iter().map(|(_, phone)| phone.to_string()).collect();
        let query = sqlx::query(
            "SELECT c.id, c.admin_id, c.campaign_id, c.phone, c.name, c.timezone, c.status, c.variables, c.created_at, \
             c.updated_at, c.fulfilled_at, c.re_added_at, c.deleted_at, c.assignment \
             FROM unnest($1::uuid[], $2::text[]) AS wanted (admin_id, phone) \
             JOIN contacts AS c ON c.admin_id = wanted.admin_id AND c.phone = wanted.phone",
        );
        let found = query.bind(admins).bind(phones).fetch_all(&mut *connection).await?;
        loaded.contacts = rows::all(&found, rows::contact)?;
    }
    if !loaded.splitters.is_empty() {
        load_trials(connection, wanted, &mut loaded).await?;
    }
    if !wanted.idempotency.is_empty() {
        let query = sqlx::query(
            "SELECT admin_id, route, key, body_hash, created_at, status, body, decision_id FROM idempotency \
             WHERE (admin_id, route, key) IN (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]))",
        )
        .bind(wanted.idempotency.iter().map(|key| key.admin_id.0).collect::<Vec<_>>())
        .bind(wanted.idempotency.iter().map(|key| key.route.clone()).collect::<Vec<_>>())
        .bind(wanted.idempotency.iter().map(|key| key.key.clone()).collect::<Vec<_>>());
        loaded.idempotency = rows::all(&query.fetch_all(&mut *connection).await?, rows::idempotency)?;
    }
    Ok(loaded.into_snapshots(wanted))
}

/// Pairs as two arrays.
fn columns(pairs: impl Iterator<Item = (AdminId, Uuid)>) -> (Vec<Uuid>, Vec<Uuid>) {
    pairs.map(|(admin, id)| (admin.0, id)).unzip()
}

/// The splitters with their states, and the events that wait for them; most of the time none do, and then nobody asks.
async fn load_splitters(connection: &mut PgConnection, wanted: &Wanted, loaded: &mut Loaded) -> Result<()> {
    let (admins, ids) = columns(wanted.splitters.keys().map(|(admin, id)| (*admin, id.0)));
    let query = sqlx::query(
        "SELECT s.id, s.admin_id, s.status, s.version, s.config, s.created_at, s.updated_at, s.deleted_at, \
         t.seq, t.last_at, t.head, t.rule_version, t.members, t.adaptive, \
         (SELECT count(*) FROM (SELECT FROM splitter_events AS e WHERE e.splitter_id = s.id LIMIT 1) AS first) \
         FROM splitters AS s JOIN splitter_states AS t ON t.splitter_id = s.id \
         WHERE (s.admin_id, s.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
    );
    let found = query.bind(admins).bind(ids).fetch_all(&mut *connection).await?;
    let splitters = rows::all(&found, |r| Ok((rows::splitter(r)?, r.integer::<i64>()? > 0)))?;
    let waited_for: Vec<Uuid> = splitters.iter().filter(|(_, waiting)| *waiting).map(|(s, _)| s.id.0).collect();
    loaded.splitters = splitters.into_iter().map(|(splitter, _)| splitter).collect();
    if !waited_for.is_empty() {
        let query = sqlx::query(
            "SELECT id, splitter_id, decision_id, campaign_id, contact_id, at, active_delta, outcome \
             FROM splitter_events WHERE splitter_id = ANY ($1) ORDER BY seq",
        );
        loaded.events = rows::all(&query.bind(waited_for).fetch_all(&mut *connection).await?, rows::event)?;
    }
    Ok(())
}

async fn load_campaigns(
    connection: &mut PgConnection,
    keys: impl Iterator<Item = (AdminId, CampaignId)>,
) -> Result<Vec<PgRow>> {
    let (admins, ids) = columns(keys.map(|(admin, id)| (admin, id.0)));
    let query = sqlx::query(
        "SELECT id, admin_id, name, status, outreach, calling_window, requires_email, created_at, updated_at, \
         deleted_at FROM campaigns WHERE (admin_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
    );
    query.bind(admins).bind(ids).fetch_all(connection).await
}

async fn load_trials(connection: &mut PgConnection, wanted: &Wanted, loaded: &mut Loaded) -> Result<()> {
    let named = loaded.named_trials();
    let oldest: Vec<_> = loaded.oldest_trials(wanted, named.len()).collect();
    let mut trials = Vec::new();
    if !named.is_empty() {
        let (splitters, decisions): (Vec<Uuid>, Vec<Uuid>) = named.iter().map(|(s, d)| (s.0, d.0)).unzip();
        let query = sqlx::query(
            "SELECT splitter_id, decision_id, campaign_id, started_at FROM splitter_trials \
             WHERE (splitter_id, decision_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
        );
        let found = query.bind(splitters).bind(decisions).fetch_all(&mut *connection).await?;
        trials.extend(rows::all(&found, rows::trial)?);
    }
    if !oldest.is_empty() {
        let (splitters, counts): (Vec<Uuid>, Vec<i64>) = oldest.iter().map(|(id, count)| (id.0, *count)).unzip();
        let query = sqlx::query(
            "SELECT t.splitter_id, t.decision_id, t.campaign_id, t.started_at \
             FROM unnest($1::uuid[], $2::bigint[]) AS wanted (splitter_id, most) CROSS JOIN LATERAL ( \
                 SELECT * FROM splitter_trials WHERE splitter_id = wanted.splitter_id \
                 ORDER BY started_at, decision_id LIMIT wanted.most) AS t",
        );
        let found = query.bind(splitters).bind(counts).fetch_all(&mut *connection).await?;
        trials.extend(rows::all(&found, rows::trial)?);
    }
    loaded.trials = trials;
    Ok(())
}

/// Whether a row of an earlier batch is there.
pub(super) async fn sees(connection: &mut PgConnection, witness: &Witness) -> Result<bool> {
    use chrono::{DateTime, Utc};
    let query = match witness {
        Witness::Decision(id) => sqlx::query_scalar("SELECT EXISTS (SELECT FROM decisions WHERE id = $1)").bind(id.0),
        Witness::History(admin, contact, id) => sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM contact_history WHERE admin_id = $1 AND contact_id = $2 AND id = $3)",
        )
        .bind(admin.0)
        .bind(contact.0)
        .bind(id.0),
        Witness::Version(splitter, version, at) => sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM splitter_versions WHERE splitter_id = $1 AND version = $2 AND at = $3)",
        )
        .bind(splitter.0)
        .bind(i64::from(*version))
        .bind(at.to_utc()),
        Witness::Campaign(admin, id, at) => sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM campaigns WHERE admin_id = $1 AND id = $2 AND updated_at = $3)",
        )
        .bind(admin.0)
        .bind(id.0)
        .bind(at.to_utc()),
        Witness::Admin(id, at) => {
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM admins WHERE id = $1 AND updated_at = $2)")
                .bind(id.0)
                .bind(at.to_utc())
        }
        Witness::ApiKey(id, revoked_at) => {
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM api_keys WHERE id = $1 AND ($2 IS NULL OR revoked_at = $2))")
                .bind(id.0)
                .bind(revoked_at.map(|at| -> DateTime<Utc> { at.to_utc() }))
        }
    };
    query.fetch_one(connection).await
}
