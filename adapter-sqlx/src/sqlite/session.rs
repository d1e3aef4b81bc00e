//! The writer's connection: BEGIN IMMEDIATE is the only lock that SQLite needs.

use sqlx::{Connection, SqliteConnection};
use tracing::error;

use super::{load, write};
use crate::{
    commit::{Changes, CommitFailure, Session, Snapshots, Wanted, Witness},
    error::Failure,
};

pub(super) struct SqliteSession {
    connection: SqliteConnection,
    in_transaction: bool,
}

impl SqliteSession {
    pub(super) const fn new(connection: SqliteConnection) -> Self {
        Self { connection, in_transaction: false }
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), Failure> {
        sqlx::query(sql).execute(&mut self.connection).await.map(|_| ()).map_err(Failure::from)
    }
}

impl Session for SqliteSession {
    async fn open(&mut self, wanted: &Wanted) -> Result<Snapshots, Failure> {
        self.run("BEGIN IMMEDIATE").await?;
        self.in_transaction = true;
        load::load(&mut self.connection, wanted).await.map_err(Failure::from)
    }

    async fn sees(&mut self, _witness: &Witness) -> Result<bool, Failure> {
        // A COMMIT in this process is never in doubt.
        Ok(false)
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Result<(), Failure> {
        write::write(&mut self.connection, changes).await.map_err(Failure::from)
    }

    async fn commit(&mut self) -> Result<(), CommitFailure> {
        // If this fails, the transaction is still open, or SQLite has rolled it back: nothing was committed.
        self.run("COMMIT").await.map_err(CommitFailure::Refused)?;
        self.in_transaction = false;
        Ok(())
    }

    async fn undo(&mut self) {
        if std::mem::take(&mut self.in_transaction) {
            // Some failures (a full disk, for one) have rolled back already; then there is nothing to undo.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        }
    }

    async fn close(self) {
        if let Err(error) = self.connection.close().await {
            error!(error = %error, "the database could not be closed in an orderly way");
        }
    }
}
