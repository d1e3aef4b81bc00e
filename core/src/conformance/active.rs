//! The cap on concurrently active contacts, counted again from the log and from the contacts' histories.
//!
//! A history says in which order things happened to one contact, a log in which order a splitter decided. What happened to a
//! contact between two decisions of a splitter about it, such as a status change, is somewhere between them in that log: by one
//! caller, whose clock never stands still, its time says where; by several, any place is possible. So each decision gets the
//! least and the largest number of contacts that can have been active in a campaign before it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    contact::{Contact, HistoryEntry, HistoryKind},
    decision::{DecisionKind, Exclusion, LoggedDecision},
    id::{AdminId, CampaignId, ContactId, DecisionId, SplitterId},
    splitter::{Splitter, SplitterVersion},
    store::{Store, StoreError},
};

/// How much the times in the rows say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callers {
    /// Everything was done by one caller, each thing later than the one before.
    One,
    /// Several clocks were at work.
    Several,
}

/// One splitter with its configurations and its log.
pub(super) struct Log<'a> {
    pub(super) splitter: &'a Splitter,
    pub(super) versions: &'a [SplitterVersion],
    pub(super) rows: &'a [LoggedDecision],
}

/// The places in the log that something may have, as numbers of the last row before it.
#[derive(Debug, Clone, Copy)]
struct Place {
    least: u64,
    most: u64,
    /// Whether it is a row itself, the one after the place.
    is_row: bool,
}

/// For one campaign, what is added to the numbers at each row on.
struct Bounds {
    certain: Vec<i64>,
    possible: Vec<i64>,
}

/// Says which decisions chose a campaign that had no room for another active contact, and which found a campaign full that
/// had room.
///
/// `deciders` says which splitter made each decision, over all splitters.
pub(super) async fn broken_caps(
    store: &dyn Store,
    admin: AdminId,
    log: &Log<'_>,
    contacts: &BTreeMap<ContactId, &Contact>,
    deciders: &BTreeMap<DecisionId, (SplitterId, &LoggedDecision)>,
    callers: Callers,
) -> Result<Vec<String>, StoreError> {
    let mut bounds: BTreeMap<CampaignId, Bounds> = BTreeMap::new();
    let decided: BTreeSet<ContactId> = log.rows.iter().map(|row| row.decision.contact_id).collect();
    for id in decided {
        let history = store.history(admin, id).await?;
        count(log, &history, contacts.get(&id).copied(), deciders, callers, &mut bounds);
    }
    for bound in bounds.values_mut() {
        for numbers in [&mut bound.certain, &mut bound.possible] {
            for n in 1..numbers.len() {
                numbers[n] += numbers[n - 1];
            }
        }
    }
    Ok(judge(log, &bounds))
}

fn judge(log: &Log<'_>, bounds: &BTreeMap<CampaignId, Bounds>) -> Vec<String> {
    let mut broken = Vec::new();
    let versions: BTreeMap<u32, &SplitterVersion> = log.versions.iter().map(|v| (v.version, v)).collect();
    for decision in log.rows.iter().map(|row| &row.decision).filter(|d| d.kind == DecisionKind::Decided) {
        let listed = versions.get(&decision.version).map_or(&[][..], |version| &version.config.campaigns);
        let caps = listed.iter().filter_map(|member| Some((member.campaign_id, i64::from(member.caps.active?))));
        for (campaign, cap) in caps {
            let at = |numbers: fn(&Bounds) -> &Vec<i64>| {
                let row = usize::try_from(decision.seq).ok();
                bounds.get(&campaign).zip(row).and_then(|(b, row)| numbers(b).get(row).copied()).unwrap_or(0)
            };
            let (least, most) = (at(|b| &b.certain), at(|b| &b.possible));
            let row = || format!("splitter {}, row {}, campaign {campaign}", log.splitter.id, decision.seq);
            if decision.campaign_id == campaign && least >= cap {
                broken.push(format!("{}: chosen with {least} active contacts of {cap}", row()));
            }
            let excluded = |c: &crate::decision::Candidate| c.campaign_id == campaign && is_full(c.exclusion);
            if decision.candidates.iter().any(excluded) && most < cap {
                broken.push(format!("{}: found full with {most} active contacts of {cap}", row()));
            }
        }
    }
    broken
}

