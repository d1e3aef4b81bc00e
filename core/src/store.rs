//! The ports: what the product needs of a database, as traits that an embedder can implement.
//!
//! [`Transact`] is required. [`Queries`] and [`Limiter`] serve the HTTP API; an embedder who brings its own front needs
//! neither.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    access::{ApiKey, RateClass, RateVerdict},
    admin::Admin,
    campaign::{Campaign, CampaignStatus},
    contact::{Contact, ContactStatus, HistoryEntry},
    decision::LoggedDecision,
    id::{AdminId, ApiKeyId, CampaignId, ContactId, DecisionId, SplitterId},
    outreach::Outreach,
    phone::PhoneNumber,
    plan::Plan,
    rejection::Rejection,
    snapshot::{Scope, Snapshot},
    splitter::{Splitter, SplitterVersion},
    time::Timestamp,
};

/// What a pure command says when it has seen a snapshot.
#[derive(Debug)]
pub enum Planned {
    /// Carry this out.
    Commit(Plan),
    /// Change nothing.
    Reject(Rejection),
    /// Something has to be read that the scope did not name: start again with this larger scope.
    NeedsMore(Scope),
}

impl From<Result<Plan, Rejection>> for Planned {
    fn from(result: Result<Plan, Rejection>) -> Self {
        result.map_or_else(Self::Reject, Self::Commit)
    }
}

/// A pure command. It may be called any number of times; equal snapshots give equal plans.
pub type PlanFn = Arc<dyn Fn(&Snapshot) -> Planned + Send + Sync>;

/// A command and what it has to see.
#[derive(Clone)]
pub struct Work {
    /// What to load and lock.
    pub scope: Scope,
    /// The command.
    pub plan: PlanFn,
}

impl Work {
    /// Puts a command and its scope together.
    pub fn new(scope: Scope, plan: impl Fn(&Snapshot) -> Planned + Send + Sync + 'static) -> Self {
        Self { scope, plan: Arc::new(plan) }
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The store could not do it, for reasons of its own. Whether anything was changed is known: nothing was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too much is waiting; try again in a moment.
    #[error("the store has too much waiting")]
    Busy,
    /// The database did not answer, or lost the connection; try again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database refused rows that no plan should have made, or holds rows that can not be read: a bug, or a hand in
    /// the tables.
    #[error("an invariant of the database is broken: {0}")]
    Broken(String),
}

/// Why a transaction did not happen. Nothing was changed.
#[derive(Debug, Error)]
pub enum TransactError {
    /// The command refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The required port: load and lock, call the pure command, carry out its plan, all in one transaction.
///
/// The transaction does not belong to the caller's future: dropping it neither aborts nor half-does the work.
#[async_trait]
pub trait Transact: Send + Sync {
    /// Runs one command. Answers once its plan is durable, with that plan.
    async fn transact(&self, work: Work) -> Result<Plan, TransactError>;
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Counted from 1.
    pub page: u32,
    /// Rows of a page.
    pub limit: u32,
}

impl PageRequest {
    /// Rows before the page.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        (self.page.saturating_sub(1) as u64) * self.limit as u64
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Rows of the whole list.
    pub total: u64,
}

/// What a search of contacts looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchBy {
    /// Name and phone number.
    #[default]
    Any,
    /// The name.
    Name,
    /// The phone number.
    Phone,
}

/// What contacts are sorted by; ties by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContactSort {
    /// When created.
    #[default]
    CreatedAt,
    /// When last changed.
    UpdatedAt,
    /// The name; contacts without one sort as if it were empty.
    Name,
    /// The phone number, as a text.
    Phone,
    /// The name of the status.
    Status,
}

/// Which contacts, in which order. Deleted ones never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactQuery {
    /// Which part.
    pub page: PageRequest,
    /// Only with one of these statuses; empty: any.
    pub statuses: BTreeSet<ContactStatus>,
    /// Only in one of these campaigns; empty: any.
    pub campaigns: BTreeSet<CampaignId>,
    /// Only with this text in it, ignoring the case of ASCII letters.
    pub search: Option<String>,
    /// Where that text is looked for.
    pub search_by: SearchBy,
    /// What they are sorted by.
    pub sort: ContactSort,
    /// Largest first.
    pub descending: bool,
}

impl ContactQuery {
    /// All of them, by phone number, which no two have in common: whoever goes on from page to page misses none.
    #[must_use]
    pub const fn all(page: PageRequest) -> Self {
        Self {
            page,
            statuses: BTreeSet::new(),
            campaigns: BTreeSet::new(),
            search: None,
            search_by: SearchBy::Any,
            sort: ContactSort::Phone,
            descending: false,
        }
    }
}

