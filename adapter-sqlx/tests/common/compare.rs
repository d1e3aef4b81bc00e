//! Two stores that were given the same commands answer all questions alike.

use std::collections::BTreeSet;

use splitter_core::{
    AdminId, CampaignId, CampaignStatus, ContactStatus, Plan, Rejection, Store, StoreError, Timestamp, TransactError,
    decision::chain,
    store::{CampaignQuery, ContactQuery, ContactSort, LogQuery, PageRequest, SearchBy},
};

use super::START;

/// An answer as far as it has to be the same everywhere.
pub fn comparable(answer: Result<Plan, TransactError>) -> Result<Plan, Result<Rejection, String>> {
    answer.map_err(|error| match error {
        TransactError::Rejected(rejection) => Ok(rejection),
        TransactError::Store(StoreError::Broken(text)) => Err(text),
        TransactError::Store(error) => Err(format!("{error:?}")),
    })
}

const ALL: PageRequest = PageRequest { page: 1, limit: 10_000 };

macro_rules! same {
    ($a:expr, $b:expr, $method:ident($($argument:expr),*)) => {{
        let (a, b) = ($a.$method($($argument),*).await, $b.$method($($argument),*).await);
        let (a, b) = (a.expect("an answer"), b.expect("an answer"));
        assert_eq!(a, b, "{}({:?})", stringify!($method), ($(&$argument),*,));
        a
    }};
}

fn contact_queries(campaigns: &[CampaignId]) -> Vec<ContactQuery> {
    let base = ContactQuery { sort: ContactSort::CreatedAt, ..ContactQuery::all(ALL) };
    let mut queries = Vec::new();
    for sort in
        [ContactSort::CreatedAt, ContactSort::UpdatedAt, ContactSort::Name, ContactSort::Phone, ContactSort::Status]
    {
        for descending in [false, true] {
            for page in [ALL, PageRequest { page: 2, limit: 3 }, PageRequest { page: 4_000_000_000, limit: 100 }] {
                queries.push(ContactQuery { page, sort, descending, ..base.clone() });
            }
        }
    }
    for search in ["", "JANE", "e_s", "%", "_", "\\", "ÜNAL", "ünal", "日", "+1212", "5550", "'", "\"", "2", "Ａ"] {
        for search_by in [SearchBy::Any, SearchBy::Name, SearchBy::Phone] {
            queries.push(ContactQuery { search: Some(search.into()), search_by, ..base.clone() });
        }
    }
    let statuses = BTreeSet::from([ContactStatus::Active, ContactStatus::Dnc]);
    let campaigns: BTreeSet<CampaignId> = campaigns.iter().copied().take(2).collect();
    queries.push(ContactQuery { statuses: statuses.clone(), ..base.clone() });
    queries.push(ContactQuery { campaigns: campaigns.clone(), ..base.clone() });
    queries.push(ContactQuery { statuses, campaigns, sort: ContactSort::Name, search: Some("n".into()), ..base });
    queries
}

/// Compares everything that belongs to an admin.
pub async fn same(a: &dyn Store, b: &dyn Store, admin: AdminId) {
    if let Some(row) = same!(a, b, admin(admin)) {
        same!(a, b, admin_by_email(&row.email));
    }
    same!(a, b, admin_by_email("nobody@example.com"));
    same!(a, b, api_keys(admin, ALL));
    for n in 0..16 {
        same!(a, b, api_key(&format!("{n:08x}")));
    }
    let mut campaigns = Vec::new();
    for search in [None, Some("JANE".to_owned()), Some("%".into()), Some("ü".into())] {
        for status in [None, Some(CampaignStatus::Active), Some(CampaignStatus::Paused)] {
            for page in [ALL, PageRequest { page: 2, limit: 2 }] {
                let query = CampaignQuery { page, status, search: search.clone() };
                let rows = same!(a, b, campaigns(admin, &query)).rows;
                campaigns.extend(rows.iter().map(|campaign| campaign.id));
            }
        }
    }
    let names: BTreeSet<CampaignId> = campaigns.iter().copied().collect();
    same!(a, b, campaign_names(admin, &names));
    same!(a, b, campaign_names(admin, &BTreeSet::<CampaignId>::new()));
    for id in &names {
        same!(a, b, campaign(admin, *id));
    }
    for query in contact_queries(&campaigns) {
        for contact in same!(a, b, contacts(admin, &query)).rows {
            if query.page == ALL && query.sort == ContactSort::CreatedAt && query.search.is_none() {
                same!(a, b, contact(admin, contact.id));
                same!(a, b, contact_by_phone(admin, contact.phone_number));
                same!(a, b, history(admin, contact.id));
                same!(a, b, outreach(admin, contact.id));
            }
        }
    }
    same!(a, b, splitters(admin, PageRequest { page: 2, limit: 2 }));
    for splitter in same!(a, b, splitters(admin, ALL)).rows {
        same!(a, b, splitter(admin, splitter.id));
        same!(a, b, splitter_versions(admin, splitter.id));
        same_log(a, b, admin, splitter.id).await;
    }
}

async fn same_log(a: &dyn Store, b: &dyn Store, admin: AdminId, id: splitter_core::SplitterId) {
    let rows = same!(a, b, decisions_after(admin, id, 0, 100_000));
    let mut head = [0; 32];
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row.decision.seq, n as u64 + 1, "no gaps");
        head = chain(&head, &row.bytes);
        assert_eq!(row.hash, head, "the chain");
    }
    same!(a, b, decisions_after(admin, id, 3, 2));
    same!(a, b, decisions_after(admin, id, u64::MAX, 2));
    let base = LogQuery { limit: 1000, ..LogQuery::default() };
    same!(a, b, decisions(admin, id, &base));
    let times: Vec<Option<Timestamp>> = [None, Some(START), Some(Timestamp::MAX)]
        .into_iter()
        .chain(rows.iter().step_by(3).map(|row| Some(row.decision.at)))
        .collect();
    for pair in times.windows(2) {
        same!(a, b, decisions(admin, id, &LogQuery { from: pair[0], to: pair[1], ..base.clone() }));
        same!(a, b, decisions(admin, id, &LogQuery { from: pair[1], ..base.clone() }));
        same!(a, b, decisions(admin, id, &LogQuery { to: pair[1], limit: 2, ..base.clone() }));
    }
    for row in rows.iter().step_by(5) {
        let found = same!(a, b, decision(admin, id, row.decision.id)).expect("a row of the log");
        let query = LogQuery { phone: found.phone, ..base.clone() };
        same!(a, b, decisions(admin, id, &query));
        let campaign = Some(row.decision.campaign_id);
        same!(a, b, decisions(admin, id, &LogQuery { campaign, before: Some(row.decision.seq), ..base.clone() }));
    }
}
