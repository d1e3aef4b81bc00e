//! When a failed message is tried again, and when it is given up.

use crate::time::HOUR_MS;

/// Exponential backoff with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest wait after the first attempt in milliseconds; doubles with each further one.
    pub base_ms: i64,
    /// The longest wait after any attempt in milliseconds, also if the receiver asks for more.
    pub cap_ms: i64,
    /// After so many attempts it is given up.
    pub max_attempts: u32,
}

impl Default for RetryPolicy {
    /// 10 seconds, 1 hour, 10 attempts.
    ///
    /// The nine waits are then 43 minutes on average and 86 at most: enough for a receiver that is deployed or restarted,
    /// and a message that is later than that is often no longer wanted.
    fn default() -> Self {
        Self { base_ms: 10_000, cap_ms: HOUR_MS, max_attempts: 10 }
    }
}

impl RetryPolicy {
    /// Milliseconds to wait after the `attempt`-th attempt (from 1 on) has failed: uniform in
    /// `0..=min(cap, base · 2^(attempt − 1))`, as `draw` falls.
    ///
    /// "Full jitter" spreads the retries of messages that failed together over the whole time, so that a receiver that
    /// comes back is not overrun.
    ///
    /// ```
    /// # use splitter_core::dispatch::RetryPolicy;
    /// let policy = RetryPolicy { base_ms: 1_000, cap_ms: 5_000, max_attempts: 10 };
    /// assert_eq!([1, 2, 3, 4, 99].map(|attempt| policy.backoff(attempt, u64::MAX)), [1_000, 2_000, 4_000, 5_000, 5_000]);
    /// assert_eq!(policy.backoff(3, 1 << 63), 2_000);
    /// assert_eq!(policy.backoff(3, 0), 0);
    /// ```
    #[must_use]
    pub fn backoff(&self, attempt: u32, draw: u64) -> i64 {
        let doublings = attempt.saturating_sub(1).min(62);
        let longest = i128::from(self.base_ms.max(0)) << doublings;
        let longest = longest.min(i128::from(self.cap_ms.max(0)));
        // A 64-bit draw as a fraction of 1: at most 63 + 64 bits.
        i64::try_from(((longest + 1) * i128::from(draw)) >> 64).unwrap_or(self.cap_ms)
    }
}
