//! Durable enrolments per second against plain transactions: `cargo bench -p splitter-benches --bench store`, with
//! PostgreSQL too: `cargo xtask pg --durable -- cargo bench -p splitter-benches --bench store`.
//!
//! 32 callers, each with one request at a time; every contact is new, chosen among five campaigns, three messages each.
//! What was acknowledged is compared with what is stored.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use splitter_benches::{
    rounds::median,
    store::{DECISION_BYTES, Row, plain_postgres, plain_sqlite},
};
use splitter_core::{
    Actor, AdminId, Campaign, CampaignConfig, CampaignStatus, Channel, ContactInput, Env, Limits, OutreachStep,
    PhonePolicy, Planned, Reply, Scope, Settings, SplitterId, Store, Target, Timestamp, Violations, Work, enroll,
    manage,
    splitter::{Caps, Member, Overflow, ReturningContacts, SplitterDraft, Strategy},
    splitter_commands,
};
use splitter_sqlx::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};
use sqlx::{AssertSqlSafe, ConnectOptions, postgres::PgPoolOptions};
use uuid::Uuid;

const CALLERS: u64 = 32;
const ROUNDS: usize = 3;
const NOW: Timestamp = Timestamp::from_millis(1_778_682_600_000);

static NEXT: AtomicU64 = AtomicU64::new(1);

fn next() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn env() -> Env {
    let n = next();
    Env::new(NOW.plus_millis(i64::try_from(n / 4).unwrap_or(0)), n, n << 6)
}

fn phone() -> String {
    format!("+1{}", 2_010_000_000 + next())
}

fn main() {
    let requests = std::env::var("REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if std::env::var_os("ONLY_POSTGRES").is_none() {
            sqlite(requests).await;
        }
        match std::env::var("TEST_DATABASE_URL") {
            Ok(url) => {
                postgres(&url, 1, requests).await;
                postgres(&url, 100, requests).await;
            }
            Err(_) => println!("PostgreSQL: left out, TEST_DATABASE_URL is not set"),
        }
    });
}

/// Requests per second of `requests` requests by [`CALLERS`] callers, the median wait and the 99th percentile in
/// milliseconds, and how many succeeded.
async fn load<F, Fut>(requests: u64, request: F) -> (f64, f64, f64, u64)
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = bool> + Send,
{
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let request = request.clone();
            tokio::spawn(async move {
                let (mut good, mut waits) = (0, Vec::new());
                for n in (caller..requests).step_by(usize::try_from(CALLERS).unwrap_or(1)) {
                    let start = Instant::now();
                    good += u64::from(request(n).await);
                    waits.push(start.elapsed().as_secs_f64() * 1000.0);
                }
                (good, waits)
            })
        })
        .collect();
    let (mut good, mut waits) = (0, Vec::new());
    for caller in callers {
        let (g, w) = caller.await.expect("no panic");
        good += g;
        waits.extend(w);
    }
    let rate = requests as f64 / start.elapsed().as_secs_f64();
    waits.sort_by(f64::total_cmp);
    (rate, waits[waits.len() / 2], waits[waits.len() * 99 / 100], good)
}

struct Measured {
    name: &'static str,
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    failed: u64,
}

impl Measured {
    const fn new(name: &'static str) -> Self {
        Self { name, rates: Vec::new(), p50: Vec::new(), p99: Vec::new(), failed: 0 }
    }

    fn add(&mut self, requests: u64, (rate, p50, p99, good): (f64, f64, f64, u64)) {
        self.rates.push(rate);
        self.p50.push(p50);
        self.p99.push(p99);
        self.failed += requests - good;
    }
}

fn print(title: &str, mut measured: Vec<Measured>) {
    println!(
        "\n{title}\n{:<44} {:>10} {:>7} {:>9} {:>9} {:>7}",
        "", "requests/s", "ratio", "p50 ms", "p99 ms", "failed"
    );
    let base = median(&mut measured[0].rates);
    for m in &mut measured {
        let rate = median(&mut m.rates);
        let (p50, p99) = (median(&mut m.p50), median(&mut m.p99));
        println!("{:<44} {rate:>10.0} {:>7.2} {p50:>9.2} {p99:>9.2} {:>7}", m.name, rate / base, m.failed);
    }
}

async fn reply(store: &dyn Store, work: Work) -> Reply {
    store.transact(work).await.expect("committed").reply
}

