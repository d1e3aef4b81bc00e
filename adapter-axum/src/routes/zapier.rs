//! `/zapier` and `/me`: what form and workflow tools need.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use splitter_core::{
    AdminId,
    store::{CampaignQuery, PageRequest},
};

use super::enroll::enroll;
use crate::{
    api::App,
    auth::Caller,
    body::JsonBody,
    dto::{json, list::Named},
    error::ApiError,
    zapier::transform,
};

/// A list to choose from holds this many at most.
const CHOICES: PageRequest = PageRequest { page: 1, limit: 1_000 };

pub(super) async fn create_contact(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let read = transform(&body.document()?, caller.principal.settings.default_region)?;
    enroll(&app, &caller, "POST /zapier/contacts", &headers, &body, read).await
}

pub(super) async fn campaigns(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let query = CampaignQuery { page: CHOICES, status: None, search: None };
    let page = app.store.campaigns(caller.admin_id(), &query).await?;
    let named = |campaign: splitter_core::Campaign| Named { id: campaign.id, name: campaign.config.name };
    json(StatusCode::OK, &page.rows.into_iter().map(named).collect::<Vec<_>>())
}

pub(super) async fn splitters(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let page = app.store.splitters(caller.admin_id(), CHOICES).await?;
    let named = |splitter: splitter_core::Splitter| Named { id: splitter.id, name: splitter.config.name.clone() };
    json(StatusCode::OK, &page.rows.into_iter().map(named).collect::<Vec<_>>())
}

#[derive(serde::Serialize)]
struct Me<'p> {
    id: AdminId,
    label: &'p str,
}

pub(super) async fn me(caller: Caller) -> Result<Response, ApiError> {
    json(StatusCode::OK, &Me { id: caller.admin_id(), label: &caller.principal.label })
}
