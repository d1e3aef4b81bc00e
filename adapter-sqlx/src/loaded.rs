//! What was loaded for a batch, whatever database it came from, and how it becomes snapshots.

use std::collections::BTreeSet;

use splitter_core::{
    Admin, AdminId, ApiKey, Campaign, CampaignId, Contact, DecisionId, Splitter, SplitterId,
    idempotency::IdempotencyRecord,
    splitter::{Overflow, SplitterEvent, StrategyKind, TRIALS_PER_DECISION, Trial},
};

use crate::commit::{Snapshots, Wanted};

/// Rows of a batch's scopes.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) admins: Vec<Admin>,
    pub(crate) api_keys: Vec<ApiKey>,
    pub(crate) splitters: Vec<Splitter>,
    pub(crate) campaigns: Vec<Campaign>,
    pub(crate) contacts: Vec<Contact>,
    /// In their order.
    pub(crate) events: Vec<SplitterEvent>,
    pub(crate) trials: Vec<Trial>,
    pub(crate) idempotency: Vec<IdempotencyRecord>,
}

impl Loaded {
    /// The campaigns to load: those that the scopes name, and those that the loaded splitters may send contacts to.
    pub(crate) fn campaign_keys(&self, wanted: &Wanted) -> BTreeSet<(AdminId, CampaignId)> {
        let mut keys: BTreeSet<_> = wanted.campaigns.union(&wanted.edited_campaigns).copied().collect();
        for splitter in &self.splitters {
            keys.extend(listed(splitter).map(|id| (splitter.admin_id, id)));
        }
        keys
    }

    /// The trials that waiting events and loaded contacts name.
    pub(crate) fn named_trials(&self) -> BTreeSet<(SplitterId, DecisionId)> {
        let ids: BTreeSet<SplitterId> = self.splitters.iter().map(|splitter| splitter.id).collect();
        let of_events = self.events.iter().filter(|event| event.outcome.is_some());
        let of_events = of_events.map(|event| (event.splitter_id, event.decision_id));
        let of_contacts = self.contacts.iter().filter_map(|contact| contact.assignment);
        let of_contacts =
            of_contacts.filter(|assignment| assignment.trial_open && ids.contains(&assignment.splitter_id));
        of_events.chain(of_contacts.map(|assignment| (assignment.splitter_id, assignment.decision_id))).collect()
    }

    /// Adaptive splitters, and how many of their oldest trials to load: each command closes a bounded number of those that
    /// have run out, and any that is named besides may be among the oldest.
    pub(crate) fn oldest_trials<'a>(
        &'a self,
        wanted: &'a Wanted,
        named: usize,
    ) -> impl Iterator<Item = (SplitterId, i64)> + 'a {
        let adaptive = self.splitters.iter().filter(|s| s.config.strategy.kind() == StrategyKind::Adaptive);
        adaptive.map(move |splitter| {
            let commands = wanted.splitters.get(&(splitter.admin_id, splitter.id)).copied().unwrap_or(1);
            (splitter.id, i64::try_from(commands * TRIALS_PER_DECISION + named).unwrap_or(i64::MAX))
        })
    }

    /// One snapshot for each admin.
    pub(crate) fn into_snapshots(self, wanted: &Wanted) -> Snapshots {
        let mut snapshots: Snapshots =
            wanted.admins.iter().map(|id| (*id, splitter_core::Snapshot::default())).collect();
        let owners: Vec<(SplitterId, AdminId)> = self.splitters.iter().map(|s| (s.id, s.admin_id)).collect();
        let owner = |id: SplitterId| owners.iter().find(|(known, _)| *known == id).map(|(_, admin)| *admin);
        for admin in self.admins {
            let id = admin.id;
            snapshots.entry(id).or_default().admin = Some(admin);
        }
        for key in self.api_keys {
            snapshots.entry(key.admin_id).or_default().api_keys.insert(key.id, key);
        }
        for splitter in self.splitters {
            snapshots.entry(splitter.admin_id).or_default().splitters.insert(splitter.id, splitter);
        }
        for campaign in self.campaigns {
            snapshots.entry(campaign.admin_id).or_default().campaigns.insert(campaign.id, campaign);
        }
        for contact in self.contacts {
            snapshots.entry(contact.admin_id).or_default().contacts.insert(contact.phone_number, contact);
        }
        for event in self.events {
            if let Some(admin) = owner(event.splitter_id) {
                snapshots.entry(admin).or_default().events.push(event);
            }
        }
        for trial in self.trials {
            if let Some(admin) = owner(trial.splitter_id) {
                snapshots.entry(admin).or_default().trials.insert((trial.splitter_id, trial.decision_id), trial);
            }
        }
        for record in self.idempotency {
            snapshots.entry(record.key.admin_id).or_default().idempotency.insert(record.key.clone(), record);
        }
        snapshots
    }
}

/// The campaigns that a splitter may send contacts to.
pub(crate) fn listed(splitter: &Splitter) -> impl Iterator<Item = CampaignId> + '_ {
    let fallback = match splitter.config.overflow {
        Overflow::FallbackCampaign { campaign_id } => Some(campaign_id),
        Overflow::NextEligible | Overflow::Reject => None,
    };
    splitter.config.campaigns.iter().map(|member| member.campaign_id).chain(fallback)
}
