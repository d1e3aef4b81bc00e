//! Random steps of several dispatchers among random commands: no rule may break, and the store has to agree with the
//! in-memory one step by step.

use std::collections::BTreeMap;

use super::{
    super::world::mix,
    desk::{Desk, LEASE_MS, office_hours, phone},
};
use crate::{
    CampaignStatus, ContactStatus, MemoryStore, OutreachId, OutreachStatus,
    contact_commands::ContactChange,
    dispatch::{Action, Claim, Dispatch, Outcome, RetryPolicy, decide},
    store::{Store, TransactError},
    time::{HOUR_MS, MINUTE_MS},
};

/// Runs `count` random steps on a store and on a new in-memory one, and says where they differ and what broke.
pub async fn random_dispatch(store: &dyn Store, dispatch: &dyn Dispatch, seed: u64, count: u64) -> Vec<String> {
    let oracle = MemoryStore::new();
    let actual = match trace(store, dispatch, seed, count).await {
        Ok(actual) => actual,
        Err(error) => return vec![format!("the steps could not be run: {error}")],
    };
    let expected = match trace(&oracle, &oracle, seed, count).await {
        Ok(expected) => expected,
        Err(error) => return vec![format!("the steps could not be run in memory: {error}")],
    };
    let mut failures = actual.broken;
    failures.extend(expected.broken.into_iter().map(|failure| format!("in memory: {failure}")));
    let first = actual.lines.iter().zip(&expected.lines).position(|(actual, expected)| actual != expected);
    if let Some(n) = first {
        failures.push(format!("step {n}: expected {}, saw {}", expected.lines[n], actual.lines[n]));
    }
    failures
}

#[derive(Default)]
struct Trace {
    lines: Vec<String>,
    broken: Vec<String>,
}

/// What the dispatchers hold.
#[derive(Default)]
struct Held {
    claims: Vec<(Claim, bool)>,
    /// How often each was started.
    starts: BTreeMap<OutreachId, u32>,
}

async fn trace(store: &dyn Store, dispatch: &dyn Dispatch, seed: u64, count: u64) -> Result<Trace, TransactError> {
    let mut desk = Desk::new(store, dispatch, seed).await?;
    desk.campaign_of("A", &[(0, "Hi {{name}}"), (45, "Bye")], None).await?;
    desk.campaign_of("B", &[(0, "Hi"), (600, "{{missing}}")], Some(office_hours())).await?;
    let (mut trace, mut held) = (Trace::default(), Held::default());
    for n in 0..count {
        let draw = mix(seed.wrapping_mul(7_368_787) ^ n);
        let line = match step(&mut desk, &mut held, draw, &mut trace.broken).await {
            Ok(line) => line,
            Err(TransactError::Rejected(rejection)) => rejection.to_string(),
            Err(error) => return Err(error),
        };
        trace.lines.push(line);
    }
    for n in 0..CONTACTS {
        for row in desk.rows(n).await? {
            let started = held.starts.get(&row.id).copied().unwrap_or(0);
            if row.attempts != started {
                trace.broken.push(format!("{} started {started} times, {} attempts counted", row.id, row.attempts));
            }
            trace.lines.push(format!("{row:?}"));
        }
    }
    trace.broken.extend(desk.close("end").await?);
    Ok(trace)
}

/// Few, so that everything happens to them.
const CONTACTS: u64 = 6;

