//! Every error has the documented status, text, code and shape.

mod common;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
    routing::get,
};
use common::{Test, contact, phone};
use serde_json::{Value, json};
use splitter_axum::{Api, ApiError, Authenticate, Config, health};
use splitter_core::{
    Admin, AdminId, ApiKey, Campaign, CampaignId, Contact, ContactId, Credential, DecisionId, LoggedDecision,
    MemoryLimiter, MemoryStore, Outreach, PhoneNumber, Plan, Principal, Queries, Rejection, Settings, Splitter,
    SplitterId, StoreError, Timestamp, Transact, TransactError, Violations, Work,
    contact::HistoryEntry,
    splitter::SplitterVersion,
    store::{CampaignQuery, ContactQuery, LogQuery, LogRow, Page, PageRequest},
};

const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn documented_refusals_of_a_distribution() {
    let test = Test::new().await;
    let (splitter, a, b) = test.sixty_forty().await;
    let unknown = contact(UNKNOWN);
    let not_found = |answer: common::Answer| {
        answer.assert_error(404, "Splitter not found or inactive", "splitter_not_found");
    };
    not_found(test.post("/contacts", &unknown).await);
    test.post(&format!("/splitters/{splitter}/pause"), &Value::Null).await.data(200);
    not_found(test.post("/contacts", &contact(&splitter)).await);
    test.post(&format!("/splitters/{splitter}/resume"), &Value::Null).await.data(200);
    for id in [&a, &b] {
        test.call("PATCH", &format!("/campaigns/{id}"), &json!({"status": "paused"})).await.data(200);
    }
    test.post("/contacts", &contact(&splitter)).await.assert_error(
        400,
        "Splitter distribution failed: Splitter has no active campaigns",
        "no_active_campaigns",
    );
    for id in [&a, &b] {
        test.call("DELETE", &format!("/campaigns/{id}"), &Value::Null).await.data(200);
    }
    test.post("/contacts", &contact(&splitter)).await.assert_error(
        400,
        "Splitter distribution failed: No valid campaigns found in splitter",
        "no_valid_campaigns",
    );
    let direct = json!({"phoneNumber": "+15551234567", "campaignId": a});
    test.post("/contacts", &direct).await.assert_error(404, "Campaign not found", "campaign_not_found");
    test.call("DELETE", &format!("/splitters/{splitter}"), &Value::Null).await.data(200);
    not_found(test.post("/contacts", &contact(&splitter)).await);
    let bad = json!({"phoneNumber": "5551234567", "campaignId": a});
    test.post("/contacts", &bad).await.assert_error(400, "Invalid phone number", "invalid_phone_number");
}

