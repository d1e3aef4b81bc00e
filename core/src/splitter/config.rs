//! What an admin chooses about a splitter: valid by construction.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    id::CampaignId,
    strategy::{
        adaptive,
        time_weighted::{self, Overlap},
    },
    violation::{Violations, check_label},
    window::WeeklyWindow,
};

/// 100 % in basis points.
pub const WHOLE_BP: u32 = 10_000;
/// The most campaigns of one splitter.
pub const MAX_MEMBERS: usize = 50;
/// The most windows of a time-weighted splitter: one for every hour of a week.
pub const MAX_WINDOWS: usize = 168;

/// How many decisions a campaign may get through this splitter; `None`: any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Caps {
    /// Decisions in one clock hour of the splitter's zone.
    pub per_hour: Option<u32>,
    /// Decisions in one calendar day of the splitter's zone.
    pub per_day: Option<u32>,
    /// Decisions in total.
    pub total: Option<u64>,
    /// Contacts that are active in it at the same time.
    pub active: Option<u32>,
}

/// A campaign in a splitter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its base share in basis points (1/100 of a percent).
    pub percentage_bp: u32,
    /// Whether it takes part.
    pub enabled: bool,
    /// Its limits.
    #[serde(default)]
    pub caps: Caps,
}

/// When other shares than the base ones hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareWindow {
    /// Days and hours in the splitter's zone.
    #[serde(flatten)]
    pub window: WeeklyWindow,
    /// Shares in basis points; a campaign that is not named has none.
    pub percentages_bp: Vec<(CampaignId, u32)>,
}

/// Where the shares come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Strategy {
    /// The base percentages, exactly.
    Percentage,
    /// The base percentages by independent draws: uneven in the short run.
    Random,
    /// The base percentages by a hash of the phone number: a number always gets the same campaign, counts are uneven.
    Sticky {
        /// Keeps the choices of different splitters apart; set when the strategy is chosen.
        seed: u64,
    },
    /// Shares that change with the local time.
    TimeWeighted {
        /// Must not overlap; outside of all of them the base percentages hold.
        windows: Vec<ShareWindow>,
    },
    /// Shares that follow the campaigns' observed fulfilment.
    Adaptive(adaptive::Settings),
}

impl Strategy {
    /// The kind, without the settings.
    #[must_use]
    pub const fn kind(&self) -> StrategyKind {
        match self {
            Self::Percentage => StrategyKind::Percentage,
            Self::Random => StrategyKind::Random,
            Self::Sticky { .. } => StrategyKind::Sticky,
            Self::TimeWeighted { .. } => StrategyKind::TimeWeighted,
            Self::Adaptive(_) => StrategyKind::Adaptive,
        }
    }
}

/// The kind of a strategy, as the log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StrategyKind {
    /// See [`Strategy::Percentage`].
    Percentage,
    /// See [`Strategy::Random`].
    Random,
    /// See [`Strategy::Sticky`].
    Sticky,
    /// See [`Strategy::TimeWeighted`].
    TimeWeighted,
    /// See [`Strategy::Adaptive`].
    Adaptive,
}

impl StrategyKind {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Percentage => "percentage",
            Self::Random => "random",
            Self::Sticky => "sticky",
            Self::TimeWeighted => "timeWeighted",
            Self::Adaptive => "adaptive",
        }
    }
}

/// What happens when campaigns are at their caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Overflow {
    /// The share of a full campaign goes to the others.
    #[default]
    NextEligible,
    /// As [`Self::NextEligible`]; when all are full, this campaign takes the contact outside of the quota.
    FallbackCampaign {
        /// Listed in the splitter or not.
        campaign_id: CampaignId,
    },
    /// The contact is refused as soon as the campaign that would be chosen without caps is full.
    Reject,
}

/// What happens to a contact that is already in one of the splitter's campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReturningContacts {
    /// Its earlier choice is returned and it is decided again.
    #[default]
    Redistribute,
    /// It stays, without a decision, while its campaign is eligible.
    Keep,
}

/// A splitter's configuration as an input, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitterDraft {
    /// What people call it, 1 to 255 characters.
    pub name: String,
    /// The zone of its windows, hours and days.
    pub timezone: Tz,
    /// Where the shares come from.
    pub strategy: Strategy,
    /// Its campaigns in the order in which they were added.
    pub campaigns: Vec<Member>,
    /// What happens at the caps.
    pub overflow: Overflow,
    /// What happens to contacts sent again.
    pub returning_contacts: ReturningContacts,
}

/// A splitter's configuration that keeps every rule; the only way to make one is [`Self::new`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SplitterDraft", into = "SplitterDraft")]
pub struct SplitterConfig(SplitterDraft);

