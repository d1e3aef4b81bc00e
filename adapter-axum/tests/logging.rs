//! What the log holds: templates and numbers, nothing about anybody.

mod common;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use axum::body::Body;
use common::Test;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_names_routes_and_nobody() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let key = test.api_key("crm").await;
    let body = json!({"phoneNumber": "+15551234567", "splitterId": splitter, "name": "Jane Doe",
        "customVariables": {"company": "Acme Corp"}});
    let created = test.call_as(&key, "POST", "/contacts", &body).await.data(201);
    let id = created["id"].as_str().unwrap();
    test.get(&format!("/contacts/{id}?secret=query")).await;
    test.get("/contacts?search=Jane").await;
    test.get("/nowhere/else").await;
    test.call("POST", "/contacts", &json!({"name": "Jane Doe"})).await;
    let odd = test.request("JANE", "/contacts").header("x-request-id", "trace-77").body(Body::empty()).unwrap();
    test.send(odd).await;
    drop(guard);
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let seen = |needle: &str| log.contains(needle);
    for expected in [
        r#"method="POST" route="/contacts""#,
        r#"method="GET" route="/contacts/{id}""#,
        r#"route="unmatched""#,
        r#"method="OTHER""#,
        "request_id=\"trace-77\"",
        "status=201",
        "status=400",
        "status=404",
        "status=405",
        "latency_ms=",
    ] {
        assert!(seen(expected), "{expected} is missing in:\n{log}");
    }
    let token = test.token();
    for secret in [
        "5551234567",
        "Jane",
        "Acme",
        "company",
        "secret",
        "query",
        "nowhere",
        id,
        &splitter,
        &key,
        &key[4..12],
        &token,
        "JANE",
    ] {
        assert!(!seen(secret), "{secret} is in the log:\n{log}");
    }
    assert_eq!(log.matches("answered").count(), log.lines().count(), "one line per request:\n{log}");
}
