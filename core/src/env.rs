//! Everything that a plan may not invent by itself: the time, one random draw and the seed of new ids.

use uuid::Uuid;

use crate::time::Timestamp;

/// The world as one request sees it, read once at the edge and passed inward.
///
/// A plan that is called again with the same `Env` on the same snapshot gives the same result, ids included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Env {
    /// The time of the request.
    pub now: Timestamp,
    /// One uniformly distributed draw; only the `random` strategy uses it.
    pub draw: u64,
    seed: u64,
}

/// How many ids one `Env` can mint.
pub const IDS_PER_ENV: u64 = 1 << 16;

impl Env {
    /// An environment from its parts. Of `seed`, 58 bits go into the ids: two environments of the same millisecond
    /// collide with probability 2⁻⁵⁸.
    #[must_use]
    pub const fn new(now: Timestamp, draw: u64, seed: u64) -> Self {
        Self { now, draw, seed }
    }

    /// The `n`-th id of this environment, a UUID version 7 of [`Self::now`]. Ids of one environment sort by `n`.
    ///
    /// `n` is below [`IDS_PER_ENV`]; higher bits are cut off.
    #[must_use]
    pub fn id<T: From<Uuid>>(&self, n: u64) -> T {
        let millis = u64::try_from(self.now.as_millis()).unwrap_or(0);
        // 74 free bits: 58 of the seed, then 16 of the counter; the builder sets version and variant bits itself.
        let random = (u128::from(self.seed >> 6) << 16) | u128::from(n % IDS_PER_ENV);
        let high = u16::try_from(random >> 62).unwrap_or(0) & 0x0FFF;
        let low = u64::try_from(random & ((1 << 62) - 1)).unwrap_or(0);
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&high.to_be_bytes());
        bytes[2..].copy_from_slice(&low.to_be_bytes());
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_distinct_and_sorted() {
        let env = Env::new(Timestamp::from_millis(1_778_682_600_123), 0, u64::MAX);
        let ids: Vec<Uuid> = (0..1000).map(|n| env.id(n)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        let (seconds, nanos) = ids[0].get_timestamp().expect("a v7 id carries its time").to_unix();
        assert_eq!((seconds, nanos), (1_778_682_600, 123_000_000));
        let other = Env::new(env.now, 0, u64::MAX - 64);
        assert_ne!(other.id::<Uuid>(0), env.id::<Uuid>(0));
        assert_eq!(env.id::<Uuid>(7), env.id::<Uuid>(7));
    }
}
