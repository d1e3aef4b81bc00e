//! SQLite the plain way: a pool of one connection, one transaction per request, one statement after the other.

use std::path::Path;

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use uuid::Uuid;

use super::{Row, TEMPLATE};

const TABLES: &str = "
    CREATE TABLE splitters (id BLOB PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL);
    CREATE TABLE contacts (id BLOB PRIMARY KEY, phone TEXT NOT NULL UNIQUE, campaign INTEGER NOT NULL, name TEXT,
                           variables TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
    CREATE TABLE history (id BLOB PRIMARY KEY, contact_id BLOB NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL);
    CREATE TABLE decisions (splitter_id BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE,
                            contact_id BLOB NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL,
                            UNIQUE (splitter_id, seq));
    CREATE TABLE outreach (id BLOB PRIMARY KEY, contact_id BLOB NOT NULL, status TEXT NOT NULL, template TEXT NOT NULL,
                           scheduled_at INTEGER NOT NULL);
    CREATE INDEX outreach_contact ON outreach (contact_id);
    CREATE INDEX history_contact ON history (contact_id);";

/// A database with splitters, fully durable.
pub async fn open(path: &Path, splitters: &[Uuid]) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    for id in splitters {
        sqlx::query("INSERT INTO splitters VALUES (?, 0, '{}')").bind(id).execute(&pool).await?;
    }
    Ok(pool)
}

/// One request.
pub async fn enrol(pool: &SqlitePool, row: &Row) -> sqlx::Result<()> {
    let [contact, decision, history, outreach @ ..] = row.ids;
    let mut tx = pool.begin().await?;
    let seq: i64 =
        sqlx::query_scalar("SELECT seq FROM splitters WHERE id = ?").bind(row.splitter).fetch_one(&mut *tx).await?;
    let known: Option<Uuid> =
        sqlx::query_scalar("SELECT id FROM contacts WHERE phone = ?").bind(&row.phone).fetch_optional(&mut *tx).await?;
    let id = known.unwrap_or(contact);
    sqlx::query(
        "INSERT INTO contacts VALUES (?, ?, ?, 'Jane', '{}', ?, ?) \
         ON CONFLICT (phone) DO UPDATE SET campaign = excluded.campaign, updated_at = excluded.updated_at",
    )
    .bind(id)
    .bind(&row.phone)
    .bind(seq % 5)
    .bind(row.at)
    .bind(row.at)
    .execute(&mut *tx)
    .await?;
    sqlx::query("INSERT INTO history VALUES (?, ?, ?, 'created')")
        .bind(history)
        .bind(id)
        .bind(row.at)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)")
        .bind(row.splitter)
        .bind(seq + 1)
        .bind(decision)
        .bind(id)
        .bind(row.at)
        .bind(&row.bytes)
        .execute(&mut *tx)
        .await?;
    if known.is_some() {
        let cancel = "UPDATE outreach SET status = 'cancelled' WHERE contact_id = ? AND status = 'scheduled'";
        sqlx::query(cancel).bind(id).execute(&mut *tx).await?;
    }
    for step in outreach {
        sqlx::query("INSERT INTO outreach VALUES (?, ?, 'scheduled', ?, ?)")
            .bind(step)
            .bind(id)
            .bind(TEMPLATE)
            .bind(row.at)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("UPDATE splitters SET seq = ? WHERE id = ?").bind(seq + 1).bind(row.splitter).execute(&mut *tx).await?;
    tx.commit().await
}