impl SplitterConfig {
    /// Checks a draft: 1 to [`MAX_MEMBERS`] campaigns, none twice, percentages that sum to 100.00 in the base list and in
    /// every window, windows that do not overlap and name listed campaigns only, adaptive settings in their ranges.
    ///
    /// Windows' percentages are put into the order of the campaigns.
    pub fn new(mut draft: SplitterDraft) -> Result<Self, Violations> {
        let mut violations = Violations::new();
        check_label(&mut violations, "name", &draft.name, 255);
        check_members(&mut violations, &draft.campaigns);
        match &mut draft.strategy {
            Strategy::TimeWeighted { windows } => check_windows(&mut violations, &draft.campaigns, windows),
            Strategy::Adaptive(settings) => {
                if let Err(error) = settings.validate() {
                    violations.push("strategy", error.to_string());
                }
            }
            Strategy::Percentage | Strategy::Random | Strategy::Sticky { .. } => {}
        }
        violations.or(|| Self(draft))
    }

    /// The configuration as a draft to edit.
    #[must_use]
    pub fn to_draft(&self) -> SplitterDraft {
        self.0.clone()
    }
}

impl std::ops::Deref for SplitterConfig {
    type Target = SplitterDraft;
    fn deref(&self) -> &SplitterDraft {
        &self.0
    }
}

impl TryFrom<SplitterDraft> for SplitterConfig {
    type Error = Violations;
    fn try_from(draft: SplitterDraft) -> Result<Self, Violations> {
        Self::new(draft)
    }
}

impl From<SplitterConfig> for SplitterDraft {
    fn from(config: SplitterConfig) -> Self {
        config.0
    }
}

/// `6000` as `60.00`.
#[must_use]
pub fn percent_text(bp: u64) -> String {
    format!("{}.{:02}", bp / 100, bp % 100)
}

fn check_sum(violations: &mut Violations, path: &str, percentages: impl Iterator<Item = u32>) {
    let sum: u64 = percentages.map(u64::from).sum();
    if sum != u64::from(WHOLE_BP) {
        violations.push(path, format!("percentages must sum to 100.00, these sum to {}", percent_text(sum)));
    }
}

fn check_members(violations: &mut Violations, members: &[Member]) {
    if members.is_empty() || members.len() > MAX_MEMBERS {
        violations.push("campaigns", format!("must list 1 to {MAX_MEMBERS} campaigns, this lists {}", members.len()));
        return;
    }
    let mut seen = BTreeSet::new();
    for (n, member) in members.iter().enumerate() {
        if !seen.insert(member.campaign_id) {
            violations.push(
                format!("campaigns.{n}.campaignId"),
                format!("campaign `{}` is listed twice", member.campaign_id),
            );
        }
        if member.percentage_bp > WHOLE_BP {
            violations.push(format!("campaigns.{n}.percentage"), "must be at most 100");
        }
    }
    check_sum(violations, "campaigns", members.iter().map(|member| member.percentage_bp));
}

fn check_windows(violations: &mut Violations, members: &[Member], windows: &mut [ShareWindow]) {
    if windows.is_empty() || windows.len() > MAX_WINDOWS {
        violations
            .push("strategy.windows", format!("must list 1 to {MAX_WINDOWS} windows, this lists {}", windows.len()));
        return;
    }
    for (n, window) in windows.iter_mut().enumerate() {
        let path = format!("strategy.windows.{n}.percentages");
        let mut seen = BTreeSet::new();
        for (campaign, bp) in &window.percentages_bp {
            if !members.iter().any(|member| member.campaign_id == *campaign) {
                violations.push(format!("{path}.{campaign}"), "is not one of the splitter's campaigns");
            }
            if !seen.insert(*campaign) {
                violations.push(format!("{path}.{campaign}"), "is named twice");
            }
            if *bp > WHOLE_BP {
                violations.push(format!("{path}.{campaign}"), "must be at most 100");
            }
        }
        check_sum(violations, &path, window.percentages_bp.iter().map(|(_, bp)| *bp));
        let position = |id: CampaignId| members.iter().position(|member| member.campaign_id == id);
        window.percentages_bp.sort_by_key(|(id, _)| position(*id));
    }
    let plain: Vec<WeeklyWindow> = windows.iter().map(|window| window.window).collect();
    for (a, b) in time_weighted::overlaps(&plain) {
        let what = Overlap::between(&plain, a, b).map(|overlap| overlap.to_string()).unwrap_or_default();
        violations.push(format!("strategy.windows.{b}"), format!("overlaps with window {a}: {what}"));
    }
}
