//! What to do with a claimed outreach now.

use thiserror::Error;

use super::{Claim, RetryPolicy};
use crate::{
    id::{AdminId, CampaignId, ContactId, OutreachId},
    outreach::Channel,
    phone::PhoneNumber,
    template::{MAX_TEMPLATE_CHARS, MissingVariables, RenderError},
    time::Timestamp,
};

/// The most characters of a rendered text: those of the longest template and, once, of the longest value.
///
/// Without a bound a template of 800 placeholders and a value of 4,096 characters would make 3 million.
pub const MAX_TEXT_CHARS: usize = 2 * MAX_TEMPLATE_CHARS;

/// The most characters of the reason that is kept of a failure.
pub const MAX_ERROR_CHARS: usize = 500;

/// A message as a sender gets it.
///
/// `Debug` leaves out number and text, so that nobody's ends up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The outreach's id, the same at every attempt: receivers deduplicate by it.
    pub id: OutreachId,
    /// The admin that it is sent for.
    pub admin_id: AdminId,
    /// The contact that it reaches.
    pub contact_id: ContactId,
    /// The campaign that it belongs to.
    pub campaign_id: CampaignId,
    /// How the contact is reached.
    pub channel: Channel,
    /// The contact's number.
    pub to: PhoneNumber,
    /// The rendered text.
    pub text: String,
    /// When it was due.
    pub scheduled_at: Timestamp,
    /// When this attempt is made.
    pub sent_at: Timestamp,
    /// 1 at the first attempt.
    pub attempt: u32,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .field("scheduled_at", &self.scheduled_at)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// What to do with a claimed outreach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start it and hand this to the sender.
    Send(Message),
    /// Not now, but at the next moment inside the calling window.
    Postpone(Timestamp),
    /// Never, for this reason.
    Fail(Failure),
    /// Never: the contact must not be reached.
    Cancel,
}

/// Why an outreach is given up without calling a sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The contact lacks variables without a default; nothing is sent half-filled.
    #[error(transparent)]
    Missing(#[from] MissingVariables),
    /// The rendered text has more than [`MAX_TEXT_CHARS`] characters.
    #[error("the text would have more than {MAX_TEXT_CHARS} characters")]
    TooLong,
    /// Every attempt that it may have was started, and the last one never reported back.
    #[error("gave up after {0} attempts: no result before the lease ended")]
    Exhausted(u32),
}

/// What to do with a claimed outreach at the moment `now`.
///
/// In this order: a contact that must not be reached is not; outside of the calling window, read in the contact's zone,
/// it waits; an outreach without attempts left has failed, as has one that can not be rendered.
#[must_use]
pub fn decide(claim: &Claim, now: Timestamp, policy: &RetryPolicy) -> Action {
    let Claim { outreach, contact, .. } = claim;
    if !contact.is_reachable() {
        return Action::Cancel;
    }
    if let Some(at) = outside_window(claim, now) {
        return Action::Postpone(at);
    }
    if outreach.attempts >= policy.max_attempts {
        return Action::Fail(Failure::Exhausted(outreach.attempts));
    }
    let phone = contact.phone_number.to_string();
    let lookup = |name: &str| contact.variable(name, &phone);
    match outreach.template.render_within(MAX_TEXT_CHARS, lookup) {
        Ok(text) => Action::Send(Message {
            id: outreach.id,
            admin_id: outreach.admin_id,
            contact_id: contact.id,
            campaign_id: outreach.campaign_id,
            channel: outreach.channel,
            to: contact.phone_number,
            text,
            scheduled_at: outreach.scheduled_at,
            sent_at: now,
            attempt: outreach.attempts.saturating_add(1),
        }),
        Err(RenderError::Missing(missing)) => Action::Fail(missing.into()),
        Err(RenderError::TooLong { .. }) => Action::Fail(Failure::TooLong),
    }
}

/// The next opening of the calling window, if it is closed at `at`.
pub(super) fn outside_window(claim: &Claim, at: Timestamp) -> Option<Timestamp> {
    let window = claim.calling_window?;
    (!window.contains_at(claim.contact.timezone, at)).then(|| window.first_moment(claim.contact.timezone, at))
}
