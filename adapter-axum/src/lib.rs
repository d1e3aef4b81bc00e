//! The contact splitter's HTTP API as a router that nests into any axum app.
//!
//! [`Api`] takes a store and a limiter, both of them ports of `splitter-core`, and makes a [`Router`](axum::Router) whose
//! paths are `/contacts`, `/splitters/{id}` and so on. Who calls, what time it is and where random numbers come from are
//! ports as well: [`Authenticate`] and [`World`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
//! use splitter_axum::{Api, TokenVerifier, health};
//! use splitter_core::{MemoryLimiter, MemoryStore};
//! use tower::ServiceExt as _;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(MemoryStore::new());
//! let api = Api::new(store.clone(), Arc::new(MemoryLimiter::new()))
//!     .tokens(TokenVerifier::hs256(b"a secret of at least 32 bytes, not this one")?);
//!
//! let app = Router::new()
//!     .route("/", get(|| async { "our own page" }))
//!     .nest("/api", api.router())
//!     .merge(health(store));
//!
//! let request = Request::post("/api/contacts").body(Body::empty())?;
//! let response = app.oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert!(response.headers().contains_key("x-request-id"));
//! # Ok(()) }
//! ```
//!
//! # One request
//!
//! The outermost layer gives it an id. The caller is authenticated (401) and, with an API key, counted (429); a route that
//! manages refuses API keys (403). The body is read whole, up to its limit (415, 413), and parsed by the one parser of all
//! routes, which finds every violation at once (400). Then one command of the core runs in one transaction of the store. A
//! client that hangs up meanwhile changes nothing about that: the transaction is the store's own.
//!
//! # Errors
//!
//! Every error, an unknown path and a panic included, has the same shape:
//!
//! ```json
//! {"success": false, "error": "Validation failed", "message": "`name` must have at most 255 characters. …",
//!  "code": "validation_failed", "requestId": "…", "details": [{"path": "name", "message": "…"}]}
//! ```
//!
//! # What the log holds
//!
//! One `tracing` event per request: method, route template, status, milliseconds, request id. Never a path with its ids, a
//! query string, a header or a body; of a failing store only that it failed, because its words can hold anything.
//!
//! # Sending
//!
//! Requests only write outreach down. A [`Dispatcher`] sends it when it is due, through a
//! [`Sender`](splitter_core::Sender): a [`ConsoleSender`] for trying things out, or, with the feature `webhook`, one that
//! posts signed messages to the admins' addresses.

mod api;
mod auth;
mod body;
mod config;
mod console;
mod csv;
mod dispatcher;
mod dto;
mod edge;
mod error;
mod health;
mod if_match;
mod json;
mod limit;
mod path;
mod query;
mod routes;
#[cfg(feature = "webhook")]
pub mod webhook;
mod world;
mod zapier;

pub use api::Api;
pub use auth::{Authenticate, InvalidTokenKey, StandardAuth, TokenVerifier};
pub use config::{Config, RateLimits, UnknownFields};
pub use console::ConsoleSender;
pub use dispatcher::{DispatchCounts, DispatchMetrics, Dispatcher, DispatcherOptions};
pub use error::ApiError;
pub use health::health;
pub use limit::Fingerprint;
pub use world::{SystemWorld, World};
