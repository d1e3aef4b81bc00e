//! Trials, outcomes, and when shares are due.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Beta, COUNT, Settings, WHOLE_BP, p_best, shares_bp};
use crate::id::CampaignId;
use crate::strategy::quota::apportion;
use crate::time::Timestamp;

/// What became of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The contact was fulfilled within the attribution window.
    Success,
    /// It ended otherwise, or the window passed.
    Failure,
    /// It moved to another campaign first: the trial counts as if it had never been.
    Withdrawn,
}

/// What is known of one campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arm {
    /// Successes in 1/65,536, less what was forgotten.
    pub successes: u64,
    /// Failures in 1/65,536, less what was forgotten.
    pub failures: u64,
    /// Outcomes ever resolved; never forgotten. Burn-in counts these.
    pub resolved: u64,
    /// Trials whose outcome is awaited.
    pub pending: u32,
    /// The sum, modulo 2^64, of the times at which the pending trials began, in milliseconds since 1970. The sum of their
    /// *ages* is far below 2^63, so it comes out exactly in spite of the modulus.
    pub pending_since: i64,
}

impl Arm {
    /// The failures that the pending trials amount to at `now`, in 1/65,536: the sum of `age/window` over them. Takes
    /// the same time for any number of trials.
    ///
    /// It equals `Σ min(1, age/window)` as long as no trial is older than the window; the caller closes those as
    /// failures. Until it does, the sum is only known not to exceed one failure each.
    #[must_use]
    pub fn pending_failures(&self, now: Timestamp, window_ms: i64) -> u64 {
        let ages = i64::from(self.pending).wrapping_mul(now.as_millis()).wrapping_sub(self.pending_since);
        let most = u64::from(self.pending) * COUNT;
        let window = u128::from(window_ms.max(1).unsigned_abs());
        let part = u128::from(ages.max(0).unsigned_abs()) * u128::from(COUNT) / window;
        u64::try_from(part).unwrap_or(most).min(most)
    }

    /// The posterior at `now`: one success and one failure as a uniform prior, the outcomes, and the pending part failures.
    #[must_use]
    pub fn posterior(&self, now: Timestamp, window_ms: i64) -> Beta {
        let whole = |count: u64| count as f64 / COUNT as f64;
        Beta {
            alpha: 1.0 + whole(self.successes),
            beta: 1.0 + whole(self.failures + self.pending_failures(now, window_ms)),
        }
    }
}

/// Shares that were computed once and hold until the next time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Computed {
    at: Timestamp,
    resolved: u64,
    shares: Vec<(CampaignId, u32)>,
}

impl Computed {
    /// Whether every one of the campaigns has a share, be it 0.
    #[inline]
    fn covers(&self, eligible: &[CampaignId]) -> bool {
        // Mostly the campaigns are the ones of the last time, in the same order.
        let same = eligible.len() <= self.shares.len()
            && eligible.iter().zip(&self.shares).all(|(campaign, (known, _))| campaign == known);
        same || self.covers_in_any_order(eligible)
    }

    #[cold]
    fn covers_in_any_order(&self, eligible: &[CampaignId]) -> bool {
        eligible.iter().all(|campaign| self.shares.iter().any(|(known, _)| known == campaign))
    }
}

/// All that an adaptive splitter has learnt: plain data, to be stored beside its credits.
///
/// Settings are given to each operation and not kept, so that editing them takes effect at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    arms: BTreeMap<CampaignId, Arm>,
    /// Outcomes ever resolved, over all campaigns.
    resolved: u64,
    /// Outcomes resolved since counts were last cut for forgetting.
    unforgotten: u32,
    computed: Option<Computed>,
    version: u64,
}

impl Model {
    /// What is known of a campaign; nothing, before its first trial.
    #[must_use]
    pub fn arm(&self, campaign: CampaignId) -> Arm {
        self.arms.get(&campaign).copied().unwrap_or_default()
    }

    /// All campaigns with trials, by id.
    pub fn arms(&self) -> impl Iterator<Item = (CampaignId, &Arm)> {
        self.arms.iter().map(|(campaign, arm)| (*campaign, arm))
    }

    /// The cached shares in basis points, in the order in which the campaigns were given to [`Self::recompute`]; empty
    /// before the first time. A campaign that has become ineligible meanwhile is left out by the caller, whose
    /// [`shares()`](crate::strategy::quota::shares) gives its part to the others pro rata.
    #[must_use]
    pub fn shares(&self) -> &[(CampaignId, u32)] {
        self.computed.as_ref().map_or(&[], |computed| &computed.shares)
    }

    /// Counts up whenever the cached shares change: 0 before the first time.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// A contact was sent to `campaign` at `at`, and its outcome is awaited.
    pub fn open_trial(&mut self, campaign: CampaignId, at: Timestamp) {
        let arm = self.arms.entry(campaign).or_default();
        arm.pending = arm.pending.saturating_add(1);
        arm.pending_since = arm.pending_since.wrapping_add(at.as_millis());
    }

