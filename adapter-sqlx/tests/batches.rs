//! Neighbours in one batch do not disturb each other, and a store that can not take more says so.

mod common;

use std::sync::Arc;

use common::{create_admin, enrol, enrolment, env, phone, with_splitter};
use splitter_core::{
    AdminId, Effect, Planned, Rejection, Scope, Settings, Splitter, Store, StoreError, Target, TransactError, Work,
    manage,
};

type Answer = Result<splitter_core::Plan, TransactError>;

/// Hands all in before the writer gets its turn (the runtime has one thread), so that they meet in one batch.
fn handed_in(store: &Arc<dyn Store>, works: Vec<Work>) -> Vec<tokio::task::JoinHandle<Answer>> {
    let hand_in = |work| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.transact(work).await })
    };
    works.into_iter().map(hand_in).collect()
}

async fn together(store: &Arc<dyn Store>, works: Vec<Work>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for task in handed_in(store, works) {
        answers.push(task.await.expect("no panic"));
    }
    answers
}

fn good(admin: AdminId, splitter: &Splitter, n: u64) -> Work {
    enrol(enrolment(admin, Target::Splitter(splitter.id), phone(n)), env())
}

/// A command whose rows the database refuses: a contact in a campaign that does not exist.
fn refused(admin: AdminId, splitter: &Splitter) -> Work {
    let (request, env) = (enrolment(admin, Target::Splitter(splitter.id), phone(500)), env());
    Work::new(request.scope(), move |snapshot| {
        let mut plan = splitter_core::enroll::plan(snapshot, &request, &env).expect("a plan");
        for effect in &mut plan.effects {
            if let Effect::CreateContact(contact) = effect {
                contact.campaign_id = env.id(99);
            }
        }
        Planned::Commit(plan)
    })
}

