//! What became of a claim, and what the row says afterwards.

use crate::{
    outreach::{Outreach, OutreachStatus},
    time::Timestamp,
};

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The sender took it.
    Sent,
    /// The sender did not take it; it is tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// Why it has to be.
        error: String,
    },
    /// It is given up.
    Failed {
        /// Why.
        error: String,
    },
    /// No sender was called, because the calling window is closed; it is due when that opens.
    Postponed {
        /// When.
        at: Timestamp,
    },
    /// No sender was called; it stays due.
    Released,
    /// No sender was called, and none shall be.
    Cancelled,
}

impl Outcome {
    /// The status of the row if its cancellation has not been requested meanwhile.
    #[must_use]
    pub const fn status(&self) -> OutreachStatus {
        match self {
            Self::Sent => OutreachStatus::Sent,
            Self::Retry { .. } | Self::Postponed { .. } | Self::Released => OutreachStatus::Scheduled,
            Self::Failed { .. } => OutreachStatus::Failed,
            Self::Cancelled => OutreachStatus::Cancelled,
        }
    }

    /// Whether only a row that is `sending` can have come to this: those that are `scheduled` were not sent.
    #[must_use]
    pub const fn needs_sending(&self) -> bool {
        matches!(self, Self::Sent | Self::Retry { .. })
    }

    /// Whether no sender was called, so that an attempt that was started does not count.
    #[must_use]
    pub const fn uncalled(&self) -> bool {
        matches!(self, Self::Postponed { .. } | Self::Released | Self::Cancelled)
    }

    /// Why it was not sent.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Retry { error, .. } | Self::Failed { error } => Some(error),
            Self::Sent | Self::Postponed { .. } | Self::Released | Self::Cancelled => None,
        }
    }

    /// The time that the row is moved to, if it is.
    #[must_use]
    pub const fn moved_to(&self) -> Option<Timestamp> {
        match self {
            Self::Postponed { at } => Some(*at),
            _ => None,
        }
    }

    /// When the row may be claimed again.
    #[must_use]
    pub const fn next_attempt_at(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Retry { at, .. } | Self::Postponed { at } => *at,
            _ => now,
        }
    }

    /// Carries the outcome out on a row that the lease is still good for: what every store's [`finish`](super::Dispatch::finish)
    /// has to do, said once. Returns whether it applies; otherwise nothing is changed.
    ///
    /// - From `sending`, every outcome applies; from `scheduled`, those that [need no sending](Self::needs_sending).
    /// - A row whose cancellation was requested becomes `cancelled`, unless it was sent: nothing is retried.
    /// - An error is kept until the row is sent; other outcomes leave that of an earlier attempt.
    pub fn apply(&self, row: &mut Outreach, now: Timestamp) -> bool {
        match row.status {
            OutreachStatus::Sending => {}
            OutreachStatus::Scheduled if !self.needs_sending() => {}
            _ => return false,
        }
        if row.status == OutreachStatus::Sending && self.uncalled() {
            row.attempts = row.attempts.saturating_sub(1);
        }
        let sent = *self == Self::Sent;
        row.status = if row.cancel_requested_at.is_some() && !sent { OutreachStatus::Cancelled } else { self.status() };
        row.scheduled_at = self.moved_to().unwrap_or(row.scheduled_at);
        row.sent_at = if sent { Some(now) } else { row.sent_at };
        row.error = match self.error() {
            Some(error) => Some(error.to_owned()),
            None if sent => None,
            None => row.error.take(),
        };
        true
    }
}
