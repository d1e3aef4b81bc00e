//! Enrolment, the same for every endpoint that takes contacts.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use sha2::{Digest as _, Sha256};
use splitter_core::{
    ContactInput, Enrolled, Enrolment, Env, PhonePolicy, Plan, Rejection, Reply, Scope, TransactError, Violations,
    Work, enroll,
    idempotency::{self, Attempt, IdempotencyKey, IdempotencyRecord, Rendered, is_valid_key},
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
    let (admin_id, env) = (caller.admin_id(), caller.env);
    let attempt = idempotency_key(headers, &mut found).map(|key| Attempt {
        key: IdempotencyKey { admin_id, route: route.to_owned(), key },
        body_hash: Sha256::digest(&body.0).into(),
    });
    let policy =
        PhonePolicy { level: app.config.phone_level, allowed: caller.principal.settings.allowed_regions.clone() };
    let checked = input.check(admin_id, caller.principal.actor(), &policy, &app.config.contact_limits, found);
    let mut request = match checked {
        Ok(request) => request,
        Err(violations) => {
            // The rules may have changed since the first attempt succeeded: a repeat gets its answer all the same.
            return match earlier(app, attempt, env).await? {
                Some(record) => respond(rendered(*record)),
                None => Err(violations.into()),
            };
        }
    };
    request.idempotency_key = attempt.as_ref().map(|attempt| attempt.key.key.clone());
    let scope = request.scope().idempotency(attempt.as_ref().map(|attempt| attempt.key.clone()));
    let reply = transact(app, scope, move |snapshot| {
        let command = || enroll::plan(snapshot, &request, &env);
        idempotency::once(snapshot, attempt.as_ref(), &env, render_reply, command)
    })
    .await?;
    match reply {
        Reply::Enrolled(enrolled) => respond(render(&enrolled)),
        Reply::Replayed(record) => respond(rendered(*record)),
        other => Err(unexpected(other)),
    }
}

/// The remembered answer to this very attempt.
async fn earlier(app: &App, attempt: Option<Attempt>, env: Env) -> Result<Option<Box<IdempotencyRecord>>, ApiError> {
    let Some(attempt) = attempt else { return Ok(None) };
    let scope = Scope::of(attempt.key.admin_id).idempotency(Some(attempt.key.clone()));
    let work = Work::new(scope, move |snapshot| {
        let nothing = || Err(Rejection::Invalid(Violations::new()));
        idempotency::once(snapshot, Some(&attempt), &env, render_reply, nothing).into()
    });
    match app.store.transact(work).await {
        Ok(Plan { reply: Reply::Replayed(record), .. }) => Ok(Some(record)),
        Ok(_) | Err(TransactError::Rejected(_)) => Ok(None),
        Err(TransactError::Store(error)) => Err(error.into()),
    }
}

fn rendered(record: IdempotencyRecord) -> Rendered {
    (record.status, record.body, record.decision_id)
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

fn respond((status, body, decision): Rendered) -> Result<Response, ApiError> {
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
