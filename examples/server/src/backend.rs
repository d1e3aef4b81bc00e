//! The database behind a URL, as the ports that the API needs.

use std::sync::Arc;

use splitter_core::{Dispatch, Limiter, MemoryLimiter, Store};
use splitter_sqlx::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};

use crate::failure::Failure;

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
    pub(crate) async fn open(url: &str) -> Result<Self, Failure> {
        if url.starts_with("sqlite:") {
            Self::sqlite(SqliteOptions::from_url(url)?).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let store = Arc::new(PostgresStore::open(PostgresOptions::from_url(url)?).await?);
            let limiter = Arc::new(store.limiter());
            Ok(Self { store: store.clone(), limiter, dispatch: store.clone(), opened: Opened::Postgres(store) })
        } else {
            Err(Failure::usage("the database URL has to begin with `sqlite:` or `postgres:`"))
        }
    }

    /// Opens a PostgreSQL database with a bug built in.
    #[cfg(feature = "plant")]
    pub(crate) async fn open_planted(url: &str, plant: Option<splitter_sqlx::Plant>) -> Result<Self, Failure> {
        if plant.is_none() {
            return Self::open(url).await;
        }
        let mut options = PostgresOptions::from_url(url)?;
        options.commit.plant = plant;
        let store = Arc::new(PostgresStore::open(options).await?);
        let limiter = Arc::new(store.limiter());
        Ok(Self { store: store.clone(), limiter, dispatch: store.clone(), opened: Opened::Postgres(store) })
    }

    /// A database that goes away with the process.
    pub(crate) async fn temporary() -> Result<Self, Failure> {
        Self::sqlite(SqliteOptions::temporary()).await
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
