//! What has to hold in every admin's rows, whatever has happened.

use std::collections::BTreeMap;

use super::active::{Callers, Log, broken_caps};
use crate::{
    audit::{ChainVerifier, first_broken_credit},
    contact::Contact,
    decision::{DecisionKind, LoggedDecision},
    id::{AdminId, CampaignId, ContactId, DecisionId, SplitterId},
    outreach::OutreachStatus,
    splitter::{Splitter, SplitterVersion},
    store::{ContactQuery, PageRequest, Store, StoreError},
};

const PAGE: u32 = 1000;

/// Everything that is wrong with an admin's rows:
///
/// - each splitter's log is gapless, its chain holds, each choice follows from its row, credits follow from row to row
///   and sum to 0, and the state stored beside it is that of its last row;
/// - each row was made by the version of the configuration that held then, and chose no campaign that was at its cap for
///   the hour, the day or in total, or certainly had as many active contacts as it may have, and excluded none for its active
///   contacts that certainly had fewer;
/// - a contact that a splitter put where it is has that decision in the log;
/// - no outreach is scheduled for a contact that must not be reached, or for another campaign than its own;
/// - a contact that can be reached has one outreach for every step of its campaign at most.
pub async fn broken_invariants(store: &dyn Store, admin: AdminId) -> Result<Vec<String>, StoreError> {
    broken(store, admin, Callers::Several).await
}

/// The same for rows that one caller made, each later than the one before: then the number of active contacts is certain at
/// every decision.
pub async fn broken_invariants_of_one_caller(store: &dyn Store, admin: AdminId) -> Result<Vec<String>, StoreError> {
    broken(store, admin, Callers::One).await
}

async fn broken(store: &dyn Store, admin: AdminId, callers: Callers) -> Result<Vec<String>, StoreError> {
    let mut broken = Vec::new();
    let contacts = all_contacts(store, admin).await?;
    let splitters = store.splitters(admin, PageRequest { page: 1, limit: PAGE }).await?.rows;
    let mut logs = Vec::new();
    for splitter in &splitters {
        logs.push(all_rows(store, admin, splitter).await?);
    }
    let by_id: BTreeMap<ContactId, &Contact> = contacts.iter().map(|contact| (contact.id, contact)).collect();
    let deciders: BTreeMap<DecisionId, (SplitterId, &LoggedDecision)> =
        logs.iter().flatten().map(|row| (row.decision.id, (row.decision.splitter_id, row))).collect();
    for (splitter, rows) in splitters.iter().zip(&logs) {
        check_log(splitter, rows, &mut broken);
        let versions = store.splitter_versions(admin, splitter.id).await?;
        check_caps(splitter, &versions, rows, &mut broken);
        let log = Log { splitter, versions: &versions, rows };
        broken.extend(broken_caps(store, admin, &log, &by_id, &deciders, callers).await?);
        check_assignments(splitter, rows, &contacts, &mut broken);
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
        let query = ContactQuery::all(PageRequest { page, limit: PAGE });
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

fn check_caps(splitter: &Splitter, versions: &[SplitterVersion], rows: &[LoggedDecision], broken: &mut Vec<String>) {
    let by_number: BTreeMap<u32, &SplitterVersion> =
        versions.iter().map(|version| (version.version, version)).collect();
    // Counted the plain way, by what the clock on the wall showed, and not by the code under test.
    let mut counts: BTreeMap<(CampaignId, String), u64> = BTreeMap::new();
    for decision in rows.iter().map(|row| &row.decision) {
        let Some(version) = by_number.get(&decision.version) else {
            broken.push(format!("row {}: there is no version {}", decision.seq, decision.version));
            continue;
        };
        let later = by_number.get(&(decision.version + 1)).map_or(u64::MAX, |next| next.after_seq);
        if decision.seq <= version.after_seq || decision.seq > later {
            broken.push(format!("row {}: version {} did not hold then", decision.seq, decision.version));
        }
        if decision.kind != DecisionKind::Decided {
            continue;
        }
        let listed = version.config.campaigns.iter().find(|member| member.campaign_id == decision.campaign_id);
        let Some(member) = listed else { continue };
        let local = decision.at.local(version.config.timezone);
        let caps = [
            (local.format("%F %H %z").to_string(), member.caps.per_hour.map(u64::from)),
            (local.format("%F").to_string(), member.caps.per_day.map(u64::from)),
            ("ever".to_owned(), member.caps.total),
        ];
        for (period, cap) in caps {
            let count = counts.entry((decision.campaign_id, period.clone())).or_default();
            if cap.is_some_and(|cap| *count >= cap) {
                broken.push(format!("splitter {}, row {}: full for {period}", splitter.id, decision.seq));
            }
            *count += 1;
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
