//! `/contacts`

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use splitter_core::{
    CampaignId, Contact, ContactId, ContactStatus, PhoneNumber, Reply,
    contact_commands::{self, ContactChange, EditContact},
    store::{ContactQuery, ContactSort, SearchBy},
};

use super::{enroll::enroll, transact, unexpected};
use crate::{
    api::App,
    auth::Caller,
    body::JsonBody,
    dto::{
        Success,
        contact::{
            self, ContactList, ContactPagination, ContactUpdate, ContactView, ContactWithHistory, HistoryView,
            ListedContact, OutreachView, UpdateAnswer,
        },
        json,
        list::Data,
    },
    error::ApiError,
    path::{Id, missing},
    query::{Query, restore_plus},
};

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let read = contact::read(&body.document()?, app.config.unknown_fields)?;
    enroll(&app, &caller, "POST /contacts", &headers, &body, read).await
}

const SEARCH_BY: [(&str, SearchBy); 3] = [("any", SearchBy::Any), ("name", SearchBy::Name), ("phone", SearchBy::Phone)];
const SORT_BY: [(&str, ContactSort); 5] = [
    ("createdAt", ContactSort::CreatedAt),
    ("updatedAt", ContactSort::UpdatedAt),
    ("name", ContactSort::Name),
    ("phoneNumber", ContactSort::Phone),
    ("status", ContactSort::Status),
];
const SORT_ORDER: [(&str, bool); 2] = [("asc", false), ("desc", true)];

pub(super) async fn list(State(app): State<App>, caller: Caller, mut parameters: Query) -> Result<Response, ApiError> {
    let query = ContactQuery {
        page: parameters.page(25),
        statuses: parameters.parsed_list("status"),
        campaigns: parameters.ids("campaignId"),
        search: parameters.text("search").map(restore_plus),
        search_by: parameters.one_of("searchBy", &SEARCH_BY).unwrap_or_default(),
        sort: parameters.one_of("sortBy", &SORT_BY).unwrap_or_default(),
        descending: parameters.one_of("sortOrder", &SORT_ORDER).unwrap_or(true),
    };
    parameters.finish()?;
    let page = app.store.contacts(caller.admin_id(), &query).await?;
    let ids: BTreeSet<CampaignId> = page.rows.iter().map(|contact| contact.campaign_id).collect();
    let names: BTreeMap<CampaignId, String> =
        app.store.campaign_names(caller.admin_id(), &ids).await?.into_iter().collect();
    let contacts = page.rows.iter().map(|contact| ListedContact::new(contact, &names)).collect();
    let pagination = ContactPagination { total: page.total, page: query.page.page, limit: query.page.limit };
    json(StatusCode::OK, &ContactList { contacts, pagination })
}

pub(super) async fn statuses(_: Caller) -> Result<Response, ApiError> {
    json(StatusCode::OK, &contact::statuses())
}

pub(super) async fn update(State(app): State<App>, caller: Caller, body: JsonBody) -> Result<Response, ApiError> {
    let ContactUpdate { phone, status, campaign_id } = ContactUpdate::read(&body.document()?)?;
    let contact = change(&app, &caller, phone, ContactChange::Update { status, campaign_id }).await?;
    json(StatusCode::OK, &UpdateAnswer::new("Contact updated", Some((&contact).into())))
}

pub(super) async fn fulfill(State(app): State<App>, caller: Caller, body: JsonBody) -> Result<Response, ApiError> {
    let phone = ContactUpdate::read_phone_only(&body.document()?)?;
    let fulfilled = ContactChange::Update { status: Some(ContactStatus::Fulfilled), campaign_id: None };
    change(&app, &caller, phone, fulfilled).await?;
    json(StatusCode::OK, &UpdateAnswer::new("Contact marked as fulfilled", None))
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ContactId>,
) -> Result<Response, ApiError> {
    let phone = existing(&app, &caller, id).await?.phone_number;
    let contact = change(&app, &caller, phone, ContactChange::Delete).await?;
    json(StatusCode::OK, &Success::of(ContactView::from(&contact)))
}

pub(super) async fn show(State(app): State<App>, caller: Caller, Id(id): Id<ContactId>) -> Result<Response, ApiError> {
    let contact = existing(&app, &caller, id).await?;
    let history = app.store.history(caller.admin_id(), id).await?;
    let history = history.iter().map(HistoryView::from).collect();
    json(StatusCode::OK, &Success::of(ContactWithHistory { contact: (&contact).into(), history }))
}

pub(super) async fn outreach(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ContactId>,
) -> Result<Response, ApiError> {
    existing(&app, &caller, id).await?;
    let outreach = app.store.outreach(caller.admin_id(), id).await?;
    let data: Vec<OutreachView<'_>> = outreach.iter().map(OutreachView::from).collect();
    json(StatusCode::OK, &Data { data })
}

/// A contact that is not deleted.
async fn existing(app: &App, caller: &Caller, id: ContactId) -> Result<Contact, ApiError> {
    let contact = app.store.contact(caller.admin_id(), id).await?;
    contact.filter(|contact| contact.deleted_at.is_none()).ok_or_else(missing::<ContactId>)
}

async fn change(
    app: &App,
    caller: &Caller,
    phone_number: PhoneNumber,
    change: ContactChange,
) -> Result<Contact, ApiError> {
    let request = EditContact { admin_id: caller.admin_id(), phone_number, change, actor: caller.principal.actor() };
    let env = caller.env;
    let reply =
        transact(app, request.scope(), move |snapshot| contact_commands::plan(snapshot, &request, &env)).await?;
    match reply {
        Reply::Contact(contact) => Ok(*contact),
        other => Err(unexpected(other)),
    }
}
