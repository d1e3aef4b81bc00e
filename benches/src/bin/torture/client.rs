//! A client: sends, hangs up, repeats itself, and writes down what it was answered.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use splitter_core::SplitterId;
use tokio::time::{sleep, timeout};

use crate::{
    Result,
    journal::{Admitted, Answer, Journal, Pause, Sent, StatusChange},
    options::Options,
    scene::{Group, Scene},
};

/// How long a request may take before its client gives it up as lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often an enrolment with an idempotency key is repeated until it is acknowledged.
const REPEATS: u32 = 20;

pub(crate) struct Client {
    n: usize,
    clients: u64,
    scene: Arc<Scene>,
    http: reqwest::Client,
    rng: SmallRng,
    journal: Journal,
    /// New numbers so far.
    fresh: u64,
}

/// What came back.
enum Heard {
    Answer(Value),
    Nothing,
}

impl Client {
    pub(crate) fn new(n: usize, options: &Options, scene: Arc<Scene>) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let rng = SmallRng::seed_from_u64(options.seed.wrapping_add(1 + n as u64));
        Ok(Self { n, clients: options.clients as u64, scene, http, rng, journal: Journal::default(), fresh: 0 })
    }

    /// Until the scene is over.
    pub(crate) async fn run(mut self) -> Journal {
        while self.scene.goes_on() {
            match self.n {
                0 => self.pause_and_resume().await,
                1 => self.hit_the_limit().await,
                _ => self.something().await,
            }
        }
        self.journal
    }

    async fn something(&mut self) {
        let scene = Arc::clone(&self.scene);
        match self.rng.random_range(0..100) {
            0..32 => self.new_contact(Group::Hot, scene.hot).await,
            32..42 => self.known_contact(Group::Hot, scene.hot).await,
            42..50 => {
                let splitter = scene.cold[self.rng.random_range(0..scene.cold.len())];
                self.new_contact(Group::Cold, splitter).await;
            }
            50..60 => self.duel().await,
            60..67 => {
                let splitter = scene.duel[self.rng.random_range(0..2)];
                self.known_contact(Group::Duel, splitter).await;
            }
            67..76 => self.keyed().await,
            76..86 => self.change_status().await,
            86..91 => self.new_contact(Group::Capped, scene.capped).await,
            91..93 => self.known_contact(Group::Capped, scene.capped).await,
            93..98 => self.new_contact(Group::Pausing, scene.pausing).await,
            _ => self.known_contact(Group::Pausing, scene.pausing).await,
        }
    }

    fn next_phone(&mut self, group: Group) -> u64 {
        self.fresh += 1;
        group.phone(self.fresh * self.clients + self.n as u64)
    }

    async fn new_contact(&mut self, group: Group, splitter: SplitterId) {
        let phone = self.next_phone(group);
        if self.enrol(phone, splitter, None).await {
            self.scene.know(group, phone);
        }
    }

    async fn known_contact(&mut self, group: Group, splitter: SplitterId) {
        if let Some(phone) = self.scene.any(group, &mut self.rng) {
            self.enrol(phone, splitter, None).await;
        }
    }

    /// One new number, two splitters, two servers, at once.
    async fn duel(&mut self) {
        let phone = self.next_phone(Group::Duel);
        let [one, other] = self.scene.duel;
        if self.at_once(phone, [one, other], None).await {
            self.scene.know(Group::Duel, phone);
        }
    }

    /// An attempt that is made twice at once, and again until somebody answers, and perhaps once more.
    async fn keyed(&mut self) {
        let phone = self.next_phone(Group::Keyed);
        let key = format!("attempt-{phone}");
        let splitter = self.scene.keyed;
        let mut done = self.at_once(phone, [splitter, splitter], Some(&key)).await;
        for _ in 0..REPEATS {
            if done && self.rng.random_bool(0.7) {
                break;
            }
            done |= self.enrol(phone, splitter, Some(&key)).await;
        }
    }

    async fn at_once(&mut self, phone: u64, splitters: [SplitterId; 2], key: Option<&str>) -> bool {
        let first = self.rng.random_range(0..self.scene.ports.len());
        let servers = [first, (first + 1) % self.scene.ports.len()];
        let requests = [0, 1].map(|n| self.enrolment(servers[n], phone, splitters[n], key));
        let at = Instant::now();
        let [one, other] = requests;
        let answers = tokio::join!(hear(one), hear(other));
        let mut heard = false;
        for (answer, splitter) in [answers.0, answers.1].into_iter().zip(splitters) {
            heard |= self.note(at, phone, splitter, key, answer);
        }
        heard
    }

    async fn enrol(&mut self, phone: u64, splitter: SplitterId, key: Option<&str>) -> bool {
        let server = self.any_server();
        let request = self.enrolment(server, phone, splitter, key);
        let at = Instant::now();
        if self.rng.random_bool(0.05) {
            let after = Duration::from_micros(self.rng.random_range(0..15_000));
            if let Ok(answer) = timeout(after, hear(request)).await {
                return self.note(at, phone, splitter, key, answer);
            }
            // Dropping the request has closed the connection.
            self.journal.cut += 1;
            let key = key.map(str::to_owned);
            self.journal.enrolments.push(Sent { phone, splitter, key, at, answer: None });
            return false;
        }
        let answer = hear(request).await;
        // Before anything else: whoever is to be killed right after its word is killed now.
        self.scene.answered[server].notify_waiters();
        let heard = self.note(at, phone, splitter, key, answer);
        if !heard {
            self.rest().await;
        }
        heard
    }

    fn any_server(&mut self) -> usize {
        self.rng.random_range(0..self.scene.ports.len())
    }

    async fn rest(&mut self) {
        sleep(Duration::from_millis(self.rng.random_range(20..200))).await;
    }

    fn request(&self, server: usize, method: Method, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("http://127.0.0.1:{}{path}", self.scene.ports[server]);
        let request = self.http.request(method, url).bearer_auth(&self.scene.token);
        request.header("content-type", "application/json").body(body.to_string())
    }

    fn enrolment(&self, server: usize, phone: u64, splitter: SplitterId, key: Option<&str>) -> RequestBuilder {
        let body = json!({
            "phoneNumber": format!("+{phone}"), "splitterId": splitter, "name": format!("Contact {phone}"),
            "customVariables": { "company": "Acme" },
        });
        let request = self.request(server, Method::POST, "/contacts", &body);
        key.into_iter().fold(request, |request, key| request.header("idempotency-key", key))
    }

    /// Writes an enrolment down. Whether it was acknowledged.
    fn note(&mut self, at: Instant, phone: u64, splitter: SplitterId, key: Option<&str>, heard: Heard) -> bool {
        let answer = self.understood(heard).and_then(|mut value| {
            let decision = value["decision"].take();
            let contact = &value["body"]["data"];
            Some(Answer {
                at: Instant::now(),
                created: value["status"] == 201,
                contact: serde_json::from_value(contact["id"].clone()).ok()?,
                campaign: serde_json::from_value(contact["campaignId"].clone()).ok()?,
                decision: serde_json::from_value(decision).ok()?,
            })
        });
        let key = key.map(str::to_owned);
        let heard = answer.is_some();
        self.journal.enrolments.push(Sent { phone, splitter, key, at, answer });
        heard
    }

    /// A success, or nothing.
    fn understood(&mut self, heard: Heard) -> Option<Value> {
        let Heard::Answer(value) = heard else {
            self.journal.lost += 1;
            return None;
        };
        match value["status"].as_u64() {
            Some(200 | 201) => return Some(value),
            Some(503) => self.journal.lost += 1,
            _ => self.journal.unexpected.push(format!("a server answers {} {}", value["status"], value["body"])),
        }
        None
    }

    async fn change_status(&mut self) {
        let group = [Group::Hot, Group::Duel, Group::Capped][self.rng.random_range(0..3)];
        let Some(phone) = self.scene.any(group, &mut self.rng) else { return };
        // Whoever said no never takes it back here, and no change lets more into a full campaign than its cap allows.
        let status = match (phone % 5, group) {
            (0, _) => "DNC",
            (_, Group::Capped) => ["fulfilled", "not-interested"][self.rng.random_range(0..2)],
            _ => ["active", "paused", "fulfilled", "wrong-number"][self.rng.random_range(0..4)],
        };
        let body = json!({ "phone": format!("+{phone}"), "status": status });
        let server = self.any_server();
        let heard = hear(self.request(server, Method::POST, "/contacts/update", &body)).await;
        let acknowledged = self.understood(heard).is_some();
        self.journal.statuses.push(StatusChange { phone, status, acknowledged });
    }

    async fn pause_and_resume(&mut self) {
        let paused = self.journal.pauses.len().is_multiple_of(2);
        let path = format!("/campaigns/{}", self.scene.paused);
        let server = self.any_server();
        let sent = Instant::now();
        let body = json!({ "status": if paused { "paused" } else { "active" } });
        let heard = hear(self.request(server, Method::PATCH, &path, &body)).await;
        let acknowledged = self.understood(heard).map(|_| Instant::now());
        self.journal.pauses.push(Pause { paused, sent, acknowledged });
        sleep(Duration::from_millis(self.rng.random_range(100..1_000))).await;
    }

    /// As many at once as there are servers, twice, with a key that is soon over its limit.
    async fn hit_the_limit(&mut self) {
        let splitter = self.scene.cold[0];
        let mut tasks = tokio::task::JoinSet::new();
        for server in (0..self.scene.ports.len()).chain(0..self.scene.ports.len()) {
            let phone = self.next_phone(Group::Limited);
            let mut request = self.enrolment(server, phone, splitter, None).build();
            if let Ok(request) = &mut request {
                let headers = request.headers_mut();
                headers.remove("authorization");
                if let Ok(key) = self.scene.key.parse() {
                    headers.insert("x-api-key", key);
                }
            }
            let Ok(request) = request else { continue };
            let request = RequestBuilder::from_parts(self.http.clone(), request);
            let at = Instant::now();
            tasks.spawn(async move { (at, phone, hear(request).await) });
        }
        while let Some(Ok((at, phone, heard))) = tasks.join_next().await {
            if let Heard::Answer(value) = &heard {
                if value["status"] == 429 {
                    self.journal.limited += 1;
                    continue;
                }
                if let (Some(reset), Some(remaining)) = (value["reset"].as_u64(), value["remaining"].as_u64()) {
                    self.journal.admitted.push(Admitted { reset, remaining });
                }
            }
            self.note(at, phone, splitter, None, heard);
        }
        sleep(Duration::from_millis(self.rng.random_range(50..400))).await;
    }
}

/// The answer, as far as anybody here looks at it.
async fn hear(request: RequestBuilder) -> Heard {
    let Ok(answer) = request.send().await else { return Heard::Nothing };
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let number = |name: &str| header(name).and_then(|text| text.parse::<u64>().ok());
    let mut value = json!({
        "status": answer.status().as_u16(),
        "decision": header("x-distribution-id"),
        "reset": number("x-ratelimit-reset"),
        "remaining": number("x-ratelimit-remaining"),
    });
    let Ok(text) = answer.text().await else { return Heard::Nothing };
    value["body"] = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Heard::Answer(value)
}
