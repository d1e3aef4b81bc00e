//! Idempotency keys: the first answer to a request is given again, and nothing is done twice.

use crate::{
    env::Env,
    id::{AdminId, DecisionId},
    plan::{Effect, Plan, Reply},
    rejection::Rejection,
    snapshot::Snapshot,
    time::{DAY_MS, Timestamp},
};

/// How long an answer is given again.
pub const LIFETIME_MS: i64 = DAY_MS;

/// What makes two requests the same attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    /// The admin.
    pub admin_id: AdminId,
    /// Method and path, as `POST /contacts`.
    pub route: String,
    /// The caller's key: 1 to 255 visible ASCII characters.
    pub key: String,
}

/// Whether a text may be an idempotency key.
#[must_use]
pub fn is_valid_key(key: &str) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The first answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// What it answers.
    pub key: IdempotencyKey,
    /// SHA-256 of the request's raw body.
    pub body_hash: [u8; 32],
    /// When it was given.
    pub created_at: Timestamp,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The value of `X-Distribution-Id`.
    pub decision_id: Option<DecisionId>,
}

/// A request that carries an idempotency key.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What makes two requests the same attempt.
    pub key: IdempotencyKey,
    /// SHA-256 of the request's raw body.
    pub body_hash: [u8; 32],
}

/// Status, body and decision of an answer that is to be remembered.
pub type Rendered = (u16, Vec<u8>, Option<DecisionId>);

/// Runs a command at most once for an attempt: a remembered answer is given again, the same key with another body is
/// refused, and the answer of a command that succeeds is remembered in the same plan.
///
/// Comes before anything else is looked up, so a repeat succeeds even if the splitter has been deleted since.
pub fn once(
    snapshot: &Snapshot,
    attempt: Option<&Attempt>,
    env: &Env,
    render: impl FnOnce(&Reply) -> Rendered,
    command: impl FnOnce() -> Result<Plan, Rejection>,
) -> Result<Plan, Rejection> {
    let Some(attempt) = attempt else { return command() };
    let earlier = snapshot.idempotency.get(&attempt.key);
    if let Some(record) = earlier.filter(|record| env.now.millis_since(record.created_at) < LIFETIME_MS) {
        if record.body_hash != attempt.body_hash {
            return Err(Rejection::IdempotencyMismatch);
        }
        return Ok(Plan::nothing(attempt.key.admin_id, Reply::Replayed(Box::new(record.clone()))));
    }
    let mut plan = command()?;
    let (status, body, decision_id) = render(&plan.reply);
    plan.effects.push(Effect::RecordIdempotency(IdempotencyRecord {
        key: attempt.key.clone(),
        body_hash: attempt.body_hash,
        created_at: env.now,
        status,
        body,
        decision_id,
    }));
    Ok(plan)
}
