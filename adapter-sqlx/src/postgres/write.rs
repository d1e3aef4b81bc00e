//! From changes to rows: one statement, whatever the size of the batch; rows travel as arrays.

mod contacts;
mod settings;
mod statement;

use chrono::{DateTime, Utc};
use splitter_core::{Timestamp, idempotency::LIFETIME_MS};
use sqlx::PgConnection;

use crate::{
    codec::{decision_bytes, json, name},
    commit::Changes,
    rows::Result,
};
use statement::Statement;

/// Writes everything: what is written now and then, row by row and parents before children; the rest at once.
pub(super) async fn write(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    settings::write_admins(connection, changes).await?;
    settings::write_campaigns(connection, changes).await?;
    settings::write_splitters(connection, changes).await?;
    contacts::cancel_campaigns(connection, changes).await?;
    let mut statement = Statement::default();
    contacts::add_contacts(&mut statement, changes);
    contacts::add_history(&mut statement, changes);
    contacts::add_outreach(&mut statement, changes);
    add_events(&mut statement, changes);
    add_trials(&mut statement, changes);
    add_states(&mut statement, changes);
    add_log(&mut statement, changes);
    add_idempotency(&mut statement, changes);
    statement.execute(&mut *connection).await?;
    forget_old_attempts(connection, changes).await
}

/// One column of rows.
fn column<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn time(at: Timestamp) -> DateTime<Utc> {
    at.to_utc()
}

fn time_or_none(at: Option<Timestamp>) -> Option<DateTime<Utc>> {
    at.map(Timestamp::to_utc)
}

/// Integers of PostgreSQL are signed; no count comes near the end of their range.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn add_events(statement: &mut Statement, changes: &Changes<'_>) {
    if !changes.folded.is_empty() {
        let ids: Vec<_> = changes.folded.iter().map(|id| id.0).collect();
        statement.part("DELETE FROM splitter_events WHERE id = ANY ($1)").bind(ids);
    }
    let rows = &changes.events;
    if rows.is_empty() {
        return;
    }
    statement
        .part(
            "INSERT INTO splitter_events (id, admin_id, splitter_id, decision_id, campaign_id, contact_id, at, \
         active_delta, outcome) \
         SELECT id, admin_id, splitter_id, decision_id, campaign_id, contact_id, at, active_delta, outcome \
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[], \
         $8::smallint[], $9::text[]) WITH ORDINALITY AS row (id, admin_id, splitter_id, decision_id, campaign_id, \
         contact_id, at, active_delta, outcome, n) ORDER BY n",
        )
        .bind(column(rows, |(_, row)| row.id.0))
        .bind(column(rows, |(admin, _)| admin.0))
        .bind(column(rows, |(_, row)| row.splitter_id.0))
        .bind(column(rows, |(_, row)| row.decision_id.0))
        .bind(column(rows, |(_, row)| row.campaign_id.0))
        .bind(column(rows, |(_, row)| row.contact_id.0))
        .bind(column(rows, |(_, row)| time(row.at)))
        .bind(column(rows, |(_, row)| i16::from(row.active_delta)))
        .bind(column(rows, |(_, row)| row.outcome.as_ref().map(name)));
}

fn add_trials(statement: &mut Statement, changes: &Changes<'_>) {
    if !changes.closed_trials.is_empty() {
        let closed: Vec<_> = changes.closed_trials.iter().collect();
        let delete = "DELETE FROM splitter_trials WHERE (splitter_id, decision_id) IN \
                      (SELECT * FROM unnest($1::uuid[], $2::uuid[]))";
        statement.part(delete).bind(column(&closed, |(splitter, _)| splitter.0)).bind(column(&closed, |(_, id)| id.0));
    }
    let rows: Vec<_> = changes.trials.values().collect();
    if rows.is_empty() {
        return;
    }
    statement
        .part(
            "INSERT INTO splitter_trials (splitter_id, decision_id, admin_id, campaign_id, started_at) \
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[]) \
         ON CONFLICT (splitter_id, decision_id, admin_id) DO UPDATE SET campaign_id = excluded.campaign_id, \
         started_at = excluded.started_at",
        )
        .bind(column(&rows, |(_, row)| row.splitter_id.0))
        .bind(column(&rows, |(_, row)| row.decision_id.0))
        .bind(column(&rows, |(admin, _)| admin.0))
        .bind(column(&rows, |(_, row)| row.campaign_id.0))
        .bind(column(&rows, |(_, row)| time(row.started_at)));
}

