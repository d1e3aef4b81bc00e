//! Tokens and API keys, as the API documents them.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use splitter_core::{
    Credential, Principal, Queries, Timestamp,
    access::{hash_key, key_lookup},
};

use super::{Authenticate, TokenVerifier};
use crate::{error::ApiError, limit::Fingerprint};

/// `Authorization: Bearer <token>` or `X-API-Key`. If both are there the token counts, even a bad one.
#[derive(Clone)]
pub struct StandardAuth {
    store: Arc<dyn Queries>,
    tokens: Option<TokenVerifier>,
    key_prefix: String,
}

impl std::fmt::Debug for StandardAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandardAuth").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

impl StandardAuth {
    /// Keys and admins are looked up in `store`. Without a verifier no token is accepted.
    #[must_use]
    pub fn new(store: Arc<dyn Queries>, tokens: Option<TokenVerifier>, key_prefix: String) -> Self {
        Self { store, tokens, key_prefix }
    }
}

/// What a request brings along.
enum Sent<'a> {
    Token(&'a str),
    Key(&'a str),
    Nothing,
}

/// Two headers of the same name are nothing that can be trusted: which of them an intermediary has looked at is
/// anybody's guess.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn sent(headers: &HeaderMap) -> Sent<'_> {
    if headers.contains_key(header::AUTHORIZATION) {
        let Some(value) = only(headers, "authorization") else { return Sent::Nothing };
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            return Sent::Token(token.trim_ascii());
        }
        // Another scheme belongs to somebody else on the way: it does not hide a key.
    }
    only(headers, "x-api-key").map_or(Sent::Nothing, Sent::Key)
}

#[async_trait]
impl Authenticate for StandardAuth {
    async fn authenticate(&self, headers: &HeaderMap, now: Timestamp) -> Result<Principal, ApiError> {
        match sent(headers) {
            Sent::Token(token) => {
                let id = self.tokens.as_ref().and_then(|tokens| tokens.verify(token, now));
                let id = id.ok_or_else(ApiError::unauthorized)?;
                let admin = self.store.admin(id).await?.ok_or_else(ApiError::unauthorized)?;
                Ok(Principal {
                    admin_id: admin.id,
                    credential: Credential::Token,
                    label: admin.email,
                    settings: admin.settings,
                })
            }
            Sent::Key(key) => {
                let lookup = key_lookup(&self.key_prefix, key).ok_or_else(ApiError::unauthorized)?;
                let found = self.store.api_key(lookup).await?;
                let (stored, admin) =
                    found.filter(|(stored, _)| stored.accepts(key)).ok_or_else(ApiError::unauthorized)?;
                Ok(Principal {
                    admin_id: stored.admin_id,
                    credential: Credential::ApiKey(stored.id),
                    label: stored.name,
                    settings: admin.settings,
                })
            }
            Sent::Nothing => Err(ApiError::unauthorized()),
        }
    }

    fn fingerprint(&self, headers: &HeaderMap) -> Option<Fingerprint> {
        match sent(headers) {
            Sent::Key(key) if key_lookup(&self.key_prefix, key).is_some() => Some(hash_key(key)),
            _ => None,
        }
    }
}
