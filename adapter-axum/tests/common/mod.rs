//! What all tests share: an app over the in-memory store, with a fixed clock and a seed, two admins and their keys.
#![allow(dead_code, unreachable_pub, reason = "every test file includes this and uses its own part")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, request::Builder},
};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use splitter_axum::{Api, Config, TokenVerifier, World};
use splitter_core::{
    AdminId, Env, MemoryLimiter, MemoryStore, Plan, Reply, Scope, Settings, Store, Timestamp, Transact as _, Work,
    manage, store::Planned,
};
use tower::ServiceExt as _;

pub const SECRET: &[u8] = b"a secret of more than 32 bytes, for tests only";
/// 2026-05-13T14:30:00.000Z, a Wednesday.
pub const START: i64 = 1_778_682_600_000;

/// A clock that stands still until it is moved, and numbers that only look random.
#[derive(Debug)]
pub struct TestWorld {
    now: AtomicI64,
    state: AtomicU64,
}

impl TestWorld {
    pub fn new() -> Self {
        Self { now: AtomicI64::new(START), state: AtomicU64::new(7) }
    }

    pub fn advance(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }
}

impl World for TestWorld {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64
            let mut z =
                self.state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst).wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("UTF-8")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }

    /// The answer's `data`; panics unless the status is as expected.
    pub fn data(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let body = self.json();
        assert_eq!(body["success"], true);
        body["data"].clone()
    }

    /// Checks the shape of an error, whatever it is about.
    pub fn assert_error(&self, status: u16, error: &str, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let body = self.json();
        assert_eq!(body["success"], false);
        assert_eq!(body["error"], error, "{body}");
        assert_eq!(body["code"], code, "{body}");
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        assert_eq!(body["requestId"].as_str(), self.header("x-request-id"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        let known = ["success", "error", "message", "code", "requestId", "details", "retryAfter"];
        assert!(body.as_object().expect("object").keys().all(|key| known.contains(&key.as_str())), "{body}");
        body
    }

    /// The paths of a validation error.
    pub fn paths(&self) -> Vec<String> {
        let body = self.json();
        let details = body["details"].as_array().unwrap_or_else(|| panic!("no details: {body}"));
        details.iter().map(|detail| detail["path"].as_str().expect("a path").to_owned()).collect()
    }
}

/// The app, its store and its world.
pub struct Test {
    pub store: Arc<MemoryStore>,
    pub world: Arc<TestWorld>,
    pub app: Router,
    pub admin: AdminId,
    pub other: AdminId,
}

pub fn verifier() -> TokenVerifier {
    TokenVerifier::hs256(SECRET).expect("long enough")
}

/// A token of this admin that is valid for an hour.
pub fn token_for(admin: AdminId) -> String {
    token(&json!({"sub": admin.to_string(), "exp": START / 1000 + 3600}))
}

pub fn token(claims: &Value) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET)).expect("a token")
}

impl Test {
    pub async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        let store = Arc::new(MemoryStore::new());
        Self::over(config, store.clone(), store, |api| api).await
    }

    /// `served` is what the API sees, `store` where the admins are.
    pub async fn over(
        config: Config,
        store: Arc<MemoryStore>,
        served: Arc<dyn Store>,
        customise: impl FnOnce(Api) -> Api,
    ) -> Self {
        let world = Arc::new(TestWorld::new());
        let api =
            Api::new(served, Arc::new(MemoryLimiter::new())).tokens(verifier()).world(world.clone()).config(config);
        let app = customise(api).router();
        let admin = create_admin(&store, &world, "admin@example.com").await;
        let other = create_admin(&store, &world, "other@example.com").await;
        Self { store, world, app, admin, other }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.app, request).await
    }

    pub fn token(&self) -> String {
        token_for(self.admin)
    }

    /// A request of the admin, by token.
    pub fn request(&self, method: &str, path: &str) -> Builder {
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.token()))
    }

    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call_as(&format!("Bearer {}", self.token()), method, path, body).await
    }

    /// `credential` is `Bearer …` or an API key. A `null` body is none.
    pub async fn call_as(&self, credential: &str, method: &str, path: &str, body: &Value) -> Answer {
        let name = if credential.starts_with("Bearer") { "authorization" } else { "x-api-key" };
        let request = Request::builder().method(method).uri(path).header(name, credential);
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header("content-type", "application/json").body(Body::from(body.to_string()))
        };
        self.send(request.expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, body).await
    }

    /// A body that is not made by a serialiser.
    pub async fn post_raw(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json");
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// A campaign's id.
    pub async fn campaign(&self, name: &str) -> String {
        let answer = self.post("/campaigns", &json!({"name": name})).await;
        answer.data(201)["id"].as_str().expect("an id").to_owned()
    }

    /// The id of a splitter over these campaigns and percentages.
    pub async fn splitter(&self, members: &[(&str, f64)]) -> String {
        self.splitter_with(members, json!({})).await
    }

    pub async fn splitter_with(&self, members: &[(&str, f64)], more: Value) -> String {
        let campaigns: Vec<Value> =
            members.iter().map(|(id, percentage)| json!({"campaignId": id, "percentage": percentage})).collect();
        let mut body = json!({"name": "Spring leads", "campaigns": campaigns});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let answer = self.post("/splitters", &body).await;
        answer.data(201)["id"].as_str().expect("an id").to_owned()
    }

    /// Two campaigns and a splitter that shares 60 to 40.
    pub async fn sixty_forty(&self) -> (String, String, String) {
        let (a, b) = (self.campaign("A").await, self.campaign("B").await);
        let splitter = self.splitter(&[(&a, 60.0), (&b, 40.0)]).await;
        (splitter, a, b)
    }

    /// An API key of the admin.
    pub async fn api_key(&self, name: &str) -> String {
        let answer = self.post("/api-keys", &json!({"name": name})).await;
        answer.data(201)["key"].as_str().expect("a key").to_owned()
    }
}

pub async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body").to_vec();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

async fn create_admin(store: &MemoryStore, world: &TestWorld, email: &str) -> AdminId {
    let (env, email): (Env, String) = (world.env(), email.to_owned());
    let nobody = AdminId(uuid::Uuid::nil());
    let plan = move |_: &_| Planned::Commit(manage::create_admin(email.clone(), None, Settings::default(), &env));
    let plan: Plan = store.transact(Work::new(Scope::of(nobody), plan)).await.expect("created");
    match plan.reply {
        Reply::Admin(admin) => admin.id,
        other => panic!("{other:?}"),
    }
}

/// A contact that nothing is wrong with.
pub fn contact(splitter: &str) -> Value {
    json!({"phoneNumber": "+15551234567", "splitterId": splitter})
}

pub fn phone(n: u32) -> String {
    format!("+1555{n:07}")
}
