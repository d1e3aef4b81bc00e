//! What an embedder may choose.

use std::time::Duration;

use splitter_core::{
    RateClass,
    access::{DEFAULT_KEY_PREFIX, InvalidKeyPrefix, check_key_prefix},
    enroll::Limits,
    phone::PhoneLevel,
};

/// Requests that one API key may make in a window of 60 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests that change something: every method but `GET` and `HEAD`.
    pub writes: u32,
    /// Requests that only read.
    pub reads: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { writes: 30, reads: 100 }
    }
}

impl RateLimits {
    /// The limit of a class.
    #[must_use]
    pub const fn of(&self, class: RateClass) -> u32 {
        match class {
            RateClass::Write => self.writes,
            RateClass::Read => self.reads,
        }
    }
}

/// What happens to unknown top-level fields of `POST /contacts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownFields {
    /// They are refused by name: a typing error must not silently lose data.
    #[default]
    Refuse,
    /// They are ignored.
    Ignore,
}

/// What an embedder may choose. The defaults are the documented behaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The largest body in bytes, 64 KiB.
    pub max_body: usize,
    /// How long a body may take to arrive, 30 seconds; then 408.
    pub body_timeout: Duration,
    /// Sizes that a contact may have.
    pub contact_limits: Limits,
    /// How closely phone numbers are looked at.
    pub phone_level: PhoneLevel,
    /// Unknown top-level fields of `POST /contacts`.
    pub unknown_fields: UnknownFields,
    /// Requests per API key and minute.
    pub rate_limits: RateLimits,
    /// Whether webhooks may have addresses with `http://`, for receivers on the same machine or network; no.
    pub allow_http_webhooks: bool,
    pub(crate) key_prefix: String,
}

impl Config {
    /// With another prefix of API keys than `spl`: 1 to 16 ASCII letters and digits.
    pub fn with_key_prefix(mut self, prefix: &str) -> Result<Self, InvalidKeyPrefix> {
        check_key_prefix(prefix)?;
        prefix.clone_into(&mut self.key_prefix);
        Ok(self)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_body: 64 * 1024,
            body_timeout: Duration::from_secs(30),
            contact_limits: Limits::default(),
            phone_level: PhoneLevel::default(),
            unknown_fields: UnknownFields::default(),
            rate_limits: RateLimits::default(),
            allow_http_webhooks: false,
            key_prefix: DEFAULT_KEY_PREFIX.to_owned(),
        }
    }
}