#[tokio::test]
async fn no_share_and_no_room() {
    let test = Test::new().await;
    let (a, b) = (test.campaign("A").await, test.campaign("B").await);
    let zero = json!({"campaigns": [{"campaignId": a, "percentage": 0},
        {"campaignId": b, "percentage": 100, "enabled": false}]});
    let splitter = test.splitter_with(&[], zero).await;
    test.post("/contacts", &contact(&splitter)).await.assert_error(
        400,
        "Splitter distribution failed: No campaign has a share at this time",
        "no_share",
    );
    let capped = json!({"campaigns": [{"campaignId": a, "percentage": 100, "caps": {"perDay": 1}}]});
    let splitter = test.splitter_with(&[], capped).await;
    for (n, status) in [(1, 201), (2, 400)] {
        let body = json!({"phoneNumber": phone(2_000_000 + n), "splitterId": splitter});
        let answer = test.post("/contacts", &body).await;
        assert_eq!(answer.status.as_u16(), status);
        if status == 400 {
            let error = "Splitter distribution failed: All campaigns are at capacity";
            answer.assert_error(400, error, "all_at_capacity");
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let test = Test::new().await;
    for path in ["/", "/nowhere", "/contacts/", "/splitters/x/y", "/contacts/a/b/c", "/%ff"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        test.send(request).await.assert_error(404, "Not found", "not_found");
    }
    for (method, path, allow) in [
        ("PUT", "/contacts", "POST,GET,HEAD"),
        ("DELETE", "/me", "GET,HEAD"),
        ("OPTIONS", "/me", "GET,HEAD"),
        ("BREW", "/splitters/x/pause", "POST"),
        ("POST", "/settings", "GET,HEAD,PATCH"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = test.send(request).await;
        answer.assert_error(405, "Method not allowed", "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    for (path, error) in [
        ("/contacts/x", "Contact not found"),
        ("/contacts/%ff", "Contact not found"),
        ("/campaigns/01890a5dac96774bbcceb302099a8057", "Campaign not found"),
        ("/splitters/x", "Splitter not found or inactive"),
        ("/splitters/x/logs", "Splitter not found or inactive"),
    ] {
        let answer = test.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (404, Some(error)), "{path}");
    }
}

#[tokio::test]
async fn preconditions_of_an_edit() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let path = format!("/splitters/{splitter}");
    let edit = |if_match: Option<&str>| {
        let mut request = test.request("PATCH", &path).header("content-type", "application/json");
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        test.send(request.body(Body::from(r#"{"name":"New"}"#)).unwrap())
    };
    edit(None).await.assert_error(428, "Precondition required", "precondition_required");
    for stale in ["\"2\"", "\"0\"", "W/\"1\"", "\"99999999999999\"", "\"x\""] {
        edit(Some(stale)).await.assert_error(412, "Precondition failed", "precondition_failed");
    }
    for malformed in ["1", "*", "", "\"1\", \"2\""] {
        let answer = edit(Some(malformed)).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), ["If-Match"]);
    }
    assert_eq!(edit(Some("\"1\"")).await.header("etag"), Some("\"2\""));
    edit(Some("\"1\"")).await.assert_error(412, "Precondition failed", "precondition_failed");
}

#[tokio::test]
async fn query_strings() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    for (path, paths) in [
        (
            "/contacts?page=0&limit=101&status=gone&campaignId=x&searchBy=y&sortBy=z&sortOrder=up&stauts=1".to_owned(),
            vec!["page", "limit", "status", "campaignId", "searchBy", "sortBy", "sortOrder", "stauts"],
        ),
        ("/contacts?page=1&page=2".to_owned(), vec!["page"]),
        ("/contacts?limit=ten".to_owned(), vec!["limit"]),
        ("/campaigns?limit=0&status=deleted".to_owned(), vec!["limit", "status"]),
        ("/splitters?page=-1".to_owned(), vec!["page"]),
        (
            format!(
                "/splitters/{splitter}/logs?limit=1001&before=x&campaignId=y&from=yesterday&to=2026-02-30T00:00:00Z"
            ),
            vec!["limit", "before", "campaignId", "from", "to"],
        ),
    ] {
        let answer = test.get(&path).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), paths, "{path}");
    }
    let answer = test.get(&format!("/splitters/{splitter}/logs?phone=5")).await;
    answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
}

#[tokio::test]
async fn request_ids() {
    let test = Test::new().await;
    let longest = "x".repeat(128);
    for id in ["abc-123", &longest, "~!"] {
        let answer = test.send(Request::get("/me").header("x-request-id", id).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("x-request-id"), Some(id));
        answer.assert_error(401, "Unauthorized", "unauthorized");
    }
    let mut seen = BTreeSet::new();
    let too_long = "x".repeat(129);
    for id in ["", "a b", "\u{e9}", "a\tb", &too_long] {
        let answer = test.send(Request::get("/me").header("x-request-id", id).body(Body::empty()).unwrap()).await;
        let given = answer.header("x-request-id").unwrap();
        assert_ne!(given, id);
        assert_eq!(given.len(), 36);
        assert!(seen.insert(given.to_owned()), "a new one each time");
    }
    let answer = test.request("GET", "/me").body(Body::empty()).unwrap();
    assert!(test.send(answer).await.header("x-request-id").is_some(), "on successes too");
}

#[tokio::test]
async fn the_router_can_be_nested_anywhere() {
    let store = Arc::new(MemoryStore::new());
    let api = Api::new(store.clone(), Arc::new(MemoryLimiter::new()));
    let app: Router = Router::new()
        .route("/", get(|| async { "home" }))
        .nest("/tenants/{id}/api", api.router())
        .merge(health(store))
        .fallback(|| async { "their own fallback" });
    for (path, status) in
        [("/tenants/7/api/me", 401), ("/tenants/7/api/nowhere", 404), ("/tenants/7/api/contacts/x", 401)]
    {
        let answer = common::send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status);
        assert!(answer.json()["requestId"].is_string(), "{path}");
    }
    let answer = common::send(&app, Request::put("/tenants/7/api/me").body(Body::empty()).unwrap()).await;
    answer.assert_error(405, "Method not allowed", "method_not_allowed");
    for (path, text) in [("/", "home"), ("/elsewhere", "their own fallback")] {
        let answer = common::send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.text(), text);
        assert_eq!(answer.header("x-request-id"), None, "not ours");
    }
}

#[tokio::test]
async fn the_router_can_be_merged_without_its_fallback() {
    let store = Arc::new(MemoryStore::new());
    let api: Router = Api::new(store, Arc::new(MemoryLimiter::new())).router();
    let app = Router::new().merge(api.reset_fallback()).fallback(|| async { "their own fallback" });
    let answer = common::send(&app, Request::get("/nowhere").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.text(), "their own fallback");
    let answer = common::send(&app, Request::put("/me").body(Body::empty()).unwrap()).await;
    answer.assert_error(405, "Method not allowed", "method_not_allowed");
}

