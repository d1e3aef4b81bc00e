//! Errors: one type, one table, one place that turns everything into it.

pub(crate) mod table;

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use splitter_core::{Rejection, StoreError, Timestamp, TransactError, Violation, Violations, access::RateVerdict};

use table::Row;

/// Violations that one answer names; a hostile body can have thousands.
const MAX_DETAILS: usize = 250;
/// Fields that are named even if there are more violations than that.
const FIRST_DETAILS: [&str; 6] = ["phoneNumber", "phone", "splitterId", "campaignId", "name", "timezone"];

/// An error as the API answers it.
///
/// Made from [`Rejection`], [`StoreError`], [`TransactError`] and [`Violations`]. Its body is written by the router's
/// outermost layer, which knows the request id.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Problem>);

#[derive(Debug, Clone)]
struct Problem {
    row: &'static Row,
    message: Cow<'static, str>,
    details: Violations,
    retry_after: Option<i64>,
    /// What the log says about a failure of the server; holds no data of anybody.
    cause: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn new(row: &'static Row) -> Self {
        Self(Box::new(Problem {
            row,
            message: Cow::Borrowed(row.message),
            details: Violations::new(),
            retry_after: None,
            cause: None,
        }))
    }

    pub(crate) fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// The credentials are missing or no good.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(&table::UNAUTHORIZED)
    }

    /// Nothing here, or nothing that the caller may see.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(&table::NOT_FOUND)
    }

    /// A key has used up its window.
    pub(crate) fn rate_limited(verdict: &RateVerdict, now: Timestamp) -> Self {
        let seconds = verdict.retry_after_seconds(now);
        let mut error = Self::new(&table::RATE_LIMIT_EXCEEDED)
            .with_message(format!("Rate limit exceeded. Try again in {seconds} seconds."));
        error.0.retry_after = Some(seconds);
        error
    }

    /// The status that it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.row.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.row.code
    }

    pub(crate) fn cause(&self) -> Option<&'static str> {
        self.0.cause
    }

    /// The error that a response stands for, if it stands for one. Takes it out of the response.
    pub(crate) fn take(response: &mut Response) -> Option<Self> {
        let status = response.status();
        let ours = response.extensions_mut().remove::<Self>();
        ours.or_else(|| {
            (status.is_client_error() || status.is_server_error()).then(|| Self::new(table::of_status(status)))
        })
    }

    /// Writes status, headers and body into a response; headers that it has stay, `Allow` for one.
    pub(crate) fn write(&self, response: &mut Response, request_id: &str) {
        let problem = &self.0;
        *response.status_mut() = problem.row.status;
        *response.body_mut() = Body::from(self.body(request_id));
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if problem.row.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
    }

    fn body(&self, request_id: &str) -> Vec<u8> {
        let problem = &self.0;
        let all = &problem.details.0;
        let mut details: Vec<Cow<'_, Violation>> = all.iter().map(Cow::Borrowed).collect();
        if all.len() > MAX_DETAILS {
            // A thousand unknown fields must not hide what is wrong with the known ones.
            details.sort_by_key(|violation| !FIRST_DETAILS.contains(&violation.path.as_str()));
            details.truncate(MAX_DETAILS);
            let message = format!("{} more violations are not shown", all.len() - MAX_DETAILS);
            details.push(Cow::Owned(Violation { path: String::new(), message }));
        }
        let body = ErrorBody {
            success: false,
            error: problem.row.error,
            message: &problem.message,
            code: problem.row.code,
            request_id,
            details,
            retry_after: problem.retry_after,
        };
        // Texts and numbers only: there is nothing that could fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    success: bool,
    error: &'a str,
    message: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Cow<'a, Violation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<i64>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Violations> for ApiError {
    fn from(violations: Violations) -> Self {
        // `phone` is the field's name where a contact is not created but looked for.
        let phone = ["phoneNumber", "phone"]
            .into_iter()
            .find_map(|path| violations.0.iter().find(|violation| violation.path == path));
        let (row, first) = match phone {
            Some(violation) => (&table::INVALID_PHONE_NUMBER, Some(violation)),
            None => (&table::VALIDATION_FAILED, violations.0.first()),
        };
        let message = first.map(|violation| {
            let (path, message) = (&violation.path, &violation.message);
            let text = if path.is_empty() { message.clone() } else { format!("`{path}` {message}") };
            match violations.0.len() {
                1 => format!("{text}. {}", row.message),
                n => format!("{text}. {} violations were found. {}", n, row.message),
            }
        });
        let mut error = Self::new(row);
        if let Some(message) = message {
            error.0.message = message.into();
        }
        error.0.details = violations;
        error
    }
}

impl From<Violation> for ApiError {
    fn from(violation: Violation) -> Self {
        Violations(vec![violation]).into()
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        let row = match rejection {
            Rejection::SplitterInactive => &table::SPLITTER_INACTIVE,
            Rejection::NoValidCampaigns => &table::NO_VALID_CAMPAIGNS,
            Rejection::NoActiveCampaigns => &table::NO_ACTIVE_CAMPAIGNS,
            Rejection::NoShare => &table::NO_SHARE,
            Rejection::AtCapacity => &table::ALL_AT_CAPACITY,
            Rejection::CampaignNotFound => &table::CAMPAIGN_NOT_FOUND,
            Rejection::SplitterNotFound => &table::SPLITTER_NOT_FOUND,
            Rejection::ContactNotFound => &table::CONTACT_NOT_FOUND,
            Rejection::ApiKeyNotFound => &table::API_KEY_NOT_FOUND,
            Rejection::Invalid(violations) => return violations.into(),
            Rejection::StaleVersion { expected, current } => {
                return Self::new(&table::STALE_VERSION).with_message(format!(
                    "Version {expected} is not the current version {current}. Read the object again and repeat the change."
                ));
            }
            Rejection::IdempotencyMismatch => &table::IDEMPOTENCY_MISMATCH,
            Rejection::EmailTaken => &table::CONFLICT,
            // A refusal that is newer than this adapter: its text is meant for callers.
            other => return Self::new(&table::REFUSED).with_message(other.to_string()),
        };
        Self::new(row)
    }
}

impl From<StoreError> for ApiError {
    /// Says nothing of what the store says: that can hold SQL, paths and people's data.
    fn from(error: StoreError) -> Self {
        let (row, retry_after, cause) = match error {
            StoreError::Busy => (&table::SERVICE_UNAVAILABLE, Some(1), "the store is busy"),
            StoreError::Unavailable(_) => (&table::SERVICE_UNAVAILABLE, Some(5), "the store is unavailable"),
            StoreError::Broken(_) => (&table::INTERNAL, None, "an invariant of the store is broken"),
            _ => (&table::SERVICE_UNAVAILABLE, Some(5), "the store failed"),
        };
        let mut problem = Self::new(row);
        problem.0.retry_after = retry_after;
        problem.0.cause = Some(cause);
        problem
    }
}

impl From<TransactError> for ApiError {
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Rejected(rejection) => rejection.into(),
            TransactError::Store(error) => error.into(),
        }
    }
}

impl ApiError {
    /// A bug of this program.
    pub(crate) fn internal(cause: &'static str) -> Self {
        let mut error = Self::new(&table::INTERNAL);
        error.0.cause = Some(cause);
        error
    }
}

/// `X-Request-Id`
pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
