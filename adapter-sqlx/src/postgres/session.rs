//! A writer's connection: opened when it is needed, thrown away when it is in doubt.

use std::{convert::Infallible, future::Future};

use sqlx::{ConnectOptions, Connection, PgConnection};
use tracing::error;

use super::{PostgresOptions, load, lock, write};
use crate::{
    commit::{Changes, CommitFailure, Inside, Session, Snapshots, Wanted, Witness},
    error::Failure,
    options::CommitOptions,
};

/// How often the locks are taken again because a splitter began to list a campaign meanwhile.
const MAX_LOCK_ROUNDS: u32 = 10;

pub(super) struct PgSession {
    options: PostgresOptions,
    connection: Option<PgConnection>,
    in_transaction: bool,
    /// Transactions begun on this connection.
    begun: u64,
}

/// Waits for the server's answer, but not for ever.
async fn answered<T>(
    options: &PostgresOptions,
    answer: impl Future<Output = Result<T, sqlx::Error>> + Send,
) -> Result<T, sqlx::Error> {
    let late = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time"));
    tokio::time::timeout(options.answer_timeout, answer).await.unwrap_or_else(|_| Err(late()))
}

impl PgSession {
    pub(super) const fn new(options: PostgresOptions) -> Self {
        Self { options, connection: None, in_transaction: false, begun: 0 }
    }

    /// Connects, if there is no connection.
    async fn connect(&mut self) -> Result<(), Failure> {
        if self.connection.is_none() {
            let connect = self.options.connect_writer();
            match tokio::time::timeout(self.options.acquire_timeout, connect.connect()).await {
                Ok(connection) => {
                    self.connection = Some(connection?);
                    self.begun = 0;
                }
                Err(_) => return Err(Failure::Unavailable("the database did not answer in time")),
            }
        }
        Ok(())
    }

    /// The connection, and how long it may take.
    fn current(&mut self) -> Result<(&PostgresOptions, &mut PgConnection), Failure> {
        let connection = self.connection.as_mut().ok_or(Failure::Again("the connection was lost"))?;
        Ok((&self.options, connection))
    }

    async fn locked(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        for _ in 0..MAX_LOCK_ROUNDS {
            self.connect().await?;
            // From here on: a connection that fails at this has to prove itself by a ROLLBACK before it is used again.
            self.in_transaction = true;
            self.begun += 1;
            // Plans are kept, those of foreign keys as well. One that was made when a table was new may use any index that
            // begins with the admin, and would go on reading all of an admin's rows when there are many. So they are made
            // anew as the tables grow: at the 1st, 2nd, 4th, 8th, … transaction.
            let begin = if self.begun.is_power_of_two() { "DISCARD PLANS; BEGIN" } else { "BEGIN" };
            let (options, connection) = self.current()?;
            answered(options, sqlx::raw_sql(begin).execute(&mut *connection)).await?;
            if answered(options, lock::lock(connection, &options.commit, wanted)).await? {
                return Ok(());
            }
            self.undo().await;
        }
        Err(Failure::Again("campaigns and splitters kept changing"))
    }
}

impl Session for PgSession {
    /// Nothing: rows have locks of their own, so any connection may write.
    type Call = Infallible;

    async fn call(&mut self, _calls: Vec<Infallible>) {}

    async fn open(&mut self, wanted: &Wanted) -> Result<Snapshots, Failure> {
        self.locked(wanted).await?;
        let (options, connection) = self.current()?;
        Ok(answered(options, load::load(connection, wanted)).await?)
    }

    async fn sees(&mut self, witness: &Witness) -> Result<bool, Failure> {
        let (options, connection) = self.current()?;
        Ok(answered(options, load::sees(connection, witness)).await?)
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Result<(), Failure> {
        let (options, connection) = self.current()?;
        Ok(answered(options, write::write(connection, changes)).await?)
    }

    async fn commit(&mut self) -> Result<(), CommitFailure> {
        let (options, connection) = self.current().map_err(CommitFailure::Refused)?;
        let result = answered(options, sqlx::raw_sql("COMMIT").execute(&mut *connection)).await;
        match result {
            Ok(_) => {
                self.in_transaction = false;
                Ok(())
            }
            // The server's own word that it did not commit.
            Err(error @ sqlx::Error::Database(_)) if !ends_connection(&error) => {
                Err(CommitFailure::Refused(Failure::from(error)))
            }
            Err(error) => {
                error!(error = %error, "the connection was lost while committing");
                self.connection = None;
                Err(CommitFailure::Unknown)
            }
        }
    }

    async fn undo(&mut self) {
        if !std::mem::take(&mut self.in_transaction) {
            return;
        }
        let Some(mut connection) = self.connection.take() else { return };
        // Whatever does not answer to this is not used again; the server rolls back when the connection ends.
        if answered(&self.options, sqlx::raw_sql("ROLLBACK").execute(&mut connection)).await.is_ok() {
            self.connection = Some(connection);
        }
    }

    async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            error!(error = %error, "a connection could not be closed in an orderly way");
        }
    }
}

/// Whether the server says that it ends the connection (class 57: an operator's intervention). It may say so after it has
/// committed.
fn ends_connection(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code.starts_with("57P"))
}

impl Inside for PgConnection {
    async fn run(&mut self, sql: &'static str) -> Result<(), Failure> {
        sqlx::raw_sql(sql).execute(self).await.map(|_| ()).map_err(Failure::from)
    }

    async fn open(&mut self, wanted: &Wanted) -> Result<Snapshots, Failure> {
        if !lock::lock(self, &CommitOptions::default(), wanted).await? {
            return Err(Failure::Again("campaigns and splitters kept changing"));
        }
        Ok(load::load(self, wanted).await?)
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Result<(), Failure> {
        Ok(write::write(self, changes).await?)
    }
}
