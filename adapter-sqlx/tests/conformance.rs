//! The suite that every store has to pass.

mod common;

use splitter_core::conformance::{check, check_dispatch};

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_passes() {
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    let store = SqliteStore::open(SqliteOptions::temporary()).await.expect("a store");
    let failures = check(&store, 1).await;
    assert!(failures.is_empty(), "{failures:#?}");
    store.close().await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_passes() {
    let database = common::database::Database::new().await;
    let store = database.open().await;
    let failures = check(&store, 1).await;
    assert!(failures.is_empty(), "{failures:#?}");
    store.close().await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_dispatches() {
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    let store = SqliteStore::open(SqliteOptions::temporary()).await.expect("a store");
    let failures = check_dispatch(&store, &store, 1).await;
    assert!(failures.is_empty(), "{failures:#?}");
    store.close().await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_dispatches() {
    let database = common::database::Database::new().await;
    let store = database.open().await;
    let failures = check_dispatch(&store, &store, 1).await;
    assert!(failures.is_empty(), "{failures:#?}");
    store.close().await;
}
