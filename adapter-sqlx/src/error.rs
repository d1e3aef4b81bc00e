//! What can go wrong with SQL, and what is done about it. The one place where named constraints become refusals.

use splitter_core::{Rejection, StoreError, TransactError};
use tracing::warn;

/// What requests are told that waited for a lock in vain.
pub(crate) const LOCKED: &str = "a lock was not free in time";

/// Why a batch was not committed. Nothing of it is in the database.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The same again may succeed: a conflict, or a connection that was lost.
    Again(&'static str),
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "SQLite has one lock, and waits for it as a whole")
    )]
    /// Somebody else holds a lock for too long that something in the batch needs.
    Locked,
    /// The database can not do it now, whatever the batch holds.
    Unavailable(&'static str),
    /// The database refuses something in the batch; trying again will not help.
    Refused(Refusal),
}

/// What a request is told that the database refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A named constraint says what is wrong with the request.
    Rejected(Rejection),
    /// No plan should have made these rows.
    Broken(String),
}

impl From<Refusal> for TransactError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            Refusal::Broken(what) => StoreError::Broken(what).into(),
        }
    }
}

impl Failure {
    /// For reads outside of transactions, where there is nobody to reject.
    pub(crate) fn into_store_error(self) -> StoreError {
        match self {
            Self::Locked => StoreError::Unavailable(LOCKED.into()),
            Self::Again(what) | Self::Unavailable(what) => StoreError::Unavailable(what.into()),
            Self::Refused(Refusal::Broken(what)) => StoreError::Broken(what),
            Self::Refused(Refusal::Rejected(rejection)) => StoreError::Broken(rejection.to_string()),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        // The texts of databases hold names of tables and columns, not values; still they are for operators only.
        warn!(error = %error, "the database reported an error");
        match &error {
            sqlx::Error::Database(database) => classify(database.as_ref()),
            sqlx::Error::PoolTimedOut => Self::Unavailable("no connection became free in time"),
            sqlx::Error::PoolClosed => Self::Unavailable("the store is closed"),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::Again("the connection was lost")
            }
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
                Self::Refused(Refusal::Broken("a stored row can not be read".into()))
            }
            _ => Self::Refused(Refusal::Broken("the database and this program do not fit together".into())),
        }
    }
}

/// Reads of pools: an error as callers see it.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    Failure::from(error).into_store_error()
}

fn classify(error: &dyn sqlx::error::DatabaseError) -> Failure {
    if let Some(rejection) = rejection(error) {
        return Failure::Refused(Refusal::Rejected(rejection));
    }
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return sqlite(error.code().and_then(|code| code.parse().ok()).unwrap_or(1));
    }
    #[cfg(feature = "postgres")]
    if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return postgres(error.code().as_deref().unwrap_or_default());
    }
    Failure::Refused(Refusal::Broken("the database refused a statement".into()))
}

/// Constraints that a request can break: SQLite names their columns, PostgreSQL the constraint.
fn rejection(error: &dyn sqlx::error::DatabaseError) -> Option<Rejection> {
    let broken = |constraint: &str, columns: &str| {
        error.constraint() == Some(constraint) || error.message().ends_with(&format!("failed: {columns}"))
    };
    if broken("admins_email", "admins.email") {
        Some(Rejection::EmailTaken)
    } else if broken("api_keys_lookup", "api_keys.lookup") {
        Some(Rejection::ApiKeyTaken)
    } else {
        None
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(extended: i32) -> Failure {
    // https://www.sqlite.org/rescode.html: the primary code is in the lowest byte.
    match extended & 0xFF {
        5 | 6 => Failure::Again("the database is locked by somebody else"),
        13 => Failure::Unavailable("there is no room left"),
        7 | 8 | 10 | 11 | 14 | 26 => Failure::Unavailable("the database can not be read or written"),
        19 => Failure::Refused(Refusal::Broken("a constraint refused a row".into())),
        _ => Failure::Refused(Refusal::Broken("the database refused a statement".into())),
    }
}

#[cfg(feature = "postgres")]
fn postgres(state: &str) -> Failure {
    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    match state {
        "40001" | "40P01" => Failure::Again("a conflict with another transaction"),
        "55P03" => Failure::Locked,
        "57014" => Failure::Unavailable("a statement took too long"),
        // A standby, before or after a fail-over.
        "25006" => Failure::Again("the database takes no writes"),
        _ => match state.get(..2).unwrap_or_default() {
            "08" | "57" | "25" => Failure::Again("the connection was lost"),
            "53" | "58" => Failure::Unavailable("the database lacks room or resources"),
            "28" | "3D" => Failure::Unavailable("the database does not let us in"),
            "23" => Failure::Refused(Refusal::Broken("a constraint refused a row".into())),
            _ => Failure::Refused(Refusal::Broken("the database refused a statement".into())),
        },
    }
}
