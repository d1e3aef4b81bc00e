//! A splitter: several campaigns behind one id, and the running state of its quota.

mod config;
mod state;

use serde::{Deserialize, Serialize};

pub use config::{
    Caps, MAX_MEMBERS, MAX_WINDOWS, Member, Overflow, ReturningContacts, ShareWindow, SplitterConfig, SplitterDraft,
    Strategy, StrategyKind, WHOLE_BP, percent_text,
};
pub use state::{ChainHash, MemberState, SplitterEvent, SplitterState, TRIALS_PER_DECISION, Trial};
pub(crate) use state::{FullCap, Period};

use crate::{
    actor::Actor,
    id::{AdminId, SplitterId},
    time::Timestamp,
};

/// Whether a splitter takes contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitterStatus {
    /// Takes contacts.
    Active,
    /// Refuses contacts until it is resumed.
    Paused,
}

impl SplitterStatus {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }
}

/// A splitter as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Splitter {
    /// Its id.
    pub id: SplitterId,
    /// The admin that owns it.
    pub admin_id: AdminId,
    /// Whether it takes contacts.
    pub status: SplitterStatus,
    /// Counts its changes, from 1.
    pub version: u32,
    /// What the admin chose.
    pub config: SplitterConfig,
    /// The quota's running state.
    pub state: SplitterState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed by an admin.
    pub updated_at: Timestamp,
    /// When it was soft-deleted.
    pub deleted_at: Option<Timestamp>,
}

impl Splitter {
    /// Whether it takes contacts.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.deleted_at.is_none() && matches!(self.status, SplitterStatus::Active)
    }
}

/// One version of a splitter, kept with who made it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitterVersion {
    /// The splitter.
    pub splitter_id: SplitterId,
    /// The number of the version.
    pub version: u32,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub actor: Actor,
    /// What was done: `created`, `edited`, `paused`, `resumed` or `deleted`.
    pub change: SplitterChange,
    /// The log's `seq` when it was made: it governs the decisions after that.
    pub after_seq: u64,
    /// The configuration from then on.
    pub config: SplitterConfig,
}

/// What made a new version of a splitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitterChange {
    /// It was created.
    Created,
    /// Its configuration was changed.
    Edited,
    /// It was paused.
    Paused,
    /// It was resumed.
    Resumed,
    /// It was deleted.
    Deleted,
}
