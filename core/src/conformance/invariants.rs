//! What has to hold in every admin's rows, whatever has happened.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    audit::{ChainVerifier, first_broken_credit},
    contact::Contact,
    decision::{DecisionKind, LoggedDecision},
    id::{AdminId, CampaignId, ContactId},
    outreach::OutreachStatus,
    splitter::Splitter,
    store::{ContactQuery, ContactSort, PageRequest, SearchBy, Store, StoreError},
};

const PAGE: u32 = 1000;

/// Everything that is wrong with an admin's rows:
///
/// - each splitter's log is gapless, its chain holds, each choice follows from its row, credits follow from row to row
///   and sum to 0, and the state stored beside it is that of its last row;
/// - a contact that a splitter put where it is has that decision in the log;
/// - no outreach is scheduled for a contact that must not be reached, or for another campaign than its own;
/// - a contact that can be reached has one outreach for every step of its campaign at most.
pub async fn broken_invariants(store: &dyn Store, admin: AdminId) -> Result<Vec<String>, StoreError> {
    let mut broken = Vec::new();
    let contacts = all_contacts(store, admin).await?;
    let splitters = store.splitters(admin, PageRequest { page: 1, limit: PAGE }).await?.rows;
    for splitter in &splitters {
        let rows = all_rows(store, admin, splitter).await?;
        check_log(splitter, &rows, &mut broken);
        check_assignments(splitter, &rows, &contacts, &mut broken);
    }
    for contact in &contacts {
        for outreach in store.outreach(admin, contact.id).await? {
            let waits = outreach.status == OutreachStatus::Scheduled;
            if waits && (!contact.is_reachable() || outreach.campaign_id != contact.campaign_id) {
                broken.push(format!("outreach {} of contact {} is still scheduled", outreach.id, contact.id));
            }
        }
    }
    Ok(broken)
}

async fn all_contacts(store: &dyn Store, admin: AdminId) -> Result<Vec<Contact>, StoreError> {
    let mut contacts = Vec::new();
    for page in 1.. {
        let query = ContactQuery {
            page: PageRequest { page, limit: PAGE },
            statuses: BTreeSet::new(),
            campaigns: BTreeSet::new(),
            search: None,
            search_by: SearchBy::Any,
            sort: ContactSort::Phone,
            descending: false,
        };
        let found = store.contacts(admin, &query).await?;
        contacts.extend(found.rows);
        if contacts.len() as u64 >= found.total {
            break;
        }
    }
    Ok(contacts)
}

async fn all_rows(store: &dyn Store, admin: AdminId, splitter: &Splitter) -> Result<Vec<LoggedDecision>, StoreError> {
    let mut rows: Vec<LoggedDecision> = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row| row.decision.seq);
        let more = store.decisions_after(admin, splitter.id, after, PAGE).await?;
        if more.is_empty() {
            return Ok(rows);
        }
        rows.extend(more);
    }
}

fn check_log(splitter: &Splitter, rows: &[LoggedDecision], broken: &mut Vec<String>) {
    let mut verifier = ChainVerifier::default();
    for row in rows {
        verifier.push(row);
    }
    let report = verifier.report();
    if let (Some(seq), Some(problem)) = (report.first_bad_seq, report.problem) {
        broken.push(format!("splitter {}, row {seq}: {problem}", splitter.id));
    }
    if let Some(seq) = first_broken_credit(rows) {
        broken.push(format!("splitter {}, row {seq}: its credits do not follow from the row before", splitter.id));
    }
    let state = &splitter.state;
    if state.seq != rows.len() as u64 || state.head != report.head {
        broken.push(format!("splitter {}: its state is at row {}, its log at {}", splitter.id, state.seq, rows.len()));
    }
    let sum: i64 = state.members.values().map(|member| member.credit).sum();
    if sum != 0 {
        broken.push(format!("splitter {}: its credits sum to {sum}", splitter.id));
    }
    let mut totals: BTreeMap<CampaignId, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.decision.kind == DecisionKind::Decided) {
        *totals.entry(row.decision.campaign_id).or_default() += 1;
    }
    for member in &splitter.config.campaigns {
        // A fallback campaign may have been logged before it was listed; more can not have been counted than were logged.
        let counted = state.member(member.campaign_id).total;
        let logged = totals.get(&member.campaign_id).copied().unwrap_or(0);
        if counted > logged {
            broken.push(format!("campaign {}: {counted} decisions counted, {logged} logged", member.campaign_id));
        }
    }
}

fn check_assignments(splitter: &Splitter, rows: &[LoggedDecision], contacts: &[Contact], broken: &mut Vec<String>) {
    let last: BTreeMap<ContactId, &LoggedDecision> = rows
        .iter()
        .filter(|row| row.decision.kind == DecisionKind::Decided)
        .map(|row| (row.decision.contact_id, row))
        .collect();
    for contact in contacts {
        let Some(assignment) = contact.assignment.filter(|assignment| assignment.splitter_id == splitter.id) else {
            continue;
        };
        match last.get(&contact.id) {
            Some(row)
                if row.decision.id == assignment.decision_id && row.decision.campaign_id == contact.campaign_id => {}
            _ => broken.push(format!("contact {} does not stand where its last decision put it", contact.id)),
        }
        if assignment.counts_active != contact.is_reachable() {
            broken.push(format!("contact {} is counted as active: {}", contact.id, assignment.counts_active));
        }
    }
}
