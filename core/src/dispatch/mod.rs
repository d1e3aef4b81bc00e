//! Sending what is due: the ports of a dispatcher, and everything about it that is pure.
//!
//! A dispatcher [claims](Dispatch::claim) due outreach, [decides](decide) what to do with each, and if it is to be sent
//! [starts](Dispatch::start) it immediately before it calls a [`Sender`], and [finishes](Dispatch::finish) it with what
//! came of it. [`deliver`] does this for one claim and [`round`] for a batch; a loop around them, with as many sends at a
//! time as one likes, is an adapter's business. Any number of dispatchers share the work of one store.
//!
//! - **At least once.** A message is `sending` before its sender is called. If nobody reports a result before the lease
//!   ends (the dispatcher died), [`Dispatch::recover`] makes it due again. Its id stays the same, so a receiver can tell.
//! - **Fenced.** Each claim raises the row's fence; whoever held an earlier one can neither start nor finish it any more.
//! - **Cancelled means cancelled.** [`Dispatch::start`] is a compare-and-set on the same row that a cancellation changes,
//!   so one of the two comes first: nothing is sent whose `sending` was not committed before its cancellation was. A
//!   send that was under way is never retried and shows when it should have been cancelled.
//! - **At the right time.** [`decide`] reads the calling window at the moment of sending, not at that of scheduling: what
//!   a paused campaign or a stopped dispatcher held back is moved to the window's next opening.
//!
//! Times come from the dispatcher's clock. Clocks of several dispatchers may differ by less than a lease minus the time
//! that a sender may take; if they differ more, messages are sent twice, never lost.

mod decide;
mod outcome;
mod retry;
mod round;

use async_trait::async_trait;

pub use decide::{Action, Failure, MAX_ERROR_CHARS, MAX_TEXT_CHARS, Message, decide};
pub use outcome::Outcome;
pub use retry::RetryPolicy;
pub use round::{Delivered, Options, RoundReport, World, deliver, round};

use crate::{
    contact::Contact,
    id::{AdminId, ContactId, OutreachId},
    outreach::Outreach,
    store::StoreError,
    time::Timestamp,
    webhook::Webhook,
    window::WeeklyWindow,
};

/// The right to start and finish one outreach, until somebody else claims it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The outreach.
    pub id: OutreachId,
    /// Its admin.
    pub admin_id: AdminId,
    /// Its contact.
    pub contact_id: ContactId,
    /// The number of the claim. A later claim has a larger one.
    pub fence: u64,
}

/// One claimed outreach and all that sending it needs, as it was when it was claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The right to send it.
    pub lease: Lease,
    /// The outreach.
    pub outreach: Outreach,
    /// When it became due, retries included.
    pub due_at: Timestamp,
    /// Whom it reaches.
    pub contact: Contact,
    /// When its campaign may reach people.
    pub calling_window: Option<WeeklyWindow>,
    /// Where it goes.
    pub destination: Destination,
}

/// Where an admin's messages go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    /// The admin's webhook.
    pub webhook: Option<Webhook>,
}

/// What waits for a dispatcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many could be claimed, counted up to [`Backlog::MOST`].
    pub due: u64,
    /// When the first of them became due.
    pub oldest: Option<Timestamp>,
}

impl Backlog {
    /// Where counting ends, so that a large backlog is not made larger by looking at it.
    pub const MOST: u64 = 100_000;
}

/// The port to a store's outreach. Optional: only a dispatcher needs it.
///
/// A row has, beside what [`Outreach`] shows, a fence and the time from which it may be claimed: `scheduled_at` at first,
/// the end of the lease once claimed, the time of the next attempt after a failure.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// Ends what dispatchers left behind: every `sending` row whose lease has ended becomes `cancelled` if its
    /// cancellation was requested, else `scheduled` again and due at once. Either way the fence is raised. Returns how
    /// many there were.
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Takes at most `limit` due rows for `lease_ms` milliseconds, those that became due first before the others.
    ///
    /// Due is what is `scheduled`, may be claimed by now, and belongs to a campaign that is active and not deleted.
    /// Raises the fence of each. No row is ever claimed twice at a time.
    async fn claim(&self, now: Timestamp, limit: u32, lease_ms: i64) -> Result<Vec<Claim>, StoreError>;

    /// `scheduled` becomes `sending`, `attempts` is raised by one and the lease is renewed, if the lease's fence still is
    /// the row's and the campaign is active and not deleted. Durable when it returns; false: nothing was changed and
    /// nothing may be sent.
    ///
    /// In the order of commits, this comes wholly before or wholly after a cancellation and a pause of the campaign.
    async fn start(&self, lease: &Lease, now: Timestamp, lease_ms: i64) -> Result<bool, StoreError>;

    /// Gives a claimed row back as [`Outcome::apply`] says, if the lease's fence still is the row's. False: nothing was
    /// changed, because somebody else has claimed or cancelled it.
    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<bool, StoreError>;

    /// What could be claimed now.
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError>;
}

/// The port to whatever carries messages: a webhook, a provider's API, a console.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Hands over one message. It may come again with the same [`Message::id`] and must then be taken as the same.
    ///
    /// Has to return in less than the lease that the dispatcher uses, whatever the other side does.
    async fn send(&self, message: &Message, destination: &Destination) -> Result<(), SendError>;
}

/// Why a message was not handed over.
///
/// The reason is shown to the admin: no secrets, no answers of third parties, no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may work later.
    #[error("{reason}")]
    Retryable {
        /// What happened.
        reason: String,
        /// The other side asked not to be called again before so many milliseconds have passed.
        after_ms: Option<i64>,
    },
    /// It never will.
    #[error("{reason}")]
    Permanent {
        /// What happened.
        reason: String,
    },
}

impl SendError {
    /// A failure that may pass.
    #[must_use]
    pub fn retryable(reason: impl Into<String>) -> Self {
        Self::Retryable { reason: reason.into(), after_ms: None }
    }

    /// A failure that will not.
    #[must_use]
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent { reason: reason.into() }
    }
}
