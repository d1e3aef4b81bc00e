//! Tokens, API keys, what they may do and how often, and whose rows they see.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use common::{SECRET, START, Test, contact, token, verifier};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use splitter_axum::{ApiError, Authenticate, Config, Fingerprint, InvalidTokenKey, StandardAuth, TokenVerifier};
use splitter_core::{AdminId, MemoryStore, Principal, Timestamp};

const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const NOW: i64 = START / 1000;

fn now() -> Timestamp {
    Timestamp::from_millis(START)
}

fn admin() -> AdminId {
    AdminId(UNKNOWN.parse().unwrap())
}

#[test]
fn claims_are_judged_without_leeway() {
    let rows = [
        (json!({"sub": UNKNOWN, "exp": NOW + 1}), true),
        (json!({"sub": UNKNOWN, "exp": NOW}), false),
        (json!({"sub": UNKNOWN, "exp": NOW - 1}), false),
        (json!({"sub": UNKNOWN, "exp": 0}), false),
        (json!({"sub": UNKNOWN, "exp": -1}), false),
        (json!({"sub": UNKNOWN, "exp": NOW as f64 + 0.001}), true),
        (json!({"sub": UNKNOWN, "exp": NOW as f64 - 0.001}), false),
        (json!({"sub": UNKNOWN, "exp": u64::MAX}), true),
        (json!({"sub": UNKNOWN, "exp": 1e300}), true),
        (json!({"sub": UNKNOWN, "exp": i64::MIN}), false),
        (json!({"sub": UNKNOWN, "exp": (NOW + 1).to_string()}), false),
        (json!({"sub": UNKNOWN, "exp": null}), false),
        (json!({"sub": UNKNOWN}), false),
        (json!({"exp": NOW + 1}), false),
        (json!({"sub": 5, "exp": NOW + 1}), false),
        (json!({"sub": "admin", "exp": NOW + 1}), false),
        (json!({"sub": UNKNOWN, "exp": NOW + 1, "nbf": NOW}), true),
        (json!({"sub": UNKNOWN, "exp": NOW + 1, "nbf": NOW + 1}), false),
        (json!({"sub": UNKNOWN, "exp": NOW + 1, "nbf": NOW as f64 + 0.001}), false),
        (json!({"sub": UNKNOWN, "exp": NOW + 1, "nbf": u64::MAX}), false),
        (json!({"sub": UNKNOWN, "exp": NOW + 1, "nbf": -1e300}), true),
        (json!({"sub": UNKNOWN, "exp": NOW + 1, "iss": "anybody", "aud": ["any", "body"]}), true),
        (json!([]), false),
        (json!("text"), false),
    ];
    for (claims, accepted) in rows {
        assert_eq!(verifier().verify(&token(&claims), now()), accepted.then(admin), "{claims}");
    }
}

#[test]
fn issuer_and_audience_are_checked_when_configured() {
    let verifier = verifier().with_issuer("us").with_audience("splitter");
    let rows = [
        (json!("us"), json!("splitter"), true),
        (json!("us"), json!(["other", "splitter"]), true),
        (json!("us"), json!(["other"]), false),
        (json!("us"), json!([]), false),
        (json!("us"), json!("other"), false),
        (json!("us"), json!(null), false),
        (json!("us"), json!(5), false),
        (json!("them"), json!("splitter"), false),
        (json!("US"), json!("splitter"), false),
        (json!(null), json!("splitter"), false),
    ];
    for (iss, aud, accepted) in rows {
        let claims = json!({"sub": UNKNOWN, "exp": NOW + 1, "iss": iss, "aud": aud});
        assert_eq!(verifier.verify(&token(&claims), now()), accepted.then(admin), "{claims}");
    }
}

fn claims() -> Value {
    json!({"sub": UNKNOWN, "exp": NOW + 1})
}

/// Base64url of a text, by way of a token that holds it.
fn part(json: &Value) -> String {
    let token = encode(&Header::default(), json, &EncodingKey::from_secret(SECRET)).unwrap();
    token.split('.').nth(1).unwrap().to_owned()
}

