//! The JSON of the API and what it means in terms of the core. Nothing else in this crate knows a field's name.

pub(crate) mod api_key;
pub(crate) mod campaign;
pub(crate) mod contact;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod settings;
pub(crate) mod splitter;
pub(crate) mod strategy;
pub(crate) mod window;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::{Serialize, Serializer};

use crate::error::ApiError;

/// `{"success":true,"data":…}`
#[derive(Debug, Serialize)]
pub(crate) struct Success<T> {
    success: bool,
    data: T,
}

impl<T> Success<T> {
    pub(crate) const fn of(data: T) -> Self {
        Self { success: true, data }
    }
}

/// A JSON response.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(body).map_err(|_| ApiError::internal("a response could not be serialised"))?;
    Ok(json_bytes(status, bytes))
}

/// A JSON response whose body is there already.
pub(crate) fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Basis points as a percentage: `60`, `33.33`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Percent(pub(crate) u32);

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u32(self.0 / 100)
        } else {
            // The nearest double of a number with two decimals prints as that number.
            serializer.serialize_f64(f64::from(self.0) / 100.0)
        }
    }
}
