//! Ids in paths. One that is malformed names nothing: 404, as for one that does not exist.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use splitter_core::{ApiKeyId, CampaignId, ContactId, DecisionId, SplitterId};
use uuid::Uuid;

use crate::{
    error::{
        ApiError,
        table::{self, Row},
    },
    json::reader::parse_uuid,
};

/// An id that a path can hold.
pub(crate) trait PathId: From<Uuid> {
    /// The parameter's name in the path.
    const PARAMETER: &'static str = "id";

    /// What is said if there is nothing with this id.
    fn missing() -> &'static Row;
}

impl PathId for SplitterId {
    fn missing() -> &'static Row {
        &table::SPLITTER_NOT_FOUND
    }
}

impl PathId for CampaignId {
    fn missing() -> &'static Row {
        &table::CAMPAIGN_NOT_FOUND
    }
}

impl PathId for ContactId {
    fn missing() -> &'static Row {
        &table::CONTACT_NOT_FOUND
    }
}

impl PathId for ApiKeyId {
    fn missing() -> &'static Row {
        &table::API_KEY_NOT_FOUND
    }
}

impl PathId for DecisionId {
    const PARAMETER: &'static str = "decisionId";

    fn missing() -> &'static Row {
        &table::NOT_FOUND
    }
}

/// The error for an id that names nothing.
pub(crate) fn missing<T: PathId>() -> ApiError {
    ApiError::new(T::missing())
}

/// An id from the path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: PathId, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| missing::<T>())?;
        // The last one: a prefix that the router is nested under can have parameters of the same name.
        let text = parameters.iter().filter(|(name, _)| *name == T::PARAMETER).map(|(_, value)| value).last();
        text.and_then(parse_uuid).map(|id| Self(T::from(id))).ok_or_else(missing::<T>)
    }
}
