//! What a splitter carries from one decision to the next, and what is waiting to be folded into it.

use std::collections::BTreeMap;

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    id::{CampaignId, ContactId, DecisionId, EventId, SplitterId},
    strategy::{adaptive, quota},
    time::Timestamp,
};

use super::config::{Caps, Member, SplitterConfig, Strategy};

/// SHA-256 over the previous row's hash and a row's canonical bytes.
pub type ChainHash = [u8; 32];

/// The running state of one campaign in a splitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemberState {
    /// Credit in units of 1/[`quota::UNIT`] contact; the credits of a splitter sum to 0.
    pub credit: i64,
    /// The clock hour that [`Self::in_hour`] counts, as the instant at which it began, in milliseconds.
    pub hour: i64,
    /// Decisions in that hour.
    pub in_hour: u32,
    /// The calendar day that [`Self::in_day`] counts, in days of the common era.
    pub day: i32,
    /// Decisions on that day.
    pub in_day: u32,
    /// Decisions so far.
    pub total: u64,
    /// Contacts that this splitter put here and that are active now.
    pub active: i64,
    /// Since when outcomes are learnt from: trials that began earlier count no more.
    pub learns_from: Timestamp,
}

/// The first cap that has no room left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FullCap {
    Hour,
    Day,
    Total,
    Active,
}

/// The clock hour and the day of an instant in a splitter's zone, as the counters key them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    hour: i64,
    day: i32,
}

impl Period {
    pub(crate) fn of(at: Timestamp, zone: Tz) -> Self {
        let local = at.local(zone);
        let into_hour = i64::from(local.minute() * 60 + local.second()) * 1000 + at.as_millis().rem_euclid(1000);
        Self { hour: at.as_millis() - into_hour, day: local.num_days_from_ce() }
    }
}

impl MemberState {
    /// The first cap without room for one more decision; `leaving` says that the contact itself is counted as active here.
    pub(crate) fn full(&self, caps: &Caps, now: Period, leaving: bool) -> Option<FullCap> {
        let in_hour = if self.hour == now.hour { self.in_hour } else { 0 };
        let in_day = if self.day == now.day { self.in_day } else { 0 };
        let active = self.active - i64::from(leaving);
        if caps.per_hour.is_some_and(|cap| in_hour >= cap) {
            Some(FullCap::Hour)
        } else if caps.per_day.is_some_and(|cap| in_day >= cap) {
            Some(FullCap::Day)
        } else if caps.total.is_some_and(|cap| self.total >= cap) {
            Some(FullCap::Total)
        } else if caps.active.is_some_and(|cap| active >= i64::from(cap)) {
            Some(FullCap::Active)
        } else {
            None
        }
    }

    /// Counts one decision.
    pub(crate) fn count(&mut self, now: Period) {
        if self.hour != now.hour {
            (self.hour, self.in_hour) = (now.hour, 0);
        }
        if self.day != now.day {
            (self.day, self.in_day) = (now.day, 0);
        }
        self.in_hour = self.in_hour.saturating_add(1);
        self.in_day = self.in_day.saturating_add(1);
        self.total = self.total.saturating_add(1);
    }
}

/// One row per splitter, changed only under its lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitterState {
    /// The number of the last row of the log; 0 before the first.
    pub seq: u64,
    /// The time of the last row.
    pub last_at: Timestamp,
    /// The hash of the last row; zeros before the first.
    pub head: ChainHash,
    /// The version of the quota rule that made the credits.
    pub rule_version: u16,
    /// By campaign, listed or formerly listed.
    pub members: BTreeMap<CampaignId, MemberState>,
    /// What the adaptive strategy has learnt.
    pub adaptive: Option<adaptive::Model>,
}

impl Default for SplitterState {
    fn default() -> Self {
        Self {
            seq: 0,
            last_at: Timestamp::MIN,
            head: [0; 32],
            rule_version: quota::RULE_VERSION,
            members: BTreeMap::new(),
            adaptive: None,
        }
    }
}

