//! What a command may read: a scope says what to load and lock, a snapshot holds it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::ApiKey,
    admin::{Admin, Settings},
    campaign::Campaign,
    contact::{Contact, HistoryEntry},
    decision::LoggedDecision,
    id::{AdminId, ApiKeyId, CampaignId, DecisionId, OutreachId, SplitterId},
    idempotency::{IdempotencyKey, IdempotencyRecord},
    outreach::Outreach,
    phone::PhoneNumber,
    plan::{Effect, Plan},
    splitter::{Splitter, SplitterEvent, SplitterVersion, Trial},
    time::Timestamp,
};

/// What a command reads and therefore what a store loads and locks, in this order.
///
/// All of it belongs to one admin. Things that do not exist are simply missing from the snapshot. The admin's own row is
/// always loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The admin.
    pub admin_id: AdminId,
    /// Splitters, locked: each with its state, its campaigns and its fallback campaign, its waiting events in their order, and
    /// of its trials those that the events and the contacts in [`Self::phones`] name, and the oldest ones:
    /// [`TRIALS_PER_DECISION`](crate::splitter::TRIALS_PER_DECISION) for every command that is to run on the snapshot.
    pub splitters: BTreeSet<SplitterId>,
    /// Campaigns that must not change meanwhile.
    pub campaigns: BTreeSet<CampaignId>,
    /// Campaigns to be changed: first every splitter that lists one is locked, then the campaign.
    pub edited_campaigns: BTreeSet<CampaignId>,
    /// Contacts by number, existing or not, locked.
    pub phones: BTreeSet<PhoneNumber>,
    /// The idempotency record to look up.
    pub idempotency: Option<IdempotencyKey>,
    /// API keys to be changed.
    pub api_keys: BTreeSet<ApiKeyId>,
    /// Whether the admin's own row is to be changed, and so locked.
    pub edits_admin: bool,
}

impl Scope {
    /// Only the admin's own row.
    #[must_use]
    pub const fn of(admin_id: AdminId) -> Self {
        Self {
            admin_id,
            splitters: BTreeSet::new(),
            campaigns: BTreeSet::new(),
            edited_campaigns: BTreeSet::new(),
            phones: BTreeSet::new(),
            idempotency: None,
            api_keys: BTreeSet::new(),
            edits_admin: false,
        }
    }

    /// With a splitter.
    #[must_use]
    pub fn splitter(mut self, id: SplitterId) -> Self {
        self.splitters.insert(id);
        self
    }

    /// With a campaign to read.
    #[must_use]
    pub fn campaign(mut self, id: CampaignId) -> Self {
        self.campaigns.insert(id);
        self
    }

    /// With campaigns to read.
    #[must_use]
    pub fn campaigns(mut self, ids: impl IntoIterator<Item = CampaignId>) -> Self {
        self.campaigns.extend(ids);
        self
    }

    /// With a campaign to change.
    #[must_use]
    pub fn edited_campaign(mut self, id: CampaignId) -> Self {
        self.edited_campaigns.insert(id);
        self
    }

    /// With a contact.
    #[must_use]
    pub fn phone(mut self, phone: PhoneNumber) -> Self {
        self.phones.insert(phone);
        self
    }

    /// With an idempotency record.
    #[must_use]
    pub fn idempotency(mut self, key: Option<IdempotencyKey>) -> Self {
        self.idempotency = key;
        self
    }

    /// With an API key to change.
    #[must_use]
    pub fn api_key(mut self, id: ApiKeyId) -> Self {
        self.api_keys.insert(id);
        self
    }

    /// With the admin's own row to change.
    #[must_use]
    pub const fn editing_admin(mut self) -> Self {
        self.edits_admin = true;
        self
    }

    /// Everything that either scope names. Both are of the same admin.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.splitters.extend(&other.splitters);
        self.campaigns.extend(&other.campaigns);
        self.edited_campaigns.extend(&other.edited_campaigns);
        self.phones.extend(&other.phones);
        self.api_keys.extend(&other.api_keys);
        self.idempotency = self.idempotency.or_else(|| other.idempotency.clone());
        self.edits_admin |= other.edits_admin;
        self
    }
}

/// One admin's rows: all of them in the in-memory store, those of a scope in a transaction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The admin itself.
    pub admin: Option<Admin>,
    /// API keys.
    pub api_keys: BTreeMap<ApiKeyId, ApiKey>,
    /// Campaigns, deleted ones included.
    pub campaigns: BTreeMap<CampaignId, Campaign>,
    /// Splitters, deleted ones included.
    pub splitters: BTreeMap<SplitterId, Splitter>,
    /// Contacts by number, deleted ones included.
    pub contacts: BTreeMap<PhoneNumber, Contact>,
    /// Events that wait for a splitter's next decision, in their order.
    pub events: Vec<SplitterEvent>,
    /// Trials that are not resolved.
    pub trials: BTreeMap<(SplitterId, DecisionId), Trial>,
    /// Remembered answers.
    pub idempotency: BTreeMap<IdempotencyKey, IdempotencyRecord>,
    /// What plans write and none reads: filled by [`Self::apply`].
    pub written: Written,
}

