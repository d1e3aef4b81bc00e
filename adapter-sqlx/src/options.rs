//! What both databases can be told about committing in groups.

/// How requests are gathered into transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitOptions {
    /// Requests that may wait for each writer; one more is answered with
    /// [`StoreError::Busy`](splitter_core::StoreError::Busy). At least 1.
    pub queue: usize,
    /// Requests in one transaction at most. At least 1. A request never waits for others to fill a batch.
    pub batch: usize,
    /// How often a transaction is tried again after a conflict or a lost connection before its requests are answered
    /// with [`StoreError::Unavailable`](splitter_core::StoreError::Unavailable).
    pub retries: u32,
    /// A bug to build in; for the torture command only.
    #[cfg(feature = "plant")]
    pub plant: Option<Plant>,
}

/// A bug that is built in on purpose, so that the torture command can show that it finds it.
#[cfg(feature = "plant")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// PostgreSQL: splitters are not locked.
    SkipLock,
    /// PostgreSQL: contacts and idempotency keys are not locked.
    SkipContactLock,
    /// Requests are answered some milliseconds before their transaction is committed.
    EarlyAnswer,
}

#[cfg(feature = "plant")]
impl std::str::FromStr for Plant {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "skip-lock" => Ok(Self::SkipLock),
            "skip-contact-lock" => Ok(Self::SkipContactLock),
            "early-answer" => Ok(Self::EarlyAnswer),
            _ => Err("not one of skip-lock, skip-contact-lock, early-answer"),
        }
    }
}

impl Default for CommitOptions {
    /// 1,024 waiting, 128 in a batch, 5 retries.
    ///
    /// A batch of 128 takes a few milliseconds; larger ones gain little and make everybody wait for the slowest.
    fn default() -> Self {
        Self {
            queue: 1024,
            batch: 128,
            retries: 5,
            #[cfg(feature = "plant")]
            plant: None,
        }
    }
}
