//! A decision of five campaigns takes at most 512 bytes, its indexes included.

mod common;

use std::sync::Arc;

use common::{enrol, enrolment, env, phone, with_splitter};
use splitter_core::{AdminId, Splitter, Store, Target};

/// Rows before, and rows that are measured: what a table has once does not count.
const ROWS: u64 = 2_000;
const MOST: i64 = 512;

async fn splitter(store: &Arc<dyn Store>) -> (AdminId, Splitter) {
    with_splitter(store, &[3_000, 2_500, 2_000, 1_500, 1_000], 0).await
}

async fn fill(store: &Arc<dyn Store>, (admin, splitter): &(AdminId, Splitter), first: u64) {
    let (admin, splitter) = (*admin, splitter.id);
    let tasks: Vec<_> = (first..first + ROWS)
        .map(|n| (Arc::clone(store), enrol(enrolment(admin, Target::Splitter(splitter), phone(n)), env())))
        .collect();
    for chunk in tasks.chunks(500) {
        let handles: Vec<_> = chunk
            .iter()
            .cloned()
            .map(|(store, work)| tokio::spawn(async move { store.transact(work).await.expect("committed") }))
            .collect();
        for handle in handles {
            handle.await.expect("no panic");
        }
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn on_sqlite() {
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
    const SIZE: &str = "SELECT sum(pgsize) FROM dbstat WHERE name IN \
                        (SELECT name FROM sqlite_schema WHERE tbl_name = 'decisions')";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("size.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(SqliteOptions::file(&path)).await.expect("a store"));
    let mut beside = SqliteConnectOptions::new().filename(&path).connect().await.expect("a connection");
    let mut sizes = [0_i64; 2];
    let splitter = splitter(&store).await;
    for (n, size) in sizes.iter_mut().enumerate() {
        fill(&store, &splitter, n as u64 * ROWS).await;
        *size = sqlx::query_scalar(SIZE).fetch_one(&mut beside).await.expect("a number");
    }
    check(sizes);
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn on_postgres() {
    let database = common::database::Database::new().await;
    let opened = Arc::new(database.open().await);
    let store = Arc::clone(&opened) as Arc<dyn Store>;
    let mut beside = database.connect().await;
    let mut sizes = [0_i64; 2];
    let splitter = splitter(&store).await;
    for (n, size) in sizes.iter_mut().enumerate() {
        fill(&store, &splitter, n as u64 * ROWS).await;
        let query = sqlx::query_scalar("SELECT pg_table_size('decisions') + pg_indexes_size('decisions')");
        *size = query.fetch_one(&mut beside).await.expect("a number");
    }
    check(sizes);
    opened.close().await;
}

fn check([before, after]: [i64; 2]) {
    let each = (after - before) / i64::try_from(ROWS).expect("small");
    println!("{each} bytes a decision");
    assert!(each <= MOST, "{each} bytes");
}
