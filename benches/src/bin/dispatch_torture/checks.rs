//! What arrived, compared with what is in the database.

use std::collections::{BTreeMap, BTreeSet};

use splitter_core::{ContactId, OutreachId};

use crate::{
    Result,
    receiver::{Arrival, Receiver},
    scene::{CONTACTS, Role, Row, Scene, phone, rows},
    trouble::Trouble,
};

/// How much later than its last look at the clock a message may arrive on a busy machine.
const ON_THE_WAY_MS: i64 = 1_500;

/// Says which rules were kept, and counts the violations of the others.
pub(crate) async fn violations(scene: &Scene, receiver: &Receiver, trouble: &Trouble) -> Result<usize> {
    let rows = rows(&mut scene.connect().await?, "$1 = ''", "").await?;
    let arrivals = receiver.arrivals();
    let mut total = 0;
    let mut judge = |rule: &str, broken: Vec<String>| {
        println!(
            "  {rule}: {}",
            if broken.is_empty() { "kept".into() } else { format!("{} VIOLATIONS", broken.len()) }
        );
        for violation in broken.iter().take(5) {
            println!("    {violation}");
        }
        total += broken.len();
    };
    judge("signatures, bodies and ids are right", broken_requests(&rows, receiver));
    judge("one message, one id", one_id_for_each(&rows, &arrivals));
    judge("at least once", at_least_once(scene, &rows, &arrivals));
    judge("the right words", words(&arrivals));
    judge("nothing is started after its cancellation", refusals(&rows, &arrivals, trouble));
    judge("nothing is started while its campaign is paused", pauses(scene, &arrivals, trouble));
    judge("nothing arrives outside of its window", windows(scene, &rows, &arrivals));
    Ok(total)
}

fn broken_requests(rows: &[Row], receiver: &Receiver) -> Vec<String> {
    let mut broken = Vec::new();
    if receiver.forged() > 0 {
        broken.push(format!("{} requests had a bad signature, body or id", receiver.forged()));
    }
    if rows.len() as u64 != CONTACTS {
        broken.push(format!("{} rows instead of {CONTACTS}", rows.len()));
    }
    broken
}

/// Whatever arrives is a row, and a contact's message always has the same id: a receiver can tell repeats.
fn one_id_for_each(rows: &[Row], arrivals: &[Arrival]) -> Vec<String> {
    let mut broken = Vec::new();
    let known: BTreeMap<OutreachId, &Row> = rows.iter().map(|row| (row.id, row)).collect();
    let mut ids: BTreeMap<ContactId, OutreachId> = BTreeMap::new();
    for Arrival { data, .. } in arrivals {
        match known.get(&data.id) {
            Some(row) if row.contact == data.contact_id && row.campaign == data.campaign_id => {}
            _ => broken.push(format!("{} is no row, or another contact's", data.id)),
        }
        if *ids.entry(data.contact_id).or_insert(data.id) != data.id {
            broken.push(format!("contact {} got two ids", data.contact_id));
        }
    }
    broken
}

/// `sent` rows were taken by the receiver; all rows that nobody has stopped are `sent`.
fn at_least_once(scene: &Scene, rows: &[Row], arrivals: &[Arrival]) -> Vec<String> {
    let mut broken = Vec::new();
    let taken: BTreeSet<OutreachId> = arrivals.iter().filter(|a| a.taken).map(|a| a.data.id).collect();
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for row in rows {
        let role = scene.campaigns.iter().find(|(_, id)| **id == row.campaign).map(|(role, _)| *role);
        let expected: &[&str] = match role {
            Some(Role::Plain | Role::Paused) => &["sent"],
            Some(Role::Refused) => &["sent", "cancelled"],
            Some(Role::Closing) => &["sent", "scheduled"],
            Some(Role::Held | Role::Closed) | None => &["scheduled"],
        };
        if !expected.contains(&row.status.as_str()) {
            broken.push(format!("{} of {role:?} is {}", row.id, row.status));
        }
        if row.status == "sent" && !taken.contains(&row.id) {
            broken.push(format!("{} is sent, but never arrived", row.id));
        }
        *counts.entry((row.status.as_str(), format!("{role:?}"))).or_default() += 1;
    }
    for ((status, role), count) in counts {
        println!("  {role:<16} {status:<10} {count}");
    }
    let repeats = arrivals.iter().filter(|a| a.taken).count() - taken.len();
    println!("  {} messages arrived and were taken, {repeats} of them more than once", taken.len());
    broken
}

