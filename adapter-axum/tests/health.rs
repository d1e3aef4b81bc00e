//! Health checks inside the API's own layers, and what a flood of violations may not hide.

mod common;

use common::Test;
use serde_json::{Map, Value, json};
use splitter_axum::Config;
use splitter_core::MemoryStore;
use std::sync::Arc;

#[tokio::test]
async fn health_has_request_ids_and_errors_like_every_route() {
    let store = Arc::new(MemoryStore::new());
    let test = Test::over(Config::default(), store.clone(), store, splitter_axum::Api::with_health).await;
    for path in ["/healthz", "/readyz"] {
        let answer = test.get(path).await;
        assert_eq!(answer.status.as_u16(), 200);
        assert!(answer.header("x-request-id").is_some());
        let wrong = test.post(path, &json!({})).await;
        wrong.assert_error(405, "Method not allowed", "method_not_allowed");
        assert!(wrong.header("allow").is_some());
    }
}

#[tokio::test]
async fn a_thousand_violations_do_not_hide_the_known_fields() {
    let test = Test::new().await;
    let mut body: Map<String, Value> = (0..300).map(|n| (format!("a{n}"), json!(1))).collect();
    body.insert("phoneNumber".into(), json!("bad"));
    body.insert("name".into(), json!("x".repeat(256)));
    let answer = test.post("/contacts", &Value::Object(body)).await;
    answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
    let paths = answer.paths();
    assert_eq!(paths.len(), 251);
    for known in ["phoneNumber", "name", "splitterId"] {
        assert!(paths.iter().any(|path| path == known), "{known} in {paths:?}");
    }
}
