//! `/api-keys`

use axum::{extract::State, http::StatusCode, response::Response};
use splitter_core::{
    ApiKeyId, Reply, Scope,
    access::{KEY_RANDOM_BYTES, hash_key, new_key},
    manage,
    store::Planned,
};

use super::{transact, unexpected};
use crate::{
    api::App,
    auth::Manager,
    body::JsonBody,
    dto::{
        Success,
        api_key::{ApiKeyView, read_name},
        json,
        list::List,
    },
    error::ApiError,
    path::Id,
    query::Query,
};

pub(super) async fn list(State(app): State<App>, caller: Manager, mut parameters: Query) -> Result<Response, ApiError> {
    let request = parameters.page(10);
    parameters.finish()?;
    let page = app.store.api_keys(caller.admin_id(), request).await?;
    let prefix = &app.config.key_prefix;
    let rows = page.rows.into_iter().map(|key| ApiKeyView::new(key, prefix)).collect();
    json(StatusCode::OK, &List::new(rows, page.total, request))
}

pub(super) async fn create(State(app): State<App>, caller: Manager, body: JsonBody) -> Result<Response, ApiError> {
    let name = read_name(&body.document()?)?;
    let (key, lookup) = unused_key(&app).await?;
    let (admin_id, env, hash) = (caller.admin_id(), caller.env, hash_key(&key));
    let plan = move |_: &_| Planned::Commit(manage::create_api_key(admin_id, name.clone(), lookup.clone(), hash, &env));
    match transact(&app, Scope::of(admin_id), plan).await? {
        Reply::ApiKey(stored) => {
            let view = ApiKeyView::new(*stored, &app.config.key_prefix).with_key(key);
            json(StatusCode::CREATED, &Success::of(view))
        }
        other => Err(unexpected(other)),
    }
}

pub(super) async fn revoke(
    State(app): State<App>,
    caller: Manager,
    Id(id): Id<ApiKeyId>,
) -> Result<Response, ApiError> {
    let (admin_id, env) = (caller.admin_id(), caller.env);
    let plan = move |snapshot: &_| manage::revoke_api_key(snapshot, admin_id, id, &env);
    match transact(&app, Scope::of(admin_id).api_key(id), plan).await? {
        Reply::ApiKey(key) => {
            app.refusals.forget(key.id);
            json(StatusCode::OK, &Success::of(ApiKeyView::new(*key, &app.config.key_prefix)))
        }
        other => Err(unexpected(other)),
    }
}

/// A new key whose public part, 32 bits, is nobody's yet. With a million keys one attempt in four thousand meets a taken
/// one; should one slip through in the same moment, the store refuses it.
async fn unused_key(app: &App) -> Result<(String, String), ApiError> {
    const ATTEMPTS: usize = 8;
    for _ in 0..ATTEMPTS {
        let mut random = [0; KEY_RANDOM_BYTES];
        app.world.fill_random(&mut random);
        let (key, lookup) = new_key(&app.config.key_prefix, &random);
        if app.store.api_key(&lookup).await?.is_none() {
            return Ok((key, lookup));
        }
    }
    Err(ApiError::internal("no unused public part of a key was found"))
}
