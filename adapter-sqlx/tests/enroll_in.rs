//! Enrolments inside an embedder's transaction: with its own rows or not at all, and without a trace where they fail.

mod common;

use std::sync::Arc;

use common::{campaign_config, create_admin, create_campaign, create_splitter, draft, enrol, enrolment, env, phone};
use splitter_core::{CampaignStatus, Splitter, Store, Target, TransactError, store::Queries};
use sqlx::{Connection, Executor as _};

/// A splitter over two campaigns, and one whose only campaign is paused.
async fn two_splitters(store: &dyn Store) -> [Splitter; 2] {
    let admin = create_admin(store).await;
    let mut campaigns = Vec::new();
    for name in ["one", "two"] {
        campaigns.push(create_campaign(store, admin, campaign_config(name, 2)).await);
    }
    let mut config = campaign_config("paused", 1);
    config.status = CampaignStatus::Paused;
    let paused = [create_campaign(store, admin, config).await];
    [
        create_splitter(store, admin, draft(&campaigns, &[5_000, 5_000])).await,
        create_splitter(store, admin, draft(&paused, &[10_000])).await,
    ]
}

async fn seq(store: &dyn Queries, splitter: &Splitter) -> u64 {
    store.splitter(splitter.admin_id, splitter.id).await.expect("an answer").expect("a splitter").state.seq
}

/// The same on every database: `$begin` begins a transaction on `$connection`.
macro_rules! with_rows_of_its_own {
    ($store:expr, $kind:ty, $connection:ident, $begin:expr) => {{
        let store: Arc<dyn Store> = $store;
        let [splitter, without] = two_splitters(&*store).await;
        let admin = splitter.admin_id;
        let target = Target::Splitter;
        $connection.execute("CREATE TABLE orders (id BIGINT NOT NULL)").await.expect("a table");

        // Rolled back: nothing of either.
        let mut own = $begin;
        own.execute("INSERT INTO orders VALUES (1)").await.expect("a row");
        let request = enrolment(admin, target(splitter.id), phone(1));
        <$kind>::enroll_in(&mut own, &request, &env()).await.expect("enrolled");
        own.rollback().await.expect("rolled back");
        assert_eq!(seq(&*store, &splitter).await, 0);

        // A refusal in between leaves the transaction usable; in the end both are there.
        let mut own = $begin;
        own.execute("INSERT INTO orders VALUES (2)").await.expect("a row");
        let unknown = enrolment(admin, target(env().id(7)), phone(2));
        let answer = <$kind>::enroll_in(&mut own, &unknown, &env()).await;
        assert!(matches!(answer, Err(TransactError::Rejected(_))), "{answer:?}");
        let refused = enrolment(admin, target(without.id), phone(2));
        let answer = <$kind>::enroll_in(&mut own, &refused, &env()).await;
        assert!(matches!(answer, Err(TransactError::Rejected(_))), "{answer:?}");
        for n in [2, 3, 2] {
            let request = enrolment(admin, target(splitter.id), phone(n));
            <$kind>::enroll_in(&mut own, &request, &env()).await.expect("enrolled");
        }
        own.execute("INSERT INTO orders VALUES (3)").await.expect("a row");
        own.commit().await.expect("committed");
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM orders ORDER BY id").fetch_all(&mut $connection).await.expect("rows");
        assert_eq!(ids, [2, 3]);
        assert_eq!(seq(&*store, &splitter).await, 3);

        // The log goes on where that left it.
        store.transact(enrol(enrolment(admin, target(splitter.id), phone(4)), env())).await.expect("enrolled");
        assert_eq!(seq(&*store, &splitter).await, 4);
        let broken = splitter_core::conformance::broken_invariants(&*store, admin).await.expect("answers");
        assert!(broken.is_empty(), "{broken:?}");
        (store, splitter, without)
    }};
}

#[tokio::test]
async fn sqlite_commits_both_or_none() {
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("splitter.db");
    let store = Arc::new(SqliteStore::open(SqliteOptions::file(path.clone())).await.expect("a store"));
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(true);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("a connection");
    with_rows_of_its_own!(
        store,
        SqliteStore,
        connection,
        connection.begin_with("BEGIN IMMEDIATE").await.expect("a transaction")
    );
}

mod postgres {
    use splitter_sqlx::PostgresStore;

    use super::{
        Arc, Connection, Store, Target, TransactError, common::database::Database, enrol, enrolment, env, phone, seq,
        two_splitters,
    };
    use sqlx::Executor as _;

    #[tokio::test]
    async fn commits_both_or_none() {
        let database = Database::new().await;
        let store = Arc::new(database.open().await);
        let mut connection = database.connect().await;
        let (store, splitter, without) =
            with_rows_of_its_own!(store, PostgresStore, connection, connection.begin().await.expect("a transaction"));
        let admin = splitter.admin_id;

        // A refusal gives its locks back though the transaction goes on: nobody waits for it.
        let mut own = connection.begin().await.expect("a transaction");
        let refused = enrolment(admin, Target::Splitter(without.id), phone(9));
        let answer = PostgresStore::enroll_in(&mut own, &refused, &env()).await;
        assert!(matches!(answer, Err(TransactError::Rejected(_))), "{answer:?}");
        let answer = store.transact(enrol(refused, env())).await;
        assert!(matches!(answer, Err(TransactError::Rejected(_))), "{answer:?}");
        own.rollback().await.expect("rolled back");
    }

    #[tokio::test]
    async fn decides_nothing_on_what_is_out_of_date() {
        let database = Database::new().await;
        let store: Arc<dyn Store> = Arc::new(database.open().await);
        let [splitter, _] = two_splitters(&*store).await;
        let mut connection = database.connect().await;
        let mut own = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("a transaction");
        // Its view of the database begins here.
        own.execute("SELECT count(*) FROM splitters").await.expect("an answer");
        let request = enrolment(splitter.admin_id, Target::Splitter(splitter.id), phone(1));
        store.transact(enrol(request, env())).await.expect("enrolled");
        let request = enrolment(splitter.admin_id, Target::Splitter(splitter.id), phone(2));
        let answer = PostgresStore::enroll_in(&mut own, &request, &env()).await;
        assert!(matches!(answer, Err(TransactError::Store(_))), "{answer:?}");
        own.rollback().await.expect("rolled back");
        assert_eq!(seq(&*store, &splitter).await, 1);
    }
}
