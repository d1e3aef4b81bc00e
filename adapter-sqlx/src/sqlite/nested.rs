//! A place in a transaction of the embedder: a savepoint, so that nothing of ours stays when we fail.

use std::convert::Infallible;

use sqlx::SqliteConnection;

use super::{load, write};
use crate::{
    commit::{Changes, CommitFailure, Session, Snapshots, Wanted, Witness},
    error::Failure,
};

pub(super) struct Nested<'c> {
    connection: &'c mut SqliteConnection,
    marked: bool,
}

impl<'c> Nested<'c> {
    pub(super) const fn new(connection: &'c mut SqliteConnection) -> Self {
        Self { connection, marked: false }
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), Failure> {
        sqlx::raw_sql(sql).execute(&mut *self.connection).await.map(|_| ()).map_err(Failure::from)
    }
}

impl Session for Nested<'_> {
    type Call = Infallible;

    async fn call(&mut self, _calls: Vec<Infallible>) {}

    async fn open(&mut self, wanted: &Wanted) -> Result<Snapshots, Failure> {
        self.run("SAVEPOINT splitter_enroll").await?;
        self.marked = true;
        Ok(load::load(self.connection, wanted).await?)
    }

    async fn sees(&mut self, _witness: &Witness) -> Result<bool, Failure> {
        // A COMMIT in this process is never in doubt.
        Ok(false)
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Result<(), Failure> {
        Ok(write::write(self.connection, changes).await?)
    }

    async fn commit(&mut self) -> Result<(), CommitFailure> {
        self.run("RELEASE SAVEPOINT splitter_enroll").await.map_err(CommitFailure::Refused)?;
        self.marked = false;
        Ok(())
    }

    async fn undo(&mut self) {
        if std::mem::take(&mut self.marked) {
            // Where this fails the transaction is gone, and with it everything of ours.
            let _ = self.run("ROLLBACK TO SAVEPOINT splitter_enroll; RELEASE SAVEPOINT splitter_enroll").await;
        }
    }

    async fn close(self) {}
}
