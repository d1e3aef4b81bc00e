//! A long run: ten thousand contacts under random edits, pauses, caps and changes of strategy, by one caller and by 32 at
//! once. Whatever happens, each log replays from its first row to its last and no cap is exceeded.

mod common;

use splitter_core::{
    Store,
    conformance::{World, broken_invariants, broken_invariants_of_one_caller, random_steps, random_world},
};
use tokio::task::JoinSet;

const COMMANDS: u64 = 60_000;
const NUMBERS: u64 = 26_000;
const CONTACTS: u64 = 10_000;
const CALLERS: u64 = 32;

async fn alone(store: &dyn Store) {
    let mut world = random_world(store, 4711).await.expect("a world");
    let failures = random_steps(&mut world, 4711, COMMANDS, NUMBERS).await;
    assert!(failures.is_empty(), "{failures:#?}");
    let broken = broken_invariants_of_one_caller(store, world.admin).await.expect("rows");
    check(&world, &broken).await;
}

async fn crowded(store: &'static dyn Store) {
    let world = random_world(store, 1742).await.expect("a world");
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let mut world = world.another(caller);
        callers.spawn(async move { random_steps(&mut world, 1742 + caller, COMMANDS / CALLERS, NUMBERS).await });
    }
    while let Some(failures) = callers.join_next().await {
        let failures = failures.expect("a caller");
        assert!(failures.is_empty(), "{failures:#?}");
    }
    let broken = broken_invariants(store, world.admin).await.expect("rows");
    check(&world, &broken).await;
}

async fn check(world: &World<'_>, broken: &[String]) {
    assert!(broken.is_empty(), "{broken:#?}");
    let rows = world.state("S").await.expect("a state").seq + world.state("T").await.expect("a state").seq;
    assert!(rows > COMMANDS / 5, "only {rows} rows were logged");
    let contacts = common::count_contacts(world.store, world.admin).await;
    assert!(contacts >= CONTACTS, "only {contacts} contacts");
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use splitter_sqlx::{Durability, SqliteOptions, SqliteStore};

    async fn open() -> &'static SqliteStore {
        // What survives a power failure is not the question here.
        let options = SqliteOptions { durability: Durability::Normal, ..SqliteOptions::temporary() };
        Box::leak(Box::new(SqliteStore::open(options).await.expect("a store")))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_caller() {
        super::alone(open().await).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_callers() {
        super::crowded(open().await).await;
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use crate::common::database::Database;

    #[tokio::test(flavor = "multi_thread")]
    async fn one_caller() {
        let database = Database::new().await;
        let store = Box::leak(Box::new(database.open().await));
        super::alone(store).await;
        store.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_callers() {
        let database = Database::new().await;
        let store = Box::leak(Box::new(database.open().await));
        super::crowded(store).await;
        store.close().await;
    }
}