/// A body of which nothing ever arrives.
struct Never;

impl http_body::Body for Never {
    type Data = bytes::Bytes;
    type Error = std::io::Error;
    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        std::task::Poll::Pending
    }
}

/// A body that breaks off.
struct Broken;

impl http_body::Body for Broken {
    type Data = bytes::Bytes;
    type Error = std::io::Error;
    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::Error::other("secret path /var/lib"))))
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_that_do_not_arrive() {
    let test = Test::new().await;
    let started = tokio::time::Instant::now();
    let answer = test.post_raw("/contacts", Body::new(Never)).await;
    answer.assert_error(408, "Request timeout", "request_timeout");
    assert_eq!(started.elapsed(), Duration::from_secs(30));
    let answer = test.post_raw("/contacts", Body::new(Broken)).await;
    answer.assert_error(400, "Request refused", "refused");
    assert!(!answer.text().contains("/var/lib"));
}

/// A store that always does the same thing.
#[derive(Clone, Copy)]
enum Mood {
    Busy,
    Unavailable,
    Broken,
    Panics,
    EmailTaken,
    Newer,
}

impl Mood {
    fn error(self) -> StoreError {
        match self {
            Self::Busy => StoreError::Busy,
            Self::Unavailable => StoreError::Unavailable("SELECT secret FROM /var/lib/db +15551234567".into()),
            Self::Broken => StoreError::Broken("row of +15551234567 at /var/lib/db".into()),
            Self::Panics | Self::EmailTaken | Self::Newer => panic!("secret +15551234567"),
        }
    }
}

#[async_trait]
impl Transact for Mood {
    async fn transact(&self, _: Work) -> Result<Plan, TransactError> {
        match self {
            Self::EmailTaken => Err(Rejection::EmailTaken.into()),
            Self::Newer => Err(Rejection::Invalid(Violations::new()).into()),
            _ => Err(self.error().into()),
        }
    }
}

type Stored<T> = Result<T, StoreError>;

#[async_trait]
impl Queries for Mood {
    async fn ping(&self) -> Stored<()> {
        Err(self.error())
    }
    async fn admin(&self, _: AdminId) -> Stored<Option<Admin>> {
        Err(self.error())
    }
    async fn admin_by_email(&self, _: &str) -> Stored<Option<Admin>> {
        Err(self.error())
    }
    async fn api_key(&self, _: &str) -> Stored<Option<(ApiKey, Admin)>> {
        Err(self.error())
    }
    async fn api_keys(&self, _: AdminId, _: PageRequest) -> Stored<Page<ApiKey>> {
        Err(self.error())
    }
    async fn contact(&self, _: AdminId, _: ContactId) -> Stored<Option<Contact>> {
        Err(self.error())
    }
    async fn contact_by_phone(&self, _: AdminId, _: PhoneNumber) -> Stored<Option<Contact>> {
        Err(self.error())
    }
    async fn contacts(&self, _: AdminId, _: &ContactQuery) -> Stored<Page<Contact>> {
        Err(self.error())
    }
    async fn history(&self, _: AdminId, _: ContactId) -> Stored<Vec<HistoryEntry>> {
        Err(self.error())
    }
    async fn outreach(&self, _: AdminId, _: ContactId) -> Stored<Vec<Outreach>> {
        Err(self.error())
    }
    async fn campaign(&self, _: AdminId, _: CampaignId) -> Stored<Option<Campaign>> {
        Err(self.error())
    }
    async fn campaigns(&self, _: AdminId, _: &CampaignQuery) -> Stored<Page<Campaign>> {
        Err(self.error())
    }
    async fn campaign_names(&self, _: AdminId, _: &BTreeSet<CampaignId>) -> Stored<Vec<(CampaignId, String)>> {
        Err(self.error())
    }
    async fn splitter(&self, _: AdminId, _: SplitterId) -> Stored<Option<Splitter>> {
        Err(self.error())
    }
    async fn splitters(&self, _: AdminId, _: PageRequest) -> Stored<Page<Splitter>> {
        Err(self.error())
    }
    async fn splitter_versions(&self, _: AdminId, _: SplitterId) -> Stored<Vec<SplitterVersion>> {
        Err(self.error())
    }
    async fn decisions(&self, _: AdminId, _: SplitterId, _: &LogQuery) -> Stored<Vec<LogRow>> {
        Err(self.error())
    }
    async fn decision(&self, _: AdminId, _: SplitterId, _: DecisionId) -> Stored<Option<LogRow>> {
        Err(self.error())
    }
    async fn decisions_after(&self, _: AdminId, _: SplitterId, _: u64, _: u32) -> Stored<Vec<LoggedDecision>> {
        Err(self.error())
    }
}

