//! PostgreSQL the plain way: one transaction per request, statement by statement.

use sqlx::PgPool;
use uuid::Uuid;

use super::{Row, TEMPLATE};

const TABLES: &str = "
    CREATE SCHEMA plain;
    CREATE TABLE plain.splitters (id uuid PRIMARY KEY, seq bigint NOT NULL, state jsonb NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE plain.contacts (id uuid PRIMARY KEY, phone text NOT NULL UNIQUE, campaign bigint NOT NULL, name text,
                                 variables jsonb NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL);
    CREATE TABLE plain.history (id uuid PRIMARY KEY, contact_id uuid NOT NULL, at bigint NOT NULL, kind text NOT NULL);
    CREATE TABLE plain.decisions (splitter_id uuid NOT NULL, seq bigint NOT NULL, id uuid NOT NULL UNIQUE,
                                  contact_id uuid NOT NULL, at bigint NOT NULL, bytes bytea NOT NULL,
                                  PRIMARY KEY (splitter_id, seq));
    CREATE TABLE plain.outreach (id uuid PRIMARY KEY, contact_id uuid NOT NULL, status text NOT NULL,
                                 template text NOT NULL, scheduled_at bigint NOT NULL);
    CREATE INDEX ON plain.outreach (contact_id);
    CREATE INDEX ON plain.history (contact_id);";

/// The tables, with splitters.
pub async fn create(pool: &PgPool, splitters: &[Uuid]) -> sqlx::Result<()> {
    sqlx::raw_sql(TABLES).execute(pool).await?;
    let query = sqlx::query("INSERT INTO plain.splitters SELECT id, 0, '{}' FROM unnest($1::uuid[]) AS id");
    query.bind(splitters).execute(pool).await.map(|_| ())
}

/// One request, statement by statement.
pub async fn enrol(pool: &PgPool, row: &Row) -> sqlx::Result<()> {
    let [contact, decision, history, outreach @ ..] = row.ids;
    let mut tx = pool.begin().await?;
    let seq: i64 = sqlx::query_scalar("SELECT seq FROM plain.splitters WHERE id = $1 FOR UPDATE")
        .bind(row.splitter)
        .fetch_one(&mut *tx)
        .await?;
    let known: Option<Uuid> = sqlx::query_scalar("SELECT id FROM plain.contacts WHERE phone = $1")
        .bind(&row.phone)
        .fetch_optional(&mut *tx)
        .await?;
    let id = known.unwrap_or(contact);
    sqlx::query(
        "INSERT INTO plain.contacts VALUES ($1, $2, $3, 'Jane', '{}', $4, $4) \
         ON CONFLICT (phone) DO UPDATE SET campaign = excluded.campaign, updated_at = excluded.updated_at",
    )
    .bind(id)
    .bind(&row.phone)
    .bind(seq % 5)
    .bind(row.at)
    .execute(&mut *tx)
    .await?;
    sqlx::query("INSERT INTO plain.history VALUES ($1, $2, $3, 'created')")
        .bind(history)
        .bind(id)
        .bind(row.at)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO plain.decisions VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(row.splitter)
        .bind(seq + 1)
        .bind(decision)
        .bind(id)
        .bind(row.at)
        .bind(&row.bytes)
        .execute(&mut *tx)
        .await?;
    if known.is_some() {
        let cancel = "UPDATE plain.outreach SET status = 'cancelled' WHERE contact_id = $1 AND status = 'scheduled'";
        sqlx::query(cancel).bind(id).execute(&mut *tx).await?;
    }
    for step in outreach {
        sqlx::query("INSERT INTO plain.outreach VALUES ($1, $2, 'scheduled', $3, $4)")
            .bind(step)
            .bind(id)
            .bind(TEMPLATE)
            .bind(row.at)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("UPDATE plain.splitters SET seq = $1 WHERE id = $2")
        .bind(seq + 1)
        .bind(row.splitter)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}
