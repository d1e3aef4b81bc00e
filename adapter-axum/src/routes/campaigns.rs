//! `/campaigns`

use axum::{extract::State, http::StatusCode, response::Response};
use splitter_core::{Campaign, CampaignId, Reply, Scope, manage, store::CampaignQuery};

use super::{transact, unexpected};
use crate::{
    api::App,
    auth::{Caller, Manager},
    body::JsonBody,
    dto::{
        Success,
        campaign::{CampaignItem, CampaignPatch, CampaignView, status_names},
        json,
        list::List,
    },
    error::ApiError,
    path::{Id, missing},
    query::Query,
};

/// The one route of this module that API keys may use.
pub(super) async fn list(State(app): State<App>, caller: Caller, mut parameters: Query) -> Result<Response, ApiError> {
    let query = CampaignQuery {
        page: parameters.page(10),
        status: parameters.one_of("status", status_names()),
        search: parameters.text("search"),
    };
    parameters.finish()?;
    let page = app.store.campaigns(caller.admin_id(), &query).await?;
    let items = page.rows.into_iter().map(CampaignItem::from).collect();
    json(StatusCode::OK, &List::new(items, page.total, query.page))
}

pub(super) async fn create(State(app): State<App>, caller: Manager, body: JsonBody) -> Result<Response, ApiError> {
    let config = CampaignPatch::read_new(&body.document()?)?;
    let (admin_id, env) = (caller.admin_id(), caller.env);
    let plan = move |_: &_| manage::create_campaign(admin_id, config.clone(), &env);
    answer(StatusCode::CREATED, transact(&app, Scope::of(admin_id), plan).await?)
}

pub(super) async fn show(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<CampaignId>,
) -> Result<Response, ApiError> {
    let campaign = app.store.campaign(caller.admin_id(), id).await?.filter(Campaign::is_valid);
    let campaign = campaign.ok_or_else(missing::<CampaignId>)?;
    json(StatusCode::OK, &Success::of(CampaignView::from(&campaign)))
}

pub(super) async fn edit(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<CampaignId>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let patch = CampaignPatch::read(&body.document()?)?;
    let env = caller.env;
    let scope = Scope::of(caller.admin_id()).edited_campaign(id);
    let plan = move |snapshot: &_| manage::save_campaign(snapshot, id, |config| patch.apply(config), &env);
    answer(StatusCode::OK, transact(&app, scope, plan).await?)
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<CampaignId>,
) -> Result<Response, ApiError> {
    let env = caller.env;
    let scope = Scope::of(caller.admin_id()).edited_campaign(id);
    let plan = move |snapshot: &_| manage::delete_campaign(snapshot, id, &env);
    answer(StatusCode::OK, transact(&app, scope, plan).await?)
}

fn answer(status: StatusCode, reply: Reply) -> Result<Response, ApiError> {
    match reply {
        Reply::Campaign(campaign) => json(status, &Success::of(CampaignView::from(&*campaign))),
        other => Err(unexpected(other)),
    }
}
