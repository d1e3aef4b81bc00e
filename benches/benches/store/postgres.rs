//! PostgreSQL: group commit against `pgbench` and against one transaction per request.

use std::{path::Path, sync::Arc};

use splitter_benches::store::{pgbench, plain_postgres};
use splitter_core::Store;
use splitter_sqlx::{PostgresOptions, PostgresStore};
use sqlx::{
    AssertSqlSafe, ConnectOptions,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use crate::{
    ROUNDS,
    load::{CALLERS, Measured, load, print},
    scene::{check, fill, ours, row},
};

pub(crate) async fn compare(url: &str, splitters: usize, requests: u64) {
    let name = format!("bench_{}_{splitters}", std::process::id());
    let options: PgConnectOptions = url.parse().expect("a URL");
    let mut server = options.connect().await.expect("a server");
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut server).await.expect("a database");
    let options = options.database(&name);
    let pool = PgPoolOptions::new()
        .max_connections(u32::try_from(CALLERS).unwrap_or(1))
        .connect_with(options.clone())
        .await
        .expect("a pool");
    let defaults = PostgresOptions::from_url(url).expect("a URL");
    let writers = std::env::var("WRITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(defaults.writers);
    let opened = PostgresStore::open(PostgresOptions { server: options.clone(), writers, ..defaults });
    let opened = Arc::new(opened.await.expect("a store"));
    let store: Arc<dyn Store> = opened.clone();
    let uuids = |ids: &[splitter_core::SplitterId]| ids.iter().map(|id| id.0).collect::<Vec<Uuid>>();
    // Splitters of its own for pgbench, since it does not chain their logs.
    let (_, foreign) = fill(&*store, splitters).await;
    pgbench::prepare(&pool, &uuids(&foreign)).await.expect("tables");
    let (admin, ids) = fill(&*store, splitters).await;
    let plain_ids = Arc::new(uuids(&ids));
    let listed: Vec<Uuid> = plain_ids.iter().copied().chain(uuids(&foreign)).collect();
    plain_postgres::create(&pool, &listed).await.expect("tables");
    let ids = Arc::new(ids);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut measured = vec![
        Measured::new("pgbench, one statement, the same tables"),
        Measured::new("pgbench, one statement, bare tables"),
        Measured::new("plain, statement by statement, bare tables"),
        Measured::new("splitter-sqlx"),
    ];
    // Something to make statistics of: plans for empty tables would be slow ones in a moment.
    let (mut acknowledged, warm) = (ours(&store, admin, &ids, requests).await.3, pgbench_load(requests / 4, splitters));
    pgbench::run(pgbench::FULL, &options, warm, folder).expect("pgbench");
    for _ in 0..ROUNDS {
        for (measured, script) in measured.iter_mut().zip([pgbench::FULL, pgbench::BARE]) {
            sqlx::raw_sql("ANALYZE").execute(&pool).await.expect("statistics");
            match pgbench::run(script, &options, pgbench_load(requests, splitters), folder).expect("pgbench") {
                Some(answer) => measured.add_rate(answer.rate, requests - answer.committed),
                None => println!("pgbench is not in the PATH: left out"),
            }
        }
        let (plain, of_plain) = (pool.clone(), Arc::clone(&plain_ids));
        let result = load(requests, move |n| {
            let (pool, splitter) = (plain.clone(), of_plain[usize::try_from(n).unwrap_or(0) % of_plain.len()]);
            async move { plain_postgres::enrol(&pool, &row(splitter)).await.is_ok() }
        });
        measured[2].add(requests, result.await);
        let result = ours(&store, admin, &ids, requests).await;
        acknowledged += result.3;
        measured[3].add(requests, result);
    }
    print(&format!("PostgreSQL, {splitters} splitter(s), {writers} writers"), measured);
    check(&*store, admin, &ids, acknowledged).await;
    opened.close().await;
    pool.close().await;
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut server).await.expect("dropped");
}

const fn pgbench_load(requests: u64, splitters: usize) -> pgbench::Load {
    pgbench::Load { clients: CALLERS, requests, splitters }
}
