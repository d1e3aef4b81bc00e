//! The store on PostgreSQL: several writers that commit in groups, a pool of readers, a limiter that replicas share.

mod dispatch;
mod limiter;
mod load;
mod lock;
mod options;
mod queries;
mod rows;
mod session;
mod write;

use std::convert::Infallible;

use async_trait::async_trait;
use splitter_core::{EnrollContact, Env, Plan, StoreError, Transact, TransactError, Work};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, migrate::Migrator, postgres::PgPoolOptions};
use tracing::error;

pub use limiter::PostgresLimiter;
pub use options::PostgresOptions;

use crate::{
    commit::{Committer, enroll_inside},
    error::store_error,
};
use session::PgSession;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The store on PostgreSQL, for any number of servers on one database.
///
/// Writes go through a few connections of their own, in groups; a splitter's requests always meet on the same one. Reads
/// have a pool.
#[derive(Debug)]
pub struct PostgresStore {
    committer: Committer<Infallible>,
    readers: PgPool,
}

impl PostgresStore {
    /// Connects, brings the tables up to date (servers that do so at the same time wait for each other), and starts the
    /// writers.
    ///
    /// Has to be called inside a tokio runtime, which the writers then belong to.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        migrate(&options).await?;
        let readers = PgPoolOptions::new()
            .max_connections(options.readers.max(1))
            .acquire_timeout(options.acquire_timeout)
            .connect_with(options.connect())
            .await
            .map_err(store_error)?;
        let sessions = (0..options.writers.max(1)).map(|_| PgSession::new(options.clone())).collect();
        let committer = Committer::start(sessions, options.commit);
        Ok(Self { committer, readers })
    }

    /// The rate limiter that all servers on this database share.
    #[must_use]
    pub fn limiter(&self) -> PostgresLimiter {
        PostgresLimiter::new(self.readers.clone())
    }

    /// Enrols inside a transaction of your own: what you write and what is written here is committed together, or not at
    /// all. The tables have to be up to date, as [`open`](Self::open) leaves them.
    ///
    /// Whatever is not a success leaves your transaction as it was and usable, unless the connection itself was lost.
    /// Locks are held until you end it: the splitter's requests on all servers wait for that, half a minute at most, so end it
    /// soon, and enrol last. Two transactions that enrol several contacts each may wait for each other in a circle; PostgreSQL ends one of
    /// them with an error, and you begin it again. The isolation level should be READ COMMITTED, as it is by default; under a
    /// stricter one it is an error if somebody else's decision came in between.
    pub async fn enroll_in(
        transaction: &mut PgConnection,
        request: &EnrollContact,
        at: &Env,
    ) -> Result<Plan, TransactError> {
        enroll_inside(transaction, request, at).await
    }

    /// Takes nothing more, finishes what was accepted, and closes every connection.
    pub async fn close(&self) {
        self.committer.close().await;
        self.readers.close().await;
    }
}

async fn migrate(options: &PostgresOptions) -> Result<(), StoreError> {
    // Without the time limits of requests: another server may be at it, and a large table takes its time.
    let connect = options.server.clone().application_name("splitter");
    let mut connection = tokio::time::timeout(options.acquire_timeout, connect.connect())
        .await
        .map_err(|_| StoreError::Unavailable("the database did not answer in time".into()))?
        .map_err(store_error)?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| {
        error!(error = %error, "the database can not be brought up to date");
        StoreError::Unavailable("the database can not be brought up to date".into())
    })?;
    connection.close().await.map_err(store_error)
}

#[async_trait]
impl Transact for PostgresStore {
    async fn transact(&self, work: Work) -> Result<Plan, TransactError> {
        self.committer.transact(lock::route(&work.scope), work).await
    }
}
