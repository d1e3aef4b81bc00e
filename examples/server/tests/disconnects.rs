//! Clients that hang up at any moment: what was acknowledged is stored, what is stored is whole, and nobody leaves a
//! transaction open behind them.

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{Answer, Manager, SECRET, request};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use serde_json::{Value, json};
use splitter_core::{
    AdminId, Contact, DecisionId, OutreachStatus, PhoneNumber, SplitterId, Store,
    conformance::broken_invariants,
    store::{ContactQuery, PageRequest},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

const CLIENTS: u64 = 12;
/// Of each client.
const REQUESTS: u64 = 60;
/// Messages of every campaign.
const STEPS: usize = 2;
/// How long abandoned requests may take to come to their end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server process on a database, killed in the end whatever happens.
struct Server {
    child: Child,
    address: SocketAddr,
}

fn command(database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitter-server"));
    command.env("DATABASE_URL", database).env("SPLITTER_JWT_SECRET", SECRET).env("NO_COLOR", "1");
    command.env("RUST_LOG", "warn,splitter_server=info").stdin(Stdio::null());
    command
}

fn output(database: &str, arguments: &[&str]) -> String {
    let output = command(database).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

impl Server {
    fn start(database: &str) -> Self {
        let mut command = command(database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--sender", "none"]);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = loop {
            let line = lines.next().expect("it listens").expect("text");
            if let Some((_, address)) = line.split_once("listening address=") {
                break address.parse().expect("an address");
            }
        };
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        Self { child, address }
    }

    /// SIGTERM, and an orderly end.
    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client knows in the end.
#[derive(Debug, Default)]
struct Journal {
    /// By number, what it was promised. `None`: a success whose body it has not seen.
    acknowledged: BTreeMap<u64, Option<Value>>,
    hung_up: u64,
}

struct Client {
    server: Manager,
    splitters: [String; 2],
    rng: SmallRng,
    journal: Journal,
}

impl Client {
    async fn run(mut self, numbers: std::ops::Range<u64>) -> Journal {
        for n in numbers {
            // Some come again, through either splitter.
            let n = if n > 0 && self.rng.random_bool(0.2) { n - 1 } else { n };
            self.enrol(12_025_550_000 + n).await;
        }
        self.journal
    }

    async fn enrol(&mut self, phone: u64) {
        let splitter = &self.splitters[self.rng.random_range(0..2)];
        let body = json!({ "phoneNumber": format!("+{phone}"), "splitterId": splitter, "name": "Jane" });
        let request = request("/contacts", &self.server.credential(), &body);
        let mut stream = TcpStream::connect(self.server.address).await.expect("connected");
        if self.rng.random_bool(0.5) {
            // The end comes as a reset.
            stream.set_zero_linger().expect("set");
        }
        let mut answer = Vec::new();
        match self.rng.random_range(0..10) {
            // Part of the request.
            0 | 1 => {
                let sent = self.rng.random_range(0..request.len());
                stream.write_all(&request[..sent]).await.expect("sent");
            }
            // All of it, and then no patience.
            2..7 => {
                stream.write_all(&request).await.expect("sent");
                let patience = Duration::from_micros(self.rng.random_range(0..12_000));
                let _ = timeout(patience, stream.read_to_end(&mut answer)).await;
            }
            // The beginning of the answer.
            7 | 8 => {
                stream.write_all(&request).await.expect("sent");
                let _ = (&mut stream).take(self.rng.random_range(1..200)).read_to_end(&mut answer).await;
            }
            _ => {
                stream.write_all(&request).await.expect("sent");
                stream.read_to_end(&mut answer).await.expect("an answer");
            }
        }
        drop(stream);
        self.note(phone, &answer);
    }

    fn note(&mut self, phone: u64, answer: &[u8]) {
        let whole = Answer::parse(answer);
        self.journal.hung_up += u64::from(whole.is_none());
        let status = answer.get(..12).map(String::from_utf8_lossy);
        match status.as_deref() {
            Some("HTTP/1.1 200" | "HTTP/1.1 201") => {
                let known = self.journal.acknowledged.entry(phone).or_default();
                *known = whole.map(|answer| answer.body["data"]["id"].clone()).or(known.take());
            }
            Some(_) => panic!("{}", String::from_utf8_lossy(answer)),
            None => {}
        }
    }
}

struct Played {
    server: Option<Server>,
    admin: AdminId,
    splitters: [SplitterId; 2],
    journal: Journal,
}

impl Played {
    fn stop(&mut self) {
        self.server.take().expect("it runs").stop();
    }
}

/// Clients that come and go, until the last abandoned request is over.
async fn play(url: &str, seed: u64) -> Played {
    let made: Value =
        serde_json::from_str(&output(url, &["admin", "create", "--email", "a@example.com", "--json"])).expect("JSON");
    let admin: AdminId = serde_json::from_value(made["id"].clone()).expect("an id");
    let token = output(url, &["token", "--admin", &admin.to_string()]);
    let server = Server::start(url);
    let manager = Manager { address: server.address, token };
    let splitters = [manager.splitter().await, manager.splitter().await];
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let rng = SmallRng::seed_from_u64(seed + n);
        let client = Client { server: manager.clone(), splitters: splitters.clone(), rng, journal: Journal::default() };
        clients.spawn(client.run(n * REQUESTS..(n + 1) * REQUESTS));
    }
    let mut journal = Journal::default();
    for mut one in clients.join_all().await {
        journal.acknowledged.append(&mut one.acknowledged);
        journal.hung_up += one.hung_up;
    }
    // Nothing of this is worth anything if nobody hung up, or everybody.
    println!("{} contacts acknowledged, {} requests hung up on", journal.acknowledged.len(), journal.hung_up);
    assert!(journal.acknowledged.len() >= 50 && journal.hung_up >= 50);
    // The server is as good as before.
    let body = |n: u64| json!({ "phoneNumber": format!("+{}", 12_025_560_000 + n), "splitterId": splitters[0] });
    for n in 0..20 {
        manager.make("/contacts", body(n)).await;
    }
    let splitters = splitters.map(|id| serde_json::from_value(json!(id)).expect("an id"));
    Played { server: Some(server), admin, splitters, journal }
}

/// Asks until it is so. What is left open stays so; what is still under way does not.
async fn soon(what: &str, mut asked: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !asked().await {
        assert!(begun.elapsed() < PATIENCE, "{what}");
    }
}

async fn all_contacts(store: &dyn Store, admin: AdminId) -> Vec<Contact> {
    let query = ContactQuery::all(PageRequest { page: 1, limit: 10_000 });
    store.contacts(admin, &query).await.expect("contacts").rows
}

/// What was acknowledged is stored, and every decision has its contact, its history and its messages.
async fn check(store: Arc<dyn Store>, played: &Played) {
    let admin = played.admin;
    assert_eq!(broken_invariants(&*store, admin).await.expect("read"), Vec::<String>::new());
    let contacts = all_contacts(&*store, admin).await;
    let by_phone: BTreeMap<PhoneNumber, &Contact> = contacts.iter().map(|c| (c.phone_number, c)).collect();
    for (phone, id) in &played.journal.acknowledged {
        let stored = by_phone.get(&PhoneNumber::from_u64(*phone).expect("a number"));
        let stored = stored.unwrap_or_else(|| panic!("{phone} was acknowledged"));
        assert!(id.as_ref().is_none_or(|id| *id == json!(stored.id)), "{phone} has another id");
    }
    let mut logged: BTreeMap<DecisionId, _> = BTreeMap::new();
    for splitter in played.splitters {
        let rows = store.decisions_after(admin, splitter, 0, 10_000).await.expect("the log");
        logged.extend(rows.into_iter().map(|row| (row.decision.id, row.decision.contact_id)));
    }
    let mut enrolled = 0;
    for contact in &contacts {
        let history = store.history(admin, contact.id).await.expect("the history");
        for entry in &history {
            let decision = entry.decision_id.expect("only a splitter enrols here");
            assert_eq!(logged.get(&decision), Some(&contact.id), "a decision that was not logged");
        }
        enrolled += history.len();
        let outreach = store.outreach(admin, contact.id).await.expect("the outreach");
        assert_eq!(outreach.len(), STEPS * history.len(), "each enrolment schedules its messages");
        let waiting = outreach.iter().filter(|o| o.status == OutreachStatus::Scheduled).count();
        assert_eq!(waiting, STEPS, "the latest enrolment's");
    }
    assert_eq!(enrolled, logged.len(), "every decision has put a contact somewhere");
    // Some were stored although their clients did not wait for it.
    assert!(contacts.len() > played.journal.acknowledged.len() + 20, "nobody hung up at a bad moment");
}

mod sqlite {
    use super::{Arc, check, play, soon};
    use splitter_sqlx::{SqliteOptions, SqliteStore};
    use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn hanging_up_loses_nothing_and_leaves_nothing_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("splitter.db");
        let url = format!("sqlite://{}", file.display());
        let mut played = play(&url, 1).await;
        // Whoever has a transaction open on SQLite keeps all others from writing.
        let options = SqliteConnectOptions::new().filename(&file).busy_timeout(std::time::Duration::ZERO);
        let mut other = options.connect().await.expect("a second connection");
        soon("another connection can not write", async || {
            let begun = sqlx::raw_sql("BEGIN IMMEDIATE; UPDATE admins SET email = email; COMMIT").execute(&mut other);
            begun.await.is_ok()
        })
        .await;
        other.close().await.expect("closed");
        played.stop();
        let store = SqliteStore::open(SqliteOptions::from_url(&url).expect("a URL")).await.expect("a store");
        check(Arc::new(store), &played).await;
    }
}

mod postgres {
    use super::{Arc, check, common::database::Database, play, soon};
    use splitter_sqlx::PostgresStore;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn hanging_up_loses_nothing_and_leaves_nothing_open() {
        let database = Database::new().await;
        let mut played = play(&database.url(), 2).await;
        let mut connection = database.connect().await;
        soon("a connection is still in a transaction", async || {
            let open = "SELECT count(*) FROM pg_stat_activity \
                        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
            sqlx::query_scalar::<_, i64>(open).fetch_one(&mut connection).await.expect("an answer") == 0
        })
        .await;
        played.stop();
        let store = PostgresStore::open(database.options()).await.expect("a store");
        check(Arc::new(store), &played).await;
    }
}