async fn neighbours(store: Arc<dyn Store>) {
    let (admin, splitter) = with_splitter(&store, &[5_000, 5_000], 1).await;
    let other = create_admin(&*store).await;
    let taken = store.admin(admin).await.expect("an answer").expect("an admin").email;
    let panics = Work::new(Scope::of(admin).splitter(splitter.id), |_| panic!("a plan that panics"));
    let rejects = Work::new(Scope::of(other), |_| Planned::Reject(Rejection::ContactNotFound));
    let collides = {
        let plan = manage::create_admin(taken, None, Settings::default(), &env());
        Work::new(Scope::of(plan.admin_id), move |_| Planned::Commit(plan.clone()))
    };
    let endless = Work::new(Scope::of(admin), |snapshot| {
        let _ = snapshot;
        Planned::NeedsMore(Scope::of(AdminId(uuid::Uuid::nil())))
    });
    let works = vec![
        good(admin, &splitter, 0),
        panics,
        good(admin, &splitter, 1),
        refused(admin, &splitter),
        good(admin, &splitter, 2),
        rejects,
        collides,
        endless,
        good(admin, &splitter, 3),
    ];
    let answers = together(&store, works).await;
    for n in [0, 2, 4, 8] {
        assert!(answers[n].is_ok(), "{n}: {:?}", answers[n]);
    }
    for n in [1, 3, 7] {
        assert!(matches!(answers[n], Err(TransactError::Store(StoreError::Broken(_)))), "{n}: {:?}", answers[n]);
    }
    assert!(matches!(answers[5], Err(TransactError::Rejected(Rejection::ContactNotFound))), "{:?}", answers[5]);
    assert!(matches!(answers[6], Err(TransactError::Rejected(Rejection::EmailTaken))), "{:?}", answers[6]);
    let log = store.decisions_after(admin, splitter.id, 0, 100).await.expect("a log");
    let seqs: Vec<u64> = log.iter().map(|row| row.decision.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    let missing = format!("+{}", phone(500)).parse().expect("a number");
    assert_eq!(store.contact_by_phone(admin, missing).await.expect("an answer"), None);
}

/// Of twelve requests handed in at once, those that do not fit are refused at once, and the others are done.
async fn full(store: Arc<dyn Store>) {
    let (admin, splitter) = with_splitter(&store, &[5_000, 5_000], 0).await;
    let answers = together(&store, (0..12).map(|n| good(admin, &splitter, n)).collect()).await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    let busy = answers.iter().filter(|a| matches!(a, Err(TransactError::Store(StoreError::Busy)))).count();
    assert_eq!(done + busy, 12);
    assert!(done >= 2 && busy >= 1, "{done} done, {busy} refused");
    let log = store.decisions_after(admin, splitter.id, 0, 100).await.expect("a log");
    assert_eq!(log.len(), done);
    assert!(store.transact(good(admin, &splitter, 50)).await.is_ok(), "there is room again");
}

/// What was accepted before a close is done and answered; what comes after is refused.
async fn closing<S: Store + 'static>(store: Arc<S>, close: impl AsyncFnOnce(&S)) {
    let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let (admin, splitter) = with_splitter(&shared, &[5_000, 5_000], 1).await;
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (store, work) = (Arc::clone(&shared), good(admin, &splitter, n));
            tokio::spawn(async move { store.transact(work).await })
        })
        .collect();
    // Lets them be handed in; the first is then under way.
    tokio::task::yield_now().await;
    close(&store).await;
    for task in tasks {
        assert!(task.await.expect("no panic").is_ok());
    }
    let late = shared.transact(good(admin, &splitter, 99)).await;
    assert!(matches!(late, Err(TransactError::Store(StoreError::Unavailable(_)))), "{late:?}");
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use splitter_sqlx::{CommitOptions, SqliteOptions, SqliteStore};

    async fn open(options: SqliteOptions) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(options).await.expect("a store"))
    }

    #[tokio::test]
    async fn neighbours_are_not_disturbed() {
        neighbours(open(SqliteOptions::temporary()).await).await;
    }

    #[tokio::test]
    async fn a_full_queue_is_busy() {
        let commit = CommitOptions { queue: 2, batch: 1, ..CommitOptions::default() };
        full(open(SqliteOptions { commit, ..SqliteOptions::temporary() }).await).await;
    }

    #[tokio::test]
    async fn a_close_finishes_what_was_accepted() {
        closing(open(SqliteOptions::temporary()).await, async |store| store.close().await).await;
    }

    /// A disk without room, as a limit on the file's pages: requests are refused as unavailable and leave nothing behind;
    /// when there is room again, all goes on.
    #[tokio::test]
    async fn a_full_disk_is_outlived() {
        use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("full.db");
        let store = open(SqliteOptions::file(&path)).await;
        let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let (admin, splitter) = with_splitter(&shared, &[5_000, 5_000], 3).await;
        store.close().await;
        let mut beside = SqliteConnectOptions::new().filename(&path).connect().await.expect("a connection");
        sqlx::raw_sql("CREATE TABLE ballast (b BLOB); INSERT INTO ballast VALUES (zeroblob(400000))")
            .execute(&mut beside)
            .await
            .expect("ballast");
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut beside).await.expect("a number");
        let max_pages = Some(u32::try_from(pages).expect("small") + 5);
        let store: Arc<dyn Store> = open(SqliteOptions { max_pages, ..SqliteOptions::file(&path) }).await;
        let (mut done, mut refused) = (0, 0);
        for n in 0..400 {
            match store.transact(good(admin, &splitter, n)).await {
                Ok(_) => done += 1,
                Err(TransactError::Store(StoreError::Unavailable(text))) => {
                    assert_eq!(text, "there is no room left");
                    refused += 1;
                    if refused == 20 {
                        break;
                    }
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        assert!(done > 0 && refused == 20, "{done} done, {refused} refused");
        let log = store.decisions_after(admin, splitter.id, 0, 1_000).await.expect("a log");
        assert_eq!(log.len(), done);
        sqlx::raw_sql("DROP TABLE ballast").execute(&mut beside).await.expect("room");
        for n in 400..450 {
            store.transact(good(admin, &splitter, n)).await.expect("there is room again");
        }
        let log = store.decisions_after(admin, splitter.id, 0, 1_000).await.expect("a log");
        assert_eq!(log.len(), done + 50);
        let broken = splitter_core::conformance::broken_invariants(&*store, admin).await.expect("answers");
        assert_eq!(broken, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_opening_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("again.db");
        let url = format!("sqlite://{}", path.display());
        let store = open(SqliteOptions::from_url(&url).expect("a URL")).await;
        let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let (admin, splitter) = with_splitter(&shared, &[5_000, 5_000], 1).await;
        shared.transact(good(admin, &splitter, 1)).await.expect("committed");
        let before = shared.splitter(admin, splitter.id).await.expect("an answer");
        store.close().await;
        let again = open(SqliteOptions::file(&path)).await;
        assert_eq!(splitter_core::Queries::splitter(&*again, admin, splitter.id).await.expect("an answer"), before);
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;
    use common::database::Database;
    use splitter_sqlx::{CommitOptions, PostgresOptions, PostgresStore};

    async fn open(options: PostgresOptions) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::open(PostgresOptions { writers: 1, ..options }).await.expect("a store"))
    }

    #[tokio::test]
    async fn neighbours_are_not_disturbed() {
        let database = Database::new().await;
        neighbours(open(database.options()).await).await;
    }

    #[tokio::test]
    async fn a_full_queue_is_busy() {
        let database = Database::new().await;
        let commit = CommitOptions { queue: 2, batch: 1, ..CommitOptions::default() };
        full(open(PostgresOptions { commit, ..database.options() }).await).await;
    }

    #[tokio::test]
    async fn a_close_finishes_what_was_accepted() {
        let database = Database::new().await;
        closing(open(database.options()).await, async |store| store.close().await).await;
    }

    /// Somebody else holds a splitter's row for long: the other splitters of the same writer do not notice, and its own
    /// requests are answered when it is free.
    #[tokio::test]
    async fn a_locked_splitter_keeps_only_its_own_requests() {
        use sqlx::Connection as _;
        let database = Database::new().await;
        let options = PostgresOptions { lock_timeout: std::time::Duration::from_millis(50), ..database.options() };
        let store: Arc<dyn Store> = open(options).await;
        let (admin, locked) = with_splitter(&store, &[5_000, 5_000], 1).await;
        let (other_admin, free) = with_splitter(&store, &[5_000, 5_000], 1).await;
        let mut connection = database.connect().await;
        let mut holder = connection.begin().await.expect("a transaction");
        let lock = sqlx::query("SELECT FROM splitters WHERE id = $1 FOR UPDATE").bind(locked.id.0);
        lock.execute(&mut *holder).await.expect("locked");
        let waiting = handed_in(&store, vec![good(admin, &locked, 1), good(admin, &locked, 2)]);
        // Until the lock is given back, these can only be answered if nobody waits for it on their behalf.
        for n in 0..5 {
            let works = vec![good(admin, &locked, 10 + n), good(other_admin, &free, n)];
            let answer = handed_in(&store, works).remove(1).await.expect("no panic");
            assert!(answer.is_ok(), "{n}: {answer:?}");
        }
        holder.rollback().await.expect("rolled back");
        for answer in waiting {
            let answer = answer.await.expect("no panic");
            assert!(answer.is_ok(), "{answer:?}");
        }
    }

    /// A server that is not there: an error without its address, not a hang.
    #[tokio::test]
    async fn a_missing_server_is_unavailable() {
        let options = PostgresOptions::from_url("postgres://secret:hush@127.0.0.1:1/nowhere").expect("a URL");
        let error = PostgresStore::open(options).await.expect_err("nobody listens there").to_string();
        assert!(!error.contains("127.0.0.1") && !error.contains("hush") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn several_servers_migrate_at_once() {
        let database = Database::new().await;
        let opened = tokio::join!(database.open(), database.open(), database.open());
        splitter_core::Queries::ping(&opened.2).await.expect("an answer");
    }
}
