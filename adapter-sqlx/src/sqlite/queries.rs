//! Reads outside of transactions, by the pool of read-only connections.

use std::collections::BTreeSet;

use async_trait::async_trait;
use splitter_core::{
    Admin, AdminId, ApiKey, Campaign, CampaignId, Contact, ContactId, DecisionId, LoggedDecision, Outreach,
    PhoneNumber, Queries, Splitter, SplitterId, StoreError, Timestamp,
    contact::HistoryEntry,
    splitter::SplitterVersion,
    store::{CampaignQuery, ContactQuery, ContactSort, LogQuery, LogRow, Page, PageRequest, SearchBy},
};
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite};

use super::SqliteStore;
use crate::{error::store_error, rows};

type Result<T> = std::result::Result<T, StoreError>;

const ADMIN: &str = "id, email, password_hash, settings, created_at, updated_at";
const CONTACT: &str = "id, admin_id, campaign_id, phone, name, timezone, status, variables, created_at, updated_at, \
                       fulfilled_at, re_added_at, deleted_at, assignment";
const CAMPAIGN: &str =
    "id, admin_id, name, status, outreach, calling_window, requires_email, created_at, updated_at, deleted_at";
const SPLITTER: &str = "s.id, s.admin_id, s.status, s.version, s.config, s.created_at, s.updated_at, s.deleted_at, \
                        t.seq, t.last_at, t.head, t.rule_version, t.members, t.adaptive \
                        FROM splitters s JOIN splitter_states t ON t.splitter_id = s.id";
const LOG: &str = "d.id, d.splitter_id, d.contact_id, d.campaign_id, d.bytes, d.hash";

