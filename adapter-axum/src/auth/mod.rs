//! Who is calling: the port that an embedder may replace, and the extractors that handlers ask with.

mod standard;
mod token;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, request::Parts},
};
use splitter_core::{AdminId, Credential, Env, Principal, Timestamp};

pub use standard::StandardAuth;
pub use token::{InvalidTokenKey, TokenVerifier};

use crate::{
    api::App,
    edge::Exchange,
    error::{ApiError, table},
    limit::{Fingerprint, class_of},
};

/// Decides who a caller is. [`StandardAuth`] reads tokens and API keys; an embedder with log-ins of its own gives
/// another one.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The caller, or the error that it is answered with: [`ApiError::unauthorized`], or a failure of the store.
    async fn authenticate(&self, headers: &HeaderMap, now: Timestamp) -> Result<Principal, ApiError>;

    /// SHA-256 of the API key that [`Self::authenticate`] would look at, found without asking any store. With it, a key
    /// that has been refused for its rate is refused again without a look-up until its window ends.
    fn fingerprint(&self, headers: &HeaderMap) -> Option<Fingerprint> {
        let _ = headers;
        None
    }
}

/// An authenticated caller within its limits, and the environment of its request.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) env: Env,
}

impl Caller {
    pub(crate) fn admin_id(&self) -> AdminId {
        self.principal.admin_id
    }

    /// Authenticates and counts: 401, then 429.
    pub(crate) async fn admit(
        app: &App,
        exchange: Option<&Arc<Exchange>>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        let env = app.world.env();
        let class = class_of(method);
        let note = |verdict| exchange.map(|exchange| exchange.verdict.set(verdict));
        // Mostly nobody is refused, and then nothing has to be hashed.
        let refused = || app.refusals.find(app.auth.fingerprint(headers)?, class, env.now);
        if !app.refusals.is_empty()
            && let Some(verdict) = refused()
        {
            note(verdict);
            return Err(ApiError::rate_limited(&verdict, env.now));
        }
        let principal = app.auth.authenticate(headers, env.now).await?;
        if let Credential::ApiKey(id) = principal.credential {
            let limit = app.config.rate_limits.of(class);
            let verdict = app.limiter.hit(id, class, limit, env.now).await?;
            note(verdict);
            if !verdict.allowed {
                if let Some(key) = app.auth.fingerprint(headers) {
                    app.refusals.remember((key, id), class, verdict, env.now);
                }
                return Err(ApiError::rate_limited(&verdict, env.now));
            }
        }
        Ok(Self { principal, env })
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let exchange = parts.extensions.get::<Arc<Exchange>>();
        Self::admit(app, exchange, &parts.method, &parts.headers).await
    }
}

/// A caller that may manage: 401, 429, then 403.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) Caller);

impl std::ops::Deref for Manager {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl FromRequestParts<App> for Manager {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.principal.may_manage() { Ok(Self(caller)) } else { Err(ApiError::new(&table::FORBIDDEN)) }
    }
}
