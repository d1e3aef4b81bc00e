//! The clock and the random source: the one place where either enters.

use splitter_core::{Env, Timestamp};

/// What a request may not invent by itself. [`SystemWorld`] serves; tests give a fixed one.
pub trait World: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with random ones, fit for secrets.
    fn fill_random(&self, bytes: &mut [u8]);

    /// The environment of one request: the time, one draw, one seed of ids.
    fn env(&self) -> Env {
        let (mut draw, mut seed) = ([0; 8], [0; 8]);
        self.fill_random(&mut draw);
        self.fill_random(&mut seed);
        Env::new(self.now(), u64::from_le_bytes(draw), u64::from_le_bytes(seed))
    }
}

/// The system's clock and its cryptographically secure random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemWorld;

impl World for SystemWorld {
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        // A ChaCha generator per thread, seeded by the operating system.
        rand::fill(bytes);
    }
}
