//! Enrolment, the same for every endpoint that takes contacts.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use sha2::{Digest as _, Sha256};
use splitter_core::{
    ContactInput, DecisionId, Enrolled, Enrolment, PhonePolicy, Reply, Violations, enroll,
    idempotency::{self, Attempt, IdempotencyKey, Rendered, is_valid_key},
};

use super::{transact, unexpected};
use crate::{
    api::App,
    auth::Caller,
    body::JsonBody,
    dto::{Success, contact::ContactView, json_bytes},
    error::ApiError,
};

static X_DISTRIBUTION_ID: HeaderName = HeaderName::from_static("x-distribution-id");
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Enrols a contact. `route` is method and path as idempotency keys are scoped by.
pub(super) async fn enroll(
    app: &App,
    caller: &Caller,
    route: &str,
    headers: &HeaderMap,
    body: &JsonBody,
    (input, mut found): (ContactInput, Violations),
) -> Result<Response, ApiError> {
    let key = idempotency_key(headers, &mut found);
    let admin_id = caller.admin_id();
    let policy =
        PhonePolicy { level: app.config.phone_level, allowed: caller.principal.settings.allowed_regions.clone() };
    let mut request = input.check(admin_id, caller.principal.actor(), &policy, &app.config.contact_limits, found)?;
    let attempt = key.map(|key| {
        request.idempotency_key = Some(key.clone());
        Attempt {
            key: IdempotencyKey { admin_id, route: route.to_owned(), key },
            body_hash: Sha256::digest(&body.0).into(),
        }
    });
    let scope = request.scope().idempotency(attempt.as_ref().map(|attempt| attempt.key.clone()));
    let env = caller.env;
    let reply = transact(app, scope, move |snapshot| {
        let command = || enroll::plan(snapshot, &request, &env);
        idempotency::once(snapshot, attempt.as_ref(), &env, render_reply, command)
    })
    .await?;
    match reply {
        Reply::Enrolled(enrolled) => respond(render(&enrolled)),
        Reply::Replayed(record) => respond((record.status, record.body, record.decision_id)),
        other => Err(unexpected(other)),
    }
}

fn idempotency_key(headers: &HeaderMap, found: &mut Violations) -> Option<String> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let value = values.next()?;
    let key = value.to_str().ok().filter(|key| is_valid_key(key));
    if values.next().is_some() {
        found.push(IDEMPOTENCY_KEY, "is given twice");
    } else if key.is_none() {
        found.push(IDEMPOTENCY_KEY, "must be 1 to 255 visible ASCII characters");
    }
    key.map(str::to_owned)
}

fn render_reply(reply: &Reply) -> Rendered {
    match reply {
        Reply::Enrolled(enrolled) => render(enrolled),
        // Nothing else comes of an enrolment.
        _ => (StatusCode::OK.as_u16(), Vec::new(), None),
    }
}

fn render(enrolled: &Enrolled) -> Rendered {
    let status = match enrolled.enrolment {
        Enrolment::Created => StatusCode::CREATED,
        Enrolment::Updated | Enrolment::Reactivated | Enrolment::Suppressed => StatusCode::OK,
    };
    // Texts, numbers and times only: there is nothing that could fail.
    let body = serde_json::to_vec(&Success::of(ContactView::from(&enrolled.contact))).unwrap_or_default();
    (status.as_u16(), body, enrolled.decision_id)
}

fn respond((status, body, decision): (u16, Vec<u8>, Option<DecisionId>)) -> Result<Response, ApiError> {
    let status =
        StatusCode::from_u16(status).map_err(|_| ApiError::internal("a remembered answer has no valid status"))?;
    let mut response = json_bytes(status, body);
    if let Some(id) = decision
        && let Ok(value) = HeaderValue::from_str(&id.to_string())
    {
        response.headers_mut().insert(X_DISTRIBUTION_ID.clone(), value);
    }
    Ok(response)
}
