//! Receives the contact splitter's webhooks: `WEBHOOK_SECRET=whsec_… cargo run -p webhook-receiver`.
//!
//! The signature is checked by a library that has nothing to do with the splitter: any implementation of the Standard
//! Webhooks specification will do. Then each message is taken once, by its id, because it can come several times: the
//! splitter sends it again whenever it does not know that it arrived.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::Deserialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, Webhook};

/// What is posted, as far as it is of interest here.
#[derive(Debug, Deserialize)]
struct Event {
    r#type: String,
    data: Outreach,
}

#[derive(Debug, Deserialize)]
struct Outreach {
    channel: String,
    to: String,
    text: String,
}

/// The last ids. In production they belong into the database that also keeps what the message led to, in one transaction;
/// and for as long as the sender may try again.
#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    const MOST: usize = 100_000;

    /// Whether it is new.
    fn insert(&mut self, id: &str) -> bool {
        let new = self.ids.insert(id.to_owned());
        if new {
            self.order.push_back(id.to_owned());
        }
        if self.order.len() > Self::MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        new
    }
}

struct Receiver {
    webhook: Webhook,
    seen: Mutex<Seen>,
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // Signature and age (five minutes) of the raw bytes, before anything in them is believed.
    if let Err(error) = receiver.webhook.verify(&body, &headers) {
        eprintln!("refused: {error}");
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Event>(&body) else { return StatusCode::BAD_REQUEST };
    let id = headers.get(HEADER_WEBHOOK_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let new = receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    if new && event.r#type == "outreach.due" {
        let Outreach { channel, to, text } = event.data;
        println!("{channel} to {to}: {text:?}");
    }
    // A repeat is answered as the first time, or it would come again.
    StatusCode::NO_CONTENT
}

fn app(secret: &str) -> Result<Router, standardwebhooks::WebhookError> {
    let receiver = Receiver { webhook: Webhook::new(secret)?, seen: Mutex::default() };
    Ok(Router::new().route("/", post(receive)).with_state(Arc::new(receiver)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("WEBHOOK_SECRET").map_err(|_| "WEBHOOK_SECRET is not set")?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    println!("listening on http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, app(&secret)?).await?)
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const BODY: &str = r#"{"type":"outreach.due","data":{"channel":"sms","to":"+15551234567","text":"Hi"}}"#;

    fn now() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_secs()).expect("before the year 292277026596")
    }

    async fn post(app: &Router, seconds: i64, signed: &str, body: &str) -> StatusCode {
        let webhook = Webhook::new(SECRET).expect("a secret");
        let signature = webhook.sign("an-id", seconds, signed.as_bytes()).expect("a signature");
        let request = Request::post("/")
            .header("webhook-id", "an-id")
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(Body::from(body.to_owned()));
        app.clone().oneshot(request.expect("a request")).await.expect("an answer").status()
    }

    #[tokio::test]
    async fn only_what_is_signed_and_fresh_is_taken() {
        let app = app(SECRET).expect("a secret");
        assert_eq!(post(&app, now(), BODY, BODY).await, StatusCode::NO_CONTENT);
        assert_eq!(post(&app, now(), BODY, BODY).await, StatusCode::NO_CONTENT);
        assert_eq!(post(&app, now(), "another body", BODY).await, StatusCode::UNAUTHORIZED);
        assert_eq!(post(&app, now() - 600, BODY, BODY).await, StatusCode::UNAUTHORIZED);
        assert_eq!(post(&app, now() + 600, BODY, BODY).await, StatusCode::UNAUTHORIZED);
        let unsigned = Request::post("/").body(Body::from(BODY)).expect("a request");
        assert_eq!(app.oneshot(unsigned).await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn an_id_is_new_once_and_memory_is_bounded() {
        let mut seen = Seen::default();
        assert!(seen.insert("a") && !seen.insert("a"));
        for n in 0..Seen::MOST {
            assert!(seen.insert(&n.to_string()));
        }
        assert_eq!((seen.ids.len(), seen.order.len()), (Seen::MOST, Seen::MOST));
    }
}