    /// The trial that was opened for `campaign` at `opened` has come to its end. Returns false, and does nothing, if no trial
    /// is pending there.
    ///
    /// **Forgetting** goes by resolved contacts of the whole splitter, not by time: a quiet week forgets nothing. After
    /// `h = half_life` outcomes of any campaigns every count is half of what it was. In steps: after each `s = max(1, h/128)` outcomes
    /// the counts of *all* campaigns are multiplied by `2^(−s/h)`, rounded to 1/65,536, before the outcome that is due
    /// is added. Smaller steps would lose small counts to rounding. Pending trials and withdrawals forget
    /// nothing.
    pub fn close(&mut self, settings: &Settings, campaign: CampaignId, opened: Timestamp, outcome: Outcome) -> bool {
        let Some(arm) = self.arms.get_mut(&campaign).filter(|arm| arm.pending > 0) else {
            return false;
        };
        arm.pending -= 1;
        arm.pending_since = arm.pending_since.wrapping_sub(opened.as_millis());
        if outcome == Outcome::Withdrawn {
            return true;
        }
        arm.resolved += 1;
        self.resolved += 1;
        self.forget(settings.half_life);
        if let Some(arm) = self.arms.get_mut(&campaign) {
            let count = if outcome == Outcome::Success { &mut arm.successes } else { &mut arm.failures };
            *count += COUNT;
        }
        true
    }

    fn forget(&mut self, half_life: u32) {
        if half_life == 0 {
            self.unforgotten = 0;
            return;
        }
        let step = (half_life / 128).max(1);
        self.unforgotten += 1;
        if self.unforgotten < step {
            return;
        }
        self.unforgotten = 0;
        // Between 2^-1 and 2^-1/256, as a fraction of 2^32.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 2^31 and 2^32")]
        let kept = libm::round(libm::exp2(32.0 - f64::from(step) / f64::from(half_life))) as u64;
        let cut =
            |count: u64| u64::try_from((u128::from(count) * u128::from(kept) + (1 << 31)) >> 32).unwrap_or(u64::MAX);
        for arm in self.arms.values_mut() {
            arm.successes = cut(arm.successes);
            arm.failures = cut(arm.failures);
        }
    }

    /// Whether the shares should be computed again before the next decision: there are none; a campaign that is
    /// `eligible` has none; resolved outcomes have grown by 1 % and at least one; or a hundredth of the attribution window has
    /// passed while trials were pending, so that their part failures have grown.
    #[must_use]
    #[inline]
    pub fn needs_recompute(&self, settings: &Settings, now: Timestamp, eligible: &[CampaignId]) -> bool {
        let Some(computed) = &self.computed else {
            return true;
        };
        let grown = self.resolved.saturating_sub(computed.resolved) >= (computed.resolved / 100).max(1);
        let aged = now.millis_since(computed.at) >= (settings.attribution_ms / 100).max(1);
        grown || aged && self.arms.values().any(|arm| arm.pending > 0) || !computed.covers(eligible)
    }

    /// Computes the shares of the eligible campaigns, caches and returns them: basis points that sum to 10,000.
    ///
    /// `eligible` holds each campaign that can be chosen with its base weight. During burn-in, until every one of them has
    /// [`Settings::burn_in`] resolved contacts, shares are in proportion to the base weights; then each is its probability
    /// of being the best, above the floor. A campaign with base weight 0 is switched off: its share is 0, and nobody
    /// waits for it. If all weights are 0, or nobody is eligible, the shares are all 0 or empty.
    pub fn recompute(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        eligible: &[(CampaignId, u64)],
    ) -> &[(CampaignId, u32)] {
        let on: Vec<&(CampaignId, u64)> = eligible.iter().filter(|(_, weight)| *weight > 0).collect();
        let burning_in = on.iter().any(|(campaign, _)| self.arm(*campaign).resolved < u64::from(settings.burn_in));
        let of_on = if burning_in {
            let weights: Vec<u64> = on.iter().map(|(_, weight)| *weight).collect();
            let mut parts = Vec::new();
            apportion(&weights, u64::from(WHOLE_BP), &mut parts);
            parts.iter().map(|part| u32::try_from(*part).unwrap_or(WHOLE_BP)).collect()
        } else {
            let posterior = |campaign| self.arm(campaign).posterior(now, settings.attribution_ms);
            let posteriors: Vec<Beta> = on.iter().map(|(campaign, _)| posterior(*campaign)).collect();
            shares_bp(&p_best(&posteriors), settings.min_share_bp)
        };
        let mut of_on = of_on.into_iter();
        let shares: Vec<(CampaignId, u32)> = eligible
            .iter()
            .map(|(campaign, weight)| (*campaign, if *weight > 0 { of_on.next().unwrap_or(0) } else { 0 }))
            .collect();
        if self.computed.as_ref().is_none_or(|computed| computed.shares != shares) {
            self.version += 1;
        }
        &self.computed.insert(Computed { at: now, resolved: self.resolved, shares }).shares
    }

    /// Drops the cached shares, so that the next decision computes them: for edits of settings or base weights.
    pub fn invalidate(&mut self) {
        self.computed = None;
    }

    /// Forgets a campaign that was removed from the splitter, its pending trials included. Their later outcomes find no
    /// trial and do nothing.
    pub fn remove(&mut self, campaign: CampaignId) {
        self.arms.remove(&campaign);
        self.invalidate();
    }
}
