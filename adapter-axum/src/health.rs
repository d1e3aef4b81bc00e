//! `/healthz` and `/readyz`, for whoever watches the process.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use serde::Serialize;
use splitter_core::Queries;

use crate::{api::App, dto::json_bytes, error::ApiError};

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

fn answer(status: StatusCode, text: &'static str) -> Response {
    json_bytes(status, serde_json::to_vec(&Health { status: text }).unwrap_or_default())
}

/// The same inside the API's own layers: with request ids, and errors in the shape of all others.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(|| async { answer(StatusCode::OK, "ok") })).route("/readyz", get(api_ready))
}

async fn api_ready(State(app): State<App>) -> Result<Response, ApiError> {
    app.store.ping().await?;
    Ok(answer(StatusCode::OK, "ready"))
}

/// `GET /healthz` says that the process answers, `GET /readyz` that its store does, too: 200 or 503. Neither asks who is
/// calling, and neither tells more than that.
pub fn health<S: Clone + Send + Sync + 'static>(store: Arc<dyn Queries>) -> Router<S> {
    Router::new()
        .route("/healthz", get(|| async { answer(StatusCode::OK, "ok") }))
        .route("/readyz", get(ready))
        .with_state(store)
}

async fn ready(State(store): State<Arc<dyn Queries>>) -> Response {
    match store.ping().await {
        Ok(()) => answer(StatusCode::OK, "ready"),
        Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}
