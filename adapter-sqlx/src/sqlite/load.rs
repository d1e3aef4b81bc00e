//! From scopes to snapshots.

use std::collections::BTreeSet;

use splitter_core::{
    Admin, AdminId, ApiKey, Campaign, CampaignId, Contact, DecisionId, PhoneNumber, Splitter, SplitterId,
    idempotency::{IdempotencyKey, IdempotencyRecord},
    splitter::{SplitterEvent, Trial},
};
use sqlx::{
    AssertSqlSafe, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::write::next_size;
use crate::{
    commit::{Snapshots, Wanted},
    loaded::Loaded,
    rows::{self, Result},
};

type Bound = Query<'static, Sqlite, SqliteArguments>;

pub(super) async fn load(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Snapshots> {
    let mut loaded = Loaded { admins: load_admins(connection, &wanted.admins).await?, ..Loaded::default() };
    loaded.api_keys = load_api_keys(connection, wanted).await?;
    loaded.splitters = load_splitters(connection, wanted).await?;
    loaded.campaigns = load_campaigns(connection, &loaded.campaign_keys(wanted)).await?;
    loaded.contacts = load_contacts(connection, wanted).await?;
    loaded.events = load_events(connection, &loaded.splitters).await?;
    let named = loaded.named_trials();
    let oldest: Vec<_> = loaded.oldest_trials(wanted, named.len()).collect();
    loaded.trials = load_trials(connection, &named, &oldest).await?;
    loaded.idempotency = load_idempotency(connection, wanted).await?;
    Ok(loaded.into_snapshots(wanted))
}

async fn load_admins(connection: &mut SqliteConnection, ids: &BTreeSet<AdminId>) -> Result<Vec<Admin>> {
    let found = select(connection, &ADMINS, ids.iter(), |q, id| q.bind(id.0)).await?;
    rows::all(&found, rows::admin)
}

async fn load_api_keys(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Vec<ApiKey>> {
    let found = select(connection, &API_KEYS, wanted.api_keys.iter(), |q, (admin, id)| q.bind(admin.0).bind(id.0));
    rows::all(&found.await?, rows::api_key)
}

async fn load_splitters(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Vec<Splitter>> {
    let found = select(connection, &SPLITTERS, wanted.splitters.keys(), |q, (admin, id)| q.bind(admin.0).bind(id.0));
    rows::all(&found.await?, rows::splitter)
}

async fn load_campaigns(
    connection: &mut SqliteConnection,
    keys: &BTreeSet<(AdminId, CampaignId)>,
) -> Result<Vec<Campaign>> {
    let found = select(connection, &CAMPAIGNS, keys.iter(), |q, (admin, id)| q.bind(admin.0).bind(id.0)).await?;
    rows::all(&found, rows::campaign)
}

async fn load_contacts(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Vec<Contact>> {
    let bind = |q: Bound, (admin, phone): &(AdminId, PhoneNumber)| q.bind(admin.0).bind(phone.to_string());
    rows::all(&select(connection, &CONTACTS, wanted.phones.iter(), bind).await?, rows::contact)
}

/// In their order, splitter by splitter.
async fn load_events(connection: &mut SqliteConnection, splitters: &[Splitter]) -> Result<Vec<SplitterEvent>> {
    let ids: BTreeSet<SplitterId> = splitters.iter().map(|splitter| splitter.id).collect();
    let found = select(connection, &EVENTS, ids.iter(), |q, id| q.bind(id.0)).await?;
    rows::all(&found, rows::event)
}

async fn load_trials(
    connection: &mut SqliteConnection,
    named: &BTreeSet<(SplitterId, DecisionId)>,
    oldest: &[(SplitterId, i64)],
) -> Result<Vec<Trial>> {
    let mut found =
        select(connection, &TRIALS, named.iter(), |q, (splitter, id)| q.bind(splitter.0).bind(id.0)).await?;
    for (splitter, count) in oldest {
        let query = sqlx::query(
            "SELECT splitter_id, decision_id, campaign_id, started_at FROM splitter_trials WHERE splitter_id = ? \
             ORDER BY started_at, decision_id LIMIT ?",
        );
        found.extend(query.bind(splitter.0).bind(*count).fetch_all(&mut *connection).await?);
    }
    rows::all(&found, rows::trial)
}

async fn load_idempotency(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Vec<IdempotencyRecord>> {
    let bind = |q: Bound, key: &IdempotencyKey| q.bind(key.admin_id.0).bind(key.route.clone()).bind(key.key.clone());
    rows::all(&select(connection, &IDEMPOTENCY, wanted.idempotency.iter(), bind).await?, rows::idempotency)
}

/// A look-up by a list of keys: a table of the keys, then for each an index look-up. (`IN` with a list of rows would read
/// the whole table.)
struct Lookup {
    columns: &'static str,
    key: &'static str,
    /// The table, `t`, and how it is reached from the keys, `wanted`.
    table: &'static str,
}

const ADMINS: Lookup = Lookup {
    columns: "t.id, t.email, t.password_hash, t.settings, t.created_at, t.updated_at",
    key: "(?)",
    table: "admins AS t ON t.id = wanted.column1",
};
const API_KEYS: Lookup = Lookup {
    columns: "t.id, t.admin_id, t.name, t.lookup, t.hash, t.created_at, t.revoked_at",
    key: "(?,?)",
    table: "api_keys AS t ON t.admin_id = wanted.column1 AND t.id = wanted.column2",
};
const SPLITTERS: Lookup = Lookup {
    columns: "t.id, t.admin_id, t.status, t.version, t.config, t.created_at, t.updated_at, t.deleted_at, \
              s.seq, s.last_at, s.head, s.rule_version, s.members, s.adaptive",
    key: "(?,?)",
    table: "splitters AS t ON t.admin_id = wanted.column1 AND t.id = wanted.column2 \
            CROSS JOIN splitter_states AS s ON s.splitter_id = t.id",
};
const CAMPAIGNS: Lookup = Lookup {
    columns: "t.id, t.admin_id, t.name, t.status, t.outreach, t.calling_window, t.requires_email, t.created_at, \
              t.updated_at, t.deleted_at",
    key: "(?,?)",
    table: "campaigns AS t ON t.admin_id = wanted.column1 AND t.id = wanted.column2",
};
const CONTACTS: Lookup = Lookup {
    columns: "t.id, t.admin_id, t.campaign_id, t.phone, t.name, t.timezone, t.status, t.variables, t.created_at, \
              t.updated_at, t.fulfilled_at, t.re_added_at, t.deleted_at, t.assignment",
    key: "(?,?)",
    table: "contacts AS t ON t.admin_id = wanted.column1 AND t.phone = wanted.column2",
};
const EVENTS: Lookup = Lookup {
    columns: "t.id, t.splitter_id, t.decision_id, t.campaign_id, t.contact_id, t.at, t.active_delta, t.outcome",
    key: "(?)",
    table: "splitter_events AS t ON t.splitter_id = wanted.column1 ORDER BY wanted.column1, t.seq",
};
const TRIALS: Lookup = Lookup {
    columns: "t.splitter_id, t.decision_id, t.campaign_id, t.started_at",
    key: "(?,?)",
    table: "splitter_trials AS t ON t.splitter_id = wanted.column1 AND t.decision_id = wanted.column2",
};
const IDEMPOTENCY: Lookup = Lookup {
    columns: "t.admin_id, t.route, t.key, t.body_hash, t.created_at, t.status, t.body, t.decision_id",
    key: "(?,?,?)",
    table: "idempotency AS t ON t.admin_id = wanted.column1 AND t.route = wanted.column2 AND t.key = wanted.column3",
};

impl Lookup {
    fn sql(&self, keys: usize) -> String {
        let mut sql = String::with_capacity(512);
        sql.extend(["SELECT ", self.columns, " FROM (VALUES "]);
        for n in 0..keys {
            sql.extend([if n == 0 { "" } else { "," }, self.key]);
        }
        sql.extend([") AS wanted CROSS JOIN ", self.table]);
        sql
    }
}

async fn select<'k, K: 'k>(
    connection: &mut SqliteConnection,
    lookup: &Lookup,
    keys: impl Iterator<Item = &'k K>,
    bind: impl Fn(Bound, &K) -> Bound,
) -> Result<Vec<SqliteRow>> {
    let keys: Vec<&K> = keys.collect();
    let (mut rest, mut found) = (keys.as_slice(), Vec::new());
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at(next_size(rest.len()));
        rest = more;
        let query = sqlx::query(AssertSqlSafe(lookup.sql(chunk.len())));
        let query = chunk.iter().fold(query, |query, key| bind(query, key));
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Row};

    use super::*;

    /// However large the tables are, a batch only looks rows up.
    #[tokio::test]
    async fn no_look_up_reads_a_whole_table() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("a database");
        super::super::MIGRATIONS.run(&mut connection).await.expect("tables");
        for lookup in [&ADMINS, &API_KEYS, &SPLITTERS, &CAMPAIGNS, &CONTACTS, &EVENTS, &TRIALS, &IDEMPOTENCY] {
            for keys in [1, 2, 64] {
                let sql = format!("EXPLAIN QUERY PLAN {}", lookup.sql(keys));
                let plan = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("a plan");
                let steps: Vec<String> = plan.iter().map(|row| row.get(3)).collect();
                let scans = steps.iter().any(|step| step.starts_with("SCAN t") || step.starts_with("SCAN s "));
                assert!(!scans && steps.iter().any(|step| step.starts_with("SEARCH t")), "{steps:#?}");
            }
        }
    }
}
