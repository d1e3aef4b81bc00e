//! The contact splitter's store on SQLite and PostgreSQL.
//!
//! Both databases are used in their own idiom, and both commit in groups: requests that wait are gathered, decided on
//! one after another by the pure plans of `splitter-core`, written in bulk and committed once. A request is answered
//! when its transaction is durable. No request's own future ever holds a transaction, so a caller that goes away leaves
//! nothing half done.
//!
//! ```
//! # async fn open() -> Result<(), splitter_core::StoreError> {
//! # #[cfg(feature = "sqlite")] {
//! use splitter_core::Queries;
//! use splitter_sqlx::{SqliteOptions, SqliteStore};
//!
//! let store = SqliteStore::open(SqliteOptions::temporary()).await?;
//! store.ping().await?;
//! store.close().await;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! What the tables hold is described in `migrations/`. Database failures never show SQL, paths or secrets to callers;
//! the details go to `tracing`.

mod codec;
mod commit;
mod error;
mod loaded;
mod options;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use options::CommitOptions;
#[cfg(feature = "plant")]
pub use options::Plant;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresLimiter, PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, SqliteLocation, SqliteOptions, SqliteStore};
