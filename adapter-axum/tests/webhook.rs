//! The webhook sender against receivers on this machine.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use splitter_axum::webhook::{WebhookOptions, WebhookSender};
use splitter_core::{
    AdminId, CampaignId, Channel, ContactId, OutreachId, PhoneNumber, Sender, Timestamp, Webhook,
    dispatch::{Destination, Message, SendError},
    webhook::{WebhookSecret, WebhookUrl},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use uuid::Uuid;

fn message() -> Message {
    let at = Timestamp::from_millis(1_778_682_600_123);
    Message {
        id: OutreachId(Uuid::from_u128(4)),
        admin_id: AdminId(Uuid::from_u128(1)),
        contact_id: ContactId(Uuid::from_u128(2)),
        campaign_id: CampaignId(Uuid::from_u128(3)),
        channel: Channel::Whatsapp,
        to: PhoneNumber::parse("+15551234567").expect("a number"),
        text: "Hi \"Jane\"\r\n\u{0}</script> é".to_owned(),
        scheduled_at: at,
        sent_at: at,
        attempt: 2,
    }
}

fn to(url: &str) -> Destination {
    let url = WebhookUrl::parse(url, true).expect("an address");
    Destination { webhook: Some(Webhook { url, secret: WebhookSecret::new(vec![9; 32]).expect("a secret") }) }
}

fn sender(allowed: &[&str]) -> WebhookSender {
    WebhookSender::new(WebhookOptions {
        allow_http: true,
        allowed_networks: allowed.iter().map(|text| text.parse().expect("a network")).collect(),
        timeout: Duration::from_millis(500),
        ..WebhookOptions::default()
    })
    .expect("a client")
}

/// A receiver that reads each request up to the end of its body, hands it over, and answers as told.
struct Receiver {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<(String, String)>,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    async fn answering(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (found, requests) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, SeqCst);
                let (found, answer) = (found.clone(), answer.clone());
                tokio::spawn(async move {
                    while let Some(request) = read(&mut stream).await {
                        let _ = found.send(request);
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, requests, connections }
    }

    fn url(&self) -> String {
        format!("http://{}/hook?token=hidden", self.address)
    }
}

async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
            if body.len() >= length {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> &'h str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn a_message_is_signed_as_other_implementations_do() {
    let mut receiver = Receiver::answering(OK).await;
    let (sender, destination) = (sender(&["127.0.0.0/8"]), to(&receiver.url()));
    for _ in 0..2 {
        sender.send(&message(), &destination).await.expect("it is taken");
    }
    let (head, body) = receiver.requests.recv().await.expect("a request");
    assert!(head.starts_with("POST /hook?token=hidden HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "content-type"), "application/json");
    assert_eq!(header(&head, "webhook-id"), "00000000-0000-0000-0000-000000000004");
    assert_eq!(header(&head, "webhook-timestamp"), "1778682600");
    let secret = destination.webhook.expect("it was just set").secret.reveal();
    let other = standardwebhooks::Webhook::new(&secret).expect("a secret that others can read");
    let expected = other.sign(header(&head, "webhook-id"), 1_778_682_600, body.as_bytes()).expect("a signature");
    assert_eq!(header(&head, "webhook-signature"), expected);
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let expected = serde_json::json!({
        "type": "outreach.due",
        "timestamp": "2026-05-13T14:30:00.123Z",
        "data": {
            "id": "00000000-0000-0000-0000-000000000004",
            "adminId": "00000000-0000-0000-0000-000000000001",
            "contactId": "00000000-0000-0000-0000-000000000002",
            "campaignId": "00000000-0000-0000-0000-000000000003",
            "channel": "whatsapp",
            "to": "+15551234567",
            "text": "Hi \"Jane\"\r\n\u{0}</script> é",
            "scheduledAt": "2026-05-13T14:30:00.123Z",
            "attempt": 2,
        },
    });
    assert_eq!(json, expected);
    assert_eq!(receiver.connections.load(SeqCst), 1, "the connection is used again");
}

#[tokio::test]
async fn answers() {
    let after =
        |status: u16, after_ms| SendError::Retryable { reason: format!("the webhook answered {status}"), after_ms };
    let cases = [
        ("200 OK", "", Ok(())),
        ("299 Fine", "", Ok(())),
        ("400 Bad", "", Err(after(400, None))),
        ("404 Not Found", "", Err(after(404, None))),
        ("410 Gone", "", Err(SendError::permanent("the webhook answered 410"))),
        ("429 Slow", "retry-after: 120\r\n", Err(after(429, Some(120_000)))),
        ("500 Oops", "", Err(after(500, None))),
        ("503 Later", "retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", Err(after(503, None))),
    ];
    for (status, headers, expected) in cases {
        let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: 2\r\n\r\n{{}}");
        let receiver = Receiver::answering(answer).await;
        let result = sender(&["127.0.0.1"]).send(&message(), &to(&receiver.url())).await;
        assert_eq!(result, expected, "{status}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Receiver::answering(OK).await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let answer = format!("HTTP/1.1 {status}\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url());
        let receiver = Receiver::answering(answer).await;
        let result = sender(&["127.0.0.1"]).send(&message(), &to(&receiver.url())).await;
        assert!(matches!(result, Err(SendError::Retryable { .. })), "{result:?}");
    }
    assert_eq!(target.connections.load(SeqCst), 0);
}

#[tokio::test]
async fn nothing_connects_to_addresses_that_are_not_public() {
    let receiver = Receiver::answering(OK).await;
    let port = receiver.address.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "100.100.100.200",
        "10.0.0.1",
    ];
    for host in hosts {
        // One that is allowed makes no other allowed.
        for sender in [sender(&[]), sender(&["10.9.0.0/16"])] {
            let url = format!("http://{host}:{port}/hook?token=hidden");
            let error = sender.send(&message(), &to(&url)).await.expect_err(host);
            assert_eq!(
                error,
                SendError::permanent("the webhook's address is not allowed: it is not a public one"),
                "{host}"
            );
        }
    }
    // Not every system's resolver knows this one.
    sender(&[]).send(&message(), &to(&format!("http://localhost.:{port}/"))).await.expect_err("not a public address");
    assert_eq!(receiver.connections.load(SeqCst), 0);
    // A name is only as good as what it resolves to.
    let url = format!("http://localhost:{port}/");
    sender(&["127.0.0.1"]).send(&message(), &to(&url)).await.expect("it is allowed");
}

#[tokio::test]
async fn plain_http_has_to_be_allowed_and_a_webhook_set() {
    let receiver = Receiver::answering(OK).await;
    let strict = WebhookSender::new(WebhookOptions {
        allowed_networks: vec!["127.0.0.1".parse().expect("an address")],
        ..WebhookOptions::default()
    });
    let error = strict.expect("a client").send(&message(), &to(&receiver.url())).await;
    assert_eq!(error, Err(SendError::permanent("the webhook's address does not begin with https://")));
    assert_eq!(receiver.connections.load(SeqCst), 0);
    let error = sender(&[]).send(&message(), &Destination::default()).await;
    assert_eq!(error, Err(SendError::permanent("no webhook is set")));
}

#[tokio::test]
async fn a_receiver_that_stalls_breaks_off_or_is_not_there_is_tried_again() {
    let sender = sender(&["127.0.0.1"]);
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/?token=hidden", silent.local_addr().expect("an address"));
    let error = sender.send(&message(), &to(&url)).await;
    assert_eq!(error, Err(SendError::retryable("the webhook did not answer in time")));
    drop(silent);
    let error = sender.send(&message(), &to(&url)).await;
    assert_eq!(error, Err(SendError::retryable("the webhook could not be connected to")));
    let rude = Receiver::answering("HTTP/9 what\r\n\r\n").await;
    let error = sender.send(&message(), &to(&rude.url())).await;
    assert_eq!(error, Err(SendError::retryable("the webhook broke off the connection")));
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let written = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read(&mut stream).await.expect("a request");
        let mut written = 0;
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await.is_ok() {
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                written += 4096;
            }
        }
        written
    });
    let sender = sender(&["127.0.0.1"]);
    sender.send(&message(), &to(&url)).await.expect("it is taken");
    // What was written is bounded by the buffers of the two sockets.
    let written: usize = written.await.expect("it ends when the connection is closed");
    assert!(written < 64 << 20, "{written}");
}
