//! A receiver that fails and stalls, and remembers everything.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use rand::random_range;
use serde::Deserialize;
use splitter_core::{CampaignId, ContactId, OutreachId, Timestamp};
use standardwebhooks::Webhook;

use crate::{Result, world};

/// How long it stalls: three times as long as a dispatcher waits.
pub(crate) const STALL: Duration = Duration::from_secs(6);

/// The secret of everything sent here.
pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// One delivery, however it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) data: Data,
    /// The time in the message.
    pub(crate) sent_at: Timestamp,
    /// The time here.
    pub(crate) at: Timestamp,
    /// Whether it was answered with success, and in time.
    pub(crate) taken: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Data {
    pub(crate) id: OutreachId,
    pub(crate) contact_id: ContactId,
    pub(crate) campaign_id: CampaignId,
    pub(crate) to: String,
    pub(crate) text: String,
    pub(crate) attempt: u32,
}

#[derive(Debug, Deserialize)]
struct Event {
    timestamp: Timestamp,
    data: Data,
}

#[derive(Default)]
struct Memory {
    arrivals: Mutex<Vec<Arrival>>,
    forged: AtomicUsize,
    failed: AtomicUsize,
    stalled: AtomicUsize,
}

/// The receiver's address and memory.
pub(crate) struct Receiver {
    address: std::net::SocketAddr,
    state: Arc<Memory>,
}

async fn receive(State(state): State<Arc<Memory>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let at = world().now;
    let verified = Webhook::new(SECRET).is_ok_and(|webhook| webhook.verify(&body, &headers).is_ok());
    let event = serde_json::from_slice::<Event>(&body).ok();
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()?.parse::<OutreachId>().ok());
    let Some(event) = event.filter(|event| verified && id == Some(event.data.id)) else {
        state.forged.fetch_add(1, SeqCst);
        return StatusCode::BAD_REQUEST;
    };
    let draw = random_range(0..100);
    let (failed, stalled) = (draw < 20, (20..25).contains(&draw));
    let arrival = Arrival { data: event.data, sent_at: event.timestamp, at, taken: !failed && !stalled };
    state.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
    if failed {
        state.failed.fetch_add(1, SeqCst);
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    if stalled {
        state.stalled.fetch_add(1, SeqCst);
        tokio::time::sleep(STALL).await;
    }
    StatusCode::OK
}

impl Receiver {
    pub(crate) async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Memory::default());
        let app = Router::new().route("/", post(receive)).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, state })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.state.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn forged(&self) -> usize {
        self.state.forged.load(SeqCst)
    }

    pub(crate) fn failed(&self) -> usize {
        self.state.failed.load(SeqCst)
    }

    pub(crate) fn stalled(&self) -> usize {
        self.state.stalled.load(SeqCst)
    }
}
