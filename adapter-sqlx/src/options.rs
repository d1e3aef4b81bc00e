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
}

impl Default for CommitOptions {
    /// 1,024 waiting, 128 in a batch, 5 retries.
    ///
    /// A batch of 128 takes a few milliseconds; larger ones gain little and make everybody wait for the slowest.
    fn default() -> Self {
        Self { queue: 1024, batch: 128, retries: 5 }
    }
}
