//! The outermost layer: the request id, the log line, panics, the shape of errors, the headers of every answer.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, OnceLock},
    task::Poll,
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use splitter_core::access::RateVerdict;
use tracing::Instrument as _;

use crate::{
    api::App,
    error::{ApiError, X_REQUEST_ID},
};

static X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What the layer and the handlers tell each other about a request.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// What the limit said about the caller's key.
    pub(crate) verdict: OnceLock<RateVerdict>,
}

/// Surrounds every route, the fallbacks included.
pub(crate) async fn surround(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(&app, &request);
    let exchange = Arc::new(Exchange::default());
    request.extensions_mut().insert(Arc::clone(&exchange));
    // Templates, never paths: ids and query strings stay out of the log.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!(
        "request",
        method = method_name(request.method()),
        route = route.as_ref().map_or("unmatched", MatchedPath::as_str),
        request_id = request_id.to_str().unwrap_or_default(),
    );
    let mut response = catch_panics(next.run(request)).instrument(span.clone()).await;
    let mut failure = None;
    if let Some(error) = ApiError::take(&mut response) {
        error.write(&mut response, request_id.to_str().unwrap_or_default());
        failure = error.cause().map(|cause| (error.code(), cause));
    }
    let status = response.status().as_u16();
    let headers = response.headers_mut();
    if let Some(verdict) = exchange.verdict.get() {
        headers.insert(X_RATELIMIT_LIMIT.clone(), HeaderValue::from(verdict.limit));
        headers.insert(X_RATELIMIT_REMAINING.clone(), HeaderValue::from(verdict.remaining));
        headers.insert(X_RATELIMIT_RESET.clone(), HeaderValue::from(verdict.reset_unix_seconds()));
    }
    // Answers are about people: no cache on the way may keep them.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_REQUEST_ID.clone(), request_id);
    let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        if let Some((code, cause)) = failure {
            tracing::error!(status, latency_ms, code, cause, "answered");
        } else {
            tracing::info!(status, latency_ms, "answered");
        }
    });
    response
}

/// A caller's own id if it is 1 to 128 visible ASCII characters, otherwise a new one.
fn request_id(app: &App, request: &Request) -> HeaderValue {
    let sent = request
        .headers()
        .get(&X_REQUEST_ID)
        .filter(|id| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic));
    sent.cloned().unwrap_or_else(|| {
        let mut random = [0; 16];
        app.world.fill_random(&mut random);
        let id = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
        // Hexadecimal digits and hyphens make a header.
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
    })
}

/// Callers can invent methods, and put anything into their names.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// A handler that panics is answered with 500; its neighbours on the connection do not notice.
async fn catch_panics(handler: impl Future<Output = Response>) -> Response {
    let mut handler = pin!(handler);
    std::future::poll_fn(move |context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(ApiError::internal("a handler panicked").into_response()))
    })
    .await
}
