//! The rate limit, exact across all servers on one database.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use splitter_core::{
    ApiKeyId, Limiter, RateClass, StoreError, Timestamp,
    access::{RATE_WINDOW_MS, RateVerdict, RateWindow},
};
use sqlx::PgPool;

use crate::error::store_error;

/// Counts in one statement per request. A refusal is remembered, so that a key which is over its limit costs the database
/// nothing until its window ends.
#[derive(Debug)]
pub struct PostgresLimiter {
    pool: PgPool,
    refused: Mutex<Refused>,
}

#[derive(Debug, Default)]
struct Refused {
    windows: BTreeMap<(ApiKeyId, RateClass), RateWindow>,
    sweep_at: usize,
}

impl PostgresLimiter {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, refused: Mutex::default() }
    }

    /// The refusal that is still in force, if there is one.
    fn remembered(&self, key: (ApiKeyId, RateClass), limit: u32, now: Timestamp) -> Option<RateVerdict> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let window = refused.windows.get(&key).copied()?;
        let holds = now.millis_since(window.started_at) < RATE_WINDOW_MS && window.count >= limit;
        holds.then(|| RateVerdict::of(window, limit, false))
    }

    fn remember(&self, key: (ApiKeyId, RateClass), window: RateWindow, now: Timestamp) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.windows.len() >= refused.sweep_at {
            refused.windows.retain(|_, window| now.millis_since(window.started_at) < RATE_WINDOW_MS);
            refused.sweep_at = 2 * refused.windows.len() + 64;
        }
        refused.windows.insert(key, window);
    }
}

/// The same rule as [`splitter_core::access::hit`]: a window begins with its first request; a refused one changes nothing.
const HIT: &str = "\
    INSERT INTO rate_windows AS w (key_id, class, started_at, count, refused) \
    VALUES ($1, $2, $3, least(1, $4), $4 < 1) \
    ON CONFLICT (key_id, class) DO UPDATE SET \
        started_at = CASE WHEN $3 - w.started_at < $5 THEN w.started_at ELSE $3 END, \
        count = CASE WHEN $3 - w.started_at >= $5 THEN least(1, $4) \
                     WHEN w.count < $4 THEN w.count + 1 ELSE w.count END, \
        refused = CASE WHEN $3 - w.started_at >= $5 THEN $4 < 1 ELSE w.count >= $4 END \
    RETURNING started_at, count, refused";

#[async_trait]
impl Limiter for PostgresLimiter {
    async fn hit(
        &self,
        key: ApiKeyId,
        class: RateClass,
        limit: u32,
        now: Timestamp,
    ) -> Result<RateVerdict, StoreError> {
        if let Some(verdict) = self.remembered((key, class), limit, now) {
            return Ok(verdict);
        }
        let query = sqlx::query_as::<_, (chrono::DateTime<chrono::Utc>, i64, bool)>(HIT)
            .bind(key.0)
            .bind(class.as_str())
            .bind(now.to_utc())
            .bind(i64::from(limit))
            .bind(Duration::from_millis(RATE_WINDOW_MS.unsigned_abs()));
        let (started_at, count, refused) = query.fetch_one(&self.pool).await.map_err(store_error)?;
        let window = RateWindow { started_at: started_at.into(), count: u32::try_from(count).unwrap_or(u32::MAX) };
        if refused {
            self.remember((key, class), window, now);
        }
        Ok(RateVerdict::of(window, limit, !refused))
    }
}
