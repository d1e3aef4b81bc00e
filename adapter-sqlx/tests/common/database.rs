//! A fresh PostgreSQL database for every test, dropped after it.

use std::sync::atomic::{AtomicU64, Ordering};

use splitter_sqlx::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

static COUNT: AtomicU64 = AtomicU64::new(0);

pub struct Database {
    server: PgConnectOptions,
    name: String,
    base: String,
}

impl Database {
    /// A new database on the server that `TEST_DATABASE_URL` names.
    pub async fn new() -> Self {
        let base = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
            panic!(
                "TEST_DATABASE_URL is not set: it has to be the URL of a superuser on a throw-away PostgreSQL server; \
                 `cargo xtask test` starts one, `cargo xtask pg -- COMMAND` runs a command with one"
            )
        });
        let server: PgConnectOptions = base.parse().expect("TEST_DATABASE_URL is a PostgreSQL URL");
        let name = format!("splitter_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name, base };
        database.administer("DROP DATABASE IF EXISTS", "WITH (FORCE)").await;
        database.administer("CREATE DATABASE", "").await;
        database
    }

    async fn administer(&self, verb: &str, options: &str) {
        let mut connection = self.server.connect().await.expect("the server of TEST_DATABASE_URL answers");
        let sql = format!("{verb} {} {options}", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a superuser");
        connection.close().await.expect("closed");
    }

    pub fn url(&self) -> String {
        let (base, query) = self.base.split_once('?').unwrap_or((&self.base, ""));
        let server = base.rsplit_once('/').expect("a URL with a database").0;
        format!("{server}/{}?{query}", self.name)
    }

    pub fn options(&self) -> PostgresOptions {
        PostgresOptions::from_url(&self.url()).expect("a URL")
    }

    pub async fn open(&self) -> PostgresStore {
        PostgresStore::open(self.options()).await.expect("a store")
    }

    /// A connection beside the store's.
    pub async fn connect(&self) -> PgConnection {
        self.server.clone().database(&self.name).connect().await.expect("a connection")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Also after a failure, and from inside a runtime: so on a thread and a runtime of its own.
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut connection = server.connect().await?;
                sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
                    .execute(&mut connection)
                    .await
            })
        });
        if !matches!(dropping.join(), Ok(Ok(_))) && !std::thread::panicking() {
            eprintln!("a test's database was not dropped");
        }
    }
}
