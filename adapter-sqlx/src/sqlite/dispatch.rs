//! Sending from SQLite. Writes go through the one writer, in groups like everything else.

use async_trait::async_trait;
use splitter_core::{
    StoreError, Timestamp,
    dispatch::{Backlog, Claim, Dispatch, Lease, Outcome},
};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};
use tokio::sync::oneshot;

use super::SqliteStore;
use crate::{
    commit::Entry,
    error::{Failure, store_error},
    rows,
};

/// What a dispatcher asks of the writer, and who waits for the answer.
#[derive(Debug)]
pub(super) struct Call {
    request: Request,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

#[derive(Debug)]
enum Request {
    Recover { now: Timestamp },
    Claim { now: Timestamp, limit: u32, until: Timestamp },
    Start { lease: Lease, until: Timestamp },
    Finish { lease: Lease, outcome: Outcome, now: Timestamp },
}

#[derive(Debug)]
pub(super) enum Answer {
    Count(u64),
    Claims(Vec<Claim>),
}

const RECOVER: &str = "UPDATE outreach SET \
    status = iif(cancel_requested_at IS NULL, 'scheduled', 'cancelled'), fence = fence + 1, next_attempt_at = ?1 \
    WHERE status = 'sending' AND next_attempt_at <= ?1";

/// The first due rows of each active campaign, then the first of all of these.
const DUE: &str = "SELECT o.id, o.admin_id, o.contact_id, o.campaign_id, o.channel, o.template, o.status, \
    o.scheduled_at, o.created_at, o.sent_at, o.attempts, o.error, o.cancel_requested_at, \
    k.id, k.admin_id, k.campaign_id, k.phone, k.name, k.timezone, k.status, k.variables, k.created_at, k.updated_at, \
    k.fulfilled_at, k.re_added_at, k.deleted_at, k.assignment, \
    o.fence + 1, o.next_attempt_at, c.calling_window, json_extract(a.settings, '$.webhook') \
    FROM campaigns c \
    JOIN outreach o ON o.rowid IN (SELECT i.rowid FROM outreach i \
        WHERE i.admin_id = c.admin_id AND i.campaign_id = c.id AND i.status = 'scheduled' AND i.next_attempt_at <= ?1 \
        ORDER BY i.next_attempt_at, i.id LIMIT ?2) \
    JOIN contacts k ON k.admin_id = o.admin_id AND k.id = o.contact_id \
    JOIN admins a ON a.id = o.admin_id \
    WHERE c.status = 'active' AND c.deleted_at IS NULL \
    ORDER BY o.next_attempt_at, o.id LIMIT ?2";

const HOLD: &str =
    "UPDATE outreach SET fence = ?4, next_attempt_at = ?5 WHERE admin_id = ?1 AND contact_id = ?2 AND id = ?3";

const START: &str = "UPDATE outreach SET status = 'sending', attempts = attempts + 1, next_attempt_at = ?5 \
    WHERE admin_id = ?1 AND contact_id = ?2 AND id = ?3 AND fence = ?4 AND status = 'scheduled' \
    AND EXISTS (SELECT 1 FROM campaigns c WHERE c.admin_id = outreach.admin_id AND c.id = outreach.campaign_id \
                AND c.status = 'active' AND c.deleted_at IS NULL)";

/// [`Outcome::apply`] in SQL.
const FINISH: &str = "UPDATE outreach SET \
    status = iif(cancel_requested_at IS NOT NULL AND ?5 <> 'sent', 'cancelled', ?5), \
    attempts = attempts - (?6 AND status = 'sending'), \
    scheduled_at = coalesce(?7, scheduled_at), \
    sent_at = iif(?5 = 'sent', ?8, sent_at), \
    error = iif(?5 = 'sent', NULL, coalesce(?9, error)), \
    next_attempt_at = ?10 \
    WHERE admin_id = ?1 AND contact_id = ?2 AND id = ?3 AND fence = ?4 \
    AND (status = 'sending' OR (status = 'scheduled' AND NOT ?11))";

const BACKLOG: &str = "WITH active AS (SELECT admin_id, id FROM campaigns WHERE status = 'active' AND deleted_at IS NULL) \
    SELECT (SELECT count(*) FROM (SELECT 1 FROM active JOIN outreach o ON o.admin_id = active.admin_id \
            AND o.campaign_id = active.id WHERE o.status = 'scheduled' AND o.next_attempt_at <= ?1 LIMIT ?2)), \
           (SELECT min((SELECT min(o.next_attempt_at) FROM outreach o WHERE o.admin_id = active.admin_id \
            AND o.campaign_id = active.id AND o.status = 'scheduled' AND o.next_attempt_at <= ?1)) FROM active)";

/// The row that a lease is for, and its fence: `?1` to `?4`.
fn held(sql: &'static str, lease: &Lease) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(sql).bind(lease.admin_id.0).bind(lease.contact_id.0).bind(lease.id.0);
    query.bind(i64::try_from(lease.fence).unwrap_or(i64::MAX))
}

impl Call {
    /// Carries it out in the open transaction.
    pub(super) async fn answer(&self, connection: &mut SqliteConnection) -> Result<Answer, Failure> {
        let changed = match &self.request {
            Request::Recover { now } => sqlx::query(RECOVER).bind(now.as_millis()).execute(connection).await?,
            Request::Claim { now, limit, until } => return claim(connection, *now, *limit, *until).await,
            Request::Start { lease, until } => held(START, lease).bind(until.as_millis()).execute(connection).await?,
            Request::Finish { lease, outcome, now } => {
                held(FINISH, lease)
                    .bind(outcome.status().as_str())
                    .bind(outcome.uncalled())
                    .bind(outcome.moved_to().map(Timestamp::as_millis))
                    .bind(now.as_millis())
                    .bind(outcome.error().map(str::to_owned))
                    .bind(outcome.next_attempt_at(*now).as_millis())
                    .bind(outcome.needs_sending())
                    .execute(connection)
                    .await?
            }
        };
        Ok(Answer::Count(changed.rows_affected()))
    }

