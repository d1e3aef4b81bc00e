//! Why a command is refused. Nothing is changed by a refused command.

use thiserror::Error;

use crate::violation::Violations;

/// Why a command is refused. The texts of the first six are part of the documented API.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The splitter is missing, deleted, paused or another admin's.
    #[error("Splitter not found or inactive")]
    SplitterInactive,
    /// Every campaign of the splitter is deleted.
    #[error("Splitter distribution failed: No valid campaigns found in splitter")]
    NoValidCampaigns,
    /// Every campaign that exists is paused or switched off.
    #[error("Splitter distribution failed: Splitter has no active campaigns")]
    NoActiveCampaigns,
    /// Every active campaign has a share of zero now.
    #[error("Splitter distribution failed: No campaign has a share at this time")]
    NoShare,
    /// Every campaign that could take the contact is at a cap.
    #[error("Splitter distribution failed: All campaigns are at capacity")]
    AtCapacity,
    /// The campaign is missing, deleted or another admin's.
    #[error("Campaign not found")]
    CampaignNotFound,
    /// The splitter to manage is missing, deleted or another admin's.
    #[error("Splitter not found")]
    SplitterNotFound,
    /// The contact is missing, deleted or another admin's.
    #[error("Contact not found")]
    ContactNotFound,
    /// The API key is missing or another admin's.
    #[error("API key not found")]
    ApiKeyNotFound,
    /// The input breaks rules.
    #[error("Validation failed")]
    Invalid(Violations),
    /// The object was changed since it was read.
    #[error("version {expected} is not the current version {current}")]
    StaleVersion {
        /// What the caller had read.
        expected: u32,
        /// What it is now.
        current: u32,
    },
    /// The idempotency key was used for another body.
    #[error("the idempotency key was used with another body")]
    IdempotencyMismatch,
    /// An admin with this e-mail address exists.
    #[error("an admin with this e-mail address exists")]
    EmailTaken,
    /// An API key with this public part exists; another one has to be drawn.
    #[error("an API key with this public part exists")]
    ApiKeyTaken,
}
