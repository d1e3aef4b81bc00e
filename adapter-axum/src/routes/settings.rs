//! `/settings`

use axum::{extract::State, http::StatusCode, response::Response};
use splitter_core::{Reply, Scope, manage};

use super::{transact, unexpected};
use crate::{
    api::App,
    auth::Manager,
    body::JsonBody,
    dto::{
        Success, json,
        settings::{SettingsPatch, SettingsView},
    },
    error::ApiError,
};

pub(super) async fn show(caller: Manager) -> Result<Response, ApiError> {
    json(StatusCode::OK, &Success::of(SettingsView::from(&caller.principal.settings)))
}

pub(super) async fn edit(State(app): State<App>, caller: Manager, body: JsonBody) -> Result<Response, ApiError> {
    let patch = SettingsPatch::read(&body.document()?)?;
    let env = caller.env;
    let scope = Scope::of(caller.admin_id()).editing_admin();
    let plan = move |snapshot: &_| manage::save_settings(snapshot, |settings| patch.apply(settings), &env);
    match transact(&app, scope, plan).await? {
        Reply::Admin(admin) => json(StatusCode::OK, &Success::of(SettingsView::from(&admin.settings))),
        other => Err(unexpected(other)),
    }
}
