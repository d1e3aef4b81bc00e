//! The in-memory store: every admin's snapshot behind one mutex. Good for tests and demonstrations, and the oracle that
//! every other store is compared with. Nothing outlives the process.

mod dispatch;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    access::{ApiKey, RateClass, RateVerdict, RateWindow, hit},
    admin::Admin,
    campaign::Campaign,
    contact::{Contact, HistoryEntry},
    decision::LoggedDecision,
    id::{AdminId, ApiKeyId, CampaignId, ContactId, DecisionId, SplitterId},
    outreach::Outreach,
    phone::PhoneNumber,
    plan::{Effect, Plan},
    rejection::Rejection,
    snapshot::Snapshot,
    splitter::{Splitter, SplitterVersion},
    store::{
        CampaignQuery, ContactQuery, ContactSort, Limiter, LogQuery, LogRow, Page, PageRequest, Planned, Queries,
        SearchBy, StoreError, Transact, TransactError, Work,
    },
    time::Timestamp,
};

/// The in-memory store.
#[derive(Debug, Default)]
pub struct MemoryStore {
    admins: Mutex<BTreeMap<AdminId, Snapshot>>,
    /// Who may send what. Locked after `admins`.
    holds: Mutex<dispatch::Holds>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that belongs to an admin, copied.
    #[must_use]
    pub fn snapshot(&self, admin: AdminId) -> Snapshot {
        self.lock().get(&admin).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AdminId, Snapshot>> {
        // A plan that panics has changed nothing: plans are applied only after they have returned.
        self.admins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_holds(&self) -> MutexGuard<'_, dispatch::Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, admin: AdminId, read: impl FnOnce(&Snapshot) -> T) -> T {
        read(self.lock().get(&admin).unwrap_or(&Snapshot::default()))
    }
}

#[async_trait]
impl Transact for MemoryStore {
    async fn transact(&self, work: Work) -> Result<Plan, TransactError> {
        let mut admins = self.lock();
        let planned = {
            let empty = Snapshot::default();
            (work.plan)(admins.get(&work.scope.admin_id).unwrap_or(&empty))
        };
        match planned {
            Planned::Commit(plan) => {
                for effect in &plan.effects {
                    if let Effect::CreateAdmin(admin) = effect
                        && admins.values().filter_map(|s| s.admin.as_ref()).any(|known| known.email == admin.email)
                    {
                        return Err(Rejection::EmailTaken.into());
                    }
                    if let Effect::CreateApiKey(key) = effect
                        && admins.values().flat_map(|s| s.api_keys.values()).any(|known| known.lookup == key.lookup)
                    {
                        return Err(Rejection::ApiKeyTaken.into());
                    }
                }
                admins.entry(plan.admin_id).or_default().apply(&plan);
                Ok(plan)
            }
            Planned::Reject(rejection) => Err(rejection.into()),
            Planned::NeedsMore(scope) => Err(TransactError::Store(StoreError::Broken(format!(
                "the plan asked for {scope:?}, but the snapshot is complete"
            )))),
        }
    }
}

fn page<T>(rows: Vec<T>, request: PageRequest) -> Page<T> {
    let total = rows.len() as u64;
    let offset = usize::try_from(request.offset()).unwrap_or(usize::MAX);
    Page { rows: rows.into_iter().skip(offset).take(request.limit as usize).collect(), total }
}

fn matches(text: &str, search: &str) -> bool {
    text.to_ascii_lowercase().contains(&search.to_ascii_lowercase())
}

fn selects(query: &ContactQuery, contact: &Contact) -> bool {
    let in_name = |search: &str| contact.name.as_deref().is_some_and(|name| matches(name, search));
    let in_phone = |search: &str| contact.phone_number.to_string().contains(search);
    contact.deleted_at.is_none()
        && (query.statuses.is_empty() || query.statuses.contains(&contact.status))
        && (query.campaigns.is_empty() || query.campaigns.contains(&contact.campaign_id))
        && query.search.as_deref().is_none_or(|search| match query.search_by {
            SearchBy::Any => in_name(search) || in_phone(search),
            SearchBy::Name => in_name(search),
            SearchBy::Phone => in_phone(search),
        })
}

fn sort_key(sort: ContactSort, contact: &Contact) -> (Timestamp, String) {
    match sort {
        ContactSort::CreatedAt => (contact.created_at, String::new()),
        ContactSort::UpdatedAt => (contact.updated_at, String::new()),
        ContactSort::Name => (Timestamp::MIN, contact.name.clone().unwrap_or_default()),
        ContactSort::Phone => (Timestamp::MIN, contact.phone_number.to_string()),
        ContactSort::Status => (Timestamp::MIN, contact.status.to_string()),
    }
}

#[async_trait]
impl Queries for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn admin(&self, id: AdminId) -> Result<Option<Admin>, StoreError> {
        Ok(self.read(id, |snapshot| snapshot.admin.clone()))
    }

