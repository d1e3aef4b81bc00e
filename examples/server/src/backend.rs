//! The database behind a URL, as the ports that the API needs.

use std::{sync::Arc, time::Duration};

use splitter_core::{Dispatch, Limiter, MemoryLimiter, Store};
use splitter_sqlx::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};

use crate::{cli::Tuning, failure::Failure};

/// An open database.
pub(crate) struct Backend {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) limiter: Arc<dyn Limiter>,
    pub(crate) dispatch: Arc<dyn Dispatch>,
    opened: Opened,
}

enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Backend {
    /// Opens the database and brings its tables up to date.
    pub(crate) async fn open(url: &str, tuning: &Tuning) -> Result<Self, Failure> {
        if url.starts_with("sqlite:") {
            Self::sqlite(tuned_sqlite(SqliteOptions::from_url(url)?, tuning)).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::postgres(tuned_postgres(PostgresOptions::from_url(url)?, tuning)).await
        } else {
            Err(Failure::usage("the database URL has to begin with `sqlite:` or `postgres:`"))
        }
    }

    /// Opens a PostgreSQL database with a bug built in.
    #[cfg(feature = "plant")]
    pub(crate) async fn open_planted(
        url: &str,
        tuning: &Tuning,
        plant: Option<splitter_sqlx::Plant>,
    ) -> Result<Self, Failure> {
        if plant.is_none() {
            return Self::open(url, tuning).await;
        }
        let mut options = tuned_postgres(PostgresOptions::from_url(url)?, tuning);
        options.commit.plant = plant;
        Self::postgres(options).await
    }

    /// A database that goes away with the process.
    pub(crate) async fn temporary() -> Result<Self, Failure> {
        Self::sqlite(SqliteOptions::temporary()).await
    }

    async fn postgres(options: PostgresOptions) -> Result<Self, Failure> {
        let store = Arc::new(PostgresStore::open(options).await?);
        let limiter = Arc::new(store.limiter());
        Ok(Self { store: store.clone(), limiter, dispatch: store.clone(), opened: Opened::Postgres(store) })
    }

    async fn sqlite(options: SqliteOptions) -> Result<Self, Failure> {
        let store = Arc::new(SqliteStore::open(options).await?);
        Ok(Self {
            store: store.clone(),
            limiter: Arc::new(MemoryLimiter::new()),
            dispatch: store.clone(),
            opened: Opened::Sqlite(store),
        })
    }

    /// Takes nothing more, finishes what was accepted, closes every connection.
    pub(crate) async fn close(self) {
        match self.opened {
            Opened::Sqlite(store) => store.close().await,
            Opened::Postgres(store) => store.close().await,
        }
    }
}

fn set<T>(option: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *option = given;
    }
}

fn set_seconds(option: &mut Duration, given: Option<u32>) {
    set(option, given.map(|seconds| Duration::from_secs(seconds.into())));
}

fn set_queue(option: &mut usize, given: Option<u32>) {
    set(option, given.and_then(|queue| usize::try_from(queue).ok()));
}

fn tuned_sqlite(mut options: SqliteOptions, tuning: &Tuning) -> SqliteOptions {
    set(&mut options.readers, tuning.readers);
    set_queue(&mut options.commit.queue, tuning.queue);
    set_seconds(&mut options.acquire_timeout, tuning.acquire_timeout);
    set_seconds(&mut options.busy_timeout, tuning.lock_timeout);
    options
}

fn tuned_postgres(mut options: PostgresOptions, tuning: &Tuning) -> PostgresOptions {
    set(&mut options.writers, tuning.writers);
    set(&mut options.readers, tuning.readers);
    set_queue(&mut options.commit.queue, tuning.queue);
    set_seconds(&mut options.acquire_timeout, tuning.acquire_timeout);
    set_seconds(&mut options.lock_timeout, tuning.lock_timeout);
    set_seconds(&mut options.statement_timeout, tuning.statement_timeout);
    options
}
