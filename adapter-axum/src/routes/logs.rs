//! `/splitters/{id}/logs`

use axum::{
    body::Body,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use splitter_core::{
    DecisionId, SplitterId,
    store::{LogQuery, LogRow},
};

use super::splitters::existing;
use crate::{
    api::App,
    auth::Manager,
    csv,
    dto::{
        Success, json,
        log::{CSV_COLUMNS, LogPage, LogView, ReplayView},
    },
    error::ApiError,
    path::{Id, missing},
    query::Query,
};

/// The cursor of the next page of the CSV, which has no room for it.
static X_NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

const MAX_ROWS: u32 = 1_000;

pub(super) async fn list(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
    parameters: Query,
) -> Result<Response, ApiError> {
    let (rows, next) = page(&app, &caller, id, parameters, 50).await?;
    json(StatusCode::OK, &LogPage { data: rows.iter().map(LogView::from).collect(), next })
}

pub(super) async fn csv(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
    parameters: Query,
) -> Result<Response, ApiError> {
    let (rows, next) = page(&app, &caller, id, parameters, MAX_ROWS).await?;
    let mut text = String::new();
    csv::push_row(&mut text, CSV_COLUMNS.map(Into::into));
    for row in &rows {
        csv::push_row(&mut text, LogView::from(row).cells());
    }
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"logs.csv\""));
    if let Some(Ok(cursor)) = next.map(|next| HeaderValue::from_str(&next)) {
        headers.insert(X_NEXT_CURSOR.clone(), cursor);
    }
    Ok(response)
}

pub(super) async fn replay(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<SplitterId>,
    Id(decision): Id<DecisionId>,
) -> Result<Response, ApiError> {
    existing(&app, &caller, id).await?;
    let row = app.store.decision(caller.admin_id(), id, decision).await?.ok_or_else(missing::<DecisionId>)?;
    json(StatusCode::OK, &Success::of(ReplayView::from(&row)))
}

/// Rows, newest first, and the cursor of the next page: the `seq` of the last row.
async fn page(
    app: &App,
    caller: &Manager,
    id: SplitterId,
    mut parameters: Query,
    default_limit: u32,
) -> Result<(Vec<LogRow>, Option<String>), ApiError> {
    let limit = parameters.number("limit", 1, MAX_ROWS, default_limit);
    let query = LogQuery {
        // One more than asked for tells whether there is a next page.
        limit: limit + 1,
        before: parameters.cursor("before"),
        campaign: parameters.id("campaignId"),
        phone: parameters.phone("phone"),
        from: parameters.time("from"),
        to: parameters.time("to"),
    };
    parameters.finish()?;
    existing(app, caller, id).await?;
    let mut rows = app.store.decisions(caller.admin_id(), id, &query).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.row.decision.seq.to_string());
    Ok((rows, next))
}
