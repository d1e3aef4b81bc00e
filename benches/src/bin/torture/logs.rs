//! The rule, made again from nothing: which campaign each contact should have got, and how far the split may be off.

use std::collections::BTreeMap;

use splitter_core::{
    CampaignId, Contact, LoggedDecision, Splitter,
    decision::DecisionKind,
    strategy::quota::{self, Bound, UNIT},
};

/// A splitter with percentages that were never edited and whose campaigns could always be chosen. `contacts`: all there
/// are, unless some of its contacts were sent to other splitters too. Returns the largest distance from a percentage.
pub(crate) fn check(
    splitter: &Splitter,
    log: &[LoggedDecision],
    contacts: Option<&[Contact]>,
    broken: &mut Vec<String>,
) -> i64 {
    let ids: Vec<_> = splitter.config.campaigns.iter().map(|member| member.campaign_id).collect();
    let weights: Vec<u64> = splitter.config.campaigns.iter().map(|member| u64::from(member.percentage_bp)).collect();
    let Some(shares) = quota::shares(&weights) else {
        broken.push("the percentages give no shares".into());
        return 0;
    };
    let bound = Bound::of(ids.len());
    let position = |id| ids.iter().position(|known| *known == id);
    let mut credits = vec![0; ids.len()];
    let mut counts = vec![0_i64; ids.len()];
    let mut present = BTreeMap::new();
    let mut largest = 0;
    for row in log.iter().map(|row| &row.decision).filter(|row| row.kind == DecisionKind::Decided) {
        let returned = row.returned.and_then(position);
        // A contact that comes again gives its earlier choice back first.
        let before: Option<usize> = present.get(&row.contact_id).copied();
        if contacts.is_some() && returned != before {
            broken.push(format!("row {}: {returned:?} was given back, the contact was in {before:?}", row.seq));
        }
        let expected = match returned {
            Some(earlier) => quota::repick(&mut credits, &shares, earlier),
            None => quota::pick(&mut credits, &shares),
        };
        if position(row.campaign_id) != Some(expected) {
            broken.push(format!("row {}: campaign {expected} was due, not {:?}", row.seq, position(row.campaign_id)));
            return largest;
        }
        present.insert(row.contact_id, expected);
        if let Some(earlier) = returned {
            counts[earlier] -= 1;
        }
        counts[expected] += 1;
        largest = largest.max(largest_deviation(&shares, &counts));
        if !bound.allows(largest) {
            broken.push(format!("row {}: {counts:?} is too far from the percentages", row.seq));
            return largest;
        }
    }
    if let Some(contacts) = contacts {
        check_standing(splitter, contacts, &ids, &counts, broken);
        println!("splitter {}: {} rows, contacts by campaign {counts:?}", splitter.id, log.len());
    }
    largest
}

/// The same from the contacts themselves.
fn check_standing(
    splitter: &Splitter,
    contacts: &[Contact],
    ids: &[CampaignId],
    counts: &[i64],
    broken: &mut Vec<String>,
) {
    let mut standing = vec![0_i64; ids.len()];
    let assigned = |contact: &&Contact| contact.assignment.is_some_and(|made| made.splitter_id == splitter.id);
    for contact in contacts.iter().filter(assigned) {
        match ids.iter().position(|known| *known == contact.campaign_id) {
            Some(position) => standing[position] += 1,
            None => broken.push(format!("contact {} is in a campaign of somebody else", contact.id)),
        }
    }
    if standing != counts {
        broken.push(format!("{standing:?} contacts stand in the campaigns, by the log {counts:?}"));
    }
}

fn largest_deviation(shares: &[i64], counts: &[i64]) -> i64 {
    let whole: i64 = counts.iter().sum();
    shares.iter().zip(counts).map(|(share, count)| (share * whole - count * UNIT).abs()).max().unwrap_or(0)
}