    async fn admin_by_email(&self, email: &str) -> Result<Option<Admin>, StoreError> {
        Ok(self.lock().values().filter_map(|s| s.admin.as_ref()).find(|admin| admin.email == email).cloned())
    }

    async fn api_key(&self, lookup: &str) -> Result<Option<(ApiKey, Admin)>, StoreError> {
        let admins = self.lock();
        Ok(admins.values().find_map(|snapshot| {
            let key = snapshot.api_keys.values().find(|key| key.lookup == lookup)?;
            Some((key.clone(), snapshot.admin.clone()?))
        }))
    }

    async fn api_keys(&self, admin: AdminId, request: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let keys = snapshot.api_keys.values().rev().filter(|key| key.revoked_at.is_none());
            page(keys.cloned().collect(), request)
        }))
    }

    async fn contact(&self, admin: AdminId, id: ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.read(admin, |snapshot| snapshot.contacts.values().find(|contact| contact.id == id).cloned()))
    }

    async fn contact_by_phone(&self, admin: AdminId, phone: PhoneNumber) -> Result<Option<Contact>, StoreError> {
        Ok(self.read(admin, |snapshot| snapshot.contacts.get(&phone).cloned()))
    }

    async fn contacts(&self, admin: AdminId, query: &ContactQuery) -> Result<Page<Contact>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let mut rows: Vec<Contact> =
                snapshot.contacts.values().filter(|contact| selects(query, contact)).cloned().collect();
            rows.sort_by_cached_key(|contact| (sort_key(query.sort, contact), contact.id));
            if query.descending {
                rows.reverse();
            }
            page(rows, query.page)
        }))
    }

    async fn history(&self, admin: AdminId, contact: ContactId) -> Result<Vec<HistoryEntry>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            snapshot.written.history.iter().filter(|entry| entry.contact_id == contact).cloned().collect()
        }))
    }

    async fn outreach(&self, admin: AdminId, contact: ContactId) -> Result<Vec<Outreach>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            snapshot.written.outreach.values().filter(|row| row.contact_id == contact).cloned().collect()
        }))
    }

    async fn campaign(&self, admin: AdminId, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        Ok(self.read(admin, |snapshot| snapshot.campaigns.get(&id).cloned()))
    }

    async fn campaigns(&self, admin: AdminId, query: &CampaignQuery) -> Result<Page<Campaign>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let selected = |campaign: &&Campaign| {
                campaign.is_valid()
                    && query.status.is_none_or(|status| campaign.config.status == status)
                    && query.search.as_deref().is_none_or(|search| matches(&campaign.config.name, search))
            };
            let mut rows: Vec<Campaign> = snapshot.campaigns.values().filter(selected).cloned().collect();
            rows.sort_by_key(|campaign| std::cmp::Reverse((campaign.created_at, campaign.id)));
            page(rows, query.page)
        }))
    }

    async fn campaign_names(
        &self,
        admin: AdminId,
        ids: &BTreeSet<CampaignId>,
    ) -> Result<Vec<(CampaignId, String)>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let named = |id: &CampaignId| Some((*id, snapshot.campaigns.get(id)?.config.name.clone()));
            ids.iter().filter_map(named).collect()
        }))
    }

    async fn splitter(&self, admin: AdminId, id: SplitterId) -> Result<Option<Splitter>, StoreError> {
        Ok(self.read(admin, |snapshot| snapshot.splitters.get(&id).cloned()))
    }

    async fn splitters(&self, admin: AdminId, request: PageRequest) -> Result<Page<Splitter>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let mut rows: Vec<Splitter> =
                snapshot.splitters.values().filter(|splitter| splitter.deleted_at.is_none()).cloned().collect();
            rows.sort_by_key(|splitter| std::cmp::Reverse((splitter.created_at, splitter.id)));
            page(rows, request)
        }))
    }

    async fn splitter_versions(&self, admin: AdminId, id: SplitterId) -> Result<Vec<SplitterVersion>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            snapshot.written.versions.iter().rev().filter(|version| version.splitter_id == id).cloned().collect()
        }))
    }

    async fn decisions(&self, admin: AdminId, id: SplitterId, query: &LogQuery) -> Result<Vec<LogRow>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let phones: BTreeMap<ContactId, PhoneNumber> =
                snapshot.contacts.values().map(|contact| (contact.id, contact.phone_number)).collect();
            let rows = snapshot.written.decisions.iter().rev().filter(|row| row.decision.splitter_id == id);
            let with_phone = |row: &LoggedDecision| LogRow {
                row: row.clone(),
                phone: phones.get(&row.decision.contact_id).copied(),
            };
            rows.filter(|row| {
                let decision = &row.decision;
                query.before.is_none_or(|before| decision.seq < before)
                    && query.campaign.is_none_or(|campaign| decision.campaign_id == campaign)
                    && query.from.is_none_or(|from| decision.at >= from)
                    && query.to.is_none_or(|to| decision.at < to)
                    && query.phone.is_none_or(|phone| phones.get(&decision.contact_id) == Some(&phone))
            })
            .take(query.limit as usize)
            .map(with_phone)
            .collect()
        }))
    }

    async fn decision(
        &self,
        admin: AdminId,
        splitter: SplitterId,
        id: DecisionId,
    ) -> Result<Option<LogRow>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let mut rows = snapshot.written.decisions.iter();
            let row = rows.find(|row| row.decision.splitter_id == splitter && row.decision.id == id)?;
            let contact = snapshot.contacts.values().find(|contact| contact.id == row.decision.contact_id);
            Some(LogRow { row: row.clone(), phone: contact.map(|contact| contact.phone_number) })
        }))
    }

    async fn decisions_after(
        &self,
        admin: AdminId,
        splitter: SplitterId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LoggedDecision>, StoreError> {
        Ok(self.read(admin, |snapshot| {
            let rows = snapshot.written.decisions.iter();
            rows.filter(|row| row.decision.splitter_id == splitter && row.decision.seq > after)
                .take(limit as usize)
                .cloned()
                .collect()
        }))
    }
}

/// A limiter in memory: right for a single process.
///
/// Windows that have ended are dropped when as many new ones have come, so memory follows the keys in use.
#[derive(Debug, Default)]
pub struct MemoryLimiter {
    windows: Mutex<Windows>,
}

#[derive(Debug, Default)]
struct Windows {
    open: BTreeMap<(ApiKeyId, RateClass), RateWindow>,
    sweep_at: usize,
}

impl MemoryLimiter {
    /// A limiter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn hit(
        &self,
        key: ApiKeyId,
        class: RateClass,
        limit: u32,
        now: Timestamp,
    ) -> Result<RateVerdict, StoreError> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.open.len() >= windows.sweep_at {
            windows.open.retain(|_, window| now.millis_since(window.started_at) < crate::access::RATE_WINDOW_MS);
            windows.sweep_at = 2 * windows.open.len() + 64;
        }
        let (window, verdict) = hit(windows.open.get(&(key, class)).copied(), limit, now);
        windows.open.insert((key, class), window);
        Ok(verdict)
    }
}
