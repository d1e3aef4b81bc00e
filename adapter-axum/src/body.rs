//! Reading a body: its type, its size, its time, and then one parser for all routes.

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use splitter_core::Violations;

use crate::{
    api::App,
    error::{ApiError, table},
    json::{self, Document, Fields},
};

/// The raw bytes of a JSON body: the right type, not too large, all there.
#[derive(Debug, Clone)]
pub(crate) struct JsonBody(pub(crate) Bytes);

impl FromRequest<App> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(&table::UNSUPPORTED_MEDIA_TYPE));
        }
        let reading = read(request.into_body(), app.config.max_body);
        match tokio::time::timeout(app.config.body_timeout, reading).await {
            Ok(read) => read.map(Self),
            Err(_) => Err(ApiError::new(&table::REQUEST_TIMEOUT)),
        }
    }
}

impl JsonBody {
    /// The parsed body.
    pub(crate) fn document(&self) -> Result<Document<'_>, ApiError> {
        Ok(json::parse(&self.0)?)
    }
}

impl Document<'_> {
    /// The fields of a body, and the repeated keys as the first violations.
    pub(crate) fn fields(&self) -> Result<(Fields<'_, '_>, Violations), ApiError> {
        Ok((Fields::of_body(&self.root)?, self.repeated.clone()))
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let too_large =
        || ApiError::new(&table::PAYLOAD_TOO_LARGE).with_message(format!("Send a body of at most {limit} bytes."));
    // A length that is told beforehand saves reading the rest.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(ApiError::new(&table::REFUSED).with_message("The body broke off. Send the request again.")),
    }
}

/// `application/json`, alone or with `charset=utf-8`.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim_ascii);
    let json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON", true),
            ("application/json; charset=utf-8", true),
            ("application/json;charset=\"UTF-8\"", true),
            ("application/json; charset=latin1", false),
            ("application/jsonp", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), expected, "{value}");
            headers.append(header::CONTENT_TYPE, "application/json".parse().unwrap());
            assert!(!is_json(&headers), "two of them");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
