//! `/settings`

use axum::{extract::State, http::StatusCode, response::Response};
use splitter_core::{Reply, Scope, manage, webhook::WebhookSecret};

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
    let patch = SettingsPatch::read(&body.document()?, app.config.allow_http_webhooks)?;
    let env = caller.env;
    let mut key = vec![0; 32];
    app.world.fill_random(&mut key);
    let fresh = WebhookSecret::new(key).map_err(|_| ApiError::internal("a webhook's secret has another length"))?;
    let scope = Scope::of(caller.admin_id()).editing_admin();
    let secret = fresh.clone();
    let plan = move |snapshot: &_| manage::save_settings(snapshot, |settings| patch.apply(settings, &secret), &env);
    match transact(&app, scope, plan).await? {
        Reply::Admin(admin) => {
            let view = SettingsView::from(&admin.settings).revealing(&admin.settings, &fresh);
            json(StatusCode::OK, &Success::of(view))
        }
        other => Err(unexpected(other)),
    }
}