impl SplitterState {
    /// The credits of the listed campaigns, in their order.
    #[must_use]
    pub fn credits(&self, members: &[Member]) -> Vec<i64> {
        members.iter().map(|member| self.members.get(&member.campaign_id).map_or(0, |state| state.credit)).collect()
    }

    /// The state of one campaign.
    #[must_use]
    pub fn member(&self, id: CampaignId) -> MemberState {
        self.members.get(&id).copied().unwrap_or_default()
    }

    /// Carries the credits over an edit: campaigns that stay keep theirs, new ones start with 0, and the credit of removed
    /// ones is spread over those that stay, pro rata to their new base shares.
    ///
    /// What was learnt stays with the campaigns that stay, while the strategy stays adaptive.
    pub fn carry_over(&mut self, old: &SplitterConfig, new: &SplitterConfig, at: Timestamp) {
        self.carry_learning(old, new, at);
        let stays = |id: CampaignId| new.campaigns.iter().any(|member| member.campaign_id == id);
        // The old list in its old order, then the new ones: so the position of a credit is never in doubt.
        let mut ids: Vec<CampaignId> = new.campaigns.iter().map(|member| member.campaign_id).collect();
        let weights: Vec<u64> = new.campaigns.iter().map(|member| u64::from(member.percentage_bp)).collect();
        let removed: Vec<CampaignId> =
            old.campaigns.iter().map(|member| member.campaign_id).filter(|id| !stays(*id)).collect();
        let positions: Vec<usize> = (ids.len()..ids.len() + removed.len()).collect();
        ids.extend(&removed);
        let mut credits: Vec<i64> = ids.iter().map(|id| self.member(*id).credit).collect();
        quota::spread_removed(&mut credits, &positions, &weights);
        for (id, credit) in ids.iter().zip(credits) {
            self.members.entry(*id).or_default().credit = credit;
        }
        for id in removed {
            let state = self.members.entry(id).or_default();
            state.credit = 0;
            if *state == MemberState::default() {
                self.members.remove(&id);
            }
        }
    }
}

impl SplitterState {
    fn carry_learning(&mut self, old: &SplitterConfig, new: &SplitterConfig, at: Timestamp) {
        let adaptive = |config: &SplitterConfig| matches!(config.strategy, Strategy::Adaptive(_));
        let listed = |config: &SplitterConfig, id| config.campaigns.iter().any(|member| member.campaign_id == id);
        if !adaptive(old) || !adaptive(new) {
            self.adaptive = None;
        }
        for member in &new.campaigns {
            if !adaptive(old) || !listed(old, member.campaign_id) {
                self.members.entry(member.campaign_id).or_default().learns_from = at;
            }
        }
        if let Some(model) = &mut self.adaptive {
            for member in old.campaigns.iter().filter(|member| !listed(new, member.campaign_id)) {
                model.remove(member.campaign_id);
            }
            model.invalidate();
        }
    }
}

/// How many trials that have run out one decision closes at most, the oldest first: keeps a decision's work bounded after a
/// long silence.
pub const TRIALS_PER_DECISION: usize = 32;

/// Something that happened to a contact outside of the splitter's lock and concerns the splitter that had chosen for it.
///
/// Appended with the change itself; folded in, in order, at the splitter's next decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitterEvent {
    /// Its id; sorts by time.
    pub id: EventId,
    /// The splitter.
    pub splitter_id: SplitterId,
    /// The decision that the event is about.
    pub decision_id: DecisionId,
    /// The campaign it had chosen.
    pub campaign_id: CampaignId,
    /// The contact.
    pub contact_id: ContactId,
    /// When it happened.
    pub at: Timestamp,
    /// The change of the number of active contacts: −1, 0 or 1.
    pub active_delta: i8,
    /// The end of the trial, if this ends it.
    pub outcome: Option<adaptive::Outcome>,
}

/// A decision of the adaptive strategy whose outcome is still to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// The splitter.
    pub splitter_id: SplitterId,
    /// The decision.
    pub decision_id: DecisionId,
    /// The campaign it chose.
    pub campaign_id: CampaignId,
    /// When the contact entered that campaign.
    pub started_at: Timestamp,
}
