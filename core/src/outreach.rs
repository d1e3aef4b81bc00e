//! Outreach: one scheduled call, SMS or `WhatsApp` message, and how a campaign's steps become times.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    id::{AdminId, CampaignId, ContactId, OutreachId},
    template::Template,
    time::{MINUTE_MS, Timestamp},
    window::WeeklyWindow,
};

/// How a contact is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A phone call.
    Call,
    /// A text message.
    Sms,
    /// A `WhatsApp` message.
    Whatsapp,
}

/// Where an outreach stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutreachStatus {
    /// Waits for its time.
    Scheduled,
    /// Handed to a sender; can no longer be taken back.
    Sending,
    /// The sender took it.
    Sent,
    /// Given up, see [`Outreach::error`].
    Failed,
    /// Taken back before it was sent.
    Cancelled,
}

macro_rules! names {
    ($type:ident, $unknown:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// The name in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $unknown;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($name => Ok(Self::$variant),)+ _ => Err($unknown(text.to_owned())) }
            }
        }

        #[doc = concat!("A text that names no ", $what, ".")]
        #[derive(Debug, Clone, PartialEq, Eq, Error)]
        #[error("`{text}` is not a {}", $what, text = .0)]
        pub struct $unknown(pub String);
    };
}

names!(Channel, UnknownChannel, "channel", Call = "call", Sms = "sms", Whatsapp = "whatsapp");
names!(
    OutreachStatus,
    UnknownOutreachStatus,
    "status of outreach",
    Scheduled = "scheduled",
    Sending = "sending",
    Sent = "sent",
    Failed = "failed",
    Cancelled = "cancelled"
);

/// One step of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutreachStep {
    /// How the contact is reached.
    pub channel: Channel,
    /// Minutes after enrolment.
    pub delay_minutes: u32,
    /// What is said, parsed when the campaign was saved.
    pub template: Template,
}

/// One scheduled call, SMS or `WhatsApp` message to one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outreach {
    /// Its id; receivers deduplicate by it.
    pub id: OutreachId,
    /// The admin that owns it.
    pub admin_id: AdminId,
    /// The contact.
    pub contact_id: ContactId,
    /// The campaign whose step it carries out.
    pub campaign_id: CampaignId,
    /// How the contact is reached.
    pub channel: Channel,
    /// The text as it stood in the campaign at enrolment; variables are filled in when it is sent.
    pub template: Template,
    /// Where it stands.
    pub status: OutreachStatus,
    /// When it is due.
    pub scheduled_at: Timestamp,
    /// When it was scheduled.
    pub created_at: Timestamp,
    /// When the sender took it.
    pub sent_at: Option<Timestamp>,
    /// How often a sender was called.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<String>,
    /// When its cancellation came too late, while it was being sent.
    pub cancel_requested_at: Option<Timestamp>,
}

impl Outreach {
    /// Takes it back: `scheduled` becomes `cancelled`; one under way only remembers that it should not have gone out.
    /// Returns whether anything changed.
    pub fn cancel(&mut self, at: Timestamp) -> bool {
        match self.status {
            OutreachStatus::Scheduled => self.status = OutreachStatus::Cancelled,
            OutreachStatus::Sending if self.cancel_requested_at.is_none() => self.cancel_requested_at = Some(at),
            OutreachStatus::Sending | OutreachStatus::Sent | OutreachStatus::Failed | OutreachStatus::Cancelled => {
                return false;
            }
        }
        true
    }
}

/// When a step is due: the first moment at or after enrolment + delay inside the calling window, read in the contact's
/// zone. Without a window, that moment itself.
#[must_use]
pub fn due_at(step: &OutreachStep, window: Option<&WeeklyWindow>, zone: Tz, enrolled_at: Timestamp) -> Timestamp {
    let earliest = enrolled_at.plus_millis(i64::from(step.delay_minutes) * MINUTE_MS);
    window.map_or(earliest, |window| window.first_moment(zone, earliest))
}