#[test]
fn only_the_pinned_algorithm_and_key_are_accepted() {
    let secret = EncodingKey::from_secret(SECRET);
    assert_eq!(verifier().verify(&encode(&Header::default(), &claims(), &secret).unwrap(), now()), Some(admin()));
    let other_key = encode(&Header::default(), &claims(), &EncodingKey::from_secret(&[b'x'; 32])).unwrap();
    let other_algorithm = encode(&Header::new(Algorithm::HS512), &claims(), &secret).unwrap();
    let good = token(&claims());
    let mut parts: Vec<&str> = good.split('.').collect();
    let none = part(&json!({"alg": "none", "typ": "JWT"}));
    let unsigned = format!("{none}.{}.", parts[1]);
    let none_signed = format!("{none}.{}.{}", parts[1], parts[2]);
    let forged = part(&json!({"sub": UNKNOWN, "exp": NOW + 9}));
    parts[1] = &forged;
    let altered = parts.join(".");
    let critical = {
        let header = Header { crit: Some(vec!["exp".to_owned()]), ..Header::default() };
        encode(&header, &claims(), &secret).unwrap()
    };
    let bad =
        [other_key, other_algorithm, unsigned, none_signed, altered, critical, good.clone() + "x", good.clone() + ".x"];
    for token in bad.iter().map(String::as_str).chain(["", ".", "..", "a.b.c", "é.é.é", "...."]) {
        assert_eq!(verifier().verify(token, now()), None, "{token}");
    }
}

#[test]
fn public_keys_pin_their_algorithms() {
    type Row = (&'static [u8], &'static [u8], Algorithm, fn(&[u8]) -> EncodingKey);
    let rows: [Row; 3] = [
        (include_bytes!("keys/rsa.pem"), include_bytes!("keys/rsa.pub.pem"), Algorithm::RS256, |pem| {
            EncodingKey::from_rsa_pem(pem).unwrap()
        }),
        (include_bytes!("keys/ec.pem"), include_bytes!("keys/ec.pub.pem"), Algorithm::ES256, |pem| {
            EncodingKey::from_ec_pem(pem).unwrap()
        }),
        (include_bytes!("keys/ed.pem"), include_bytes!("keys/ed.pub.pem"), Algorithm::EdDSA, |pem| {
            EncodingKey::from_ed_pem(pem).unwrap()
        }),
    ];
    for (private, public, algorithm, key) in rows {
        let verifier = TokenVerifier::public_key_pem(public).unwrap();
        for (other_private, _, other, other_key) in rows {
            let token = encode(&Header::new(other), &claims(), &other_key(other_private)).unwrap();
            assert_eq!(verifier.verify(&token, now()).is_some(), other == algorithm, "{other:?} for {algorithm:?}");
        }
        // The public key is no secret: a token signed with it must not pass.
        let confused = encode(&Header::default(), &claims(), &EncodingKey::from_secret(public)).unwrap();
        assert_eq!(verifier.verify(&confused, now()), None);
        if algorithm == Algorithm::RS256 {
            let other_hash = encode(&Header::new(Algorithm::RS512), &claims(), &key(private)).unwrap();
            assert_eq!(verifier.verify(&other_hash, now()), None);
        }
        assert_eq!(TokenVerifier::public_key_pem(private).unwrap_err(), InvalidTokenKey::NotAPublicKey);
    }
    for bad in [
        &include_bytes!("keys/p384.pub.pem")[..],
        b"",
        b"text",
        b"\xff",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        assert_eq!(TokenVerifier::public_key_pem(bad).unwrap_err(), InvalidTokenKey::NotAPublicKey);
    }
    assert_eq!(TokenVerifier::hs256(&[b'x'; 31]).unwrap_err(), InvalidTokenKey::ShortSecret(31));
    assert!(TokenVerifier::hs256(&[b'x'; 32]).is_ok());
    assert!(!format!("{:?}", verifier()).contains("secret"));
}

