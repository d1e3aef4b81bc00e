//! No bytes, whatever they are, make the API panic or fail: every answer is below 500 and has the documented shape.

mod common;

use std::sync::LazyLock;

use axum::{
    body::Body,
    http::{HeaderValue, Request},
};
use common::Test;
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;

struct World {
    runtime: Runtime,
    test: Test,
    splitter: String,
    campaign: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (test, (splitter, campaign, _)) = runtime.block_on(async {
        let test = Test::new().await;
        let made = test.sixty_forty().await;
        (test, made)
    });
    World { runtime, test, splitter, campaign }
});

/// Every route with a body.
fn routes() -> Vec<(&'static str, String)> {
    let world = &*WORLD;
    vec![
        ("POST", "/contacts".to_owned()),
        ("POST", "/zapier/contacts".to_owned()),
        ("POST", "/contacts/update".to_owned()),
        ("POST", "/contacts/fulfill".to_owned()),
        ("POST", "/campaigns".to_owned()),
        ("PATCH", format!("/campaigns/{}", world.campaign)),
        ("POST", "/splitters".to_owned()),
        ("PATCH", format!("/splitters/{}", world.splitter)),
        ("POST", "/api-keys".to_owned()),
        ("PATCH", "/settings".to_owned()),
    ]
}

fn check(method: &str, path: &str, body: Vec<u8>) -> Result<(), TestCaseError> {
    let world = &*WORLD;
    let request =
        world.test.request(method, path).header("content-type", "application/json").header("if-match", "\"1\"");
    let answer = world.runtime.block_on(world.test.send(request.body(Body::from(body)).expect("a request")));
    prop_assert!(answer.status.as_u16() < 500, "{method} {path}: {}", answer.text());
    let json: serde_json::Value = serde_json::from_slice(&answer.bytes).expect("JSON");
    prop_assert_eq!(&json["success"], &json!(answer.status.is_success()));
    prop_assert!(answer.status.is_success() || json["code"].is_string());
    Ok(())
}

/// Values that are nearly right: the fields of the API with all kinds of contents.
fn value() -> impl Strategy<Value = String> {
    let world = &*WORLD;
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| json!(n).to_string()),
        "-?[0-9]{1,3}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?",
        any::<String>().prop_map(|text| json!(text).to_string()),
        prop::sample::select(vec![
            "active",
            "paused",
            "DNC",
            "mon",
            "09:00",
            "17:00",
            "sms",
            "call",
            "{{name}}",
            "{{",
            "America/New_York",
            "US",
            "+44",
            "+15551234567",
            "percentage",
            "timeWeighted",
            "adaptive",
            "sticky",
            "random",
            "fallbackCampaign",
            "keep",
        ])
        .prop_map(|text| json!(text).to_string()),
        prop::sample::select(vec![world.splitter.clone(), world.campaign.clone()]).prop_map(|id| json!(id).to_string()),
        Just(r#""\ud800""#.to_owned()),
    ];
    scalar.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key(), inner), 0..6).prop_map(|entries| {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let world = &*WORLD;
    let fields = vec![
        "phoneNumber",
        "phone",
        "splitterId",
        "campaignId",
        "name",
        "timezone",
        "customVariables",
        "status",
        "outreach",
        "channel",
        "delayMinutes",
        "template",
        "callingWindow",
        "days",
        "from",
        "to",
        "requiresEmail",
        "strategy",
        "type",
        "windows",
        "percentages",
        "minShare",
        "halfLife",
        "burnIn",
        "attributionDays",
        "campaigns",
        "percentage",
        "enabled",
        "caps",
        "perHour",
        "perDay",
        "total",
        "active",
        "overflow",
        "returningContacts",
        "allowedRegions",
        "defaultRegion",
        "mergeVariables",
        "suppressingStatuses",
    ];
    prop_oneof![
        8 => prop::sample::select(fields).prop_map(|field| json!(field).to_string()),
        1 => any::<String>().prop_map(|text| json!(text).to_string()),
        1 => Just(json!(world.campaign).to_string()),
    ]
}

fn object() -> impl Strategy<Value = String> {
    prop::collection::vec((key(), value()), 0..8).prop_map(|entries| {
        let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{{{}}}", entries.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(body in prop::collection::vec(any::<u8>(), 0..512), route in 0..10_usize) {
        let (method, path) = &routes()[route];
        check(method, path, body)?;
    }

    #[test]
    fn nearly_right_objects(body in object(), route in 0..10_usize) {
        let (method, path) = &routes()[route];
        check(method, path, body.into_bytes())?;
    }

    #[test]
    fn a_good_body_with_one_byte_changed(at in 0..200_usize, byte in any::<u8>(), route in 0..2_usize) {
        let world = &*WORLD;
        let mut body = json!({"phoneNumber": "+15551234567", "splitterId": world.splitter, "name": "Zoë",
            "customVariables": {"company": "Acme"}}).to_string().into_bytes();
        let at = at % body.len();
        body[at] = byte;
        let (method, path) = &routes()[route];
        check(method, path, body)?;
    }

    #[test]
    fn any_headers(value in prop::collection::vec(any::<u8>(), 0..64), name in prop::sample::select(vec![
        "authorization", "x-api-key", "idempotency-key", "x-request-id", "content-type", "if-match", "content-length",
    ])) {
        let world = &*WORLD;
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let body = json!({"phoneNumber": "+15551234567", "splitterId": world.splitter}).to_string();
            let mut request = world.test.request("POST", "/contacts").header("content-type", "application/json")
                .body(Body::from(body)).expect("a request");
            request.headers_mut().insert(name, value);
            let answer = world.runtime.block_on(world.test.send(request));
            prop_assert!(answer.status.as_u16() < 500, "{}", answer.text());
        }
    }

    #[test]
    fn any_query(query in "[ -~]{0,60}", route in 0..5_usize) {
        let world = &*WORLD;
        let logs = format!("/splitters/{}/logs", world.splitter);
        let path = ["/contacts", "/campaigns", "/splitters", "/api-keys", &logs][route];
        if let Ok(request) = Request::get(format!("{path}?{}", query.replace(' ', "+").replace('#', ""))).body(Body::empty()) {
            let (mut parts, body) = request.into_parts();
            let token = format!("Bearer {}", world.test.token());
            parts.headers.insert("authorization", token.parse().expect("a header"));
            let answer = world.runtime.block_on(world.test.send(Request::from_parts(parts, body)));
            prop_assert!(answer.status.as_u16() < 500, "{}", answer.text());
        }
    }
}
