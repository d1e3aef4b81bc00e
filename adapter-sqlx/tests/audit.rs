//! A log that somebody has changed with SQL does not pass for whole.

mod common;

use std::sync::Arc;

use common::{enrol, enrolment, env, phone, with_splitter};
use splitter_core::{Store, Target, audit::ChainVerifier};

/// Five rows; `change` changes the third.
async fn is_noticed(store: Arc<dyn Store>, change: impl AsyncFnOnce()) {
    let (admin, splitter) = with_splitter(&store, &[5_000, 5_000], 0).await;
    for n in 0..5 {
        let request = enrolment(admin, Target::Splitter(splitter.id), phone(n));
        store.transact(enrol(request, env())).await.expect("enrolled");
    }
    let first_bad = async || {
        let mut verifier = ChainVerifier::default();
        for row in store.decisions_after(admin, splitter.id, 0, 10).await.expect("rows") {
            verifier.push(&row);
        }
        verifier.report().first_bad_seq
    };
    assert_eq!(first_bad().await, None);
    change().await;
    assert_eq!(first_bad().await, Some(3));
}

/// The column that `?from=` and `?to=` go by; an hour later, so that the order stays.
#[tokio::test]
async fn sqlite_times() {
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("splitter.db");
    let store = Arc::new(SqliteStore::open(SqliteOptions::file(path.clone())).await.expect("a store"));
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("a connection");
    is_noticed(store, async move || {
        let change = sqlx::query("UPDATE decisions SET at = at + 3600000 WHERE seq = 3");
        assert_eq!(change.execute(&mut connection).await.expect("changed").rows_affected(), 1);
    })
    .await;
}

#[tokio::test]
async fn postgres_times() {
    let database = common::database::Database::new().await;
    let store = Arc::new(database.open().await);
    let mut connection = database.connect().await;
    is_noticed(store, async move || {
        let change = sqlx::query("UPDATE decisions SET at = at + interval '1 hour' WHERE seq = 3");
        assert_eq!(change.execute(&mut connection).await.expect("changed").rows_affected(), 1);
    })
    .await;
}
