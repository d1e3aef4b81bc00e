//! `/splitters`

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use splitter_core::{Reply, Scope, Splitter, SplitterId, Violations, splitter::SplitterChange, splitter_commands};

use super::{transact, unexpected};
use crate::{
    api::App,
    auth::Manager,
    body::JsonBody,
    dto::{
        Success, json,
        list::List,
        splitter::{SplitterPatch, SplitterView, VersionView},
    },
    error::{ApiError, table},
    if_match::{IfMatch, read_if_match},
    path::{Id, missing},
    query::Query,
};

pub(super) async fn list(State(app): State<App>, caller: Manager, mut parameters: Query) -> Result<Response, ApiError> {
    let request = parameters.page(10);
    parameters.finish()?;
    let page = app.store.splitters(caller.admin_id(), request).await?;
    let rows = page.rows.iter().map(SplitterView::from).collect();
    json(StatusCode::OK, &List::new(rows, page.total, request))
}

pub(super) async fn create(State(app): State<App>, caller: Manager, body: JsonBody) -> Result<Response, ApiError> {
    let draft = SplitterPatch::read_new(&body.document()?, caller.principal.settings.timezone)?;
    let (admin_id, env, actor) = (caller.admin_id(), caller.env, caller.principal.actor());
    let scope = splitter_commands::scope_of_draft(admin_id, &draft);
    let plan = move |snapshot: &_| splitter_commands::create(snapshot, admin_id, &draft, actor, &env);
    answer(StatusCode::CREATED, transact(&app, scope, plan).await?)
}

pub(super) async fn show(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
) -> Result<Response, ApiError> {
    respond(StatusCode::OK, &existing(&app, &caller, id).await?)
}

pub(super) async fn edit(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let mut found = Violations::new();
    let if_match = match read_if_match(headers.get(header::IF_MATCH).map(HeaderValue::as_bytes)) {
        Ok(None) => return Err(ApiError::new(&table::PRECONDITION_REQUIRED)),
        Ok(Some(if_match)) => if_match,
        Err(violations) => {
            found = violations;
            IfMatch::Never
        }
    };
    let patch = SplitterPatch::read(&body.document()?, found)?;
    let expected = match if_match {
        IfMatch::Version(version) => version,
        IfMatch::Never => {
            existing(&app, &caller, id).await?;
            return Err(ApiError::new(&table::STALE_VERSION));
        }
    };
    let (env, actor) = (caller.env, caller.principal.actor());
    let scope = Scope::of(caller.admin_id()).splitter(id).campaigns(patch.campaigns());
    let plan =
        move |snapshot: &_| splitter_commands::edit(snapshot, id, expected, |draft| patch.apply(draft), actor, &env);
    answer(StatusCode::OK, transact(&app, scope, plan).await?)
}

pub(super) async fn pause(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
) -> Result<Response, ApiError> {
    change(&app, &caller, id, SplitterChange::Paused).await
}

pub(super) async fn resume(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
) -> Result<Response, ApiError> {
    change(&app, &caller, id, SplitterChange::Resumed).await
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
) -> Result<Response, ApiError> {
    change(&app, &caller, id, SplitterChange::Deleted).await
}

pub(super) async fn history(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
    mut parameters: Query,
) -> Result<Response, ApiError> {
    let request = parameters.page(10);
    parameters.finish()?;
    existing(&app, &caller, id).await?;
    let versions = app.store.splitter_versions(caller.admin_id(), id).await?;
    let offset = usize::try_from(request.offset()).unwrap_or(usize::MAX);
    let rows = versions.iter().skip(offset).take(request.limit as usize).map(VersionView::from).collect();
    json(StatusCode::OK, &List::new(rows, versions.len() as u64, request))
}

/// A splitter that is not deleted.
pub(super) async fn existing(app: &App, caller: &Manager, id: SplitterId) -> Result<Splitter, ApiError> {
    let splitter = app.store.splitter(caller.admin_id(), id).await?;
    splitter.filter(|splitter| splitter.deleted_at.is_none()).ok_or_else(missing::<SplitterId>)
}

async fn change(app: &App, caller: &Manager, id: SplitterId, change: SplitterChange) -> Result<Response, ApiError> {
    let (env, actor) = (caller.env, caller.principal.actor());
    let scope = Scope::of(caller.admin_id()).splitter(id);
    let plan = move |snapshot: &_| splitter_commands::set_status(snapshot, id, change, actor, &env);
    answer(StatusCode::OK, transact(app, scope, plan).await?)
}

fn answer(status: StatusCode, reply: Reply) -> Result<Response, ApiError> {
    match reply {
        Reply::Splitter(splitter) => respond(status, &splitter),
        other => Err(unexpected(other)),
    }
}

/// With the version as `ETag`, for the next `If-Match`.
fn respond(status: StatusCode, splitter: &Splitter) -> Result<Response, ApiError> {
    let mut response = json(status, &Success::of(SplitterView::from(splitter)))?;
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", splitter.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
