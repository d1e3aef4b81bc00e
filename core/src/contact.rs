//! A contact: one person, unique by phone number within an admin.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    actor::Actor,
    id::{AdminId, CampaignId, ContactId, DecisionId, HistoryId, SplitterId},
    phone::PhoneNumber,
    time::Timestamp,
};

/// Where a contact stands in its campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactStatus {
    /// Outreach goes out.
    Active,
    /// An admin holds the outreach.
    Paused,
    /// The campaign reached its goal with this contact.
    Fulfilled,
    /// Do not contact: suppressed for good, an enrolment can not take it off.
    #[serde(rename = "DNC")]
    Dnc,
    /// Does not meet the campaign's conditions.
    NotQualifies,
    /// Declined.
    NotInterested,
    /// Could not be reached.
    NotAnswering,
    /// The number belongs to somebody else.
    WrongNumber,
    /// Asked for a person; automatic outreach ends.
    TalkToHuman,
}

/// What the status list of the API says about a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusInfo {
    /// The name in JSON, as in `DNC`.
    pub name: &'static str,
    /// What a dashboard shows.
    pub label: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// `#rrggbb`.
    pub color: &'static str,
    /// Whether left out of success statistics.
    pub exclude_from_stats: bool,
}

impl ContactStatus {
    /// Every status in display order.
    pub const ALL: [Self; 9] = [
        Self::Active,
        Self::Paused,
        Self::Fulfilled,
        Self::Dnc,
        Self::NotQualifies,
        Self::NotInterested,
        Self::NotAnswering,
        Self::WrongNumber,
        Self::TalkToHuman,
    ];

    /// Whether outreach has ended. `active` and `paused` are the two statuses that are not terminal.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Active | Self::Paused)
    }

    /// Name, label, description and colour.
    #[must_use]
    pub const fn info(self) -> StatusInfo {
        let (name, label, description, color, exclude_from_stats) = match self {
            Self::Active => ("active", "Active", "Outreach is scheduled and goes out.", "#2563eb", false),
            Self::Paused => {
                ("paused", "Paused", "Outreach is held until the contact is active again.", "#6b7280", false)
            }
            Self::Fulfilled => ("fulfilled", "Fulfilled", "The campaign reached its goal.", "#16a34a", false),
            Self::Dnc => ("DNC", "Do not contact", "Asked not to be contacted; nothing is ever sent.", "#dc2626", true),
            Self::NotQualifies => {
                ("not-qualifies", "Does not qualify", "Does not meet the conditions.", "#b45309", false)
            }
            Self::NotInterested => ("not-interested", "Not interested", "Declined the offer.", "#ea580c", false),
            Self::NotAnswering => ("not-answering", "Not answering", "Could not be reached.", "#a16207", false),
            Self::WrongNumber => {
                ("wrong-number", "Wrong number", "The number belongs to somebody else.", "#7c3aed", true)
            }
            Self::TalkToHuman => {
                ("talk-to-human", "Talk to a human", "Asked for a person; automatic outreach ends.", "#0891b2", false)
            }
        };
        StatusInfo { name, label, description, color, exclude_from_stats }
    }

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.info().name
    }
}

impl std::fmt::Display for ContactStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a contact status")]
pub struct UnknownStatus(pub String);

impl std::str::FromStr for ContactStatus {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// Custom variables: flat, every value a text.
pub type CustomVariables = BTreeMap<String, String>;

/// The decision that put a contact where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// The splitter that chose.
    pub splitter_id: SplitterId,
    /// The row of its log.
    pub decision_id: DecisionId,
    /// When it chose.
    pub decided_at: Timestamp,
    /// Whether the choice was made by the quota; an overflow to a fallback campaign was not, and gives no credit back.
    pub in_quota: bool,
    /// Whether the contact is counted among those concurrently active in its campaign.
    pub counts_active: bool,
    /// Whether the outcome of this assignment is still to come; the first one closes it.
    pub trial_open: bool,
    /// The draw of the `random` strategy; used again when the contact is sent again, so that it does not flap.
    pub draw: Option<u64>,
}

/// A contact as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Its id; stays the same however often the contact is sent again.
    pub id: ContactId,
    /// The admin that owns it.
    pub admin_id: AdminId,
    /// The campaign it is enrolled in.
    pub campaign_id: CampaignId,
    /// Its phone number, unique within the admin.
    pub phone_number: PhoneNumber,
    /// Full name, at most 255 characters.
    pub name: Option<String>,
    /// The zone in which calling windows are read.
    pub timezone: Tz,
    /// Where it stands.
    pub status: ContactStatus,
    /// What the sender attached.
    pub custom_variables: CustomVariables,
    /// When the contact was first created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it last became `fulfilled`.
    pub fulfilled_at: Option<Timestamp>,
    /// When it was last reactivated.
    pub re_added_at: Option<Timestamp>,
    /// When it was soft-deleted; `None` while it exists.
    pub deleted_at: Option<Timestamp>,
    /// The splitter's decision behind [`Self::campaign_id`]; `None` after a direct enrolment.
    pub assignment: Option<Assignment>,
}

impl Contact {
    /// Whether outreach may go out: active and not deleted.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        matches!(self.status, ContactStatus::Active) && self.deleted_at.is_none()
    }

    /// The value of a template variable: `name` and `phoneNumber` (the text in `phone`) come from the contact itself, all else from
    /// its custom variables. A contact without a name falls back to a custom variable `name`.
    #[must_use]
    pub fn variable<'a>(&'a self, name: &str, phone: &'a str) -> Option<&'a str> {
        match name {
            "phoneNumber" => Some(phone),
            "name" if self.name.is_some() => self.name.as_deref(),
            _ => self.custom_variables.get(name).map(String::as_str),
        }
    }
}

/// What happened to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HistoryKind {
    /// Created by an enrolment.
    Created,
    /// An active or paused contact was sent again.
    Updated,
    /// A deleted or finished contact was sent again.
    Reactivated,
    /// A suppressed contact was sent again: data updated, nothing scheduled.
    Suppressed,
    /// Its status or campaign was changed by hand.
    Edited,
    /// Soft-deleted.
    Deleted,
}

/// The fields of a contact before a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactFields {
    /// See [`Contact::campaign_id`].
    pub campaign_id: CampaignId,
    /// See [`Contact::name`].
    pub name: Option<String>,
    /// See [`Contact::timezone`].
    pub timezone: Tz,
    /// See [`Contact::status`].
    pub status: ContactStatus,
    /// See [`Contact::custom_variables`].
    pub custom_variables: CustomVariables,
    /// See [`Contact::deleted_at`].
    pub deleted_at: Option<Timestamp>,
}

impl From<&Contact> for ContactFields {
    fn from(contact: &Contact) -> Self {
        Self {
            campaign_id: contact.campaign_id,
            name: contact.name.clone(),
            timezone: contact.timezone,
            status: contact.status,
            custom_variables: contact.custom_variables.clone(),
            deleted_at: contact.deleted_at,
        }
    }
}

/// One entry of a contact's history, append-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Its id; sorts by time.
    pub id: HistoryId,
    /// The contact.
    pub contact_id: ContactId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub kind: HistoryKind,
    /// The decision that was part of it.
    pub decision_id: Option<DecisionId>,
    /// What was replaced; `None` for [`HistoryKind::Created`].
    pub before: Option<ContactFields>,
}
