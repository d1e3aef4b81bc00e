//! Who did something, as logs and histories name it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::id::ApiKeyId;

/// Who caused a change. Printed as `admin`, `api-key:<id>`, `import` or `system`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The admin, by a token or in the dashboard.
    Admin,
    /// An integration, by the API key with this id.
    ApiKey(ApiKeyId),
    /// A file import.
    Import,
    /// The software itself, as when it recovers from a crash.
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::ApiKey(id) => write!(f, "api-key:{id}"),
            Self::Import => f.write_str("import"),
            Self::System => f.write_str("system"),
        }
    }
}

/// A text that names no actor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not an actor")]
pub struct UnknownActor(pub String);

impl std::str::FromStr for Actor {
    type Err = UnknownActor;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "admin" => Ok(Self::Admin),
            "import" => Ok(Self::Import),
            "system" => Ok(Self::System),
            _ => text
                .strip_prefix("api-key:")
                .and_then(|id| id.parse().ok())
                .map(Self::ApiKey)
                .ok_or_else(|| UnknownActor(text.to_owned())),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
