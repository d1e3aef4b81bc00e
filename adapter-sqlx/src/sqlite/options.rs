//! Where a SQLite database is, and how it is used.

use std::{path::PathBuf, str::FromStr, time::Duration};

use splitter_core::StoreError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::options::CommitOptions;

/// Where a SQLite database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqliteLocation {
    /// A file; created if it is missing. Beside it SQLite keeps a `-wal` and a `-shm` file.
    File(PathBuf),
    /// A file in a temporary folder that goes away with the store.
    Temporary,
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Whatever was answered survives a power failure (`synchronous = FULL`).
    #[default]
    Full,
    /// It survives the process's end; a power failure may lose the last moments, but breaks nothing (`synchronous =
    /// NORMAL`).
    Normal,
}

/// How a [`SqliteStore`](super::SqliteStore) opens its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Where the database is.
    pub location: SqliteLocation,
    /// Connections that read, beside the one that writes. At least 1.
    pub readers: u32,
    /// How long to wait while another process holds the database's lock.
    pub busy_timeout: Duration,
    /// How long a read waits for one of the connections before it is answered as unavailable.
    pub acquire_timeout: Duration,
    /// What a commit survives.
    pub durability: Durability,
    /// The most that the file may grow to, in pages of 4,096 bytes; `None`: as large as the disk.
    pub max_pages: Option<u32>,
    /// How requests are gathered into transactions.
    pub commit: CommitOptions,
}

impl SqliteOptions {
    /// A database in a file, with four readers, 5 s of patience with other processes, 5 s with a busy pool, and full
    /// durability.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            location: SqliteLocation::File(path.into()),
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(5),
            durability: Durability::Full,
            max_pages: None,
            commit: CommitOptions::default(),
        }
    }

    /// A database that goes away with the store.
    #[must_use]
    pub fn temporary() -> Self {
        Self { location: SqliteLocation::Temporary, ..Self::file("") }
    }

    /// A database by its URL: `sqlite://relative/path.db`, `sqlite:///absolute/path.db`, or `sqlite::memory:` for a
    /// temporary one.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        if matches!(url, "sqlite::memory:" | "sqlite://:memory:" | "sqlite:" | "sqlite://") {
            return Ok(Self::temporary());
        }
        let options = SqliteConnectOptions::from_str(url).ok().filter(|_| url.starts_with("sqlite:"));
        options
            .map(|options| Self::file(options.get_filename()))
            .ok_or_else(|| StoreError::Unavailable("the database URL is not one of SQLite".into()))
    }

    /// A connection to the file.
    pub(super) fn connect(&self, path: &std::path::Path) -> SqliteConnectOptions {
        let synchronous = match self.durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(self.busy_timeout)
            .synchronous(synchronous)
            .statement_cache_capacity(512)
            // Row values of one batch: more than one channel message would hold them up.
            .row_buffer_size(256)
            .pragma("cache_size", "-32768")
            .pragma("temp_store", "memory");
        match self.max_pages {
            Some(pages) => options.pragma("max_page_count", pages.to_string()),
            None => options,
        }
    }

    /// The connection that writes; creates the file.
    pub(super) fn writer(&self, path: &std::path::Path) -> SqliteConnectOptions {
        self.connect(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Fewer, larger checkpoints; and a log that was long once does not stay long.
            .pragma("wal_autocheckpoint", "4000")
            .pragma("journal_size_limit", "67108864")
    }
}
