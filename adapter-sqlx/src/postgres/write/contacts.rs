//! Contacts, their history and their outreach.

use sqlx::PgConnection;

use super::{column, time, time_or_none};
use crate::{
    codec::{json, name},
    commit::Changes,
    rows::Result,
};

/// What both statements on contacts take: the columns as arrays, and how they become rows.
macro_rules! contact_rows {
    () => {
        "SELECT id, admin_id, campaign_id, phone, name, timezone, status, variables::jsonb AS variables, created_at, \
         updated_at, fulfilled_at, re_added_at, deleted_at, assignment::jsonb AS assignment \
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
         $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], \
         $14::text[]) AS row (id, admin_id, campaign_id, phone, name, timezone, status, variables, created_at, \
         updated_at, fulfilled_at, re_added_at, deleted_at, assignment)"
    };
}

const CREATE: &str = concat!(
    "INSERT INTO contacts (id, admin_id, campaign_id, phone, name, timezone, status, variables, created_at, \
     updated_at, fulfilled_at, re_added_at, deleted_at, assignment) ",
    contact_rows!()
);
const SAVE: &str = concat!(
    "UPDATE contacts SET campaign_id = new.campaign_id, phone = new.phone, name = new.name, timezone = new.timezone, \
     status = new.status, variables = new.variables, updated_at = new.updated_at, fulfilled_at = new.fulfilled_at, \
     re_added_at = new.re_added_at, deleted_at = new.deleted_at, assignment = new.assignment FROM (",
    contact_rows!(),
    ") AS new WHERE contacts.admin_id = new.admin_id AND contacts.id = new.id"
);

pub(super) async fn write_contacts(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    for (sql, new) in [(CREATE, true), (SAVE, false)] {
        let rows: Vec<_> = changes.contacts.values().filter(|saved| saved.new == new).map(|saved| saved.row).collect();
        if rows.is_empty() {
            continue;
        }
        sqlx::query(sql)
            .bind(column(&rows, |row| row.id.0))
            .bind(column(&rows, |row| row.admin_id.0))
            .bind(column(&rows, |row| row.campaign_id.0))
            .bind(column(&rows, |row| row.phone_number.to_string()))
            .bind(column(&rows, |row| row.name.clone()))
            .bind(column(&rows, |row| row.timezone.name()))
            .bind(column(&rows, |row| row.status.as_str()))
            .bind(column(&rows, |row| json(&row.custom_variables)))
            .bind(column(&rows, |row| time(row.created_at)))
            .bind(column(&rows, |row| time(row.updated_at)))
            .bind(column(&rows, |row| time_or_none(row.fulfilled_at)))
            .bind(column(&rows, |row| time_or_none(row.re_added_at)))
            .bind(column(&rows, |row| time_or_none(row.deleted_at)))
            .bind(column(&rows, |row| row.assignment.as_ref().map(json)))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn write_history(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    let rows = &changes.history;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO contact_history (id, admin_id, contact_id, at, actor, kind, decision_id, before) \
         SELECT id, admin_id, contact_id, at, actor, kind, decision_id, before::jsonb \
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::uuid[], \
         $8::text[]) WITH ORDINALITY AS row (id, admin_id, contact_id, at, actor, kind, decision_id, before, n) \
         ORDER BY n",
    )
    .bind(column(rows, |(_, row)| row.id.0))
    .bind(column(rows, |(admin, _)| admin.0))
    .bind(column(rows, |(_, row)| row.contact_id.0))
    .bind(column(rows, |(_, row)| time(row.at)))
    .bind(column(rows, |(_, row)| row.actor.to_string()))
    .bind(column(rows, |(_, row)| name(&row.kind)))
    .bind(column(rows, |(_, row)| row.decision_id.map(|id| id.0)))
    .bind(column(rows, |(_, row)| row.before.as_ref().map(json)))
    .execute(connection)
    .await
    .map(|_| ())
}

/// The states in which a cancellation still changes something, and what it changes.
macro_rules! cancel {
    ($by:literal) => {
        concat!(
            "UPDATE outreach SET status = CASE status WHEN 'scheduled' THEN 'cancelled' ELSE status END, \
             cancel_requested_at = CASE status WHEN 'sending' THEN coalesce(cancel_requested_at, wanted.at) \
             ELSE cancel_requested_at END \
             FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS wanted (admin_id, id, at) \
             WHERE outreach.admin_id = wanted.admin_id AND outreach.",
            $by,
            " = wanted.id AND outreach.status IN ('scheduled', 'sending')"
        )
    };
}

pub(super) async fn write_outreach(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    let contacts: Vec<_> = changes.cancelled_contacts.iter().map(|((admin, id), at)| (admin.0, id.0, *at)).collect();
    let campaigns: Vec<_> = changes.cancelled_campaigns.iter().map(|((admin, id), at)| (admin.0, id.0, *at)).collect();
    for (sql, rows) in [(cancel!("contact_id"), contacts), (cancel!("campaign_id"), campaigns)] {
        if rows.is_empty() {
            continue;
        }
        let query = sqlx::query(sql).bind(column(&rows, |row| row.0)).bind(column(&rows, |row| row.1));
        query.bind(column(&rows, |row| time(row.2))).execute(&mut *connection).await?;
    }
    let rows: Vec<_> = changes.outreach.values().collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO outreach (admin_id, contact_id, id, campaign_id, channel, template, status, scheduled_at, \
         created_at, sent_at, attempts, error, cancel_requested_at, next_attempt_at) \
         SELECT *, scheduled_at FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], \
         $7::text[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::integer[], $12::text[], \
         $13::timestamptz[]) AS row (admin_id, contact_id, id, campaign_id, channel, template, status, scheduled_at, \
         created_at, sent_at, attempts, error, cancel_requested_at)",
    )
    .bind(column(&rows, |row| row.admin_id.0))
    .bind(column(&rows, |row| row.contact_id.0))
    .bind(column(&rows, |row| row.id.0))
    .bind(column(&rows, |row| row.campaign_id.0))
    .bind(column(&rows, |row| row.channel.as_str()))
    .bind(column(&rows, |row| row.template.source().to_owned()))
    .bind(column(&rows, |row| row.status.as_str()))
    .bind(column(&rows, |row| time(row.scheduled_at)))
    .bind(column(&rows, |row| time(row.created_at)))
    .bind(column(&rows, |row| time_or_none(row.sent_at)))
    .bind(column(&rows, |row| i32::try_from(row.attempts).unwrap_or(i32::MAX)))
    .bind(column(&rows, |row| row.error.clone()))
    .bind(column(&rows, |row| time_or_none(row.cancel_requested_at)))
    .execute(connection)
    .await
    .map(|_| ())
}
