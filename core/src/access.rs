//! Who may do what: principals, API keys, the arithmetic of the rate limit's windows.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::{
    actor::Actor,
    admin::Settings,
    id::{AdminId, ApiKeyId},
    time::{MINUTE_MS, Timestamp},
};

/// How a caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A signed token: may manage, is not limited.
    Token,
    /// An API key: may enrol and read, is limited.
    ApiKey(ApiKeyId),
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The admin in whose name it acts, and whose rows are all that it sees.
    pub admin_id: AdminId,
    /// How it proved who it is.
    pub credential: Credential,
    /// A name for people: the key's name, or the admin's e-mail address.
    pub label: String,
    /// The admin's settings at the time of the request.
    pub settings: Settings,
}

impl Principal {
    /// Whether it may manage campaigns, splitters, keys and settings.
    #[must_use]
    pub const fn may_manage(&self) -> bool {
        matches!(self.credential, Credential::Token)
    }

    /// How logs name it.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        match self.credential {
            Credential::Token => Actor::Admin,
            Credential::ApiKey(id) => Actor::ApiKey(id),
        }
    }
}

/// The prefix of API keys unless configured otherwise.
pub const DEFAULT_KEY_PREFIX: &str = "spl";

/// An API key as it is stored: never its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The admin in whose name it acts.
    pub admin_id: AdminId,
    /// What people call it, 1 to 255 characters.
    pub name: String,
    /// The public part, eight hexadecimal digits, unique: finds the key.
    pub lookup: String,
    /// SHA-256 of the whole key. The secret has 160 random bits, so a slow hash would protect nothing.
    pub hash: [u8; 32],
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked; from then on it is refused.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether `key` is this key, compared in constant time, and not revoked.
    #[must_use]
    pub fn accepts(&self, key: &str) -> bool {
        bool::from(hash_key(key).ct_eq(&self.hash)) && self.revoked_at.is_none()
    }
}

/// SHA-256 of a whole key.
#[must_use]
pub fn hash_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Random bytes of a new key: 4 public ones and 20 secret ones.
pub const KEY_RANDOM_BYTES: usize = 24;

/// A new key and its public part: `spl_<8 hex>_<40 hex>`.
#[must_use]
pub fn new_key(prefix: &str, random: &[u8; KEY_RANDOM_BYTES]) -> (String, String) {
    let lookup = hex(&random[..4]);
    (format!("{prefix}_{lookup}_{}", hex(&random[4..])), lookup)
}

/// The public part of a text that looks like a key.
#[must_use]
pub fn key_lookup<'a>(prefix: &str, key: &'a str) -> Option<&'a str> {
    let rest = key.strip_prefix(prefix)?.strip_prefix('_')?;
    let (lookup, secret) = rest.split_once('_')?;
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (lookup.len() == 8 && is_hex(lookup) && !secret.is_empty() && key.len() <= 256).then_some(lookup)
}

/// A key prefix that can not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no key prefix: 1 to 16 letters and digits of ASCII")]
pub struct InvalidKeyPrefix(pub String);

/// Checks a configured key prefix.
pub fn check_key_prefix(prefix: &str) -> Result<(), InvalidKeyPrefix> {
    let fine = (1..=16).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_alphanumeric());
    if fine { Ok(()) } else { Err(InvalidKeyPrefix(prefix.to_owned())) }
}

/// What a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateClass {
    /// Requests that change something.
    Write,
    /// Requests that only read.
    Read,
}

impl RateClass {
    /// The name in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// The length of a rate-limit window.
pub const RATE_WINDOW_MS: i64 = MINUTE_MS;

/// A fixed window: starts with the first request in it and lasts [`RATE_WINDOW_MS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateWindow {
    /// When it began.
    pub started_at: Timestamp,
    /// Requests let through.
    pub count: u32,
}

