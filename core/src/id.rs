//! Typed identifiers: newtypes over [`Uuid`], so that a campaign's id can not be passed where a contact's is meant.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A tenant: the account that owns everything below it.
    AdminId,
    /// A splitter.
    SplitterId,
    /// A campaign.
    CampaignId,
    /// A contact: one person, unique by phone number within an admin.
    ContactId,
    /// One row of a splitter's distribution log.
    DecisionId,
    /// One scheduled call, SMS or `WhatsApp` message.
    OutreachId,
    /// An API key (not its secret).
    ApiKeyId,
    /// An entry of a contact's history.
    HistoryId,
    /// An event that waits to be folded into a splitter's state.
    EventId,
}
