//! SQLite: group commit against one transaction per request.

use std::sync::Arc;

use splitter_benches::store::plain_sqlite;
use splitter_core::Store;
use splitter_sqlx::{SqliteOptions, SqliteStore};
use uuid::Uuid;

use crate::{
    ROUNDS,
    load::{Measured, load, print},
    scene::{check, fill, ours, row},
};

pub(crate) async fn compare(requests: u64) {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("store-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let splitter = Uuid::from_u128(1);
    let pool = plain_sqlite::open(&folder.join("plain.db"), &[splitter]).await.expect("a database");
    let store = SqliteStore::open(SqliteOptions::file(folder.join("ours.db"))).await.expect("a store");
    let store: Arc<dyn Store> = Arc::new(store);
    let (admin, splitters) = fill(&*store, 1).await;
    let splitters = Arc::new(splitters);
    let mut measured =
        vec![Measured::new("plain, pool of one, synchronous FULL"), Measured::new("splitter-sqlx, FULL")];
    let mut acknowledged = 0;
    for _ in 0..ROUNDS {
        let plain = pool.clone();
        let result = load(requests, move |_| {
            let pool = plain.clone();
            async move { plain_sqlite::enrol(&pool, &row(splitter)).await.is_ok() }
        });
        measured[0].add(requests, result.await);
        let result = ours(&store, admin, &splitters, requests).await;
        acknowledged += result.3;
        measured[1].add(requests, result);
    }
    print("SQLite, one splitter", measured);
    check(&*store, admin, &splitters, acknowledged).await;
    std::fs::remove_dir_all(&folder).expect("removed");
}
