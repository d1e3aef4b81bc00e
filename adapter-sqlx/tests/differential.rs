//! One random sequence of commands gives the same answers and the same rows in memory, on SQLite and on PostgreSQL.

mod common;

use std::sync::Arc;

use common::{
    commands::{Command, Generator},
    compare::{comparable, same},
};
use splitter_core::{MemoryStore, Store, Transact};

/// Sends commands to both, in groups of random sizes to `store`, one after the other to the oracle.
async fn differ(store: Arc<dyn Store>, seed: u64, steps: usize) {
    let oracle = MemoryStore::new();
    let mut generator = Generator::new(seed);
    let admins: Vec<Command> = (0..4).map(|_| generator.create_admin()).collect();
    for command in admins {
        step(&oracle, &store, &mut generator, vec![command]).await;
    }
    let mut done = 0;
    while done < steps {
        let mut group = Vec::new();
        for _ in 0..=generator.below(8) {
            let command = generator.command();
            if command.alone {
                step(&oracle, &store, &mut generator, std::mem::take(&mut group)).await;
                step(&oracle, &store, &mut generator, vec![command]).await;
            } else {
                group.push(command);
            }
        }
        done += group.len();
        step(&oracle, &store, &mut generator, group).await;
    }
    for admin in generator.admins.clone() {
        same(&oracle, &*store, admin).await;
    }
}

async fn step(oracle: &MemoryStore, store: &Arc<dyn Store>, generator: &mut Generator, group: Vec<Command>) {
    // On a runtime with one thread, tasks are handed in in the order in which they were spawned.
    let tasks: Vec<_> = group
        .iter()
        .map(|command| {
            let (store, work) = (Arc::clone(store), command.work.clone());
            tokio::spawn(async move { store.transact(work).await })
        })
        .collect();
    for (command, task) in group.into_iter().zip(tasks) {
        let expected = comparable(oracle.transact(command.work).await);
        let answer = comparable(task.await.expect("no panic"));
        assert_eq!(answer, expected, "{}", command.what);
        if let Ok(plan) = &expected {
            generator.learn(plan);
        }
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_answers_as_memory_does() {
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    for seed in 1..=4 {
        let store = SqliteStore::open(SqliteOptions::temporary()).await.expect("a store");
        differ(Arc::new(store), seed, 400).await;
    }
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_answers_as_memory_does() {
    use common::database::Database;
    use splitter_sqlx::PostgresStore;
    for seed in 1..=4 {
        let database = Database::new().await;
        // One writer, so that the order of a group is the order of its members.
        let options = splitter_sqlx::PostgresOptions { writers: 1, ..database.options() };
        let store = Arc::new(PostgresStore::open(options).await.expect("a store"));
        differ(Arc::clone(&store) as Arc<dyn Store>, seed, 400).await;
        store.close().await;
    }
}