/// Which campaigns, newest first. Deleted ones never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignQuery {
    /// Which part.
    pub page: PageRequest,
    /// Only with this status.
    pub status: Option<CampaignStatus>,
    /// Only with this text in the name, ignoring the case of ASCII letters.
    pub search: Option<String>,
}

/// Which rows of a splitter's log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// At most so many rows.
    pub limit: u32,
    /// Only rows with a smaller `seq`.
    pub before: Option<u64>,
    /// Only with this campaign.
    pub campaign: Option<CampaignId>,
    /// Only of the contact with this number.
    pub phone: Option<PhoneNumber>,
    /// Not earlier.
    pub from: Option<Timestamp>,
    /// Earlier.
    pub to: Option<Timestamp>,
}

/// A row of a log with the number that its contact has now.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// The row.
    pub row: LoggedDecision,
    /// The contact's number.
    pub phone: Option<PhoneNumber>,
}

/// Reads outside of transactions. Everything is confined to one admin; another's rows behave as missing.
#[async_trait]
pub trait Queries: Send + Sync {
    /// Whether the database answers and is migrated.
    async fn ping(&self) -> Result<(), StoreError>;
    /// An admin.
    async fn admin(&self, id: AdminId) -> Result<Option<Admin>, StoreError>;
    /// An admin by its e-mail address.
    async fn admin_by_email(&self, email: &str) -> Result<Option<Admin>, StoreError>;
    /// An API key by its public part, with its admin; revoked ones too.
    async fn api_key(&self, lookup: &str) -> Result<Option<(ApiKey, Admin)>, StoreError>;
    /// An admin's API keys, newest first, revoked ones left out.
    async fn api_keys(&self, admin: AdminId, page: PageRequest) -> Result<Page<ApiKey>, StoreError>;
    /// A contact by its id, deleted ones included.
    async fn contact(&self, admin: AdminId, id: ContactId) -> Result<Option<Contact>, StoreError>;
    /// A contact by its number, deleted ones included.
    async fn contact_by_phone(&self, admin: AdminId, phone: PhoneNumber) -> Result<Option<Contact>, StoreError>;
    /// Contacts.
    async fn contacts(&self, admin: AdminId, query: &ContactQuery) -> Result<Page<Contact>, StoreError>;
    /// A contact's history, oldest first.
    async fn history(&self, admin: AdminId, contact: ContactId) -> Result<Vec<HistoryEntry>, StoreError>;
    /// A contact's outreach, oldest first.
    async fn outreach(&self, admin: AdminId, contact: ContactId) -> Result<Vec<Outreach>, StoreError>;
    /// A campaign, deleted ones included.
    async fn campaign(&self, admin: AdminId, id: CampaignId) -> Result<Option<Campaign>, StoreError>;
    /// Campaigns.
    async fn campaigns(&self, admin: AdminId, query: &CampaignQuery) -> Result<Page<Campaign>, StoreError>;
    /// The names of campaigns, deleted ones included.
    async fn campaign_names(
        &self,
        admin: AdminId,
        ids: &BTreeSet<CampaignId>,
    ) -> Result<Vec<(CampaignId, String)>, StoreError>;
    /// A splitter, deleted ones included.
    async fn splitter(&self, admin: AdminId, id: SplitterId) -> Result<Option<Splitter>, StoreError>;
    /// Splitters, newest first, deleted ones left out.
    async fn splitters(&self, admin: AdminId, page: PageRequest) -> Result<Page<Splitter>, StoreError>;
    /// A splitter's versions, newest first.
    async fn splitter_versions(&self, admin: AdminId, id: SplitterId) -> Result<Vec<SplitterVersion>, StoreError>;
    /// Rows of a splitter's log, newest first.
    async fn decisions(&self, admin: AdminId, id: SplitterId, query: &LogQuery) -> Result<Vec<LogRow>, StoreError>;
    /// One row of a splitter's log.
    async fn decision(
        &self,
        admin: AdminId,
        splitter: SplitterId,
        id: DecisionId,
    ) -> Result<Option<LogRow>, StoreError>;
    /// Rows of a splitter's log, oldest first, from the one after `after` on.
    async fn decisions_after(
        &self,
        admin: AdminId,
        splitter: SplitterId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LoggedDecision>, StoreError>;
}

/// Counts requests against an API key's limits, across all replicas of a server.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Counts one request, or refuses it.
    async fn hit(&self, key: ApiKeyId, class: RateClass, limit: u32, now: Timestamp)
    -> Result<RateVerdict, StoreError>;
}

/// A store that serves everything.
pub trait Store: Transact + Queries {}

impl<T: Transact + Queries> Store for T {}
