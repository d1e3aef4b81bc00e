//! Whether outreach goes out at least once, in time, and never against anybody's word, while dispatchers are killed:
//!
//! ```console
//! $ cargo xtask pg -- cargo run --release -p splitter-benches --features torture --bin dispatch-torture
//! ```
//!
//! Three dispatcher processes share 10,000 due messages on PostgreSQL and are killed (SIGKILL) at random moments and
//! replaced. The receiver fails 20 % of what it gets and stalls with 5 %. Meanwhile contacts say that they must not be
//! contacted, a campaign is paused and resumed, another one's calling window closes. What arrived at the receiver is then
//! compared with the rows. Exit code 1 if a rule was broken, or if it was not over in time.

mod checks;
mod receiver;
mod scene;
mod trouble;

use std::{env, process::ExitCode, sync::Arc, time::Duration};

use rand::random;
use splitter_axum::{
    Dispatcher, DispatcherOptions,
    webhook::{WebhookOptions, WebhookSender},
};
use splitter_core::{
    Env, Timestamp,
    dispatch::{Options, RetryPolicy},
};
use splitter_sqlx::{PostgresOptions, PostgresStore};

/// The program's end, whatever happens.
const DEADLINE: Duration = Duration::from_mins(6);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The present moment, read here and nowhere else.
fn world() -> Env {
    let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let now = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX));
    Env::new(now, random(), random())
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let result = match (arguments.next().as_deref(), arguments.next()) {
        (Some("dispatcher"), Some(url)) => dispatcher(&url).await.map(|()| true),
        _ => match tokio::time::timeout(DEADLINE, torture()).await {
            Ok(result) => result,
            Err(_) => Err("it was not over in time".into()),
        },
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One dispatcher, until it is killed.
async fn dispatcher(url: &str) -> Result<()> {
    // Few connections for many sends, so that claimed messages wait for their start, and what happens in between counts.
    let options = PostgresOptions { writers: 1, readers: 4, ..PostgresOptions::from_url(url)? };
    let store = Arc::new(PostgresStore::open(options).await?);
    let sender = WebhookSender::new(WebhookOptions {
        allow_http: true,
        allowed_networks: vec!["127.0.0.1".parse()?],
        timeout: receiver::STALL / 3,
        ..WebhookOptions::default()
    })?;
    let retry = RetryPolicy { base_ms: 200, cap_ms: 2_000, max_attempts: 100 };
    let options = DispatcherOptions {
        concurrency: 32,
        poll: Duration::from_millis(200),
        delivery: Options { lease_ms: 5_000, retry },
        ..DispatcherOptions::default()
    };
    let dispatcher = Dispatcher::new(store, Arc::new(sender), Arc::new(world), options);
    dispatcher.run(std::future::pending()).await;
    Ok(())
}

async fn torture() -> Result<bool> {
    let receiver = receiver::Receiver::start().await?;
    let scene = scene::Scene::new(&receiver.url()).await?;
    println!("{} messages are due; three dispatchers begin", scene::CONTACTS);
    let started = std::time::Instant::now();
    let trouble = trouble::make(&scene, &receiver).await?;
    println!(
        "{:.1} s: {} dispatchers were killed, {} contacts said no, {} deliveries, {} of them failed, {} stalled",
        started.elapsed().as_secs_f64(),
        trouble.kills,
        trouble.refusals.len(),
        receiver.arrivals().len(),
        receiver.failed(),
        receiver.stalled(),
    );
    let violations = checks::violations(&scene, &receiver, &trouble).await?;
    println!("{violations} violations");
    scene.drop().await?;
    Ok(violations == 0)
}
