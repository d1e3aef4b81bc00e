//! The routes. Handlers read a request into terms of the core, run one command or query, and write the answer down.

mod api_keys;
mod campaigns;
mod contacts;
mod enroll;
mod logs;
mod settings;
mod splitters;
mod zapier;

use axum::{
    Router,
    routing::{delete, get, post},
};
use splitter_core::{Reply, Scope, Snapshot, Work, store::Planned};

use crate::{api::App, error::ApiError};

/// Every route, without fallbacks and layers.
pub(crate) fn all() -> Router<App> {
    Router::new()
        .route("/contacts", post(contacts::create).get(contacts::list))
        .route("/contacts/statuses", get(contacts::statuses))
        .route("/contacts/update", post(contacts::update))
        .route("/contacts/fulfill", post(contacts::fulfill))
        .route("/contacts/{id}", get(contacts::show).delete(contacts::delete))
        .route("/contacts/{id}/outreach", get(contacts::outreach))
        .route("/me", get(zapier::me))
        .route("/zapier/contacts", post(zapier::create_contact))
        .route("/zapier/campaigns", get(zapier::campaigns))
        .route("/zapier/splitters", get(zapier::splitters))
        .route("/campaigns", get(campaigns::list).post(campaigns::create))
        .route("/campaigns/{id}", get(campaigns::show).patch(campaigns::edit).delete(campaigns::delete))
        .route("/splitters", get(splitters::list).post(splitters::create))
        .route("/splitters/{id}", get(splitters::show).patch(splitters::edit).delete(splitters::delete))
        .route("/splitters/{id}/pause", post(splitters::pause))
        .route("/splitters/{id}/resume", post(splitters::resume))
        .route("/splitters/{id}/history", get(splitters::history))
        .route("/splitters/{id}/logs", get(logs::list))
        .route("/splitters/{id}/logs.csv", get(logs::csv))
        .route("/splitters/{id}/logs/{decisionId}/replay", get(logs::replay))
        .route("/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/api-keys/{id}", delete(api_keys::revoke))
        .route("/settings", get(settings::show).patch(settings::edit))
}

/// Runs a command and gives its reply.
async fn transact<P: Into<Planned>>(
    app: &App,
    scope: Scope,
    plan: impl Fn(&Snapshot) -> P + Send + Sync + 'static,
) -> Result<Reply, ApiError> {
    let work = Work::new(scope, move |snapshot| plan(snapshot).into());
    Ok(app.store.transact(work).await?.reply)
}

/// A command answered with another kind of thing than it is about.
fn unexpected(_: Reply) -> ApiError {
    ApiError::internal("a command gave an unexpected reply")
}
