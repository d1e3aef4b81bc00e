//! Sending from PostgreSQL. Every step is one statement that commits by itself, on a connection of the pool: rows have
//! locks of their own, so any number of dispatchers work side by side.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use splitter_core::{
    StoreError, Timestamp,
    dispatch::{Backlog, Claim, Dispatch, Lease, Outcome},
};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::PostgresStore;
use crate::{error::store_error, rows};

/// Rows that somebody is at are left to the next time; waiting for one while holding another could go in a circle.
const RECOVER: &str = "UPDATE outreach SET \
    status = CASE WHEN cancel_requested_at IS NULL THEN 'scheduled' ELSE 'cancelled' END, fence = fence + 1, \
    next_attempt_at = $1 \
    WHERE (admin_id, contact_id, id) IN (SELECT admin_id, contact_id, id FROM outreach \
        WHERE status = 'sending' AND next_attempt_at <= $1 FOR UPDATE SKIP LOCKED)";

/// The first due rows of each active campaign are candidates, more than are wanted, because other dispatchers take some
/// of them at the same moment. Those that nobody else is at are looked at again, under their locks, and taken.
const CLAIM: &str = "WITH candidate AS ( \
        SELECT o.admin_id, o.contact_id, o.id FROM campaigns c CROSS JOIN LATERAL ( \
            SELECT i.admin_id, i.contact_id, i.id, i.next_attempt_at FROM outreach i \
            WHERE i.admin_id = c.admin_id AND i.campaign_id = c.id AND i.status = 'scheduled' AND i.next_attempt_at <= $1 \
            ORDER BY i.next_attempt_at, i.id LIMIT $4) o \
        WHERE c.status = 'active' AND c.deleted_at IS NULL ORDER BY o.next_attempt_at, o.id LIMIT $4 \
    ), picked AS ( \
        SELECT o.admin_id, o.contact_id, o.id, o.next_attempt_at AS due_at \
        FROM outreach o JOIN candidate USING (admin_id, contact_id, id) \
        WHERE o.status = 'scheduled' AND o.next_attempt_at <= $1 \
        ORDER BY o.next_attempt_at, o.id LIMIT $2 FOR UPDATE OF o SKIP LOCKED \
    ), o AS ( \
        UPDATE outreach SET fence = outreach.fence + 1, next_attempt_at = $3 FROM picked \
        WHERE outreach.admin_id = picked.admin_id AND outreach.contact_id = picked.contact_id AND outreach.id = picked.id \
        RETURNING outreach.*, picked.due_at \
    ) SELECT o.id, o.admin_id, o.contact_id, o.campaign_id, o.channel, o.template, o.status, o.scheduled_at, \
    o.created_at, o.sent_at, o.attempts, o.error, o.cancel_requested_at, \
    k.id, k.admin_id, k.campaign_id, k.phone, k.name, k.timezone, k.status, k.variables, k.created_at, k.updated_at, \
    k.fulfilled_at, k.re_added_at, k.deleted_at, k.assignment, \
    o.fence, o.due_at, c.calling_window, a.settings -> 'webhook' \
    FROM o JOIN contacts k ON k.admin_id = o.admin_id AND k.id = o.contact_id \
    JOIN campaigns c ON c.admin_id = o.admin_id AND c.id = o.campaign_id JOIN admins a ON a.id = o.admin_id \
    ORDER BY o.due_at, o.id";

/// The campaign is locked against being paused or deleted, then the row is taken: campaigns before what hangs on them, as
/// everywhere. Whoever waited sees what was committed meanwhile.
const START: &str = "WITH active AS MATERIALIZED ( \
        SELECT 1 FROM campaigns WHERE (admin_id, id) = (SELECT admin_id, campaign_id FROM outreach \
            WHERE admin_id = $1 AND contact_id = $2 AND id = $3) \
        AND status = 'active' AND deleted_at IS NULL FOR SHARE) \
    UPDATE outreach SET status = 'sending', attempts = attempts + 1, next_attempt_at = $5 \
    WHERE admin_id = $1 AND contact_id = $2 AND id = $3 AND fence = $4 AND status = 'scheduled' \
    AND EXISTS (SELECT 1 FROM active)";

