//! Contacts, their history and their outreach.

use sqlx::PgConnection;

use super::{column, statement::Statement, time, time_or_none};
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

pub(super) fn add_contacts(statement: &mut Statement, changes: &Changes<'_>) {
    for (sql, new) in [(CREATE, true), (SAVE, false)] {
        let rows: Vec<_> = changes.contacts.values().filter(|saved| saved.new == new).map(|saved| saved.row).collect();
        if rows.is_empty() {
            continue;
        }
        statement
            .part(sql)
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
            .bind(column(&rows, |row| row.assignment.as_ref().map(json)));
    }
}

pub(super) fn add_history(statement: &mut Statement, changes: &Changes<'_>) {
    let rows = &changes.history;
    if rows.is_empty() {
        return;
    }
    statement
        .part(
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
        .bind(column(rows, |(_, row)| row.before.as_ref().map(json)));
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

/// On its own, before all else: it may concern what is cancelled for its contact's sake as well.
pub(super) async fn cancel_campaigns(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    let rows: Vec<_> = changes.cancelled_campaigns.iter().collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(cancel!("campaign_id"))
        .bind(column(&rows, |((admin, _), _)| admin.0))
        .bind(column(&rows, |((_, id), _)| id.0))
        .bind(column(&rows, |(_, at)| time(**at)))
        .execute(connection)
        .await
        .map(|_| ())
}

pub(super) fn add_outreach(statement: &mut Statement, changes: &Changes<'_>) {
    if !changes.cancelled_contacts.is_empty() {
        let rows: Vec<_> = changes.cancelled_contacts.iter().collect();
        statement
            .part(cancel!("contact_id"))
            .bind(column(&rows, |((admin, _), _)| admin.0))
            .bind(column(&rows, |((_, id), _)| id.0))
            .bind(column(&rows, |(_, at)| time(**at)));
    }
    let rows: Vec<_> = changes.outreach.values().collect();
    if rows.is_empty() {
        return;
    }
    statement
        .part(
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
        .bind(column(&rows, |row| time_or_none(row.cancel_requested_at)));
}
