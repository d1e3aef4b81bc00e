//! Why a command could not be done, in words for the person at the terminal.

use splitter_core::{StoreError, TransactError};
use thiserror::Error;

/// Why a command could not be done.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// Something the user can change.
    #[error("{0}")]
    Usage(String),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The command was refused or the database failed.
    #[error("{0}")]
    Transact(#[from] TransactError),
    /// The network or the terminal.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Failure {
    /// Something the user can change.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }
}