async fn step(
    desk: &mut Desk<'_>,
    held: &mut Held,
    draw: u64,
    broken: &mut Vec<String>,
) -> Result<String, TransactError> {
    let n = (draw >> 8) % CONTACTS;
    let campaign = if draw >> 16 & 1 == 0 { "A" } else { "B" };
    Ok(match draw % 16 {
        0..=2 => format!("enrol {n}: {:?}", desk.enroll(n, campaign).await?),
        3 => {
            let status = ContactStatus::ALL[usize::try_from((draw >> 20) % 9).unwrap_or(0)];
            format!("{n} is {status}: {:?}", desk.status(n, status).await?)
        }
        4 => {
            desk.world.edit_contact(phone(n), ContactChange::Delete).await?;
            format!("{n} is deleted")
        }
        5 => {
            let status = if draw >> 20 & 1 == 0 { CampaignStatus::Paused } else { CampaignStatus::Active };
            desk.world.set_campaign(campaign, status).await?;
            format!("{campaign} is {}", status.as_str())
        }
        6 => {
            let most = if (draw >> 20).is_multiple_of(8) { 8 * HOUR_MS } else { MINUTE_MS };
            desk.wait(i64::try_from(mix(draw) % 1_000).unwrap_or(0) * most / 1_000);
            format!("it is {}", desk.world.now)
        }
        7 => format!("recovered {}", desk.dispatch.recover(desk.world.now).await?),
        8 => format!("{:?}", desk.dispatch.backlog(desk.world.now).await?),
        9 | 10 => {
            let limit = 1 + u32::try_from(draw >> 20 & 3).unwrap_or(0);
            let claims = desk.dispatch.claim(desk.world.now, limit, LEASE_MS).await?;
            let line =
                format!("claimed {:?}", claims.iter().map(|claim| (claim.lease, claim.due_at)).collect::<Vec<_>>());
            held.claims.extend(claims.into_iter().map(|claim| (claim, false)));
            line
        }
        11..=13 => start(desk, held, draw, broken).await?,
        _ => finish(desk, held, draw).await?,
    })
}

async fn start(
    desk: &mut Desk<'_>,
    held: &mut Held,
    draw: u64,
    broken: &mut Vec<String>,
) -> Result<String, TransactError> {
    let len = held.claims.len() as u64;
    let picked = usize::try_from((draw >> 20) % len.max(1)).unwrap_or(0);
    let Some((claim, started)) = held.claims.get_mut(picked) else { return Ok("nothing to start".into()) };
    let before = desk.world.store.outreach(desk.world.admin, claim.contact.id).await?;
    let row = before.iter().find(|row| row.id == claim.outreach.id);
    let may = row.is_some_and(|row| row.status == OutreachStatus::Scheduled);
    let contact = desk.world.store.contact(desk.world.admin, claim.contact.id).await?;
    let reachable = contact.is_some_and(|contact| contact.is_reachable());
    let campaign = desk.world.store.campaign(desk.world.admin, claim.outreach.campaign_id).await?;
    let active = campaign.is_some_and(|campaign| campaign.is_active());
    let done = desk.dispatch.start(&claim.lease, desk.world.now, LEASE_MS).await?;
    if done {
        *started = true;
        *held.starts.entry(claim.outreach.id).or_default() += 1;
        if !(may && reachable && active) {
            broken.push(format!(
                "{} was started: scheduled {may}, reachable {reachable}, active {active}",
                claim.lease.id
            ));
        }
    }
    Ok(format!("started {:?}: {done}", claim.lease))
}

async fn finish(desk: &mut Desk<'_>, held: &mut Held, draw: u64) -> Result<String, TransactError> {
    let len = held.claims.len() as u64;
    if len == 0 {
        return Ok("nothing to finish".into());
    }
    let picked = usize::try_from((draw >> 20) % len).unwrap_or(0);
    // Some are finished and yet kept, as by a dispatcher that does not know that it has lost its lease.
    let (claim, started) =
        if (draw >> 40).is_multiple_of(4) { held.claims[picked].clone() } else { held.claims.swap_remove(picked) };
    let now = desk.world.now;
    let outcome = match (decide(&claim, now, &RetryPolicy::default()), draw >> 44 & 3) {
        (Action::Postpone(at), _) => Outcome::Postponed { at },
        (Action::Fail(failure), _) => Outcome::Failed { error: failure.to_string() },
        (Action::Cancel, _) => Outcome::Cancelled,
        (Action::Send(_), 0) => Outcome::Retry { at: now.plus_millis(10_000), error: "no answer".into() },
        (Action::Send(_), 1) => Outcome::Released,
        (Action::Send(_), _) => Outcome::Sent,
    };
    let before = desk.world.store.outreach(desk.world.admin, claim.contact.id).await?;
    let sending = before.iter().any(|row| row.id == claim.lease.id && row.status == OutreachStatus::Sending);
    let done = desk.dispatch.finish(&claim.lease, &outcome, now).await?;
    if done && sending && outcome.uncalled() {
        *held.starts.entry(claim.lease.id).or_default() -= 1;
    }
    Ok(format!("finished {:?} ({started}) with {outcome:?}: {done}", claim.lease))
}