impl SqliteStore {
    async fn fetch_one<T>(
        &self,
        mut query: QueryBuilder<Sqlite>,
        read: impl Fn(&mut rows::Reader<'_, sqlx::sqlite::SqliteRow>) -> rows::Result<T>,
    ) -> Result<Option<T>> {
        let row = query.build().fetch_optional(&self.readers).await.map_err(store_error)?;
        rows::one(row, read).map_err(store_error)
    }

    async fn fetch_all<T>(
        &self,
        mut query: QueryBuilder<Sqlite>,
        read: impl Fn(&mut rows::Reader<'_, sqlx::sqlite::SqliteRow>) -> rows::Result<T>,
    ) -> Result<Vec<T>> {
        let found = query.build().fetch_all(&self.readers).await.map_err(store_error)?;
        rows::all(&found, read).map_err(store_error)
    }

    async fn count(&self, mut query: QueryBuilder<Sqlite>) -> Result<u64> {
        let count: i64 = query.build_query_scalar().fetch_one(&self.readers).await.map_err(store_error)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The first row of a log that is not earlier than a moment. Times never run backwards along a log, and its `seq` has
    /// no gaps, so a few looks at single rows find it, however long the log is.
    async fn first_seq_at(&self, splitter: SplitterId, at: Timestamp) -> Result<u64> {
        let ends = "SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) + 1 FROM decisions WHERE splitter_id = ?";
        let ends = sqlx::query_as::<_, (i64, i64)>(ends).bind(splitter.0);
        let (mut low, mut high) = ends.fetch_one(&self.readers).await.map_err(store_error)?;
        while low < high {
            let middle = low + (high - low) / 2;
            let row = sqlx::query_scalar::<_, i64>("SELECT at FROM decisions WHERE splitter_id = ? AND seq = ?");
            let found = row.bind(splitter.0).bind(middle).fetch_optional(&self.readers).await.map_err(store_error)?;
            if found.is_some_and(|found| found < at.as_millis()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(u64::try_from(low).unwrap_or(0))
    }
}

fn select(columns: &str, from: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(columns).push(" ").push(from);
    query
}

fn paged(query: &mut QueryBuilder<Sqlite>, page: PageRequest) {
    query.push(" LIMIT ").push_bind(i64::from(page.limit));
    query.push(" OFFSET ").push_bind(i64::try_from(page.offset()).unwrap_or(i64::MAX));
}

/// `lower` of SQLite changes ASCII letters only, which is what a search ignores.
fn contains(query: &mut QueryBuilder<Sqlite>, column: &str, text: &str) {
    query.push("instr(lower(").push(column).push("), lower(").push_bind(text.to_owned()).push(")) > 0");
}

fn contact_filter(query: &mut QueryBuilder<Sqlite>, admin: AdminId, wanted: &ContactQuery) {
    query.push(" WHERE admin_id = ").push_bind(admin.0).push(" AND deleted_at IS NULL");
    if !wanted.statuses.is_empty() {
        query.push(" AND status IN (");
        let mut list = query.separated(",");
        for status in &wanted.statuses {
            list.push_bind(status.as_str());
        }
        query.push(")");
    }
    if !wanted.campaigns.is_empty() {
        query.push(" AND campaign_id IN (");
        let mut list = query.separated(",");
        for campaign in &wanted.campaigns {
            list.push_bind(campaign.0);
        }
        query.push(")");
    }
    if let Some(text) = &wanted.search {
        query.push(" AND (");
        if wanted.search_by != SearchBy::Phone {
            contains(query, "name", text);
        }
        if wanted.search_by == SearchBy::Any {
            query.push(" OR ");
        }
        if wanted.search_by != SearchBy::Name {
            contains(query, "phone", text);
        }
        query.push(")");
    }
}

#[async_trait]
impl Queries for SqliteStore {
    async fn ping(&self) -> Result<()> {
        let query = sqlx::query("SELECT 1 FROM admins LIMIT 1");
        query.fetch_optional(&self.readers).await.map(|_| ()).map_err(store_error)
    }

    async fn admin(&self, id: AdminId) -> Result<Option<Admin>> {
        let mut query = select(ADMIN, "FROM admins WHERE id = ");
        query.push_bind(id.0);
        self.fetch_one(query, rows::admin).await
    }

    async fn admin_by_email(&self, email: &str) -> Result<Option<Admin>> {
        let mut query = select(ADMIN, "FROM admins WHERE email = ");
        query.push_bind(email.to_owned());
        self.fetch_one(query, rows::admin).await
    }

    async fn api_key(&self, lookup: &str) -> Result<Option<(ApiKey, Admin)>> {
        let mut query = select(
            "k.id, k.admin_id, k.name, k.lookup, k.hash, k.created_at, k.revoked_at, a.id, a.email, a.password_hash, \
             a.settings, a.created_at, a.updated_at",
            "FROM api_keys k JOIN admins a ON a.id = k.admin_id WHERE k.lookup = ",
        );
        query.push_bind(lookup.to_owned());
        self.fetch_one(query, |r| Ok((rows::api_key(r)?, rows::admin(r)?))).await
    }

    async fn api_keys(&self, admin: AdminId, page: PageRequest) -> Result<Page<ApiKey>> {
        let filter = "FROM api_keys WHERE revoked_at IS NULL AND admin_id = ";
        let mut count = select("count(*)", filter);
        count.push_bind(admin.0);
        let mut query = select("id, admin_id, name, lookup, hash, created_at, revoked_at", filter);
        query.push_bind(admin.0).push(" ORDER BY id DESC");
        paged(&mut query, page);
        Ok(Page { total: self.count(count).await?, rows: self.fetch_all(query, rows::api_key).await? })
    }

    async fn contact(&self, admin: AdminId, id: ContactId) -> Result<Option<Contact>> {
        let mut query = select(CONTACT, "FROM contacts WHERE admin_id = ");
        query.push_bind(admin.0).push(" AND id = ").push_bind(id.0);
        self.fetch_one(query, rows::contact).await
    }

    async fn contact_by_phone(&self, admin: AdminId, phone: PhoneNumber) -> Result<Option<Contact>> {
        let mut query = select(CONTACT, "FROM contacts WHERE admin_id = ");
        query.push_bind(admin.0).push(" AND phone = ").push_bind(phone.to_string());
        self.fetch_one(query, rows::contact).await
    }

    async fn contacts(&self, admin: AdminId, wanted: &ContactQuery) -> Result<Page<Contact>> {
        let mut count = select("count(*)", "FROM contacts");
        contact_filter(&mut count, admin, wanted);
        let mut query = select(CONTACT, "FROM contacts");
        contact_filter(&mut query, admin, wanted);
        let direction = if wanted.descending { " DESC" } else { "" };
        let key = match wanted.sort {
            ContactSort::CreatedAt => "created_at",
            ContactSort::UpdatedAt => "updated_at",
            ContactSort::Name => "coalesce(name, '')",
            ContactSort::Phone => "phone",
            ContactSort::Status => "status",
        };
        query.push(" ORDER BY ").push(key).push(direction).push(", id").push(direction);
        paged(&mut query, wanted.page);
        Ok(Page { total: self.count(count).await?, rows: self.fetch_all(query, rows::contact).await? })
    }

    async fn history(&self, admin: AdminId, contact: ContactId) -> Result<Vec<HistoryEntry>> {
        let columns = "id, contact_id, at, actor, kind, decision_id, before";
        let mut query = select(columns, "FROM contact_history WHERE admin_id = ");
        query.push_bind(admin.0).push(" AND contact_id = ").push_bind(contact.0).push(" ORDER BY seq");
        self.fetch_all(query, rows::history).await
    }

    async fn outreach(&self, admin: AdminId, contact: ContactId) -> Result<Vec<Outreach>> {
        let columns = "id, admin_id, contact_id, campaign_id, channel, template, status, scheduled_at, created_at, \
                       sent_at, attempts, error, cancel_requested_at";
        let mut query = select(columns, "FROM outreach WHERE admin_id = ");
        query.push_bind(admin.0).push(" AND contact_id = ").push_bind(contact.0).push(" ORDER BY id");
        self.fetch_all(query, rows::outreach).await
    }

    async fn campaign(&self, admin: AdminId, id: CampaignId) -> Result<Option<Campaign>> {
        let mut query = select(CAMPAIGN, "FROM campaigns WHERE admin_id = ");
        query.push_bind(admin.0).push(" AND id = ").push_bind(id.0);
        self.fetch_one(query, rows::campaign).await
    }

    async fn campaigns(&self, admin: AdminId, wanted: &CampaignQuery) -> Result<Page<Campaign>> {
        let filter = |query: &mut QueryBuilder<Sqlite>| {
            query.push(" WHERE admin_id = ").push_bind(admin.0).push(" AND deleted_at IS NULL");
            if let Some(status) = wanted.status {
                query.push(" AND status = ").push_bind(status.as_str());
            }
            if let Some(text) = &wanted.search {
                query.push(" AND ");
                contains(query, "name", text);
            }
        };
        let mut count = select("count(*)", "FROM campaigns");
        filter(&mut count);
        let mut query = select(CAMPAIGN, "FROM campaigns");
        filter(&mut query);
        query.push(" ORDER BY created_at DESC, id DESC");
        paged(&mut query, wanted.page);
        Ok(Page { total: self.count(count).await?, rows: self.fetch_all(query, rows::campaign).await? })
    }

    async fn campaign_names(&self, admin: AdminId, ids: &BTreeSet<CampaignId>) -> Result<Vec<(CampaignId, String)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = select("id, name", "FROM campaigns WHERE admin_id = ");
        query.push_bind(admin.0).push(" AND id IN (");
        let mut list = query.separated(",");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(") ORDER BY id");
        self.fetch_all(query, |r| Ok((r.id()?, r.text()?))).await
    }

    async fn splitter(&self, admin: AdminId, id: SplitterId) -> Result<Option<Splitter>> {
        let mut query = select(SPLITTER, "WHERE s.admin_id = ");
        query.push_bind(admin.0).push(" AND s.id = ").push_bind(id.0);
        self.fetch_one(query, rows::splitter).await
    }

    async fn splitters(&self, admin: AdminId, page: PageRequest) -> Result<Page<Splitter>> {
        let mut count = select("count(*)", "FROM splitters WHERE deleted_at IS NULL AND admin_id = ");
        count.push_bind(admin.0);
        let mut query = select(SPLITTER, "WHERE s.deleted_at IS NULL AND s.admin_id = ");
        query.push_bind(admin.0).push(" ORDER BY s.created_at DESC, s.id DESC");
        paged(&mut query, page);
        Ok(Page { total: self.count(count).await?, rows: self.fetch_all(query, rows::splitter).await? })
    }

    async fn splitter_versions(&self, admin: AdminId, id: SplitterId) -> Result<Vec<SplitterVersion>> {
        let columns = "splitter_id, version, at, actor, change, after_seq, config";
        let mut query = select(columns, "FROM splitter_versions WHERE admin_id = ");
        query.push_bind(admin.0).push(" AND splitter_id = ").push_bind(id.0).push(" ORDER BY version DESC");
        self.fetch_all(query, rows::version).await
    }

    async fn decisions(&self, admin: AdminId, id: SplitterId, wanted: &LogQuery) -> Result<Vec<LogRow>> {
        let mut query = QueryBuilder::new("SELECT ");
        // A contact has few rows, wherever they are in the log; all else is read along the log.
        let index = if wanted.phone.is_some() { " INDEXED BY decisions_by_contact" } else { "" };
        query.push(LOG).push(", c.phone FROM decisions d").push(index);
        query.push(" LEFT JOIN contacts c ON c.admin_id = d.admin_id AND c.id = d.contact_id WHERE d.admin_id = ");
        query.push_bind(admin.0).push(" AND d.splitter_id = ").push_bind(id.0);
        if let Some(before) = wanted.before {
            query.push(" AND d.seq < ").push_bind(i64::try_from(before).unwrap_or(i64::MAX));
        }
        if let Some(from) = wanted.from {
            let first = self.first_seq_at(id, from).await?;
            query.push(" AND d.seq >= ").push_bind(i64::try_from(first).unwrap_or(i64::MAX));
        }
        if let Some(to) = wanted.to {
            let end = self.first_seq_at(id, to).await?;
            query.push(" AND d.seq < ").push_bind(i64::try_from(end).unwrap_or(i64::MAX));
        }
        if let Some(campaign) = wanted.campaign {
            query.push(" AND d.campaign_id = ").push_bind(campaign.0);
        }
        if let Some(phone) = wanted.phone {
            query.push(" AND d.contact_id = (SELECT id FROM contacts WHERE admin_id = ").push_bind(admin.0);
            query.push(" AND phone = ").push_bind(phone.to_string()).push(")");
        }
        query.push(" ORDER BY d.seq DESC LIMIT ").push_bind(i64::from(wanted.limit));
        self.fetch_all(query, rows::log_row).await
    }

    async fn decision(&self, admin: AdminId, splitter: SplitterId, id: DecisionId) -> Result<Option<LogRow>> {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(LOG).push(
            ", c.phone FROM decisions d LEFT JOIN contacts c ON c.admin_id = d.admin_id AND c.id = d.contact_id \
             WHERE d.id = ",
        );
        query.push_bind(id.0).push(" AND d.admin_id = ").push_bind(admin.0);
        query.push(" AND d.splitter_id = ").push_bind(splitter.0);
        self.fetch_one(query, rows::log_row).await
    }

    async fn decisions_after(
        &self,
        admin: AdminId,
        splitter: SplitterId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LoggedDecision>> {
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {LOG}, d.at FROM decisions d WHERE d.admin_id = ? AND d.splitter_id = ? AND d.seq > ? ORDER BY d.seq LIMIT ?"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(admin.0).bind(splitter.0).bind(after).bind(i64::from(limit));
        let found = query.fetch_all(&self.readers).await.map_err(store_error)?;
        rows::all(&found, rows::audited).map_err(store_error)
    }
}