/// What both statements on states take: the columns as arrays, and how they become rows.
macro_rules! state_rows {
    () => {
        "SELECT splitter_id, admin_id, seq, last_at, head, rule_version, members::jsonb AS members, \
         adaptive::jsonb AS adaptive FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::bytea[], \
         $6::integer[], $7::text[], $8::text[]) \
         AS row (splitter_id, admin_id, seq, last_at, head, rule_version, members, adaptive)"
    };
}

const CREATE_STATES: &str = concat!(
    "INSERT INTO splitter_states (splitter_id, admin_id, seq, last_at, head, rule_version, members, adaptive) ",
    state_rows!()
);
const SAVE_STATES: &str = concat!(
    "UPDATE splitter_states SET seq = new.seq, last_at = new.last_at, head = new.head, \
     rule_version = new.rule_version, members = new.members, adaptive = new.adaptive FROM (",
    state_rows!(),
    ") AS new WHERE splitter_states.splitter_id = new.splitter_id"
);

fn add_states(statement: &mut Statement, changes: &Changes<'_>) {
    let is_new = |id| changes.splitters.get(id).is_some_and(|saved| saved.new);
    for (sql, new) in [(CREATE_STATES, true), (SAVE_STATES, false)] {
        let rows = changes.states.iter().filter(|(id, _)| is_new(id) == new);
        let rows: Vec<_> = rows.map(|(id, (admin, state))| (*id, *admin, *state)).collect();
        if rows.is_empty() {
            continue;
        }
        statement
            .part(sql)
            .bind(column(&rows, |(id, ..)| id.0))
            .bind(column(&rows, |(_, admin, _)| admin.0))
            .bind(column(&rows, |(.., state)| integer(state.seq)))
            .bind(column(&rows, |(.., state)| time(state.last_at)))
            .bind(column(&rows, |(.., state)| state.head.to_vec()))
            .bind(column(&rows, |(.., state)| i32::from(state.rule_version)))
            .bind(column(&rows, |(.., state)| json(&state.members)))
            .bind(column(&rows, |(.., state)| state.adaptive.as_ref().map(json)));
    }
}

fn add_log(statement: &mut Statement, changes: &Changes<'_>) {
    let rows = &changes.decisions;
    if rows.is_empty() {
        return;
    }
    statement
        .part(
            "INSERT INTO decisions (splitter_id, seq, admin_id, id, contact_id, campaign_id, at, bytes, hash) \
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], \
         $7::timestamptz[], $8::bytea[], $9::bytea[])",
        )
        .bind(column(rows, |(_, row)| row.decision.splitter_id.0))
        .bind(column(rows, |(_, row)| integer(row.decision.seq)))
        .bind(column(rows, |(admin, _)| admin.0))
        .bind(column(rows, |(_, row)| row.decision.id.0))
        .bind(column(rows, |(_, row)| row.decision.contact_id.0))
        .bind(column(rows, |(_, row)| row.decision.campaign_id.0))
        .bind(column(rows, |(_, row)| time(row.decision.at)))
        .bind(column(rows, |(_, row)| decision_bytes(row)))
        .bind(column(rows, |(_, row)| row.hash.to_vec()));
}

fn add_idempotency(statement: &mut Statement, changes: &Changes<'_>) {
    let rows: Vec<_> = changes.idempotency.values().collect();
    if rows.is_empty() {
        return;
    }
    statement
        .part(
            "INSERT INTO idempotency (admin_id, route, key, body_hash, created_at, status, body, decision_id) \
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::integer[], \
         $7::bytea[], $8::uuid[]) \
         ON CONFLICT (admin_id, route, key) DO UPDATE SET body_hash = excluded.body_hash, \
         created_at = excluded.created_at, status = excluded.status, body = excluded.body, \
         decision_id = excluded.decision_id",
        )
        .bind(column(&rows, |row| row.key.admin_id.0))
        .bind(column(&rows, |row| row.key.route.clone()))
        .bind(column(&rows, |row| row.key.key.clone()))
        .bind(column(&rows, |row| row.body_hash.to_vec()))
        .bind(column(&rows, |row| time(row.created_at)))
        .bind(column(&rows, |row| i32::from(row.status)))
        .bind(column(&rows, |row| row.body.clone()))
        .bind(column(&rows, |row| row.decision_id.map(|id| id.0)));
}

/// Attempts whose time is over.
async fn forget_old_attempts(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    let newest = changes.idempotency.values().map(|record| record.created_at).max();
    let Some(newest) = newest else { return Ok(()) };
    // Twice as many as were added, so that the table follows the rate of requests without a job of its own; rows that
    // another writer is at are left to it.
    let query = sqlx::query(
        "DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency WHERE created_at < $1 \
         ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    );
    let most = integer(2 * changes.idempotency.len() as u64);
    query.bind(time(newest.plus_millis(-LIFETIME_MS))).bind(most).execute(connection).await.map(|_| ())
}
