//! The API as a router.

use std::{ops::Deref, sync::Arc};

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, Method, header},
};
use splitter_core::{Limiter, Queries, Store};

use crate::{
    auth::{Authenticate, Caller, StandardAuth, TokenVerifier},
    config::Config,
    edge::{self, Exchange},
    error::{ApiError, table},
    health,
    limit::Refusals,
    routes,
    world::{SystemWorld, World},
};

/// The HTTP API over a store. See the [crate's documentation](crate) for an example.
pub struct Api {
    store: Arc<dyn Store>,
    limiter: Arc<dyn Limiter>,
    tokens: Option<TokenVerifier>,
    auth: Option<Arc<dyn Authenticate>>,
    world: Arc<dyn World>,
    config: Config,
    health: bool,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("tokens", &self.tokens).field("config", &self.config).finish_non_exhaustive()
    }
}

impl Api {
    /// The API over `store`, with `limiter` counting the requests of API keys. Until [`Self::tokens`] is called only API
    /// keys are accepted.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, limiter: Arc<dyn Limiter>) -> Self {
        Self {
            store,
            limiter,
            tokens: None,
            auth: None,
            world: Arc::new(SystemWorld),
            config: Config::default(),
            health: false,
        }
    }

    /// Accepts tokens that this verifier accepts.
    #[must_use]
    pub fn tokens(mut self, verifier: TokenVerifier) -> Self {
        self.tokens = Some(verifier);
        self
    }

    /// Replaces authentication altogether: tokens and API keys mean what `auth` says.
    #[must_use]
    pub fn authenticate(mut self, auth: Arc<dyn Authenticate>) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Replaces the clock and the random source.
    #[must_use]
    pub fn world(mut self, world: Arc<dyn World>) -> Self {
        self.world = world;
        self
    }

    /// Other limits and sizes than the documented ones.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With `GET /healthz` and `GET /readyz` among its routes, as [`health()`](crate::health()) has them apart from it.
    #[must_use]
    pub fn with_health(mut self) -> Self {
        self.health = true;
        self
    }

    /// The router. Its paths are `/contacts`, `/splitters/{id}` and so on; nest it wherever they should be.
    ///
    /// It answers unknown paths and methods itself, in the shape of all its errors. To *merge* it into an app with a
    /// fallback of its own, take this one off with [`Router::reset_fallback`].
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let Self { store, limiter, tokens, auth, world, config, health: with_health } = self;
        let auth = auth.unwrap_or_else(|| {
            let store: Arc<dyn Queries> = store.clone();
            Arc::new(StandardAuth::new(store, tokens, config.key_prefix.clone()))
        });
        let app = App(Arc::new(Parts { store, limiter, auth, world, config, refusals: Refusals::default() }));
        let routes = if with_health { routes::all().merge(health::routes()) } else { routes::all() };
        routes
            .fallback(not_found)
            .method_not_allowed_fallback(method_not_allowed)
            .layer(axum::middleware::from_fn_with_state(app.clone(), edge::surround))
            .with_state(app)
    }
}

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) limiter: Arc<dyn Limiter>,
    pub(crate) auth: Arc<dyn Authenticate>,
    pub(crate) world: Arc<dyn World>,
    pub(crate) config: Config,
    pub(crate) refusals: Refusals,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// A caller with credentials is authenticated and counted even here: every answer to a key tells its limits.
async fn fallback(
    app: App,
    exchange: Arc<Exchange>,
    method: Method,
    headers: HeaderMap,
    row: &'static table::Row,
) -> ApiError {
    let anonymous = !headers.contains_key(header::AUTHORIZATION) && !headers.contains_key("x-api-key");
    if anonymous {
        return ApiError::new(row);
    }
    match Caller::admit(&app, Some(&exchange), &method, &headers).await {
        Ok(_) => ApiError::new(row),
        Err(error) => error,
    }
}

async fn not_found(
    State(app): State<App>,
    Extension(exchange): Extension<Arc<Exchange>>,
    method: Method,
    headers: HeaderMap,
) -> ApiError {
    fallback(app, exchange, method, headers, &table::NOT_FOUND).await
}

async fn method_not_allowed(
    State(app): State<App>,
    Extension(exchange): Extension<Arc<Exchange>>,
    method: Method,
    headers: HeaderMap,
) -> ApiError {
    fallback(app, exchange, method, headers, &table::METHOD_NOT_ALLOWED).await
}