/// [`Outcome::apply`] in SQL.
const FINISH: &str = "UPDATE outreach SET \
    status = CASE WHEN cancel_requested_at IS NOT NULL AND $5 <> 'sent' THEN 'cancelled' ELSE $5 END, \
    attempts = attempts - CASE WHEN $6 AND status = 'sending' THEN 1 ELSE 0 END, \
    scheduled_at = coalesce($7, scheduled_at), \
    sent_at = CASE WHEN $5 = 'sent' THEN $8 ELSE sent_at END, \
    error = CASE WHEN $5 = 'sent' THEN NULL ELSE coalesce($9, error) END, \
    next_attempt_at = $10 \
    WHERE admin_id = $1 AND contact_id = $2 AND id = $3 AND fence = $4 \
    AND (status = 'sending' OR (status = 'scheduled' AND NOT $11))";

const BACKLOG: &str = "WITH active AS (SELECT admin_id, id FROM campaigns WHERE status = 'active' AND deleted_at IS NULL) \
    SELECT (SELECT count(*) FROM (SELECT 1 FROM active JOIN outreach o ON o.admin_id = active.admin_id \
            AND o.campaign_id = active.id WHERE o.status = 'scheduled' AND o.next_attempt_at <= $1 LIMIT $2) AS due), \
           (SELECT min(first.at) FROM active CROSS JOIN LATERAL (SELECT min(o.next_attempt_at) AS at FROM outreach o \
            WHERE o.admin_id = active.admin_id AND o.campaign_id = active.id AND o.status = 'scheduled' \
            AND o.next_attempt_at <= $1) AS first)";

/// The row that a lease is for, and its fence: `$1` to `$4`.
fn held(sql: &'static str, lease: &Lease) -> Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(sql).bind(lease.admin_id.0).bind(lease.contact_id.0).bind(lease.id.0);
    query.bind(i64::try_from(lease.fence).unwrap_or(i64::MAX))
}

impl PostgresStore {
    async fn changed(&self, query: Query<'static, Postgres, PgArguments>) -> Result<u64, StoreError> {
        query.execute(&self.readers).await.map(|done| done.rows_affected()).map_err(store_error)
    }
}

#[async_trait]
impl Dispatch for PostgresStore {
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.changed(sqlx::query(RECOVER).bind(now.to_utc())).await
    }

    async fn claim(&self, now: Timestamp, limit: u32, lease_ms: i64) -> Result<Vec<Claim>, StoreError> {
        let query = sqlx::query(CLAIM)
            .bind(now.to_utc())
            .bind(i64::from(limit))
            .bind(now.plus_millis(lease_ms).to_utc())
            .bind(4 * i64::from(limit) + 64);
        let found: Vec<PgRow> = query.fetch_all(&self.readers).await.map_err(store_error)?;
        // The claim holds what can not be read, too.
        rows::claims(&found).map(|(claims, _)| claims).map_err(store_error)
    }

    async fn start(&self, lease: &Lease, now: Timestamp, lease_ms: i64) -> Result<bool, StoreError> {
        Ok(self.changed(held(START, lease).bind(now.plus_millis(lease_ms).to_utc())).await? > 0)
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<bool, StoreError> {
        let query = held(FINISH, lease)
            .bind(outcome.status().as_str())
            .bind(outcome.uncalled())
            .bind(outcome.moved_to().map(Timestamp::to_utc))
            .bind(now.to_utc())
            .bind(outcome.error().map(str::to_owned))
            .bind(outcome.next_attempt_at(now).to_utc())
            .bind(outcome.needs_sending());
        Ok(self.changed(query).await? > 0)
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let query = sqlx::query_as::<_, (i64, Option<DateTime<Utc>>)>(BACKLOG).bind(now.to_utc());
        let query = query.bind(i64::try_from(Backlog::MOST).unwrap_or(i64::MAX));
        let (due, oldest) = query.fetch_one(&self.readers).await.map_err(store_error)?;
        Ok(Backlog { due: u64::try_from(due).unwrap_or(0), oldest: oldest.map(Timestamp::from) })
    }
}
