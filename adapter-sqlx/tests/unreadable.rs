//! A due message that can not be read (damaged, or written by a newer version) keeps no other one from being sent.

mod common;

use std::sync::Arc;

use common::{START, enrol, enrolment, env, phone, with_splitter};
use splitter_core::{Dispatch, Store, Target};

const LEASE_MS: i64 = 60_000;

/// The numbers of the contacts whose messages are claimed, a few at a time, until nobody gets any more.
async fn claimed(store: &dyn Dispatch, limit: u32) -> Vec<String> {
    let mut phones = Vec::new();
    // As many rounds as there can be claims, and one more.
    for _ in 0..6 {
        let claims = store.claim(START, limit, LEASE_MS).await.expect("an answer");
        phones.extend(claims.iter().map(|claim| claim.contact.phone_number.to_string()));
    }
    phones.sort();
    phones
}

/// Five messages are due at once; `damage` spoils the one of the first contact.
async fn the_others_are_sent<S: Store + Dispatch + 'static>(store: Arc<S>, damage: impl AsyncFnOnce()) {
    let shared: Arc<dyn Store> = store.clone();
    let (admin, splitter) = with_splitter(&shared, &[10_000], 1).await;
    for n in 0..5 {
        let request = enrolment(admin, Target::Splitter(splitter.id), phone(n));
        shared.transact(enrol(request, env())).await.expect("enrolled");
    }
    damage().await;
    let others: Vec<String> = (1..5).map(|n| format!("+{}", phone(n))).collect();
    assert_eq!(claimed(&*store, 1).await, others);
}

const DAMAGE: &str = "UPDATE outreach SET template = '{{' WHERE contact_id = \
                      (SELECT id FROM contacts WHERE phone = '+12125550000')";

#[tokio::test]
async fn sqlite_sends_the_others() {
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("splitter.db");
    let store = Arc::new(SqliteStore::open(SqliteOptions::file(path.clone())).await.expect("a store"));
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("a connection");
    the_others_are_sent(store, async move || {
        let damaged = sqlx::query(DAMAGE).execute(&mut connection).await.expect("damaged");
        assert_eq!(damaged.rows_affected(), 1);
    })
    .await;
}

#[tokio::test]
async fn postgres_sends_the_others() {
    let database = common::database::Database::new().await;
    let store = Arc::new(database.open().await);
    let mut connection = database.connect().await;
    the_others_are_sent(store, async move || {
        let damaged = sqlx::query(DAMAGE).execute(&mut connection).await.expect("damaged");
        assert_eq!(damaged.rows_affected(), 1);
    })
    .await;
}
