//! Values that are stored as texts or bytes: names of enums, JSON, the bytes of a decision.

use serde::{Serialize, de::DeserializeOwned, de::IntoDeserializer};
use splitter_core::{
    LoggedDecision,
    id::{CampaignId, ContactId, DecisionId, SplitterId},
};

/// A value as JSON text. Everything that is stored can be written as JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The name of an enum's variant, as in JSON.
pub(crate) fn name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The variant with a name.
pub(crate) fn from_name<T: DeserializeOwned>(name: &str) -> Result<T, serde::de::value::Error> {
    T::deserialize(name.into_deserializer())
}

/// Where the four ids end that follow the first byte of a decision's canonical bytes.
const IDS_END: usize = 1 + 4 * 16;

/// What is stored of a decision's canonical bytes: all but the four ids, which have columns of their own.
///
/// So nothing is kept twice, and a column that somebody changes breaks the hash chain like any other byte. The first byte
/// is the version of the encoding; version 1 begins with these ids.
pub(crate) fn decision_bytes(row: &LoggedDecision) -> Vec<u8> {
    let (head, rest) = row.bytes.split_at(row.bytes.len().min(IDS_END));
    [&head[..head.len().min(1)], rest].concat()
}

/// The canonical bytes again.
pub(crate) fn canonical_bytes(
    stored: &[u8],
    id: DecisionId,
    splitter: SplitterId,
    contact: ContactId,
    campaign: CampaignId,
) -> Vec<u8> {
    let (version, rest) = stored.split_at(stored.len().min(1));
    let mut bytes = Vec::with_capacity(stored.len() + IDS_END - 1);
    bytes.extend(version);
    for id in [id.0, splitter.0, contact.0, campaign.0] {
        bytes.extend(id.as_bytes());
    }
    bytes.extend(rest);
    bytes
}
