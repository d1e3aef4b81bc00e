//! The API inside an app of one's own: nested under a prefix, with a log-in that the app already has.
//!
//! `cargo run -p splitter-embed --bin own-app`, then
//! `curl -i http://127.0.0.1:3000/splitter/me -H 'Authorization: Bearer let-me-in'`

use std::sync::Arc;

use async_trait::async_trait;
use axum::{Router, http::HeaderMap, routing::get};
use splitter_axum::{Api, ApiError, Authenticate, SystemWorld, World as _};
use splitter_core::{
    Admin, Credential, MemoryLimiter, MemoryStore, Planned, Principal, Reply, Scope, Settings, Timestamp,
    Transact as _, Work, manage,
};

/// The app's own idea of who is calling. This one knows a single word; yours knows your sessions.
struct OwnLogIn {
    admin: Admin,
}

#[async_trait]
impl Authenticate for OwnLogIn {
    async fn authenticate(&self, headers: &HeaderMap, _now: Timestamp) -> Result<Principal, ApiError> {
        let word = headers.get("authorization").and_then(|value| value.to_str().ok());
        if word != Some("Bearer let-me-in") {
            return Err(ApiError::unauthorized());
        }
        Ok(Principal {
            admin_id: self.admin.id,
            credential: Credential::Token,
            label: self.admin.email.clone(),
            settings: self.admin.settings.clone(),
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Any store will do: this one forgets, `splitter_sqlx::SqliteStore` does not, and yours may be another.
    let store = Arc::new(MemoryStore::new());
    let plan = manage::create_admin("me@example.com".into(), None, Settings::default(), &SystemWorld.env());
    let work = Work::new(Scope::of(plan.admin_id), move |_| Planned::Commit(plan.clone()));
    let Reply::Admin(admin) = store.transact(work).await?.reply else { return Err("no admin".into()) };

    let api = Api::new(store, Arc::new(MemoryLimiter::new())).authenticate(Arc::new(OwnLogIn { admin: *admin }));
    let app: Router = Router::new().route("/", get(|| async { "my own page" })).nest("/splitter", api.router());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/splitter/me", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}