/// Rows that plans write and none reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Written {
    /// Outreach.
    pub outreach: BTreeMap<OutreachId, Outreach>,
    /// The logs, in the order of writing.
    pub decisions: Vec<LoggedDecision>,
    /// The contacts' histories, in the order of writing.
    pub history: Vec<HistoryEntry>,
    /// The splitters' versions, in the order of writing.
    pub versions: Vec<SplitterVersion>,
}

impl Snapshot {
    /// The admin's settings; the defaults if the admin has no row.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.admin.as_ref().map(|admin| admin.settings.clone()).unwrap_or_default()
    }

    /// A campaign that exists and is not deleted.
    #[must_use]
    pub fn campaign(&self, id: CampaignId) -> Option<&Campaign> {
        self.campaigns.get(&id).filter(|campaign| campaign.is_valid())
    }

    /// A splitter that exists and is not deleted.
    #[must_use]
    pub fn splitter(&self, id: SplitterId) -> Option<&Splitter> {
        self.splitters.get(&id).filter(|splitter| splitter.deleted_at.is_none())
    }

    /// A contact that exists and is not deleted.
    #[must_use]
    pub fn contact(&self, phone: PhoneNumber) -> Option<&Contact> {
        self.contacts.get(&phone).filter(|contact| contact.deleted_at.is_none())
    }

    /// Carries out a plan: what every store has to do, said once in terms of maps.
    pub fn apply(&mut self, plan: &Plan) {
        for effect in &plan.effects {
            self.apply_effect(effect);
        }
    }

    fn apply_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::CreateAdmin(admin) | Effect::SaveAdmin(admin) => self.admin = Some(admin.clone()),
            Effect::CreateApiKey(key) => {
                self.api_keys.insert(key.id, key.clone());
            }
            Effect::RevokeApiKey { id, at } => {
                if let Some(key) = self.api_keys.get_mut(id) {
                    key.revoked_at = Some(*at);
                }
            }
            Effect::CreateCampaign(campaign) | Effect::SaveCampaign(campaign) => {
                self.campaigns.insert(campaign.id, campaign.clone());
            }
            Effect::CreateSplitter(splitter) => {
                self.splitters.insert(splitter.id, splitter.clone());
            }
            Effect::SaveSplitter(splitter) => {
                if let Some(stored) = self.splitters.get_mut(&splitter.id) {
                    let state = std::mem::take(&mut stored.state);
                    *stored = Splitter { state, ..splitter.clone() };
                }
            }
            Effect::SaveSplitterState { id, state } => {
                if let Some(stored) = self.splitters.get_mut(id) {
                    stored.state = state.clone();
                }
            }
            Effect::AppendEvent(event) => self.events.push(event.clone()),
            Effect::FoldEvent(id) => self.events.retain(|event| event.id != *id),
            Effect::OpenTrial(trial) => {
                self.trials.insert((trial.splitter_id, trial.decision_id), trial.clone());
            }
            Effect::CloseTrial { splitter_id, decision_id } => {
                self.trials.remove(&(*splitter_id, *decision_id));
            }
            Effect::CreateContact(contact) | Effect::SaveContact(contact) => {
                self.contacts.insert(contact.phone_number, contact.clone());
            }
            Effect::RecordIdempotency(record) => {
                self.idempotency.insert(record.key.clone(), record.clone());
            }
            Effect::RecordSplitterVersion(version) => self.written.versions.push(version.clone()),
            Effect::RecordDecision(row) => self.written.decisions.push(row.clone()),
            Effect::RecordHistory(entry) => self.written.history.push(entry.clone()),
            Effect::ScheduleOutreach(outreach) => {
                self.written.outreach.insert(outreach.id, outreach.clone());
            }
            Effect::CancelOutreach { contact_id, at } => {
                self.cancel(*at, |outreach| outreach.contact_id == *contact_id);
            }
            Effect::CancelCampaignOutreach { campaign_id, at } => {
                self.cancel(*at, |outreach| outreach.campaign_id == *campaign_id);
            }
        }
    }

    fn cancel(&mut self, at: Timestamp, concerns: impl Fn(&Outreach) -> bool) {
        for outreach in self.written.outreach.values_mut().filter(|outreach| concerns(outreach)) {
            outreach.cancel(at);
        }
    }
}
