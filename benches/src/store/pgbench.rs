//! `pgbench`, PostgreSQL's own load generator, with one statement per request.

use std::{path::Path, process::Command};

use sqlx::{ConnectOptions as _, PgPool, postgres::PgConnectOptions};
use uuid::Uuid;

use super::DECISION_BYTES;

/// On the tables of `splitter-sqlx`: the same rows, checks, foreign keys and indexes.
pub const FULL: &str = include_str!("full.sql");
/// On the tables of [`plain_postgres`](super::plain_postgres).
pub const BARE: &str = include_str!("bare.sql");

/// What it measured.
#[derive(Debug)]
pub struct Answer {
    /// Transactions per second.
    pub rate: f64,
    /// Transactions that were committed.
    pub committed: u64,
}

/// Numbers the splitters that it is to choose from. They have to be its own: it does not chain their logs.
pub async fn prepare(pool: &PgPool, splitters: &[Uuid]) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "CREATE TABLE peer (n integer PRIMARY KEY, splitter_id uuid NOT NULL, campaigns uuid[] NOT NULL); \
         CREATE SEQUENCE peer_phone START 3010000000 CACHE 100",
    )
    .execute(pool)
    .await?;
    let query = sqlx::query(
        "INSERT INTO peer SELECT n, listed.id, (SELECT array_agg(campaign_id) FROM splitter_campaigns \
         WHERE splitter_id = listed.id) FROM unnest($1::uuid[]) WITH ORDINALITY AS listed (id, n)",
    );
    query.bind(splitters).execute(pool).await?;
    sqlx::raw_sql("ANALYZE peer").execute(pool).await.map(|_| ())
}

/// Runs a script. `None` if there is no `pgbench` in the `PATH`.
pub fn run(sql: &str, server: &PgConnectOptions, load: Load, folder: &Path) -> std::io::Result<Option<Answer>> {
    let script = folder.join("pgbench.sql");
    std::fs::write(&script, sql)?;
    let mut command = Command::new("pgbench");
    command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client", &load.clients.to_string()]);
    command.args(["--transactions", &(load.requests / load.clients).to_string(), "--file"]).arg(&script);
    command.args(["--define", &format!("splitters={}", load.splitters)]);
    command.args(["--define", &format!("bytes={DECISION_BYTES}")]);
    command.args(["--host", server.get_host(), "--port", &server.get_port().to_string()]);
    command.args(["--username", server.get_username()]);
    // What our own writers are opened with; plans that were made for small tables would slow it down more and more.
    command.env("PGOPTIONS", "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off");
    // Without one, libpq looks where it always does.
    if let Some(password) = server.to_url_lossy().password() {
        command.env("PGPASSWORD", password);
    }
    let output = match command.arg(server.get_database().unwrap_or_default()).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let word = |before: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(before))?;
        rest.split([' ', '/']).next()
    };
    let rate = word("tps = ").and_then(|text| text.parse().ok());
    let committed = word("number of transactions actually processed: ").and_then(|text| text.parse().ok());
    match (rate, committed) {
        (Some(rate), Some(committed)) if output.status.success() => Ok(Some(Answer { rate, committed })),
        _ => Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// How much it is to do.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections, each with one request at a time.
    pub clients: u64,
    /// Requests of all of them together.
    pub requests: u64,
    /// From how many splitters each request takes one, at random.
    pub splitters: usize,
}
