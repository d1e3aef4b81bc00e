//! How a PostgreSQL store is opened.

use std::{str::FromStr, time::Duration};

use splitter_core::StoreError;
use sqlx::postgres::PgConnectOptions;

use crate::options::CommitOptions;

/// How a [`PostgresStore`](super::PostgresStore) connects.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The server, the database and who we are.
    pub server: PgConnectOptions,
    /// Connections that commit, each with a queue of its own. Requests of one splitter always meet in the same queue. As
    /// many as the database has processors for this server; more make the groups smaller. At least 1.
    pub writers: u32,
    /// Connections that read, at most. At least 1.
    pub readers: u32,
    /// How long to wait for a connection, new or from the pool, before answering that the database is unavailable.
    pub acquire_timeout: Duration,
    /// How long a transaction waits for a lock before it is rolled back. The requests of the splitter in question are tried
    /// again, a dozen times; the others go on, and have lost no more than this.
    pub lock_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// How long the server lets a transaction rest before it ends the connection: a bound for locks that a server which
    /// was cut off leaves behind.
    pub idle_in_transaction_timeout: Duration,
    /// How long to wait for any single answer of the server before the connection is given up as lost.
    pub answer_timeout: Duration,
    /// How requests are gathered into transactions.
    pub commit: CommitOptions,
}

impl PostgresOptions {
    /// A server by its URL, `postgres://user:password@host:port/database?sslmode=…`, with 2 writers, 8 readers, 5 s for a
    /// connection, 1 s for a lock, 30 s for a statement, 10 s for a resting transaction and 60 s for any answer.
    ///
    /// `sslmode` needs the feature `tls` for anything but `disable`, `allow` and `prefer`.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        let server = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Unavailable("the database URL is not one of PostgreSQL".into()))?;
        Ok(Self {
            server,
            writers: 2,
            readers: 8,
            acquire_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(30),
            idle_in_transaction_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_mins(1),
            commit: CommitOptions::default(),
        })
    }

    /// What every connection is opened with.
    pub(super) fn connect(&self) -> PgConnectOptions {
        let millis = |time: Duration| time.as_millis().to_string();
        self.server.clone().application_name("splitter").statement_cache_capacity(256).options([
            ("lock_timeout", millis(self.lock_timeout)),
            ("statement_timeout", millis(self.statement_timeout)),
            ("idle_in_transaction_session_timeout", millis(self.idle_in_transaction_timeout)),
            ("default_transaction_isolation", "read committed".into()),
        ])
    }

    /// What connections that write are opened with besides.
    ///
    /// Their statements only ever look rows up by keys. A plan that was made and kept while a table was small would read all
    /// of it in every batch, and go on doing so when it has grown. And no plan depends on the values, so none is made for them.
    pub(super) fn connect_writer(&self) -> PgConnectOptions {
        let off = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"].map(|name| (name, "off"));
        // There are as many statements as there are sets of tables that batches write; the plan of each is large.
        let connect = self.connect().statement_cache_capacity(64);
        connect.options(off).options([("plan_cache_mode", "force_generic_plan")])
    }
}
