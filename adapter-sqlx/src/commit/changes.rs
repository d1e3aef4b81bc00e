//! What a batch writes: the effects of all of its plans, each row once and in its final form.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use splitter_core::{
    Admin, AdminId, ApiKey, ApiKeyId, Campaign, CampaignId, Contact, ContactId, DecisionId, Effect, EventId, HistoryId,
    LoggedDecision, Outreach, OutreachId, Plan, Splitter, SplitterId, Timestamp,
    contact::HistoryEntry,
    idempotency::{IdempotencyKey, IdempotencyRecord},
    splitter::{SplitterEvent, SplitterState, SplitterVersion, Trial},
};

/// A row that may be new in this batch.
#[derive(Debug)]
pub(crate) struct Saved<'a, T> {
    pub(crate) row: &'a T,
    pub(crate) new: bool,
}

/// Rows to write, in their final form; append-only ones in the order of writing.
#[derive(Debug, Default)]
pub(crate) struct Changes<'a> {
    pub(crate) admins: BTreeMap<AdminId, Saved<'a, Admin>>,
    pub(crate) api_keys: Vec<&'a ApiKey>,
    pub(crate) revoked: BTreeMap<(AdminId, ApiKeyId), Timestamp>,
    pub(crate) campaigns: BTreeMap<CampaignId, Saved<'a, Campaign>>,
    pub(crate) splitters: BTreeMap<SplitterId, Saved<'a, Splitter>>,
    pub(crate) states: BTreeMap<SplitterId, (AdminId, &'a SplitterState)>,
    pub(crate) versions: Vec<(AdminId, &'a SplitterVersion)>,
    pub(crate) decisions: Vec<(AdminId, &'a LoggedDecision)>,
    pub(crate) events: Vec<(AdminId, &'a SplitterEvent)>,
    pub(crate) folded: BTreeSet<EventId>,
    pub(crate) trials: BTreeMap<(SplitterId, DecisionId), (AdminId, &'a Trial)>,
    pub(crate) closed_trials: BTreeSet<(SplitterId, DecisionId)>,
    pub(crate) contacts: BTreeMap<ContactId, Saved<'a, Contact>>,
    pub(crate) history: Vec<(AdminId, &'a HistoryEntry)>,
    pub(crate) cancelled_contacts: BTreeMap<(AdminId, ContactId), Timestamp>,
    pub(crate) cancelled_campaigns: BTreeMap<(AdminId, CampaignId), Timestamp>,
    pub(crate) outreach: BTreeMap<OutreachId, Cow<'a, Outreach>>,
    pub(crate) idempotency: BTreeMap<&'a IdempotencyKey, &'a IdempotencyRecord>,
}

impl<'a> Changes<'a> {
    /// Puts the effects of plans together, in their order.
    pub(crate) fn of(plans: impl IntoIterator<Item = &'a Plan>) -> Self {
        let mut changes = Self::default();
        // By contact, so that a cancellation finds what was scheduled earlier in the same batch.
        let mut scheduled: BTreeMap<ContactId, Vec<OutreachId>> = BTreeMap::new();
        for plan in plans {
            for effect in &plan.effects {
                changes.add(plan.admin_id, effect, &mut scheduled);
            }
        }
        changes
    }

    fn add(&mut self, admin: AdminId, effect: &'a Effect, scheduled: &mut BTreeMap<ContactId, Vec<OutreachId>>) {
        match effect {
            Effect::CreateAdmin(row) => save(&mut self.admins, row.id, row, true),
            Effect::SaveAdmin(row) => save(&mut self.admins, row.id, row, false),
            Effect::CreateApiKey(row) => self.api_keys.push(row),
            Effect::RevokeApiKey { id, at } => {
                self.revoked.insert((admin, *id), *at);
            }
            Effect::CreateCampaign(row) => save(&mut self.campaigns, row.id, row, true),
            Effect::SaveCampaign(row) => save(&mut self.campaigns, row.id, row, false),
            Effect::CreateSplitter(row) => {
                save(&mut self.splitters, row.id, row, true);
                self.states.insert(row.id, (admin, &row.state));
            }
            Effect::SaveSplitter(row) => save(&mut self.splitters, row.id, row, false),
            Effect::RecordSplitterVersion(row) => self.versions.push((admin, row)),
            Effect::SaveSplitterState { id, state } => {
                self.states.insert(*id, (admin, state));
            }
            Effect::RecordDecision(row) => self.decisions.push((admin, row)),
            Effect::AppendEvent(row) => self.events.push((admin, row)),
            Effect::FoldEvent(id) => {
                let waiting = self.events.len();
                self.events.retain(|(_, event)| event.id != *id);
                if self.events.len() == waiting {
                    self.folded.insert(*id);
                }
            }
            Effect::OpenTrial(row) => {
                let key = (row.splitter_id, row.decision_id);
                // An earlier one of the same decision is written over.
                self.closed_trials.remove(&key);
                self.trials.insert(key, (admin, row));
            }
            Effect::CloseTrial { splitter_id, decision_id } => {
                let key = (*splitter_id, *decision_id);
                self.trials.remove(&key);
                // Also if it was opened in this batch: that may have been an earlier one opened anew.
                self.closed_trials.insert(key);
            }
            Effect::CreateContact(row) => save(&mut self.contacts, row.id, row, true),
            Effect::SaveContact(row) => save(&mut self.contacts, row.id, row, false),
            Effect::RecordHistory(row) => self.history.push((admin, row)),
            Effect::CancelOutreach { contact_id, at } => {
                for id in scheduled.get(contact_id).into_iter().flatten() {
                    self.cancel(*id, *at);
                }
                // A contact that is new in this batch has nothing in the database yet.
                if self.contacts.get(contact_id).is_none_or(|saved| !saved.new) {
                    self.cancelled_contacts.entry((admin, *contact_id)).or_insert(*at);
                }
            }
            Effect::CancelCampaignOutreach { campaign_id, at } => {
                let concerned: Vec<OutreachId> =
                    self.outreach.values().filter(|row| row.campaign_id == *campaign_id).map(|row| row.id).collect();
                for id in concerned {
                    self.cancel(id, *at);
                }
                self.cancelled_campaigns.entry((admin, *campaign_id)).or_insert(*at);
            }
            Effect::ScheduleOutreach(row) => {
                scheduled.entry(row.contact_id).or_default().push(row.id);
                self.outreach.insert(row.id, Cow::Borrowed(row));
            }
            Effect::RecordIdempotency(row) => {
                self.idempotency.insert(&row.key, row);
            }
        }
    }

    fn cancel(&mut self, id: OutreachId, at: Timestamp) {
        if let Some(row) = self.outreach.get_mut(&id) {
            row.to_mut().cancel(at);
        }
    }

    /// A row that is in the database if, and only if, this batch was committed. `None` if it writes nothing.
    pub(crate) fn witness(&self) -> Option<Witness> {
        let decision = self.decisions.first().map(|(_, row)| Witness::Decision(row.decision.id));
        let history = || self.history.first().map(|(admin, row)| Witness::History(*admin, row.contact_id, row.id));
        let version = || self.versions.first().map(|(_, row)| Witness::Version(row.splitter_id, row.version, row.at));
        let campaign =
            || self.campaigns.values().next().map(|s| Witness::Campaign(s.row.admin_id, s.row.id, s.row.updated_at));
        let admin = || self.admins.values().next().map(|s| Witness::Admin(s.row.id, s.row.updated_at));
        let key = || self.api_keys.first().map(|row| Witness::ApiKey(row.id, None));
        let revoked = || self.revoked.iter().next().map(|((_, id), at)| Witness::ApiKey(*id, Some(*at)));
        decision.or_else(history).or_else(version).or_else(campaign).or_else(admin).or_else(key).or_else(revoked)
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.witness().is_none()
            && self.states.is_empty()
            && self.splitters.is_empty()
            && self.contacts.is_empty()
            && self.outreach.is_empty()
            && self.events.is_empty()
            && self.folded.is_empty()
            && self.trials.is_empty()
            && self.closed_trials.is_empty()
            && self.cancelled_contacts.is_empty()
            && self.cancelled_campaigns.is_empty()
            && self.idempotency.is_empty()
    }
}

fn save<'a, K: Ord, T>(rows: &mut BTreeMap<K, Saved<'a, T>>, key: K, row: &'a T, new: bool) {
    rows.entry(key).and_modify(|saved| saved.row = row).or_insert(Saved { row, new });
}

/// A row that tells whether a batch was committed.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite always knows whether it has committed"))]
pub(crate) enum Witness {
    Decision(DecisionId),
    History(AdminId, ContactId, HistoryId),
    Version(SplitterId, u32, Timestamp),
    Campaign(AdminId, CampaignId, Timestamp),
    Admin(AdminId, Timestamp),
    ApiKey(ApiKeyId, Option<Timestamp>),
}