/// Lets everybody in as the same admin, whatever the store says.
struct Everybody;

#[async_trait]
impl Authenticate for Everybody {
    async fn authenticate(&self, _: &HeaderMap, _: Timestamp) -> Result<Principal, ApiError> {
        Ok(Principal {
            admin_id: AdminId(UNKNOWN.parse().expect("a UUID")),
            credential: Credential::Token,
            label: "everybody".into(),
            settings: Settings::default(),
        })
    }
}

async fn over(mood: Mood) -> Test {
    let nobodys = Arc::new(MemoryStore::new());
    Test::over(Config::default(), nobodys, Arc::new(mood), |api| api.authenticate(Arc::new(Everybody))).await
}

#[tokio::test]
async fn a_failing_store_is_never_a_success_and_never_talkative() {
    let requests = |test: &Test| {
        let _ = test;
        let id = UNKNOWN;
        vec![
            ("POST", "/contacts".to_owned(), contact(id)),
            ("POST", "/zapier/contacts".to_owned(), contact(id)),
            ("POST", "/contacts/update".to_owned(), json!({"phone": "+15551234567", "status": "paused"})),
            ("POST", "/contacts/fulfill".to_owned(), json!({"phone": "+15551234567"})),
            ("POST", "/campaigns".to_owned(), json!({"name": "A"})),
            ("POST", "/api-keys".to_owned(), json!({"name": "A"})),
            ("PATCH", "/settings".to_owned(), json!({})),
            ("GET", "/contacts".to_owned(), Value::Null),
            ("GET", "/campaigns".to_owned(), Value::Null),
            ("GET", format!("/contacts/{id}"), Value::Null),
            ("GET", format!("/splitters/{id}/logs"), Value::Null),
            ("GET", format!("/splitters/{id}/logs.csv"), Value::Null),
            ("GET", "/zapier/splitters".to_owned(), Value::Null),
        ]
    };
    for (mood, status, error, code, retry) in [
        (Mood::Busy, 503, "Service unavailable", "service_unavailable", Some("1")),
        (Mood::Unavailable, 503, "Service unavailable", "service_unavailable", Some("5")),
        (Mood::Broken, 500, "Internal server error", "internal_error", None),
        (Mood::Panics, 500, "Internal server error", "internal_error", None),
    ] {
        let test = over(mood).await;
        for (method, path, body) in requests(&test) {
            let answer = test.call(method, &path, &body).await;
            let error = answer.assert_error(status, error, code);
            assert_eq!(answer.header("retry-after"), retry, "{method} {path}");
            assert_eq!(error["retryAfter"].as_u64().map(|seconds| seconds.to_string()).as_deref(), retry);
            for secret in ["SELECT", "/var/lib", "1555", "secret"] {
                assert!(!answer.text().contains(secret), "{}", answer.text());
            }
        }
    }
    // Looking up the caller can fail, too.
    let nobodys = Arc::new(MemoryStore::new());
    let test = Test::over(Config::default(), nobodys, Arc::new(Mood::Unavailable), |api| api).await;
    test.get("/me").await.assert_error(503, "Service unavailable", "service_unavailable");
    let key = test.call_as("spl_00000000_00", "GET", "/me", &Value::Null).await;
    key.assert_error(503, "Service unavailable", "service_unavailable");
}

#[tokio::test]
async fn refusals_that_no_route_provokes_are_mapped_all_the_same() {
    let answer = over(Mood::EmailTaken).await.post("/campaigns", &json!({"name": "A"})).await;
    answer.assert_error(409, "Conflict", "conflict");
    let answer = over(Mood::Newer).await.post("/campaigns", &json!({"name": "A"})).await;
    answer.assert_error(400, "Validation failed", "validation_failed");
}

#[tokio::test]
async fn health_and_readiness() {
    let get = |app: Router, path: &'static str| async move {
        let answer = common::send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
        (answer.status.as_u16(), answer.text().to_owned())
    };
    let up: Router = splitter_axum::health(Arc::new(MemoryStore::new()));
    let down: Router = splitter_axum::health(Arc::new(Mood::Unavailable));
    assert_eq!(get(up.clone(), "/healthz").await, (200, r#"{"status":"ok"}"#.to_owned()));
    assert_eq!(get(up, "/readyz").await, (200, r#"{"status":"ready"}"#.to_owned()));
    assert_eq!(get(down.clone(), "/healthz").await.0, 200);
    assert_eq!(get(down, "/readyz").await, (503, r#"{"status":"unavailable"}"#.to_owned()));
}
