//! From changes to rows, in bulk.

use splitter_core::{Admin, Campaign, Contact, Splitter, Timestamp, idempotency::LIFETIME_MS};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::{
    codec::{decision_bytes, json, name},
    commit::Changes,
    rows::Result,
};

type Bound = Query<'static, Sqlite, SqliteArguments>;

/// Rows of one statement at most.
const MAX_ROWS: usize = 64;

/// Writes everything, parents before children.
pub(super) async fn write(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    write_admins(connection, changes).await?;
    write_campaigns(connection, changes).await?;
    write_splitters(connection, changes).await?;
    write_contacts(connection, changes).await?;
    write_outreach(connection, changes).await?;
    write_learning(connection, changes).await?;
    write_log(connection, changes).await?;
    write_idempotency(connection, changes).await
}

async fn write_admins(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    let bind = |q: Bound, row: &&Admin| {
        q.bind(row.id.0)
            .bind(row.email.clone())
            .bind(row.password_hash.clone())
            .bind(json(&row.settings))
            .bind(row.created_at.as_millis())
            .bind(row.updated_at.as_millis())
    };
    let columns = "INSERT INTO admins (id, email, password_hash, settings, created_at, updated_at) VALUES ";
    let update = " ON CONFLICT (id) DO UPDATE SET email = excluded.email, password_hash = excluded.password_hash, \
                  settings = excluded.settings, updated_at = excluded.updated_at";
    let (new, old) = split(changes.admins.values().map(|saved| (saved.row, saved.new)));
    insert(connection, columns, 6, "", &new, bind).await?;
    insert(connection, columns, 6, update, &old, bind).await?;
    let columns = "INSERT INTO api_keys (id, admin_id, name, lookup, hash, created_at, revoked_at) VALUES ";
    insert(connection, columns, 7, "", &changes.api_keys, |q, row| {
        q.bind(row.id.0)
            .bind(row.admin_id.0)
            .bind(row.name.clone())
            .bind(row.lookup.clone())
            .bind(row.hash.to_vec())
            .bind(row.created_at.as_millis())
            .bind(row.revoked_at.map(Timestamp::as_millis))
    })
    .await?;
    for ((admin, id), at) in &changes.revoked {
        let query = sqlx::query("UPDATE api_keys SET revoked_at = ? WHERE admin_id = ? AND id = ?");
        query.bind(at.as_millis()).bind(admin.0).bind(id.0).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_campaigns(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    let bind = |q: Bound, row: &&Campaign| {
        q.bind(row.id.0)
            .bind(row.admin_id.0)
            .bind(row.config.name.clone())
            .bind(row.config.status.as_str())
            .bind(json(&row.config.outreach))
            .bind(row.config.calling_window.as_ref().map(json))
            .bind(row.config.requires_email)
            .bind(row.created_at.as_millis())
            .bind(row.updated_at.as_millis())
            .bind(row.deleted_at.map(Timestamp::as_millis))
    };
    let columns = "INSERT INTO campaigns (id, admin_id, name, status, outreach, calling_window, requires_email, \
                   created_at, updated_at, deleted_at) VALUES ";
    let update = " ON CONFLICT (admin_id, id) DO UPDATE SET name = excluded.name, status = excluded.status, \
                  outreach = excluded.outreach, calling_window = excluded.calling_window, \
                  requires_email = excluded.requires_email, updated_at = excluded.updated_at, \
                  deleted_at = excluded.deleted_at";
    let (new, old) = split(changes.campaigns.values().map(|saved| (saved.row, saved.new)));
    insert(connection, columns, 10, "", &new, bind).await?;
    insert(connection, columns, 10, update, &old, bind).await
}

async fn write_splitters(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    let bind = |q: Bound, row: &&Splitter| {
        q.bind(row.id.0)
            .bind(row.admin_id.0)
            .bind(row.status.as_str())
            .bind(i64::from(row.version))
            .bind(json(&row.config))
            .bind(row.created_at.as_millis())
            .bind(row.updated_at.as_millis())
            .bind(row.deleted_at.map(Timestamp::as_millis))
    };
    let columns = "INSERT INTO splitters (id, admin_id, status, version, config, created_at, updated_at, deleted_at) \
                   VALUES ";
    let update = " ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = excluded.version, \
                  config = excluded.config, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at";
    let (new, old) = split(changes.splitters.values().map(|saved| (saved.row, saved.new)));
    insert(connection, columns, 8, "", &new, bind).await?;
    insert(connection, columns, 8, update, &old, bind).await?;

    let columns = "INSERT INTO splitter_states (splitter_id, admin_id, seq, last_at, head, rule_version, members, \
                   adaptive) VALUES ";
    let update = " ON CONFLICT (splitter_id) DO UPDATE SET seq = excluded.seq, last_at = excluded.last_at, \
                  head = excluded.head, rule_version = excluded.rule_version, members = excluded.members, \
                  adaptive = excluded.adaptive";
    let states: Vec<_> = changes.states.iter().collect();
    insert(connection, columns, 8, update, &states, |q, (id, (admin, state))| {
        q.bind(id.0)
            .bind(admin.0)
            .bind(integer(state.seq))
            .bind(state.last_at.as_millis())
            .bind(state.head.to_vec())
            .bind(i64::from(state.rule_version))
            .bind(json(&state.members))
            .bind(state.adaptive.as_ref().map(json))
    })
    .await?;

    let columns = "INSERT INTO splitter_versions (splitter_id, version, admin_id, at, actor, change, after_seq, \
                   config) VALUES ";
    insert(connection, columns, 8, "", &changes.versions, |q, (admin, row)| {
        q.bind(row.splitter_id.0)
            .bind(i64::from(row.version))
            .bind(admin.0)
            .bind(row.at.as_millis())
            .bind(row.actor.to_string())
            .bind(name(&row.change))
            .bind(integer(row.after_seq))
            .bind(json(&row.config))
    })
    .await
}

async fn write_contacts(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    let bind = |q: Bound, row: &&Contact| {
        q.bind(row.id.0)
            .bind(row.admin_id.0)
            .bind(row.campaign_id.0)
            .bind(row.phone_number.to_string())
            .bind(row.name.clone())
            .bind(row.timezone.name())
            .bind(row.status.as_str())
            .bind(json(&row.custom_variables))
            .bind(row.created_at.as_millis())
            .bind(row.updated_at.as_millis())
            .bind(row.fulfilled_at.map(Timestamp::as_millis))
            .bind(row.re_added_at.map(Timestamp::as_millis))
            .bind(row.deleted_at.map(Timestamp::as_millis))
            .bind(row.assignment.as_ref().map(json))
    };
    let columns = "INSERT INTO contacts (id, admin_id, campaign_id, phone, name, timezone, status, variables, \
                   created_at, updated_at, fulfilled_at, re_added_at, deleted_at, assignment) VALUES ";
    let update = " ON CONFLICT (admin_id, id) DO UPDATE SET campaign_id = excluded.campaign_id, \
                  phone = excluded.phone, name = excluded.name, timezone = excluded.timezone, \
                  status = excluded.status, variables = excluded.variables, updated_at = excluded.updated_at, \
                  fulfilled_at = excluded.fulfilled_at, re_added_at = excluded.re_added_at, \
                  deleted_at = excluded.deleted_at, assignment = excluded.assignment";
    let (new, old) = split(changes.contacts.values().map(|saved| (saved.row, saved.new)));
    insert(connection, columns, 14, "", &new, bind).await?;
    insert(connection, columns, 14, update, &old, bind).await?;

    let columns =
        "INSERT INTO contact_history (id, admin_id, contact_id, at, actor, kind, decision_id, before) VALUES ";
    insert(connection, columns, 8, "", &changes.history, |q, (admin, row)| {
        q.bind(row.id.0)
            .bind(admin.0)
            .bind(row.contact_id.0)
            .bind(row.at.as_millis())
            .bind(row.actor.to_string())
            .bind(name(&row.kind))
            .bind(row.decision_id.map(|id| id.0))
            .bind(row.before.as_ref().map(json))
    })
    .await
}

async fn write_outreach(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    const CANCEL: &str = "UPDATE outreach SET status = iif(status = 'scheduled', 'cancelled', status), \
                          cancel_requested_at = iif(status = 'sending', coalesce(cancel_requested_at, given.at), \
                          cancel_requested_at) FROM (VALUES ";
    const BY_CONTACT: &str = ") AS given WHERE outreach.admin_id = given.column1 AND outreach.contact_id = \
                              given.column2 AND outreach.status IN ('scheduled', 'sending')";
    const BY_CAMPAIGN: &str = ") AS given WHERE outreach.admin_id = given.column1 AND outreach.campaign_id = \
                               given.column2 AND outreach.status IN ('scheduled', 'sending')";
    let cancel = CANCEL.replace("given.at", "given.column3");
    let contacts: Vec<_> = changes.cancelled_contacts.iter().map(|((a, id), at)| (a.0, id.0, at.as_millis())).collect();
    let campaigns: Vec<_> =
        changes.cancelled_campaigns.iter().map(|((a, id), at)| (a.0, id.0, at.as_millis())).collect();
    for (keys, which) in [(contacts, BY_CONTACT), (campaigns, BY_CAMPAIGN)] {
        insert(connection, &cancel, 3, which, &keys, |q, (admin, id, at)| q.bind(*admin).bind(*id).bind(*at)).await?;
    }
    let columns = "INSERT INTO outreach (admin_id, contact_id, id, campaign_id, channel, template, status, \
                   scheduled_at, created_at, sent_at, attempts, error, cancel_requested_at, next_attempt_at) VALUES ";
    let new: Vec<_> = changes.outreach.values().collect();
    insert(connection, columns, 14, "", &new, |q, row| {
        q.bind(row.admin_id.0)
            .bind(row.contact_id.0)
            .bind(row.id.0)
            .bind(row.campaign_id.0)
            .bind(row.channel.as_str())
            .bind(row.template.source().to_owned())
            .bind(row.status.as_str())
            .bind(row.scheduled_at.as_millis())
            .bind(row.created_at.as_millis())
            .bind(row.sent_at.map(Timestamp::as_millis))
            .bind(i64::from(row.attempts))
            .bind(row.error.clone())
            .bind(row.cancel_requested_at.map(Timestamp::as_millis))
            .bind(row.scheduled_at.as_millis())
    })
    .await
}

async fn write_learning(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    let folded: Vec<_> = changes.folded.iter().collect();
    let delete = "DELETE FROM splitter_events WHERE id IN (VALUES ";
    insert(connection, delete, 1, ")", &folded, |q, id| q.bind(id.0)).await?;
    let columns = "INSERT INTO splitter_events (id, admin_id, splitter_id, decision_id, campaign_id, contact_id, at, \
                   active_delta, outcome) VALUES ";
    insert(connection, columns, 9, "", &changes.events, |q, (admin, row)| {
        q.bind(row.id.0)
            .bind(admin.0)
            .bind(row.splitter_id.0)
            .bind(row.decision_id.0)
            .bind(row.campaign_id.0)
            .bind(row.contact_id.0)
            .bind(row.at.as_millis())
            .bind(i64::from(row.active_delta))
            .bind(row.outcome.as_ref().map(name))
    })
    .await?;
    let closed: Vec<_> = changes.closed_trials.iter().collect();
    // The inner SELECT lets the index be used; a bare list of rows would have the whole table read.
    let delete = "DELETE FROM splitter_trials WHERE (splitter_id, decision_id) IN \
                  (SELECT column1, column2 FROM (VALUES ";
    insert(connection, delete, 2, "))", &closed, |q, (splitter, id)| q.bind(splitter.0).bind(id.0)).await?;
    let columns = "INSERT INTO splitter_trials (splitter_id, decision_id, admin_id, campaign_id, started_at) VALUES ";
    let update = " ON CONFLICT (splitter_id, decision_id) DO UPDATE SET campaign_id = excluded.campaign_id, \
                  started_at = excluded.started_at";
    let trials: Vec<_> = changes.trials.values().collect();
    insert(connection, columns, 5, update, &trials, |q, (admin, row)| {
        q.bind(row.splitter_id.0)
            .bind(row.decision_id.0)
            .bind(admin.0)
            .bind(row.campaign_id.0)
            .bind(row.started_at.as_millis())
    })
    .await
}

async fn write_log(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    let columns = "INSERT INTO decisions (splitter_id, seq, admin_id, id, contact_id, campaign_id, at, bytes, hash) \
                   VALUES ";
    insert(connection, columns, 9, "", &changes.decisions, |q, (admin, row)| {
        q.bind(row.decision.splitter_id.0)
            .bind(integer(row.decision.seq))
            .bind(admin.0)
            .bind(row.decision.id.0)
            .bind(row.decision.contact_id.0)
            .bind(row.decision.campaign_id.0)
            .bind(row.decision.at.as_millis())
            .bind(decision_bytes(row))
            .bind(row.hash.to_vec())
    })
    .await
}

async fn write_idempotency(connection: &mut SqliteConnection, changes: &Changes<'_>) -> Result<()> {
    let columns = "INSERT INTO idempotency (admin_id, route, key, body_hash, created_at, status, body, decision_id) \
                   VALUES ";
    let update = " ON CONFLICT (admin_id, route, key) DO UPDATE SET body_hash = excluded.body_hash, \
                  created_at = excluded.created_at, status = excluded.status, body = excluded.body, \
                  decision_id = excluded.decision_id";
    let records: Vec<_> = changes.idempotency.values().collect();
    insert(connection, columns, 8, update, &records, |q, row| {
        q.bind(row.key.admin_id.0)
            .bind(row.key.route.clone())
            .bind(row.key.key.clone())
            .bind(row.body_hash.to_vec())
            .bind(row.created_at.as_millis())
            .bind(i64::from(row.status))
            .bind(row.body.clone())
            .bind(row.decision_id.map(|id| id.0))
    })
    .await?;
    let Some(newest) = changes.idempotency.values().map(|record| record.created_at).max() else { return Ok(()) };
    // Twice as many as were added, so that the table follows the rate of requests without a job of its own.
    let query = sqlx::query(
        "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE created_at < ? \
         ORDER BY created_at LIMIT ?)",
    );
    let limit = integer(2 * changes.idempotency.len() as u64);
    query.bind(newest.plus_millis(-LIFETIME_MS).as_millis()).bind(limit).execute(&mut *connection).await?;
    Ok(())
}

/// Integers of SQLite are signed; no count comes near the end of their range.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// New rows, then old ones.
fn split<T>(rows: impl Iterator<Item = (T, bool)>) -> (Vec<T>, Vec<T>) {
    let (new, old): (Vec<_>, Vec<_>) = rows.partition(|(_, new)| *new);
    (new.into_iter().map(|(row, _)| row).collect(), old.into_iter().map(|(row, _)| row).collect())
}

/// Rows, or keys, of the next statement: up to 8 as they are, more in few sizes, so that the statements stay prepared.
pub(super) const fn next_size(left: usize) -> usize {
    match left {
        0..=8 => left,
        9..=15 => 8,
        16..=31 => 16,
        32..=63 => 32,
        _ => MAX_ROWS,
    }
}

/// Runs `head (?,…),(?,…) tail` over rows.
async fn insert<T>(
    connection: &mut SqliteConnection,
    head: &str,
    columns: usize,
    tail: &str,
    rows: &[T],
    bind: impl Fn(Bound, &T) -> Bound,
) -> Result<()> {
    let mut rest = rows;
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at(next_size(rest.len()));
        rest = more;
        let mut sql = String::with_capacity(head.len() + tail.len() + chunk.len() * (2 * columns + 2));
        sql.push_str(head);
        for row in 0..chunk.len() {
            sql.push_str(if row == 0 { "(" } else { ",(" });
            for column in 0..columns {
                sql.push_str(if column == 0 { "?" } else { ",?" });
            }
            sql.push(')');
        }
        sql.push_str(tail);
        let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), &bind);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
