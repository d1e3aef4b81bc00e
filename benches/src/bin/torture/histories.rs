//! What the contacts' histories tell, compared with the log, the contacts and the journals.

use std::collections::{BTreeMap, BTreeSet};

use splitter_core::{
    CampaignId, Contact, ContactStatus, Decision, DecisionId, DecisionKind, Queries, SplitterId,
    contact::{HistoryEntry, HistoryKind},
};

use crate::{Result, checks::Facts, journal::Journal, scene::Scene};

/// Status changes that were sent for one contact, and how many of them were acknowledged.
#[derive(Debug, Default, Clone, Copy)]
struct Changes {
    sent: u64,
    acknowledged: u64,
}

/// History and log hold the same decisions, and each contact's history, gone through from its beginning, ends where the
/// contact is: in its campaign, by its decision, with its status, after every change that was acknowledged.
pub(crate) async fn check(
    store: &dyn Queries,
    facts: &Facts,
    scene: &Scene,
    journal: &Journal,
    broken: &mut Vec<String>,
) -> Result<()> {
    let plain: BTreeSet<SplitterId> = scene.plain().chain(scene.duel).collect();
    let log: BTreeMap<DecisionId, &Decision> =
        facts.logs.values().flatten().map(|row| (row.decision.id, &row.decision)).collect();
    let mut changes: BTreeMap<u64, BTreeMap<ContactStatus, Changes>> = BTreeMap::new();
    for change in &journal.statuses {
        let status = serde_json::from_value(change.status.into())?;
        let counts = changes.entry(change.phone).or_default().entry(status).or_default();
        counts.sent += 1;
        counts.acknowledged += u64::from(change.acknowledged);
    }
    let mut told = BTreeSet::new();
    for contact in &facts.contacts {
        let history = store.history(contact.admin_id, contact.id).await?;
        told.extend(history.iter().filter_map(|entry| entry.decision_id));
        let sent = changes.remove(&contact.phone_number.as_u64()).unwrap_or_default();
        for problem in problems(contact, &history, &log, &plain, &sent) {
            broken.push(format!("the history of contact {problem} ({})", contact.id));
        }
    }
    for (phone, changes) in changes {
        if changes.values().any(|changes| changes.acknowledged > 0) {
            broken.push(format!("the status of {phone} was changed, and there is no such contact"));
        }
    }
    for decision in log.keys().filter(|id| !told.contains(id)) {
        broken.push(format!("decision {decision} is only in the log"));
    }
    for decision in told.iter().filter(|id| !log.contains_key(id)) {
        broken.push(format!("decision {decision} is only in a history"));
    }
    Ok(())
}

fn problems(
    contact: &Contact,
    history: &[HistoryEntry],
    log: &BTreeMap<DecisionId, &Decision>,
    plain: &BTreeSet<SplitterId>,
    sent: &BTreeMap<ContactStatus, Changes>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut edited: BTreeMap<ContactStatus, u64> = BTreeMap::new();
    let mut at: Option<(CampaignId, ContactStatus, Option<DecisionId>)> = None;
    for (n, entry) in history.iter().enumerate() {
        let before = entry.before.as_ref().map(|before| (before.campaign_id, before.status));
        if before != at.map(|(campaign, status, _)| (campaign, status))
            || (n == 0) != (entry.kind == HistoryKind::Created)
        {
            problems.push(format!("has a gap before its entry {n}"));
        }
        let after = history.get(n + 1).map_or(Some((contact.campaign_id, contact.status)), |next| {
            next.before.as_ref().map(|before| (before.campaign_id, before.status))
        });
        let Some((campaign, status)) = after else {
            problems.push(format!("says nothing about what entry {} found", n + 1));
            break;
        };
        let decision = entry.decision_id.and_then(|id| log.get(&id));
        if let Some(decision) = decision.filter(|made| made.kind == DecisionKind::Decided) {
            // What the same splitter has chosen before is given back; what another one has chosen is none of its business.
            let same =
                at.and_then(|(.., id)| log.get(&id?)).filter(|earlier| earlier.splitter_id == decision.splitter_id);
            if plain.contains(&decision.splitter_id) && decision.returned != same.map(|earlier| earlier.campaign_id) {
                problems.push(format!("has a decision {} that gives back {:?}", decision.id, decision.returned));
            }
        }
        let chosen = decision.map(|decision| decision.campaign_id);
        let earlier = at.map(|(_, status, _)| status);
        let (moved, kept) = match entry.kind {
            HistoryKind::Created | HistoryKind::Reactivated => (chosen, Some(ContactStatus::Active)),
            HistoryKind::Updated => (chosen, earlier),
            HistoryKind::Suppressed | HistoryKind::Deleted => (at.map(|(campaign, ..)| campaign), earlier),
            HistoryKind::Edited => {
                *edited.entry(status).or_default() += 1;
                (at.map(|(campaign, ..)| campaign), Some(status))
            }
        };
        if moved != Some(campaign) || kept != Some(status) {
            problems.push(format!("has an entry {n} that ends in campaign {campaign} with status {status:?}"));
        }
        let standing = match entry.kind {
            HistoryKind::Created | HistoryKind::Updated | HistoryKind::Reactivated => entry.decision_id,
            HistoryKind::Suppressed | HistoryKind::Edited | HistoryKind::Deleted => {
                at.and_then(|(.., decision)| decision)
            }
        };
        at = Some((campaign, status, standing));
    }
    let assigned = contact.assignment.map(|assignment| assignment.decision_id);
    if assigned.is_none() || at.and_then(|(.., decision)| decision) != assigned {
        problems.push("ends with another decision than it is assigned by".into());
    }
    for status in edited.keys().chain(sent.keys()).collect::<BTreeSet<_>>() {
        let count = edited.get(status).copied().unwrap_or(0);
        let Changes { sent, acknowledged } = sent.get(status).copied().unwrap_or_default();
        if count < acknowledged || count > sent {
            problems.push(format!(
                "has {count} changes to {status:?}; {sent} were sent and {acknowledged} of them acknowledged"
            ));
        }
    }
    problems
}
