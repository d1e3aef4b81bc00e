//! The store on SQLite: one writer that commits in groups, readers beside it (WAL).

mod dispatch;
mod load;
mod options;
mod queries;
mod rows;
mod session;
mod write;

use std::path::PathBuf;

use async_trait::async_trait;
use splitter_core::{EnrollContact, Env, Plan, StoreError, Transact, TransactError, Work};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool, migrate::Migrator, sqlite::SqlitePoolOptions};
use tracing::error;

pub use options::{Durability, SqliteLocation, SqliteOptions};

use crate::{
    commit::{Committer, enroll_inside},
    error::store_error,
};
use session::SqliteSession;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The store on SQLite.
///
/// Writes go through one connection of their own, in groups; reads have a pool of read-only connections and see what was
/// committed. Several processes may open the same file, at the price of waiting for each other.
#[derive(Debug)]
pub struct SqliteStore {
    committer: Committer<dispatch::Call>,
    readers: SqlitePool,
    /// Removed when the store is dropped.
    _folder: Option<tempfile::TempDir>,
}

impl SqliteStore {
    /// Opens the database, creates it if it is missing, and brings its tables up to date.
    ///
    /// Has to be called inside a tokio runtime, which the writer then belongs to.
    pub async fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let (path, folder) = match &options.location {
            SqliteLocation::File(path) => (path.clone(), None),
            SqliteLocation::Temporary => temporary()?,
        };
        let mut writer = options.writer(&path).connect().await.map_err(store_error)?;
        MIGRATIONS.run(&mut writer).await.map_err(|error| {
            error!(error = %error, "the database can not be brought up to date");
            StoreError::Unavailable("the database can not be brought up to date".into())
        })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .acquire_timeout(options.acquire_timeout)
            .connect_with(options.connect(&path).read_only(true))
            .await
            .map_err(store_error)?;
        let committer = Committer::start(vec![SqliteSession::new(writer)], options.commit);
        Ok(Self { committer, readers, _folder: folder })
    }

    /// Enrols inside a transaction of your own: what you write and what is written here is committed together, or not at
    /// all. The tables have to be up to date, as [`open`](Self::open) leaves them, and foreign keys enforced.
    ///
    /// Begin it with `BEGIN IMMEDIATE` (`begin_with`): a transaction that reads first and writes later is refused by SQLite
    /// as soon as somebody else has written in between. All other writers wait until you end it. Whatever is not a success
    /// leaves your transaction as it was and usable.
    pub async fn enroll_in(
        transaction: &mut SqliteConnection,
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

fn temporary() -> Result<(PathBuf, Option<tempfile::TempDir>), StoreError> {
    let folder = tempfile::Builder::new().prefix("splitter").tempdir().map_err(|error| {
        error!(error = %error, "no temporary folder");
        StoreError::Unavailable("there is no room for a temporary database".into())
    })?;
    Ok((folder.path().join("splitter.db"), Some(folder)))
}

#[async_trait]
impl Transact for SqliteStore {
    async fn transact(&self, work: Work) -> Result<Plan, TransactError> {
        self.committer.transact(0, work).await
    }
}
