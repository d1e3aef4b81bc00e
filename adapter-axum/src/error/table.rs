//! Every error of the API in one table: status, `error`, `code`, and what to do if nothing more is known.

use axum::http::StatusCode;

/// One kind of error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) status: StatusCode,
    /// The short text, part of the documented API.
    pub(crate) error: &'static str,
    /// The same for programs.
    pub(crate) code: &'static str,
    /// What to do.
    pub(crate) message: &'static str,
}

macro_rules! rows {
    ($($name:ident = $status:ident, $error:literal, $code:literal, $message:literal;)+) => {
        $(pub(crate) static $name: Row =
            Row { status: StatusCode::$status, error: $error, code: $code, message: $message };)+
        /// All of them.
        #[cfg(test)]
        pub(crate) static ALL: &[&Row] = &[$(&$name),+];
    };
}

rows! {
    VALIDATION_FAILED = BAD_REQUEST, "Validation failed", "validation_failed",
        "Correct the fields named in `details` and send the request again.";
    INVALID_PHONE_NUMBER = BAD_REQUEST, "Invalid phone number", "invalid_phone_number",
        "Correct the fields named in `details` and send the request again.";
    NO_ACTIVE_CAMPAIGNS = BAD_REQUEST, "Splitter distribution failed: Splitter has no active campaigns",
        "no_active_campaigns", "Resume or switch on at least one of the splitter's campaigns.";
    NO_VALID_CAMPAIGNS = BAD_REQUEST, "Splitter distribution failed: No valid campaigns found in splitter",
        "no_valid_campaigns", "All campaigns of the splitter have been deleted; add others to it.";
    NO_SHARE = BAD_REQUEST, "Splitter distribution failed: No campaign has a share at this time",
        "no_share", "Give at least one active campaign a share at this time of the week.";
    ALL_AT_CAPACITY = BAD_REQUEST, "Splitter distribution failed: All campaigns are at capacity",
        "all_at_capacity", "Try again when a cap has room, raise a cap, or set a fallback campaign.";
    REFUSED = BAD_REQUEST, "Request refused", "refused", "The request can not be carried out as it is.";
    UNAUTHORIZED = UNAUTHORIZED, "Unauthorized", "unauthorized",
        "Send a valid token as `Authorization: Bearer <token>` or an API key as `X-API-Key`.";
    FORBIDDEN = FORBIDDEN, "Forbidden", "forbidden",
        "API keys may not manage. Use a token as `Authorization: Bearer <token>`.";
    NOT_FOUND = NOT_FOUND, "Not found", "not_found", "There is nothing at this address. Check method, path and ids.";
    SPLITTER_INACTIVE = NOT_FOUND, "Splitter not found or inactive", "splitter_not_found",
        "Check `splitterId`, or resume the splitter if it is paused.";
    SPLITTER_NOT_FOUND = NOT_FOUND, "Splitter not found or inactive", "splitter_not_found",
        "No splitter has this id. Check the id.";
    CAMPAIGN_NOT_FOUND = NOT_FOUND, "Campaign not found", "campaign_not_found",
        "No campaign has this id. Check the id.";
    CONTACT_NOT_FOUND = NOT_FOUND, "Contact not found", "contact_not_found",
        "There is no such contact. Check the id or the phone number.";
    API_KEY_NOT_FOUND = NOT_FOUND, "Not found", "not_found",
        "No API key has this id. Check the id.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED, "Method not allowed", "method_not_allowed",
        "Use one of the methods that the `Allow` header names.";
    REQUEST_TIMEOUT = REQUEST_TIMEOUT, "Request timeout", "request_timeout",
        "The body did not arrive in time. Send the request again.";
    CONFLICT = CONFLICT, "Conflict", "conflict", "An object with these data exists already.";
    STALE_VERSION = PRECONDITION_FAILED, "Precondition failed", "precondition_failed",
        "The object was changed since you read it. Read it again and repeat the change.";
    PAYLOAD_TOO_LARGE = PAYLOAD_TOO_LARGE, "Payload too large", "payload_too_large",
        "Send a smaller body.";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "unsupported_media_type",
        "Send JSON with `Content-Type: application/json`.";
    IDEMPOTENCY_MISMATCH = UNPROCESSABLE_ENTITY, "Idempotency key reused", "idempotency_key_reused",
        "This `Idempotency-Key` was sent with another body. Use a new key for a new request.";
    PRECONDITION_REQUIRED = PRECONDITION_REQUIRED, "Precondition required", "precondition_required",
        "Send the version that you have read as `If-Match: \"<version>\"`.";
    RATE_LIMIT_EXCEEDED = TOO_MANY_REQUESTS, "Rate limit exceeded", "rate_limit_exceeded",
        "Rate limit exceeded.";
    INTERNAL = INTERNAL_SERVER_ERROR, "Internal server error", "internal_error",
        "Something went wrong on the server. If it happens again, report the `requestId`.";
    SERVICE_UNAVAILABLE = SERVICE_UNAVAILABLE, "Service unavailable", "service_unavailable",
        "Nothing was changed. Try again in a moment.";
}

/// The row for a response that carries no error of ours: something between the router and a handler made it.
pub(crate) fn of_status(status: StatusCode) -> &'static Row {
    match status {
        StatusCode::UNAUTHORIZED => &UNAUTHORIZED,
        StatusCode::FORBIDDEN => &FORBIDDEN,
        StatusCode::NOT_FOUND => &NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => &METHOD_NOT_ALLOWED,
        StatusCode::REQUEST_TIMEOUT => &REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE => &PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &UNSUPPORTED_MEDIA_TYPE,
        StatusCode::TOO_MANY_REQUESTS => &RATE_LIMIT_EXCEEDED,
        StatusCode::SERVICE_UNAVAILABLE => &SERVICE_UNAVAILABLE,
        status if status.is_client_error() => &REFUSED,
        _ => &INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_snake_case_and_messages_are_sentences() {
        for row in ALL {
            assert!(row.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{row:?}");
            assert!(row.message.ends_with('.'), "{row:?}");
            assert!(!row.error.ends_with('.'), "{row:?}");
            assert!(row.status.is_client_error() || row.status.is_server_error());
        }
    }
}
