//! Admins, API keys, campaigns and splitters: rows that are written now and then, one by one.

use splitter_core::Splitter;
use sqlx::{PgConnection, types::Json};

use super::{integer, time, time_or_none};
use crate::{codec::name, commit::Changes, loaded::listed, rows::Result};

pub(super) async fn write_admins(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    for saved in changes.admins.values() {
        let row = saved.row;
        let sql = if saved.new {
            "INSERT INTO admins (id, email, password_hash, settings, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6)"
        } else {
            "UPDATE admins SET email = $2, password_hash = $3, settings = $4, created_at = $5, updated_at = $6 \
             WHERE id = $1"
        };
        sqlx::query(sql)
            .bind(row.id.0)
            .bind(&row.email)
            .bind(&row.password_hash)
            .bind(Json(&row.settings))
            .bind(time(row.created_at))
            .bind(time(row.updated_at))
            .execute(&mut *connection)
            .await?;
    }
    for row in &changes.api_keys {
        sqlx::query(
            "INSERT INTO api_keys (id, admin_id, name, lookup, hash, created_at, revoked_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(row.id.0)
        .bind(row.admin_id.0)
        .bind(&row.name)
        .bind(&row.lookup)
        .bind(row.hash.as_slice())
        .bind(time(row.created_at))
        .bind(time_or_none(row.revoked_at))
        .execute(&mut *connection)
        .await?;
    }
    for ((admin, id), at) in &changes.revoked {
        let query = sqlx::query("UPDATE api_keys SET revoked_at = $3 WHERE admin_id = $1 AND id = $2");
        query.bind(admin.0).bind(id.0).bind(time(*at)).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn write_campaigns(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    for saved in changes.campaigns.values() {
        let row = saved.row;
        let sql = if saved.new {
            "INSERT INTO campaigns (id, admin_id, name, status, outreach, calling_window, requires_email, created_at, \
             updated_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        } else {
            "UPDATE campaigns SET name = $3, status = $4, outreach = $5, calling_window = $6, requires_email = $7, \
             created_at = $8, updated_at = $9, deleted_at = $10 WHERE id = $1 AND admin_id = $2"
        };
        sqlx::query(sql)
            .bind(row.id.0)
            .bind(row.admin_id.0)
            .bind(&row.config.name)
            .bind(row.config.status.as_str())
            .bind(Json(&row.config.outreach))
            .bind(row.config.calling_window.as_ref().map(Json))
            .bind(row.config.requires_email)
            .bind(time(row.created_at))
            .bind(time(row.updated_at))
            .bind(time_or_none(row.deleted_at))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn write_splitters(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<()> {
    for saved in changes.splitters.values() {
        let row = saved.row;
        let sql = if saved.new {
            "INSERT INTO splitters (id, admin_id, status, version, config, created_at, updated_at, deleted_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        } else {
            "UPDATE splitters SET status = $3, version = $4, config = $5, created_at = $6, updated_at = $7, \
             deleted_at = $8 WHERE id = $1 AND admin_id = $2"
        };
        sqlx::query(sql)
            .bind(row.id.0)
            .bind(row.admin_id.0)
            .bind(row.status.as_str())
            .bind(i32::try_from(row.version).unwrap_or(i32::MAX))
            .bind(Json(&row.config))
            .bind(time(row.created_at))
            .bind(time(row.updated_at))
            .bind(time_or_none(row.deleted_at))
            .execute(&mut *connection)
            .await?;
        write_listed(connection, row).await?;
    }
    for (admin, row) in &changes.versions {
        sqlx::query(
            "INSERT INTO splitter_versions (splitter_id, version, admin_id, at, actor, change, after_seq, config) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(row.splitter_id.0)
        .bind(i32::try_from(row.version).unwrap_or(i32::MAX))
        .bind(admin.0)
        .bind(time(row.at))
        .bind(row.actor.to_string())
        .bind(name(&row.change))
        .bind(integer(row.after_seq))
        .bind(Json(&row.config))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Which campaigns a splitter lists.
async fn write_listed(connection: &mut PgConnection, splitter: &Splitter) -> Result<()> {
    let ids: Vec<_> = listed(splitter).map(|id| id.0).collect();
    let query = sqlx::query("DELETE FROM splitter_campaigns WHERE splitter_id = $1 AND campaign_id <> ALL ($2)");
    query.bind(splitter.id.0).bind(&ids).execute(&mut *connection).await?;
    let query = sqlx::query(
        "INSERT INTO splitter_campaigns (splitter_id, campaign_id, admin_id) \
         SELECT DISTINCT $1, id, $3 FROM unnest($2::uuid[]) AS id ON CONFLICT DO NOTHING",
    );
    query.bind(splitter.id.0).bind(&ids).bind(splitter.admin_id.0).execute(connection).await.map(|_| ())
}
