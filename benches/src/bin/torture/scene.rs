//! What the clients work on: an admin, campaigns, splitters, a limited key, all made through the front door.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, rngs::SmallRng};
use serde_json::{Value, json};
use splitter_core::{AdminId, CampaignId, SplitterId};

use crate::{Result, options::Options, servers::Servers};

/// Splitters that get a contact now and then.
const COLD: usize = 8;
/// The caps of the capped splitter: decisions in total, and active contacts.
pub(crate) const CAP_TOTAL: usize = 20;
pub(crate) const CAP_ACTIVE: usize = 10;

pub(crate) struct Scene {
    pub(crate) ports: Vec<u16>,
    pub(crate) admin: AdminId,
    pub(crate) token: String,
    /// A key with the usual limits.
    pub(crate) key: String,
    /// Percentages that are never edited, over campaigns that nobody else uses.
    pub(crate) hot: SplitterId,
    pub(crate) cold: Vec<SplitterId>,
    /// Both get the same new number at once.
    pub(crate) duel: [SplitterId; 2],
    pub(crate) keyed: SplitterId,
    pub(crate) capped: SplitterId,
    pub(crate) full: CampaignId,
    pub(crate) crowded: CampaignId,
    pub(crate) pausing: SplitterId,
    /// The campaign that is paused and resumed.
    pub(crate) paused: CampaignId,
    /// Acknowledged contacts, for repeats and changes of status.
    known: [Mutex<Vec<u64>>; GROUPS],
    stopped: AtomicBool,
    /// By server: it has just acknowledged something.
    pub(crate) answered: Vec<tokio::sync::Notify>,
}

/// Contacts that are sent to the same splitters. Each group has numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Hot,
    Cold,
    Duel,
    Keyed,
    Capped,
    Pausing,
    Limited,
}

const GROUPS: usize = 7;

impl Group {
    /// The `n`-th number.
    pub(crate) const fn phone(self, n: u64) -> u64 {
        12_022_000_000 + self as u64 * 1_000_000 + n
    }
}

impl Scene {
    pub(crate) async fn new(options: &Options, servers: &Servers) -> Result<Self> {
        let text = output(servers, &["admin", "create", "--email", "torture@example.com", "--json"])?;
        let admin: AdminId = id(&serde_json::from_str::<Value>(&text)?["id"])?;
        let seconds = (options.seconds + 600).to_string();
        let token = output(servers, &["token", "--admin", &admin.to_string(), "--expires-in", &seconds])?;
        let maker = Maker {
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?,
            base: format!("http://127.0.0.1:{}", servers.ports[0]),
            token: token.trim().to_owned(),
        };
        let key = maker.make("/api-keys", json!({ "name": "limited" })).await?["key"].as_str().unwrap_or("").to_owned();
        let none = json!({});
        let plain = |ids: &[CampaignId]| ids.iter().map(|id| (*id, none.clone())).collect::<Vec<_>>();
        let hot = maker.campaigns(3).await?;
        let shared = maker.campaigns(5).await?;
        let caps = maker.campaigns(3).await?;
        let pausing = maker.campaigns(2).await?;
        let mut cold = Vec::new();
        for _ in 0..COLD {
            cold.push(maker.splitter(&[60, 40], &plain(&shared[..2])).await?);
        }
        let capped = [
            (caps[0], json!({ "total": CAP_TOTAL })),
            (caps[1], json!({ "active": CAP_ACTIVE })),
            (caps[2], none.clone()),
        ];
        Ok(Self {
            ports: servers.ports.clone(),
            admin,
            key,
            hot: maker.splitter(&[50, 30, 20], &plain(&hot)).await?,
            cold,
            duel: [
                maker.splitter(&[70, 30], &plain(&shared[1..3])).await?,
                maker.splitter(&[50, 50], &plain(&shared[3..])).await?,
            ],
            keyed: maker.splitter(&[34, 33, 33], &plain(&shared[..3])).await?,
            capped: maker.splitter(&[40, 40, 20], &capped).await?,
            full: caps[0],
            crowded: caps[1],
            pausing: maker.splitter(&[50, 50], &plain(&pausing)).await?,
            paused: pausing[1],
            token: maker.token,
            known: Default::default(),
            stopped: AtomicBool::new(false),
            answered: servers.ports.iter().map(|_| tokio::sync::Notify::new()).collect(),
        })
    }

    pub(crate) fn splitters(&self) -> impl Iterator<Item = SplitterId> {
        [self.hot, self.duel[0], self.duel[1], self.keyed, self.capped, self.pausing]
            .into_iter()
            .chain(self.cold.clone())
    }

    /// Those that are never edited, whose campaigns can always be chosen, and whose contacts are nobody else's.
    pub(crate) fn plain(&self) -> impl Iterator<Item = SplitterId> {
        [self.hot, self.keyed].into_iter().chain(self.cold.clone())
    }

    /// Tells the clients to come to an end.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed)
    }

    /// Remembers an acknowledged contact.
    pub(crate) fn know(&self, group: Group, phone: u64) {
        self.known[group as usize].lock().unwrap_or_else(PoisonError::into_inner).push(phone);
    }

    /// One of the acknowledged contacts.
    pub(crate) fn any(&self, group: Group, rng: &mut SmallRng) -> Option<u64> {
        let known = self.known[group as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() { None } else { Some(known[rng.random_range(0..known.len())]) }
    }
}

/// What one of the server's commands prints.
fn output(servers: &Servers, arguments: &[&str]) -> Result<String> {
    let output = servers.command().args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn id<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    Ok(serde_json::from_value(value.clone())?)
}

struct Maker {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Maker {
    async fn make(&self, path: &str, body: Value) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(format!("{path}: {status} {text}").into());
        }
        Ok(serde_json::from_str::<Value>(&text)?["data"].take())
    }

    async fn campaigns(&self, count: usize) -> Result<Vec<CampaignId>> {
        let mut ids = Vec::new();
        for n in 0..count {
            let body = json!({ "name": format!("campaign {n} of {count}"), "outreach": [
                { "channel": "sms", "delayMinutes": 0, "template": "Hi {{name|there}}." },
                { "channel": "call", "delayMinutes": 60, "template": "Call {{phoneNumber}}." },
            ] });
            ids.push(id(&self.make("/campaigns", body).await?["id"])?);
        }
        Ok(ids)
    }

    async fn splitter(&self, percentages: &[u32], campaigns: &[(CampaignId, Value)]) -> Result<SplitterId> {
        let members: Vec<Value> = campaigns
            .iter()
            .zip(percentages)
            .map(|((id, caps), percentage)| {
                json!({ "campaignId": id, "percentage": percentage, "enabled": true, "caps": caps })
            })
            .collect();
        let body = json!({
            "name": "splitter", "timezone": "UTC", "strategy": { "type": "percentage" }, "campaigns": members,
            "overflow": { "type": "nextEligible" }, "returningContacts": "redistribute",
        });
        id(&self.make("/splitters", body).await?["id"])
    }
}