    /// Answers whoever waits. The caller may have gone away; what was committed stays committed.
    pub(super) fn reply(self, answer: Result<Option<Answer>, Failure>) {
        let answer = answer.map_err(Failure::into_store_error);
        let _ = self.answer.send(answer.and_then(|answer| answer.ok_or_else(unanswered)));
    }
}

async fn claim(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
    until: Timestamp,
) -> Result<Answer, Failure> {
    let query = sqlx::query(DUE).bind(now.as_millis()).bind(i64::from(limit));
    let (claims, unreadable) = rows::claims(&query.fetch_all(&mut *connection).await?)?;
    for lease in claims.iter().map(|claim| &claim.lease).chain(&unreadable) {
        held(HOLD, lease).bind(until.as_millis()).execute(&mut *connection).await?;
    }
    Ok(Answer::Claims(claims))
}

fn unanswered() -> StoreError {
    StoreError::Unavailable("the store has stopped".into())
}

impl SqliteStore {
    async fn call(&self, request: Request) -> Result<Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.committer.hand_in(0, Entry::Call(Call { request, answer }))?;
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    async fn count_of(&self, request: Request) -> Result<u64, StoreError> {
        match self.call(request).await? {
            Answer::Count(count) => Ok(count),
            Answer::Claims(_) => Err(unanswered()),
        }
    }
}

#[async_trait]
impl Dispatch for SqliteStore {
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.count_of(Request::Recover { now }).await
    }

    async fn claim(&self, now: Timestamp, limit: u32, lease_ms: i64) -> Result<Vec<Claim>, StoreError> {
        match self.call(Request::Claim { now, limit, until: now.plus_millis(lease_ms) }).await? {
            Answer::Claims(claims) => Ok(claims),
            Answer::Count(_) => Err(unanswered()),
        }
    }

    async fn start(&self, lease: &Lease, now: Timestamp, lease_ms: i64) -> Result<bool, StoreError> {
        Ok(self.count_of(Request::Start { lease: *lease, until: now.plus_millis(lease_ms) }).await? > 0)
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.count_of(Request::Finish { lease: *lease, outcome: outcome.clone(), now }).await? > 0)
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let query = sqlx::query_as::<_, (i64, Option<i64>)>(BACKLOG).bind(now.as_millis());
        let query = query.bind(i64::try_from(Backlog::MOST).unwrap_or(i64::MAX));
        let (due, oldest) = query.fetch_one(&self.readers).await.map_err(store_error)?;
        Ok(Backlog { due: u64::try_from(due).unwrap_or(0), oldest: oldest.map(Timestamp::from_millis) })
    }
}
