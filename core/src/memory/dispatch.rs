//! Sending from the in-memory store: the oracle of [`Dispatch`].

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    contact::Contact,
    dispatch::{Backlog, Claim, Destination, Dispatch, Lease, Outcome},
    id::{AdminId, ContactId, OutreachId},
    outreach::{Outreach, OutreachStatus},
    snapshot::Snapshot,
    store::StoreError,
    time::Timestamp,
};

/// What a row has beside its [`Outreach`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    fence: u64,
    /// From when on it may be claimed.
    free_at: Timestamp,
}

/// Holds of rows that have been claimed at least once.
pub(super) type Holds = BTreeMap<OutreachId, Hold>;

fn hold_of(holds: &Holds, row: &Outreach) -> Hold {
    holds.get(&row.id).copied().unwrap_or(Hold { fence: 0, free_at: row.scheduled_at })
}

/// What can be claimed, in order.
fn due(admins: &BTreeMap<AdminId, Snapshot>, holds: &Holds, now: Timestamp) -> Vec<(Timestamp, OutreachId, AdminId)> {
    let mut due: Vec<_> = admins
        .iter()
        .flat_map(|(admin, snapshot)| snapshot.written.outreach.values().map(move |row| (*admin, snapshot, row)))
        .filter(|(_, snapshot, row)| row.status == OutreachStatus::Scheduled && is_active(snapshot, row))
        .map(|(admin, _, row)| (hold_of(holds, row).free_at, row.id, admin))
        .filter(|(free_at, _, _)| *free_at <= now)
        .collect();
    due.sort_unstable();
    due
}

fn is_active(snapshot: &Snapshot, row: &Outreach) -> bool {
    snapshot.campaigns.get(&row.campaign_id).is_some_and(crate::Campaign::is_active)
}

fn contact_of(snapshot: &Snapshot, id: ContactId) -> Option<&Contact> {
    snapshot.contacts.values().find(|contact| contact.id == id)
}

#[async_trait]
impl Dispatch for MemoryStore {
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        let (mut admins, mut holds) = (self.lock(), self.lock_holds());
        let mut recovered = 0;
        for row in admins.values_mut().flat_map(|snapshot| snapshot.written.outreach.values_mut()) {
            let hold = hold_of(&holds, row);
            if hold.free_at <= now && row.recover() {
                holds.insert(row.id, Hold { fence: hold.fence + 1, free_at: now });
                recovered += 1;
            }
        }
        Ok(recovered)
    }

    async fn claim(&self, now: Timestamp, limit: u32, lease_ms: i64) -> Result<Vec<Claim>, StoreError> {
        let (admins, mut holds) = (self.lock(), self.lock_holds());
        let mut claims = Vec::new();
        for (due_at, id, admin_id) in due(&admins, &holds, now).into_iter().take(limit as usize) {
            let snapshot = &admins[&admin_id];
            let outreach = snapshot.written.outreach[&id].clone();
            let Some(contact) = contact_of(snapshot, outreach.contact_id).cloned() else { continue };
            let fence = hold_of(&holds, &outreach).fence + 1;
            holds.insert(id, Hold { fence, free_at: now.plus_millis(lease_ms) });
            claims.push(Claim {
                lease: Lease { id, admin_id, contact_id: contact.id, fence },
                due_at,
                contact,
                calling_window: snapshot.campaigns[&outreach.campaign_id].config.calling_window,
                destination: Destination { webhook: snapshot.settings().webhook },
                outreach,
            });
        }
        Ok(claims)
    }

    async fn start(&self, lease: &Lease, now: Timestamp, lease_ms: i64) -> Result<bool, StoreError> {
        let (mut admins, mut holds) = (self.lock(), self.lock_holds());
        let Some(snapshot) = admins.get_mut(&lease.admin_id) else { return Ok(false) };
        let active = snapshot.written.outreach.get(&lease.id).is_some_and(|row| is_active(snapshot, row));
        let Some(row) = snapshot.written.outreach.get_mut(&lease.id) else { return Ok(false) };
        let started = active && hold_of(&holds, row).fence == lease.fence && row.start();
        if started {
            holds.insert(row.id, Hold { fence: lease.fence, free_at: now.plus_millis(lease_ms) });
        }
        Ok(started)
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<bool, StoreError> {
        let (mut admins, mut holds) = (self.lock(), self.lock_holds());
        let row = admins.get_mut(&lease.admin_id).and_then(|snapshot| snapshot.written.outreach.get_mut(&lease.id));
        let Some(row) = row else { return Ok(false) };
        let finished = hold_of(&holds, row).fence == lease.fence && outcome.apply(row, now);
        if finished {
            holds.insert(row.id, Hold { fence: lease.fence, free_at: outcome.next_attempt_at(now) });
        }
        Ok(finished)
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let due = due(&self.lock(), &self.lock_holds(), now);
        Ok(Backlog { due: (due.len() as u64).min(Backlog::MOST), oldest: due.first().map(|(at, _, _)| *at) })
    }
}
