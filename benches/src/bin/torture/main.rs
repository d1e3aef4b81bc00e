//! Whether anything is lost, done twice or done wrong while servers and their database are killed:
//!
//! ```console
//! $ cargo build --release -p splitter-server
//! $ cargo xtask pg --durable -- cargo run --release -p splitter-benches --features torture --bin torture
//! ```
//!
//! Several servers on one PostgreSQL are killed (SIGKILL) at random moments and replaced, and the database is restarted,
//! in an orderly way and as after a crash, while clients enrol contacts, repeat themselves, hang up, change statuses, pause
//! campaigns and run into limits. Every client keeps a journal of what it sent and what it was answered. In the end the
//! journals are compared with the database. Exit code 1 if a rule was broken, or if it was not over in time. Nothing is
//! sent out: `dispatch-torture` is about that.
//!
//! That it finds what is wrong can be seen with a server that has a bug built in:
//! `cargo build --release -p splitter-server --features plant`, and here `--plant skip-lock`, `--plant skip-contact-lock`
//! or `--plant early-answer`.

mod checks;
mod client;
mod database;
mod histories;
mod journal;
mod limits;
mod logs;
mod options;
mod scene;
mod servers;
mod trouble;

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    client::Client, database::Database, journal::Journal, options::Options, scene::Scene, servers::Servers,
    trouble::Trouble,
};

/// How long the beginning, the end and the checks may take beside the load.
const REST: Duration = Duration::from_mins(6);

/// How many violations of each kind are printed whole.
const EXAMPLES: usize = 5;
/// How many of its first words make a violation's kind.
const KIND_WORDS: usize = 12;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Options::read() {
        Ok(options) => {
            let deadline = Duration::from_secs(options.seconds) + REST;
            match tokio::time::timeout(deadline, torture(options)).await {
                Ok(result) => result,
                Err(_) => Err("it was not over in time".into()),
            }
        }
        Err(error) => Err(error),
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

async fn torture(options: Options) -> Result<bool> {
    let database = Database::new().await?;
    let result = with(&options, &database).await;
    database.drop().await?;
    result
}

async fn with(options: &Options, database: &Database) -> Result<bool> {
    let mut servers = Servers::start(options, &database.url).await?;
    let scene = Arc::new(Scene::new(options, &servers).await?);
    println!("{} servers and {} clients begin; seed {}", options.servers, options.clients, options.seed);
    let mut clients = JoinSet::new();
    for n in 0..options.clients {
        let client = Client::new(n, options, Arc::clone(&scene))?;
        clients.spawn(client.run());
    }
    let trouble = trouble::make(options, &mut servers, database, &scene).await?;
    scene.stop();
    let mut journal = Journal::default();
    while let Some(client) = tokio::time::timeout(Duration::from_mins(1), clients.join_next()).await? {
        journal.append(client?);
    }
    report(&journal, &trouble);
    let mut broken = journal.unexpected.clone();
    broken.extend(trouble.unexpected.iter().cloned());
    broken.extend(database.resting("the servers' end").await?);
    broken.extend(servers.stop());
    broken.extend(database.left_open().await?);
    broken.extend(checks::broken(database, &scene, &journal, &trouble).await?);
    print(&broken);
    Ok(broken.is_empty())
}

/// Some of each kind, and how many there are of it.
fn print(broken: &[String]) {
    let mut kinds: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for violation in broken {
        kinds.entry(kind(violation)).or_default().push(violation);
    }
    for (kind, violations) in &kinds {
        println!("VIOLATION, {} times: {kind}", violations.len());
        for violation in violations.iter().take(EXAMPLES) {
            println!("    {violation}");
        }
    }
    println!("{} violations of {} kinds", broken.len(), kinds.len());
}

/// The first words of a violation, without what tells it from others of its kind.
fn kind(violation: &str) -> String {
    let words = violation.split_whitespace().take(KIND_WORDS);
    let plain = |word: &str| !word.contains(|c: char| c.is_ascii_digit() || "{[(".contains(c));
    words.map(|word| if plain(word) { word } else { "…" }).collect::<Vec<_>>().join(" ")
}

fn report(journal: &Journal, trouble: &Trouble) {
    println!(
        "{} kills, {} restarts of the database, {} of them after a crash; {} servers gave up by themselves",
        trouble.kills, trouble.restarts, trouble.crashes, trouble.ended
    );
    println!(
        "{} enrolments sent, {} acknowledged, {} hung up on, {} unavailable or lost, {} over a limit; \
         {} status changes and {} pauses or resumptions acknowledged",
        journal.enrolments.len(),
        journal.enrolments.iter().filter(|sent| sent.answer.is_some()).count(),
        journal.cut,
        journal.lost,
        journal.limited,
        journal.statuses.iter().filter(|change| change.acknowledged).count(),
        journal.pauses.iter().filter(|pause| pause.acknowledged.is_some()).count(),
    );
}