/// An admin with five campaigns of three messages and some splitters over them.
async fn fill(store: &dyn Store, splitters: usize) -> (AdminId, Vec<SplitterId>) {
    let at = env();
    let plan = manage::create_admin(
        format!("{}@example.com", Uuid::from_u128(at.draw.into())),
        None,
        Settings::default(),
        &at,
    );
    let admin = plan.admin_id;
    reply(store, Work::new(Scope::of(admin), move |_| Planned::Commit(plan.clone()))).await;
    let step = |n: u32| OutreachStep {
        channel: Channel::Sms,
        delay_minutes: n * 60,
        template: splitter_benches::store::TEMPLATE.parse().expect("a template"),
    };
    let mut campaigns: Vec<Campaign> = Vec::new();
    for n in 0..5 {
        let at = env();
        let config = CampaignConfig {
            name: format!("campaign {n}"),
            status: CampaignStatus::Active,
            outreach: (0..3).map(step).collect(),
            calling_window: None,
            requires_email: false,
        };
        let work = Work::new(Scope::of(admin), move |_| manage::create_campaign(admin, config.clone(), &at).into());
        if let Reply::Campaign(campaign) = reply(store, work).await {
            campaigns.push(*campaign);
        }
    }
    let member = |(campaign, bp): (&Campaign, u32)| Member {
        campaign_id: campaign.id,
        percentage_bp: bp,
        enabled: true,
        caps: Caps::default(),
    };
    let draft = SplitterDraft {
        name: "leads".into(),
        timezone: chrono_tz::America::New_York,
        strategy: Strategy::Percentage,
        campaigns: campaigns.iter().zip([4_000, 2_500, 1_500, 1_000, 1_000]).map(member).collect(),
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    };
    let mut ids = Vec::new();
    for _ in 0..splitters {
        let (at, draft) = (env(), draft.clone());
        let work = Work::new(splitter_commands::scope_of_draft(admin, &draft), move |snapshot| {
            splitter_commands::create(snapshot, admin, &draft, Actor::Admin, &at).into()
        });
        if let Reply::Splitter(splitter) = reply(store, work).await {
            ids.push(splitter.id);
        }
    }
    (admin, ids)
}

async fn enrol(store: &dyn Store, admin: AdminId, splitter: SplitterId) -> bool {
    let input = ContactInput {
        phone_number: Some(phone()),
        target: Some(Target::Splitter(splitter)),
        name: Some("Jane Smith".into()),
        timezone: None,
        custom_variables: Some(vec![("company".into(), "Acme".into())]),
    };
    let request = input.check(admin, Actor::Admin, &PhonePolicy::default(), &Limits::default(), Violations::new());
    let (request, at) = (request.expect("valid"), env());
    let scope = request.scope();
    store.transact(Work::new(scope, move |snapshot| enroll::plan(snapshot, &request, &at).into())).await.is_ok()
}

async fn ours(
    store: &Arc<dyn Store>,
    admin: AdminId,
    splitters: &Arc<Vec<SplitterId>>,
    requests: u64,
) -> (f64, f64, f64, u64) {
    let (store, splitters) = (Arc::clone(store), Arc::clone(splitters));
    load(requests, move |n| {
        let (store, splitter) = (Arc::clone(&store), splitters[usize::try_from(n).unwrap_or(0) % splitters.len()]);
        async move { enrol(&*store, admin, splitter).await }
    })
    .await
}

fn row(splitter: Uuid) -> Row {
    let at = env();
    Row {
        splitter,
        phone: phone(),
        ids: std::array::from_fn(|n| at.id(n as u64)),
        bytes: vec![7; DECISION_BYTES + 32],
        at: at.now.as_millis(),
    }
}

/// Rows of all logs must be as many as were acknowledged.
async fn check(store: &dyn Store, admin: AdminId, splitters: &[SplitterId], acknowledged: u64) {
    let mut logged = 0;
    for id in splitters {
        logged += store.splitter(admin, *id).await.expect("an answer").expect("a splitter").state.seq;
    }
    println!("acknowledged {acknowledged}, stored {logged}");
    assert_eq!(logged, acknowledged);
}

async fn sqlite(requests: u64) {
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

async fn postgres(url: &str, splitters: usize, requests: u64) {
    let name = format!("bench_{}_{splitters}", std::process::id());
    let options: sqlx::postgres::PgConnectOptions = url.parse().expect("a URL");
    let mut server = options.connect().await.expect("a server");
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut server).await.expect("a database");
    let options = options.database(&name);
    let pool = PgPoolOptions::new()
        .max_connections(u32::try_from(CALLERS).unwrap_or(1))
        .connect_with(options.clone())
        .await
        .expect("a pool");
    let writers = std::env::var("WRITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let store = PostgresOptions { server: options, writers, ..PostgresOptions::from_url(url).expect("a URL") };
    let opened = Arc::new(PostgresStore::open(store).await.expect("a store"));
    let store: Arc<dyn Store> = opened.clone();
    let (admin, ids) = fill(&*store, splitters).await;
    let plain_ids: Arc<Vec<Uuid>> = Arc::new(ids.iter().map(|id| id.0).collect());
    plain_postgres::create(&pool, &plain_ids).await.expect("tables");
    let ids = Arc::new(ids);
    let mut measured = vec![
        Measured::new("plain, one statement per request"),
        Measured::new("plain, statement by statement"),
        Measured::new("splitter-sqlx"),
    ];
    let mut acknowledged = 0;
    for _ in 0..ROUNDS {
        for (n, at_once) in [(0, true), (1, false)] {
            let (plain, ids) = (pool.clone(), Arc::clone(&plain_ids));
            let result = load(requests, move |n| {
                let (pool, splitter) = (plain.clone(), ids[usize::try_from(n).unwrap_or(0) % ids.len()]);
                async move {
                    let row = row(splitter);
                    let done = if at_once {
                        plain_postgres::enrol_at_once(&pool, &row).await
                    } else {
                        plain_postgres::enrol(&pool, &row).await
                    };
                    done.is_ok()
                }
            });
            measured[n].add(requests, result.await);
        }
        let result = ours(&store, admin, &ids, requests).await;
        acknowledged += result.3;
        measured[2].add(requests, result);
    }
    print(&format!("PostgreSQL, {splitters} splitter(s), {writers} writers"), measured);
    check(&*store, admin, &ids, acknowledged).await;
    opened.close().await;
    pool.close().await;
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut server).await.expect("dropped");
}
