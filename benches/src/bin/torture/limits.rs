//! Limits, as seen from outside: the rate limit, the caps, the pauses.

use std::collections::{BTreeMap, BTreeSet};

use splitter_core::{CampaignId, Contact, DecisionKind, LoggedDecision};

use crate::{
    journal::{Admitted, Journal},
    scene::{CAP_ACTIVE, CAP_TOTAL, Scene},
    trouble::Trouble,
};

/// Writes a minute, and how long a window lasts (seconds).
const RATE: u64 = 30;
const WINDOW: u64 = 60;

/// No window admits more than the limit, and nobody is told the same number twice; a new window begins when the one before
/// is over. After a crash of the database the counters may begin anew.
pub(crate) fn rate(admitted: &[Admitted], trouble: &Trouble, broken: &mut Vec<String>) {
    let mut windows: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for request in admitted {
        windows.entry(request.reset).or_default().push(request.remaining);
    }
    for (reset, told) in &windows {
        let distinct: BTreeSet<&u64> = told.iter().collect();
        if told.len() as u64 > RATE || distinct.len() != told.len() || told.iter().any(|left| *left >= RATE) {
            broken.push(format!("the window to {reset} admitted {} requests: {told:?}", told.len()));
        }
    }
    let ends: Vec<u64> = windows.keys().copied().collect();
    let early = ends.windows(2).filter(|pair| pair[1] - pair[0] < WINDOW).count();
    if early > trouble.crashes as usize {
        broken.push(format!("{early} windows of the rate limit began before the one before had ended"));
    }
    let counts: Vec<usize> = windows.values().map(Vec::len).collect();
    println!("the limited key: {counts:?} requests admitted by window");
}

/// Suppressed contacts are logged where they are and count for no cap.
pub(crate) fn caps(scene: &Scene, log: &[LoggedDecision], contacts: &[Contact], broken: &mut Vec<String>) {
    let chosen = log.iter().map(|row| &row.decision).filter(|row| row.kind == DecisionKind::Decided);
    let full = chosen.filter(|row| row.campaign_id == scene.full).count();
    if full > CAP_TOTAL {
        broken.push(format!("{full} decisions for a campaign that may have {CAP_TOTAL}"));
    }
    let inside = |id: CampaignId| contacts.iter().filter(|c| c.campaign_id == id && c.is_reachable()).count();
    if inside(scene.crowded) > CAP_ACTIVE {
        broken.push(format!("{} active contacts in a campaign that may have {CAP_ACTIVE}", inside(scene.crowded)));
    }
    println!(
        "the capped campaigns: {full} decisions of {CAP_TOTAL}, {} active contacts of {CAP_ACTIVE}",
        inside(scene.crowded)
    );
}

/// Whoever is sent after a pause was acknowledged, and answered before the resumption was sent, is not put there.
pub(crate) fn pauses(scene: &Scene, journal: &Journal, broken: &mut Vec<String>) {
    let mut during = 0;
    for (n, pause) in journal.pauses.iter().enumerate().filter(|(_, pause)| pause.paused) {
        let Some(from) = pause.acknowledged else { continue };
        // One that was not acknowledged may still come into force later, also an earlier one's.
        let Some(to) = journal.pauses.get(n + 1).map(|next| next.sent) else { continue };
        if n > 0 && journal.pauses[n - 1].acknowledged.is_none() {
            continue;
        }
        let within = journal.enrolments.iter().filter(|sent| sent.splitter == scene.pausing && sent.at > from);
        for answer in within.filter_map(|sent| sent.answer.as_ref()).filter(|answer| answer.at < to) {
            during += 1;
            if answer.campaign == scene.paused {
                broken.push(format!("decision {} chose a paused campaign", answer.decision));
            }
        }
    }
    println!("the pausing campaign: {during} contacts were sent and answered while it was paused");
}
