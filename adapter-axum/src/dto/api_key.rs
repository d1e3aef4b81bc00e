//! API keys.

use serde::Serialize;
use splitter_core::{ApiKey, ApiKeyId, Timestamp, violation::check_label};

use crate::{error::ApiError, json::Document};

/// The name of a new key.
pub(crate) fn read_name(document: &Document<'_>) -> Result<String, ApiError> {
    let (mut fields, mut found) = document.fields()?;
    let name = fields.required(&mut found, "name").and_then(|value| value.text(&mut found)).unwrap_or_default();
    if !found.names("name") {
        check_label(&mut found, "name", name, 255);
    }
    fields.finish(&mut found, "");
    Ok(found.or(|| name.to_owned())?)
}

/// A key as it is listed: enough of it to tell which one it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyView {
    id: ApiKeyId,
    name: String,
    prefix: String,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
    /// The key itself: only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl ApiKeyView {
    pub(crate) fn new(key: ApiKey, prefix: &str) -> Self {
        Self {
            id: key.id,
            prefix: format!("{prefix}_{}", key.lookup),
            name: key.name,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
            key: None,
        }
    }

    pub(crate) fn with_key(mut self, key: String) -> Self {
        self.key = Some(key);
        self
    }
}
