//! The rate limit of API keys, and the memory of refusals that spares the database.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::Method;
use splitter_core::{ApiKeyId, RateClass, Timestamp, access::RateVerdict};

/// What a request counts against: `GET` and `HEAD` are reads, everything else is a write.
pub(crate) fn class_of(method: &Method) -> RateClass {
    if method == Method::GET || method == Method::HEAD { RateClass::Read } else { RateClass::Write }
}

/// SHA-256 of a credential.
pub type Fingerprint = [u8; 32];

/// Refusals that this process has seen, until their windows end. A key in here is answered without asking the store
/// for anything.
///
/// Only keys that were genuine when they were refused are remembered, so callers can not fill it.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_key: HashMap<(Fingerprint, RateClass), Refusal>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Refusal {
    id: ApiKeyId,
    verdict: RateVerdict,
}

impl Refusals {
    /// Whether nothing is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_key.is_empty()
    }

    /// The refusal that still holds for this credential.
    pub(crate) fn find(&self, key: Fingerprint, class: RateClass, now: Timestamp) -> Option<RateVerdict> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = known.by_key.get(&(key, class))?.verdict;
        if now >= verdict.resets_at {
            known.by_key.remove(&(key, class));
            return None;
        }
        Some(verdict)
    }

    /// Remembers a refusal.
    pub(crate) fn remember(
        &self,
        (key, id): (Fingerprint, ApiKeyId),
        class: RateClass,
        verdict: RateVerdict,
        now: Timestamp,
    ) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.by_key.len() >= known.sweep_at {
            known.by_key.retain(|_, refusal| now < refusal.verdict.resets_at);
            known.sweep_at = 2 * known.by_key.len() + 64;
        }
        known.by_key.insert((key, class), Refusal { id, verdict });
    }

    /// Forgets a key that was revoked: from now on it is unknown, not over its limit.
    pub(crate) fn forget(&self, id: ApiKeyId) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_key.retain(|_, refusal| refusal.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ApiKeyId = ApiKeyId(uuid::Uuid::nil());

    #[test]
    fn a_refusal_holds_until_its_window_ends_and_for_its_class_only() {
        let refusals = Refusals::default();
        let start = Timestamp::from_millis(1_000);
        let verdict = RateVerdict { allowed: false, limit: 30, remaining: 0, resets_at: start.plus_millis(60_000) };
        refusals.remember(([1; 32], ID), RateClass::Write, verdict, start);
        let last = start.plus_millis(59_999);
        assert_eq!(refusals.find([1; 32], RateClass::Write, last), Some(verdict));
        assert_eq!(refusals.find([1; 32], RateClass::Read, last), None);
        assert_eq!(refusals.find([2; 32], RateClass::Write, last), None);
        assert_eq!(refusals.find([1; 32], RateClass::Write, start.plus_millis(60_000)), None);
    }

    #[test]
    fn refusals_that_have_ended_are_dropped() {
        let refusals = Refusals::default();
        for n in 0..10_000u32 {
            let now = Timestamp::from_millis(i64::from(n) * 1_000);
            let mut key = [0; 32];
            key[..4].copy_from_slice(&n.to_be_bytes());
            let verdict = RateVerdict { allowed: false, limit: 1, remaining: 0, resets_at: now.plus_millis(60_000) };
            refusals.remember((key, ID), RateClass::Write, verdict, now);
        }
        assert!(refusals.0.lock().unwrap().by_key.len() < 400);
    }
}