/// The right words to the right number.
fn words(arrivals: &[Arrival]) -> Vec<String> {
    let mut broken = Vec::new();
    for Arrival { data, .. } in arrivals {
        let number = data.text.split(' ').nth(2).and_then(|n| n.parse().ok()).map(phone);
        let expected = number.map(|number| number.to_string());
        let welcome = data.text.ends_with(&format!(" at {}, welcome.", data.to));
        if expected.as_ref() != Some(&data.to) || !welcome {
            broken.push(format!("{}: wrong words", data.id));
        }
    }
    broken
}

/// After a cancellation nothing is started: whatever arrives had been started before.
fn refusals(rows: &[Row], arrivals: &[Arrival], trouble: &Trouble) -> Vec<String> {
    let mut broken = Vec::new();
    let now: BTreeMap<OutreachId, &Row> = rows.iter().map(|row| (row.id, row)).collect();
    let started: BTreeMap<OutreachId, u32> = trouble.refusals.iter().map(|row| (row.id, row.attempts)).collect();
    let (mut in_time, mut late) = (0, 0);
    for then in &trouble.refusals {
        let Some(row) = now.get(&then.id) else { continue };
        if row.attempts != then.attempts {
            broken.push(format!("{} was started after it was cancelled", row.id));
        }
        match (then.status.as_str(), then.cancel_requested, row.status.as_str()) {
            ("cancelled", _, "cancelled") => in_time += 1,
            ("sending", true, "sent" | "cancelled") if row.cancel_requested => late += 1,
            // It was sent before, or in the moment between the cancellation and our look.
            ("sent", _, "sent") => {}
            _ => broken.push(format!("{} was {} when it was cancelled, now {}", row.id, then.status, row.status)),
        }
    }
    println!("  {in_time} were cancelled in time, {late} while they were being sent");
    for Arrival { data, .. } in arrivals {
        if started.get(&data.id).is_some_and(|attempts| data.attempt > *attempts) {
            broken.push(format!("{}: attempt {} arrived after its cancellation", data.id, data.attempt));
        }
    }
    broken
}

/// While a campaign is paused nothing of it is started.
fn pauses(scene: &Scene, arrivals: &[Arrival], trouble: &Trouble) -> Vec<String> {
    let mut broken = Vec::new();
    let (before, after) = &trouble.paused;
    if before.is_empty() || before != after {
        let changed = before.iter().filter(|(id, attempts)| after.get(id) != Some(attempts)).count();
        broken.push(format!("{changed} of {} messages were started during the pause", before.len()));
    }
    let held = scene.campaigns[&Role::Held];
    let (from, to) = trouble.pause;
    let mut during = 0;
    for Arrival { data, at, .. } in arrivals {
        if data.campaign_id == held {
            broken.push(format!("{} of a paused campaign arrived", data.id));
        }
        if let Some(attempts) = before.get(&data.id).filter(|_| (from..to).contains(at)) {
            during += 1;
            if data.attempt > *attempts {
                broken.push(format!("{}: attempt {} arrived during the pause", data.id, data.attempt));
            }
        }
    }
    println!("  {during} messages that were under way arrived after the pause had been committed");
    broken
}

/// Nothing arrives outside of its calling window, and what is left waits for the next opening.
fn windows(scene: &Scene, rows: &[Row], arrivals: &[Arrival]) -> Vec<String> {
    let mut broken = Vec::new();
    let (closing, closed) = (scene.campaigns[&Role::Closing], scene.campaigns[&Role::Closed]);
    let mut latest = i64::MIN;
    for arrival in arrivals {
        if arrival.data.campaign_id == closed {
            broken.push(format!("{} arrived outside of its window", arrival.data.id));
        }
        if arrival.data.campaign_id == closing {
            let late = arrival.at.millis_since(scene.closes_at);
            latest = latest.max(late);
            if arrival.sent_at >= scene.closes_at || late > ON_THE_WAY_MS {
                broken.push(format!("{} arrived {late} ms after its window had closed", arrival.data.id));
            }
        }
    }
    println!("  the last message of the closing window arrived {latest} ms after its end (negative: before)");
    for row in rows.iter().filter(|row| row.status == "scheduled" && [closing, closed].contains(&row.campaign)) {
        if row.scheduled_at < scene.closes_at {
            broken.push(format!("{} was not moved into its window", row.id));
        }
    }
    broken
}
