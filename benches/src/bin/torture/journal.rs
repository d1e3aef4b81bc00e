//! What a client has sent and what it was answered.

use std::time::Instant;

use splitter_core::{CampaignId, ContactId, DecisionId, SplitterId};

/// An enrolment that was sent, whatever became of it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) phone: u64,
    pub(crate) splitter: SplitterId,
    pub(crate) key: Option<String>,
    pub(crate) at: Instant,
    /// `None`: nobody knows.
    pub(crate) answer: Option<Answer>,
}

/// The answer to an enrolment: the server's word.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) at: Instant,
    pub(crate) created: bool,
    pub(crate) contact: ContactId,
    pub(crate) campaign: CampaignId,
    pub(crate) decision: DecisionId,
}

/// A change of a contact's status.
#[derive(Debug, Clone)]
pub(crate) struct StatusChange {
    pub(crate) phone: u64,
    pub(crate) status: &'static str,
    pub(crate) acknowledged: bool,
}

/// The pausing campaign was paused or resumed.
#[derive(Debug, Clone)]
pub(crate) struct Pause {
    pub(crate) paused: bool,
    pub(crate) sent: Instant,
    pub(crate) acknowledged: Option<Instant>,
}

/// A request of the limited key that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Admitted {
    /// When the window ends (Unix seconds).
    pub(crate) reset: u64,
    pub(crate) remaining: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) enrolments: Vec<Sent>,
    pub(crate) statuses: Vec<StatusChange>,
    pub(crate) pauses: Vec<Pause>,
    pub(crate) admitted: Vec<Admitted>,
    /// Answers that none of this should give.
    pub(crate) unexpected: Vec<String>,
    /// Requests that were hung up on.
    pub(crate) cut: u64,
    /// Requests that found no server, or none that could do it.
    pub(crate) lost: u64,
    /// Requests over the limit.
    pub(crate) limited: u64,
}

impl Journal {
    pub(crate) fn append(&mut self, mut other: Self) {
        self.enrolments.append(&mut other.enrolments);
        self.statuses.append(&mut other.statuses);
        self.pauses.append(&mut other.pauses);
        self.admitted.append(&mut other.admitted);
        self.unexpected.append(&mut other.unexpected);
        self.cut += other.cut;
        self.lost += other.lost;
        self.limited += other.limited;
    }
}