/// What the limit says about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateVerdict {
    /// Whether it may pass.
    pub allowed: bool,
    /// Requests per window.
    pub limit: u32,
    /// Requests left in this window.
    pub remaining: u32,
    /// When the window ends.
    pub resets_at: Timestamp,
}

impl RateVerdict {
    /// The verdict that a window with `count` requests, this one included, gives.
    #[must_use]
    pub const fn of(window: RateWindow, limit: u32, allowed: bool) -> Self {
        Self {
            allowed,
            limit,
            remaining: limit.saturating_sub(window.count),
            resets_at: window.started_at.plus_millis(RATE_WINDOW_MS),
        }
    }

    /// `X-RateLimit-Reset`: the Unix second at which the window has ended.
    #[must_use]
    pub const fn reset_unix_seconds(&self) -> i64 {
        self.resets_at.as_millis().div_euclid(1000)
            + if self.resets_at.as_millis().rem_euclid(1000) > 0 { 1 } else { 0 }
    }

    /// `Retry-After`: whole seconds until the window has ended, at least 1.
    #[must_use]
    pub const fn retry_after_seconds(&self, now: Timestamp) -> i64 {
        let left = self.resets_at.millis_since(now);
        if left <= 1000 { 1 } else { (left + 999) / 1000 }
    }
}

/// One request against a window. A refused one leaves the window as it is; a clock that went backwards does not open
/// a new one early.
#[must_use]
pub fn hit(window: Option<RateWindow>, limit: u32, now: Timestamp) -> (RateWindow, RateVerdict) {
    let current = match window {
        Some(window) if now.millis_since(window.started_at) < RATE_WINDOW_MS => window,
        _ => RateWindow { started_at: now, count: 0 },
    };
    if current.count >= limit {
        return (current, RateVerdict::of(current, limit, false));
    }
    let counted = RateWindow { count: current.count + 1, ..current };
    (counted, RateVerdict::of(counted, limit, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_31st_write_is_refused_and_the_window_is_not_prolonged() {
        let start = Timestamp::from_millis(1_000_500);
        let mut window = None;
        for n in 0..40 {
            let (next, verdict) = hit(window, 30, start.plus_millis(n * 1000));
            assert_eq!(verdict.allowed, n < 30, "request {n}");
            assert_eq!(verdict.remaining, u32::try_from(29 - n).unwrap_or(0));
            assert_eq!(verdict.resets_at, start.plus_millis(60_000));
            window = Some(next);
        }
        let (_, refused) = hit(window, 30, start.plus_millis(59_999));
        assert!(!refused.allowed);
        assert_eq!(refused.retry_after_seconds(start.plus_millis(15_000)), 45);
        assert_eq!(refused.reset_unix_seconds(), 1_061);
        assert!(hit(window, 30, start.plus_millis(60_000)).1.allowed);
    }

    #[test]
    fn keys_are_found_by_their_public_part_and_compared_whole() {
        let (key, lookup) = new_key("spl", &[0xAB; KEY_RANDOM_BYTES]);
        assert_eq!(key, format!("spl_abababab_{}", "ab".repeat(20)));
        assert_eq!(key_lookup("spl", &key), Some(lookup.as_str()));
        for bad in ["", "spl_", "spl_abababab", "spl_abababab_", "spl_ABABABAB_x", "spl_abababa_x", "other_abababab_x"]
        {
            assert_eq!(key_lookup("spl", bad), None, "{bad}");
        }
        let stored = ApiKey {
            id: ApiKeyId(uuid::Uuid::nil()),
            admin_id: AdminId(uuid::Uuid::nil()),
            name: "crm".into(),
            lookup,
            hash: hash_key(&key),
            created_at: Timestamp::MIN,
            revoked_at: None,
        };
        assert!(stored.accepts(&key));
        assert!(!stored.accepts(&key[..key.len() - 1]));
        assert!(!ApiKey { revoked_at: Some(Timestamp::MIN), ..stored }.accepts(&key));
    }
}
