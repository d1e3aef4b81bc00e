//! One claim, and one batch of claims, from beginning to end. No runtime: whoever calls this polls it.

use super::{
    Action, Claim, Dispatch, MAX_ERROR_CHARS, Outcome, RetryPolicy, SendError, Sender, decide, decide::outside_window,
};
use crate::{env::Env, outreach::Outreach, store::StoreError, time::Timestamp};

/// The world outside: asked whenever a decision needs the present moment. The clock and the random source enter here.
pub type World<'a> = dyn Fn() -> Env + Send + Sync + 'a;

/// What a dispatcher may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long a claim, and each send, may take before others may take over, in milliseconds.
    pub lease_ms: i64,
    /// When failed messages are tried again.
    pub retry: RetryPolicy,
}

impl Default for Options {
    /// A minute: three times what the webhook sender may take, and what a message waits at most if its dispatcher dies.
    fn default() -> Self {
        Self { lease_ms: 60_000, retry: RetryPolicy::default() }
    }
}

/// What became of one claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivered {
    /// The sender took it.
    Sent,
    /// The sender did not take it; it is tried again.
    Retrying,
    /// It is given up.
    Failed,
    /// It waits for its calling window.
    Postponed,
    /// The contact must not be reached.
    Cancelled,
    /// It was cancelled, or its campaign paused, between claim and start: nothing was sent.
    Withheld,
    /// The lease was lost: somebody else has it now. If the sender was called, the message may be sent again.
    Lost,
}

/// Sends one claimed outreach, or does what else has to be done with it.
///
/// If the store fails, the error is returned and the row stays as it is until its lease ends.
pub async fn deliver(
    store: &dyn Dispatch,
    sender: &dyn Sender,
    world: &World<'_>,
    claim: &Claim,
    options: &Options,
) -> Result<Delivered, StoreError> {
    let now = world().now;
    let message = match decide(claim, now, &options.retry) {
        Action::Send(message) => message,
        Action::Postpone(at) => return give_back(store, claim, &Outcome::Postponed { at }, now).await,
        Action::Fail(failure) => {
            return give_back(store, claim, &Outcome::Failed { error: bounded(&failure.to_string()) }, now).await;
        }
        Action::Cancel => return give_back(store, claim, &Outcome::Cancelled, now).await,
    };
    if !store.start(&claim.lease, now, options.lease_ms).await? {
        store.finish(&claim.lease, &Outcome::Released, now).await?;
        return Ok(Delivered::Withheld);
    }
    // Committing may have taken a while, and the window may have closed meanwhile.
    let now = world().now;
    if let Some(at) = outside_window(claim, now) {
        return give_back(store, claim, &Outcome::Postponed { at }, now).await;
    }
    let result = sender.send(&message, &claim.destination).await;
    let env = world();
    let outcome = match result {
        Ok(()) => Outcome::Sent,
        Err(error) => after_failure(message.attempt, &error, &env, &options.retry),
    };
    give_back(store, claim, &outcome, env.now).await
}

async fn give_back(
    store: &dyn Dispatch,
    claim: &Claim,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Delivered, StoreError> {
    if !store.finish(&claim.lease, outcome, now).await? {
        return Ok(Delivered::Lost);
    }
    Ok(match outcome {
        Outcome::Sent => Delivered::Sent,
        Outcome::Retry { .. } => Delivered::Retrying,
        Outcome::Failed { .. } => Delivered::Failed,
        Outcome::Postponed { .. } => Delivered::Postponed,
        Outcome::Released => Delivered::Withheld,
        Outcome::Cancelled => Delivered::Cancelled,
    })
}

/// A retry, or the end. If the calling window is closed at the time of the retry, that is decided then, as always.
fn after_failure(attempt: u32, error: &SendError, env: &Env, policy: &RetryPolicy) -> Outcome {
    match error {
        SendError::Permanent { reason } => Outcome::Failed { error: bounded(reason) },
        SendError::Retryable { reason, .. } if attempt >= policy.max_attempts => {
            Outcome::Failed { error: bounded(&format!("gave up after {attempt} attempts: {reason}")) }
        }
        SendError::Retryable { reason, after_ms } => {
            let asked = after_ms.unwrap_or(0).clamp(0, policy.cap_ms);
            let at = env.now.plus_millis(policy.backoff(attempt, env.draw).max(asked));
            Outcome::Retry { at, error: bounded(reason) }
        }
    }
}

/// What is kept of a reason. Not every database can keep a U+0000.
fn bounded(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(MAX_ERROR_CHARS).collect()
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundReport {
    /// Rows that other dispatchers had left behind.
    pub recovered: u64,
    /// Rows claimed.
    pub claimed: u64,
    /// See [`Delivered::Sent`].
    pub sent: u64,
    /// See [`Delivered::Retrying`].
    pub retried: u64,
    /// See [`Delivered::Failed`].
    pub failed: u64,
    /// See [`Delivered::Postponed`].
    pub postponed: u64,
    /// See [`Delivered::Cancelled`].
    pub cancelled: u64,
    /// See [`Delivered::Withheld`].
    pub withheld: u64,
    /// See [`Delivered::Lost`].
    pub lost: u64,
    /// The longest that a claimed row had been due, in milliseconds.
    pub lag_ms: i64,
}

impl RoundReport {
    /// Counts one.
    pub const fn count(&mut self, delivered: Delivered) {
        *match delivered {
            Delivered::Sent => &mut self.sent,
            Delivered::Retrying => &mut self.retried,
            Delivered::Failed => &mut self.failed,
            Delivered::Postponed => &mut self.postponed,
            Delivered::Cancelled => &mut self.cancelled,
            Delivered::Withheld => &mut self.withheld,
            Delivered::Lost => &mut self.lost,
        } += 1;
    }
}

/// Recovers, claims at most `limit` and delivers one after the other: a whole dispatcher for a single thread.
///
/// An error ends the round; what was claimed and not delivered is due again when its lease ends.
pub async fn round(
    store: &dyn Dispatch,
    sender: &dyn Sender,
    world: &World<'_>,
    limit: u32,
    options: &Options,
) -> Result<RoundReport, StoreError> {
    let now = world().now;
    let mut report = RoundReport { recovered: store.recover(now).await?, ..RoundReport::default() };
    let claims = store.claim(now, limit, options.lease_ms).await?;
    report.claimed = claims.len() as u64;
    for claim in &claims {
        report.lag_ms = report.lag_ms.max(now.millis_since(claim.due_at));
        report.count(deliver(store, sender, world, claim, options).await?);
    }
    Ok(report)
}

impl Outreach {
    /// `scheduled` becomes `sending`: what every store's [`Dispatch::start`] has to do with a row, said once. Returns
    /// whether it was.
    pub fn start(&mut self) -> bool {
        let startable = self.status == crate::OutreachStatus::Scheduled;
        if startable {
            self.status = crate::OutreachStatus::Sending;
            self.attempts = self.attempts.saturating_add(1);
        }
        startable
    }

    /// `sending` becomes `scheduled`, or `cancelled` if that was requested: what every store's [`Dispatch::recover`] has
    /// to do with a row whose lease has ended, said once. Returns whether it was.
    pub fn recover(&mut self) -> bool {
        let abandoned = self.status == crate::OutreachStatus::Sending;
        if abandoned {
            let cancelled = self.cancel_requested_at.is_some();
            self.status = if cancelled { crate::OutreachStatus::Cancelled } else { crate::OutreachStatus::Scheduled };
        }
        abandoned
    }
}