fn is_full(exclusion: Option<Exclusion>) -> bool {
    exclusion == Some(Exclusion::CapActive)
}

/// Adds one contact to the numbers of the campaigns in which the splitter counted it.
fn count(
    log: &Log<'_>,
    history: &[HistoryEntry],
    contact: Option<&Contact>,
    deciders: &BTreeMap<DecisionId, (SplitterId, &LoggedDecision)>,
    callers: Callers,
    bounds: &mut BTreeMap<CampaignId, Bounds>,
) {
    let end = log.rows.len() as u64;
    let row_of = |entry: &HistoryEntry| {
        let (splitter, row) = deciders.get(&entry.decision_id?)?;
        (*splitter == log.splitter.id).then_some(row.decision.seq)
    };
    // From where to where the contact counted in which campaign.
    let mut since: Option<(Place, CampaignId)> = None;
    let mut mine = false;
    let mut last_row = 0;
    for (n, entry) in history.iter().enumerate() {
        let place = if let Some(seq) = row_of(entry) {
            last_row = seq;
            Place { least: seq - 1, most: seq - 1, is_row: true }
        } else if callers == Callers::One {
            let before = log.rows.partition_point(|row| row.decision.at <= entry.at) as u64;
            Place { least: before, most: before, is_row: false }
        } else {
            let next_row = history[n..].iter().find_map(row_of).map_or(end, |seq| seq - 1);
            Place { least: last_row, most: next_row, is_row: false }
        };
        let after = history.get(n + 1).and_then(|next| next.before.as_ref());
        let (campaign, reachable) = match (after, contact) {
            (Some(after), _) => (after.campaign_id, is_active(after.status, after.deleted_at.is_some())),
            (None, Some(contact)) => (contact.campaign_id, contact.is_reachable()),
            // It is deleted now.
            (None, None) => (log.splitter.config.campaigns[0].campaign_id, false),
        };
        mine = match entry.decision_id.and_then(|id| deciders.get(&id)) {
            Some((splitter, row)) if row.decision.kind == DecisionKind::Decided => *splitter == log.splitter.id,
            Some(_) => mine,
            None => {
                let moved = entry.before.as_ref().is_some_and(|before| before.campaign_id != campaign);
                mine && match entry.kind {
                    HistoryKind::Created | HistoryKind::Updated | HistoryKind::Reactivated => false,
                    HistoryKind::Edited => !moved,
                    HistoryKind::Suppressed | HistoryKind::Deleted => true,
                }
            }
        };
        let counts = (mine && reachable).then_some(campaign);
        if !place.is_row && since.map(|(_, campaign)| campaign) == counts {
            continue;
        }
        if let Some((from, campaign)) = since.take() {
            add(bounds, campaign, log.rows.len(), from, place);
        }
        since = counts.map(|campaign| (place, campaign));
    }
    if let Some((from, campaign)) = since {
        add(bounds, campaign, log.rows.len(), from, Place { least: end, most: end, is_row: false });
    }
}

fn is_active(status: crate::contact::ContactStatus, deleted: bool) -> bool {
    status == crate::contact::ContactStatus::Active && !deleted
}

/// The rows after `from` and up to `to` saw the contact as active.
fn add(bounds: &mut BTreeMap<CampaignId, Bounds>, campaign: CampaignId, rows: usize, from: Place, to: Place) {
    let nothing = || Bounds { certain: vec![0; rows + 2], possible: vec![0; rows + 2] };
    let bound = bounds.entry(campaign).or_insert_with(nothing);
    // A row sees what was before it, and never the contact that it is about.
    let first = |place: u64| usize::try_from(place + 1 + u64::from(from.is_row)).unwrap_or(usize::MAX);
    let end = |place: u64| usize::try_from(place + 1).unwrap_or(usize::MAX);
    for (numbers, first, end) in
        [(&mut bound.certain, first(from.most), end(to.least)), (&mut bound.possible, first(from.least), end(to.most))]
    {
        if first < end {
            numbers[first] += 1;
            numbers[end] -= 1;
        }
    }
}
