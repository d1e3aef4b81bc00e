//! Checks of a distribution log: the hash chain, the gapless numbering, every choice made again.

use crate::{
    decision::{DecisionKind, LoggedDecision, chain},
    splitter::ChainHash,
    time::Timestamp,
};

/// What a walk along a log has found so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Rows that were checked.
    pub checked: u64,
    /// The hash of the last row that was right.
    pub head: ChainHash,
    /// The first row that was not what it has to be.
    pub first_bad_seq: Option<u64>,
    /// What was wrong with it.
    pub problem: Option<&'static str>,
}

/// Walks along a splitter's log, row by row, oldest first.
///
/// Finds any row that was changed, removed or put elsewhere, unless everything after it was recomputed as well. Rows
/// missing at the end are found by comparing [`ChainReport::head`] with a head that was exported earlier.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    next_seq: u64,
    last_at: Timestamp,
    report: ChainReport,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self::after(0, [0; 32])
    }
}

impl ChainVerifier {
    /// Starts after a checkpoint: the number and the hash of a row that is known to be right.
    #[must_use]
    pub const fn after(seq: u64, head: ChainHash) -> Self {
        let report = ChainReport { checked: 0, head, first_bad_seq: None, problem: None };
        Self { next_seq: seq + 1, last_at: Timestamp::MIN, report }
    }

    /// Checks the next row; rows after a bad one are not looked at.
    pub fn push(&mut self, row: &LoggedDecision) {
        if self.report.first_bad_seq.is_some() {
            return;
        }
        let decision = &row.decision;
        let problem = if decision.seq != self.next_seq {
            Some("its number does not follow the row before")
        } else if decision.at < self.last_at {
            Some("it is earlier than the row before")
        } else if decision.to_canonical() != row.bytes {
            Some("its bytes are not those of its decision")
        } else if chain(&self.report.head, &row.bytes) != row.hash {
            Some("its hash does not follow from its bytes and the row before")
        } else if decision.replay() != Ok(decision.campaign_id) {
            Some("its choice is not what the rule gives")
        } else {
            None
        };
        if problem.is_some() {
            self.report.first_bad_seq = Some(self.next_seq);
            self.report.problem = problem;
            return;
        }
        self.next_seq += 1;
        self.last_at = decision.at;
        self.report.checked += 1;
        self.report.head = row.hash;
    }

    /// Notes that the next row could not be read at all.
    pub fn unreadable(&mut self) {
        if self.report.first_bad_seq.is_none() {
            self.report.first_bad_seq = Some(self.next_seq);
            self.report.problem = Some("it can not be read");
        }
    }

    /// What was found.
    #[must_use]
    pub const fn report(&self) -> &ChainReport {
        &self.report
    }
}

/// Whether credits follow from row to row: within one version of the configuration, the credits that a row starts with
/// are those that the row before ended with. Returns the first `seq` where they do not.
///
/// Only rows that were decided by the same version are compared: an edit may spread the credit of removed campaigns.
#[must_use]
pub fn first_broken_credit(rows: &[LoggedDecision]) -> Option<u64> {
    let decided = |row: &&LoggedDecision| row.decision.kind == DecisionKind::Decided;
    let mut last: Option<(u32, Vec<i64>)> = None;
    for row in rows.iter().filter(decided) {
        let decision = &row.decision;
        let before: Vec<i64> = decision.candidates.iter().map(|candidate| candidate.credit).collect();
        if before.iter().sum::<i64>() != 0 {
            return Some(decision.seq);
        }
        if let Some((version, credits)) = &last
            && *version == decision.version
            && *credits != before
        {
            return Some(decision.seq);
        }
        let after = decision.credits_after().unwrap_or(before);
        last = Some((decision.version, after));
    }
    None
}