async fn me(test: &Test, headers: &[(&str, &str)]) -> common::Answer {
    let mut request = Request::get("/me");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    test.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn who_is_calling() {
    let test = Test::new().await;
    let key = test.api_key("crm").await;
    let bearer = format!("Bearer {}", test.token());
    let expired = format!("Bearer {}", token(&json!({"sub": test.admin.to_string(), "exp": NOW})));
    let nobody = format!("Bearer {}", common::token_for(admin()));
    let wrong_secret = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    let id = test.admin.to_string();
    for (headers, label) in [
        (vec![("authorization", bearer.as_str())], "admin@example.com"),
        (vec![("authorization", &*bearer.replace("Bearer", "bearer"))], "admin@example.com"),
        (vec![("x-api-key", &*key)], "crm"),
        (vec![("authorization", &bearer), ("x-api-key", &key)], "admin@example.com"),
        (vec![("authorization", &bearer), ("x-api-key", "bad")], "admin@example.com"),
        (vec![("authorization", "Basic YTpi"), ("x-api-key", &key)], "crm"),
    ] {
        let answer = me(&test, &headers).await;
        assert_eq!(answer.status, 200, "{headers:?}");
        assert_eq!(answer.json(), json!({"id": id, "label": label}));
    }
    for headers in [
        vec![],
        vec![("authorization", "")],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", &bearer[..bearer.len() - 2])],
        vec![("authorization", &test.token())],
        vec![("authorization", "Basic YTpi")],
        vec![("authorization", &expired)],
        vec![("authorization", &nobody)],
        // The token counts, even a bad one.
        vec![("authorization", &*expired), ("x-api-key", &key)],
        vec![("authorization", &*bearer), ("authorization", &bearer)],
        vec![("x-api-key", "")],
        vec![("x-api-key", "spl_00000000_00")],
        vec![("x-api-key", &wrong_secret)],
        vec![("x-api-key", &*key.to_uppercase())],
        vec![("x-api-key", &*key), ("x-api-key", &key)],
    ] {
        let answer = me(&test, &headers).await;
        answer.assert_error(401, "Unauthorized", "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{headers:?}");
        assert_eq!(answer.header("x-ratelimit-limit"), None);
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let test = Test::new().await;
    let created = test.post("/api-keys", &json!({"name": "crm"})).await.data(201);
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    assert_eq!(me(&test, &[("x-api-key", key)]).await.status, 200);
    test.call("DELETE", &format!("/api-keys/{id}"), &Value::Null).await.data(200);
    me(&test, &[("x-api-key", key)]).await.assert_error(401, "Unauthorized", "unauthorized");
    let again = test.call("DELETE", &format!("/api-keys/{id}"), &Value::Null).await;
    again.assert_error(404, "Not found", "not_found");
}

#[tokio::test]
async fn the_31st_write_of_a_minute_is_refused() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let key = test.api_key("crm").await;
    for n in 0..30 {
        test.world.advance(500);
        let answer = test.call_as(&key, "POST", "/contacts", &contact(&splitter)).await;
        assert!(answer.status.is_success(), "{n}: {}", answer.text());
        assert_eq!(answer.header("x-ratelimit-limit"), Some("30"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some((29 - n).to_string().as_str()));
        // The window began with the first request, half a second after the full minute.
        assert_eq!(answer.header("x-ratelimit-reset"), Some((NOW + 61).to_string().as_str()));
    }
    for _ in 0..3 {
        let answer = test.call_as(&key, "POST", "/contacts", &contact(&splitter)).await;
        let body = answer.assert_error(429, "Rate limit exceeded", "rate_limit_exceeded");
        assert_eq!(body["message"], "Rate limit exceeded. Try again in 46 seconds.");
        assert_eq!(body["retryAfter"], 46);
        assert_eq!(answer.header("retry-after"), Some("46"));
        assert_eq!(answer.header("x-ratelimit-limit"), Some("30"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
        assert_eq!(answer.header("x-ratelimit-reset"), Some((NOW + 61).to_string().as_str()));
    }
    // Reads have a window of their own, tokens have none.
    let answer = test.call_as(&key, "GET", "/contacts", &Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-remaining")), (200, Some("99")));
    assert_eq!(test.post("/contacts", &contact(&splitter)).await.status, 200);
    // Refused requests have not prolonged the window.
    test.world.advance(45_499);
    let answer = test.call_as(&key, "POST", "/contacts", &contact(&splitter)).await;
    assert_eq!(answer.assert_error(429, "Rate limit exceeded", "rate_limit_exceeded")["retryAfter"], 1);
    test.world.advance(1);
    assert_eq!(test.call_as(&key, "POST", "/contacts", &contact(&splitter)).await.status, 200);
}

#[tokio::test]
async fn a_key_that_is_revoked_while_it_is_over_its_limit_is_unknown_at_once() {
    let test = Test::new().await;
    let created = test.post("/api-keys", &json!({"name": "crm"})).await.data(201);
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    let other = test.api_key("other").await;
    for key in [key, &other] {
        for _ in 0..31 {
            test.call_as(key, "POST", "/contacts", &Value::Null).await;
        }
        let answer = test.call_as(key, "POST", "/contacts", &Value::Null).await;
        answer.assert_error(429, "Rate limit exceeded", "rate_limit_exceeded");
    }
    test.call("DELETE", &format!("/api-keys/{id}"), &Value::Null).await.data(200);
    for (method, path) in [("POST", "/contacts"), ("GET", "/me")] {
        let answer = test.call_as(key, method, path, &Value::Null).await;
        answer.assert_error(401, "Unauthorized", "unauthorized");
        assert_eq!(answer.header("x-ratelimit-limit"), None);
    }
    let answer = test.call_as(&other, "POST", "/contacts", &Value::Null).await;
    answer.assert_error(429, "Rate limit exceeded", "rate_limit_exceeded");
}

#[tokio::test]
async fn limits_are_per_key_and_the_101st_read_is_refused() {
    let test = Test::new().await;
    let (one, two) = (test.api_key("one").await, test.api_key("two").await);
    for _ in 0..100 {
        assert_eq!(test.call_as(&one, "GET", "/me", &Value::Null).await.status, 200);
    }
    let answer = test.call_as(&one, "GET", "/me", &Value::Null).await;
    answer.assert_error(429, "Rate limit exceeded", "rate_limit_exceeded");
    let head = test.call_as(&one, "HEAD", "/me", &Value::Null).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (429, 0), "HEAD is a read");
    assert_eq!(test.call_as(&two, "GET", "/me", &Value::Null).await.status, 200);
}

#[tokio::test]
async fn every_answer_to_a_key_tells_its_limits() {
    let test = Test::new().await;
    let key = test.api_key("crm").await;
    for (method, path, status) in [
        ("POST", "/contacts", 415),
        ("PUT", "/contacts", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/contacts?limit=0", 400),
        ("GET", "/contacts/x", 404),
        ("GET", "/settings", 403),
        ("GET", "/me", 200),
    ] {
        let answer = test.call_as(&key, method, path, &Value::Null).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
            assert!(answer.header(name).is_some(), "{method} {path}: {name}");
        }
    }
    // 405 counts as a write, as POST does.
    let answer = test.call_as(&key, "DELETE", "/nowhere", &Value::Null).await;
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("27"));
}

#[tokio::test]
async fn limits_are_configurable() {
    let mut config = Config::default();
    config.rate_limits.writes = 2;
    let test = Test::with(config).await;
    let key = test.api_key("crm").await;
    for status in [415, 415, 429] {
        assert_eq!(test.call_as(&key, "POST", "/contacts", &Value::Null).await.status.as_u16(), status);
    }
}

/// Counts how often somebody is looked up.
struct Counting {
    inner: StandardAuth,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Authenticate for Counting {
    async fn authenticate(&self, headers: &HeaderMap, now: Timestamp) -> Result<Principal, ApiError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.inner.authenticate(headers, now).await
    }

    fn fingerprint(&self, headers: &HeaderMap) -> Option<Fingerprint> {
        self.inner.fingerprint(headers)
    }
}

#[tokio::test]
async fn a_refused_key_costs_no_look_up_until_its_window_ends() {
    let asked = Arc::new(AtomicUsize::new(0));
    let store = Arc::new(MemoryStore::new());
    let inner = StandardAuth::new(store.clone(), Some(verifier()), "spl".to_owned());
    let auth = Arc::new(Counting { inner, asked: asked.clone() });
    let test = Test::over(Config::default(), store.clone(), store, |api| api.authenticate(auth)).await;
    let key = test.api_key("crm").await;
    for _ in 0..31 {
        test.call_as(&key, "POST", "/contacts", &Value::Null).await;
    }
    let before = asked.load(Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(test.call_as(&key, "POST", "/contacts", &Value::Null).await.status, 429);
        // Somebody who only guesses the public part is not told about the window.
        let guessed = format!("{}x", &key[..key.len() - 1]);
        assert_eq!(test.call_as(&guessed, "POST", "/contacts", &Value::Null).await.status, 401);
    }
    assert_eq!(asked.load(Ordering::SeqCst), before + 10, "only the guesses");
    test.world.advance(60_000);
    assert_eq!(test.call_as(&key, "POST", "/contacts", &Value::Null).await.status, 415);
}

/// Every route that needs a token, with an id that nobody has.
fn management_routes() -> Vec<(&'static str, String)> {
    let mut routes = vec![
        ("POST", "/campaigns".to_owned()),
        ("POST", "/splitters".to_owned()),
        ("GET", "/splitters".to_owned()),
        ("POST", "/api-keys".to_owned()),
        ("GET", "/api-keys".to_owned()),
        ("GET", "/settings".to_owned()),
        ("PATCH", "/settings".to_owned()),
        ("DELETE", format!("/api-keys/{UNKNOWN}")),
    ];
    for method in ["GET", "PATCH", "DELETE"] {
        routes.push((method, format!("/campaigns/{UNKNOWN}")));
        routes.push((method, format!("/splitters/{UNKNOWN}")));
    }
    for (method, rest) in [
        ("POST", "pause".to_owned()),
        ("POST", "resume".to_owned()),
        ("GET", "history".to_owned()),
        ("GET", "logs".to_owned()),
        ("GET", "logs.csv".to_owned()),
        ("GET", format!("logs/{UNKNOWN}/replay")),
    ] {
        routes.push((method, format!("/splitters/{UNKNOWN}/{rest}")));
    }
    routes
}

#[tokio::test]
async fn keys_may_not_manage_and_nobody_may_do_anything_unknown() {
    let test = Test::new().await;
    for (n, (method, path)) in management_routes().into_iter().enumerate() {
        let key = test.api_key(&format!("key {n}")).await;
        test.call_as(&key, method, &path, &json!({})).await.assert_error(403, "Forbidden", "forbidden");
        let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        test.send(request).await.assert_error(401, "Unauthorized", "unauthorized");
        assert_ne!(test.call(method, &path, &json!({})).await.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn what_keys_may_use() {
    let test = Test::new().await;
    let (splitter, a, _) = test.sixty_forty().await;
    let key = test.api_key("crm").await;
    let created = test.call_as(&key, "POST", "/contacts", &contact(&splitter)).await.data(201);
    let id = created["id"].as_str().unwrap();
    let log = test.get(&format!("/splitters/{splitter}/logs")).await.json();
    assert!(log["data"][0]["actor"].as_str().unwrap().starts_with("api-key:"), "{log}");
    for path in [
        "/contacts".to_owned(),
        "/contacts/statuses".to_owned(),
        "/campaigns".to_owned(),
        "/me".to_owned(),
        "/zapier/campaigns".to_owned(),
        "/zapier/splitters".to_owned(),
        format!("/contacts/{id}"),
        format!("/contacts/{id}/outreach"),
    ] {
        assert_eq!(test.call_as(&key, "GET", &path, &Value::Null).await.status, 200, "{path}");
    }
    let phone = "+15551234567";
    for (path, body) in [
        ("/contacts/update", json!({"phone": phone, "campaignId": a})),
        ("/contacts/fulfill", json!({"phone": phone})),
        ("/zapier/contacts", json!({"phoneNumber": phone, "splitterId": splitter})),
    ] {
        assert_eq!(test.call_as(&key, "POST", path, &body).await.status, 200, "{path}");
    }
    assert_eq!(test.call_as(&key, "DELETE", &format!("/contacts/{id}"), &Value::Null).await.status, 200);
}

#[tokio::test]
async fn another_admins_ids_behave_as_missing() {
    let test = Test::new().await;
    let (splitter, a, _) = test.sixty_forty().await;
    let created = test.post("/contacts", &contact(&splitter)).await;
    let decision = created.header("x-distribution-id").unwrap().to_owned();
    let contact_id = created.data(201)["id"].as_str().unwrap().to_owned();
    let key = test.post("/api-keys", &json!({"name": "crm"})).await.data(201);
    let key_id = key["id"].as_str().unwrap();
    let other = format!("Bearer {}", common::token_for(test.other));
    let nothing = Value::Null;
    let members = json!([{"campaignId": a, "percentage": 100}]);
    let before = test.store.snapshot(test.admin);
    let rows: Vec<(&str, String, Value, &str)> = vec![
        ("POST", "/contacts".into(), contact(&splitter), "Splitter not found or inactive"),
        ("POST", "/contacts".into(), json!({"phoneNumber": "+15551234567", "campaignId": a}), "Campaign not found"),
        ("POST", "/zapier/contacts".into(), contact(&splitter), "Splitter not found or inactive"),
        ("GET", format!("/contacts/{contact_id}"), nothing.clone(), "Contact not found"),
        ("GET", format!("/contacts/{contact_id}/outreach"), nothing.clone(), "Contact not found"),
        ("DELETE", format!("/contacts/{contact_id}"), nothing.clone(), "Contact not found"),
        ("POST", "/contacts/update".into(), json!({"phone": "+15551234567", "status": "paused"}), "Contact not found"),
        ("POST", "/contacts/fulfill".into(), json!({"phone": "+15551234567"}), "Contact not found"),
        ("GET", format!("/campaigns/{a}"), nothing.clone(), "Campaign not found"),
        ("PATCH", format!("/campaigns/{a}"), json!({"name": "x"}), "Campaign not found"),
        ("DELETE", format!("/campaigns/{a}"), nothing.clone(), "Campaign not found"),
        ("GET", format!("/splitters/{splitter}"), nothing.clone(), "Splitter not found or inactive"),
        ("DELETE", format!("/splitters/{splitter}"), nothing.clone(), "Splitter not found or inactive"),
        ("POST", format!("/splitters/{splitter}/pause"), nothing.clone(), "Splitter not found or inactive"),
        ("POST", format!("/splitters/{splitter}/resume"), nothing.clone(), "Splitter not found or inactive"),
        ("GET", format!("/splitters/{splitter}/history"), nothing.clone(), "Splitter not found or inactive"),
        ("GET", format!("/splitters/{splitter}/logs"), nothing.clone(), "Splitter not found or inactive"),
        ("GET", format!("/splitters/{splitter}/logs.csv"), nothing.clone(), "Splitter not found or inactive"),
        (
            "GET",
            format!("/splitters/{splitter}/logs/{decision}/replay"),
            nothing.clone(),
            "Splitter not found or inactive",
        ),
        ("DELETE", format!("/api-keys/{key_id}"), nothing.clone(), "Not found"),
    ];
    for (method, path, body, error) in rows {
        let answer = test.call_as(&other, method, &path, &body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        assert_eq!(answer.json()["error"], error, "{method} {path}");
    }
    let request = Request::patch(format!("/splitters/{splitter}"))
        .header("authorization", &other)
        .header("if-match", "\"1\"")
        .header("content-type", "application/json")
        .body(Body::from(json!({"name": "x"}).to_string()));
    test.send(request.unwrap()).await.assert_error(404, "Splitter not found or inactive", "splitter_not_found");
    // A splitter can not list another's campaign, nor overflow into one.
    let answer = test.call_as(&other, "POST", "/splitters", &json!({"name": "S", "campaigns": members})).await;
    assert_eq!(answer.paths(), ["campaigns.0.campaignId"]);
    // Lists are empty, and so is the log of everything that was tried.
    for path in ["/zapier/campaigns", "/zapier/splitters"] {
        assert_eq!(test.call_as(&other, "GET", path, &nothing).await.json(), json!([]));
    }
    for (path, list) in
        [("/contacts", "contacts"), ("/campaigns", "data"), ("/splitters", "data"), ("/api-keys", "data")]
    {
        let body = test.call_as(&other, "GET", path, &nothing).await.json();
        assert_eq!((&body[list], &body["pagination"]["total"]), (&json!([]), &json!(0)), "{path}");
    }
    assert_eq!(test.store.snapshot(test.admin), before, "nothing of it has left a trace");
}
