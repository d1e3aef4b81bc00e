//! The writer's connection: BEGIN IMMEDIATE is the only lock that SQLite needs.

use sqlx::{Connection, SqliteConnection};
use tracing::error;

use super::{
    dispatch::{Answer, Call},
    load, write,
};
use crate::{
    commit::{Changes, CommitFailure, Inside, Session, Snapshots, Wanted, Witness},
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

    /// All calls in one transaction, or none.
    async fn together(&mut self, calls: &[Call]) -> Result<Vec<Answer>, Failure> {
        self.run("BEGIN IMMEDIATE").await?;
        self.in_transaction = true;
        let result = self.answers(calls).await;
        if result.is_err() {
            self.undo().await;
        }
        result
    }

    async fn answers(&mut self, calls: &[Call]) -> Result<Vec<Answer>, Failure> {
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            answers.push(call.answer(&mut self.connection).await?);
        }
        self.run("COMMIT").await?;
        self.in_transaction = false;
        Ok(answers)
    }
}

impl Session for SqliteSession {
    type Call = Call;

    async fn call(&mut self, calls: Vec<Call>) {
        // Together in one transaction; if that fails, each by itself, so that one does not disturb the others.
        let mut answers = self.together(&calls).await;
        if answers.is_err() && calls.len() > 1 {
            for call in calls {
                let answer = self.together(std::slice::from_ref(&call)).await;
                call.reply(answer.map(|mut answers| answers.pop()));
            }
            return;
        }
        for call in calls.into_iter().rev() {
            let answer = match &mut answers {
                Ok(answers) => Ok(answers.pop()),
                Err(failure) => Err(std::mem::replace(failure, Failure::Again("the transaction failed"))),
            };
            call.reply(answer);
        }
    }

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

impl Inside for SqliteConnection {
    async fn run(&mut self, sql: &'static str) -> Result<(), Failure> {
        sqlx::raw_sql(sql).execute(self).await.map(|_| ()).map_err(Failure::from)
    }

    async fn open(&mut self, wanted: &Wanted) -> Result<Snapshots, Failure> {
        Ok(load::load(self, wanted).await?)
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Result<(), Failure> {
        Ok(write::write(self, changes).await?)
    }
}
