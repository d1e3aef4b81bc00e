//! A decision: the choice, every candidate with its reason, and what is needed to make the same choice again.

mod canonical;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use canonical::{CANONICAL_VERSION, MalformedDecision};

use crate::{
    actor::Actor,
    id::{CampaignId, ContactId, DecisionId, SplitterId},
    splitter::{ChainHash, StrategyKind},
    strategy::{quota, random, sticky},
    time::Timestamp,
};

/// Why a campaign could not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// It was deleted.
    Deleted,
    /// It is switched off in the splitter.
    Disabled,
    /// It is paused.
    Paused,
    /// Its share is zero now.
    ZeroShare,
    /// It only takes contacts with an e-mail address.
    RequiresEmail,
    /// It has had its decisions of this clock hour.
    CapPerHour,
    /// It has had its decisions of this day.
    CapPerDay,
    /// It has had all its decisions.
    CapTotal,
    /// As many contacts as it may have are active in it.
    CapActive,
}

impl Exclusion {
    /// Every reason, in the order of their codes in the canonical bytes (from 1).
    pub const ALL: [Self; 9] = [
        Self::Deleted,
        Self::Disabled,
        Self::Paused,
        Self::ZeroShare,
        Self::RequiresEmail,
        Self::CapPerHour,
        Self::CapPerDay,
        Self::CapTotal,
        Self::CapActive,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Disabled => "disabled",
            Self::Paused => "paused",
            Self::ZeroShare => "zero_share",
            Self::RequiresEmail => "requires_email",
            Self::CapPerHour => "cap_per_hour",
            Self::CapPerDay => "cap_per_day",
            Self::CapTotal => "cap_total",
            Self::CapActive => "cap_active",
        }
    }

    /// Whether room may come again without an edit.
    #[must_use]
    pub const fn is_cap(self) -> bool {
        matches!(self, Self::CapPerHour | Self::CapPerDay | Self::CapTotal | Self::CapActive)
    }
}

/// One campaign as a decision saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Why it could not be chosen; `None`: it could.
    pub exclusion: Option<Exclusion>,
    /// What the strategy gave it, in basis points, before the shares of excluded ones went to the others.
    pub weight_bp: u32,
    /// Its credit before the decision, in units of 1/[`quota::UNIT`] contact.
    pub credit: i64,
}

/// What kind of row of the log this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecisionKind {
    /// The strategy chose.
    Decided,
    /// The contact was sent again and kept its campaign.
    Kept,
    /// The contact is suppressed (`DNC`) and kept its campaign.
    Suppressed,
}

impl DecisionKind {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Kept => "kept",
            Self::Suppressed => "suppressed",
        }
    }
}

/// One row of a splitter's distribution log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Its id, sent as `X-Distribution-Id`.
    pub id: DecisionId,
    /// The splitter.
    pub splitter_id: SplitterId,
    /// Its place in the splitter's log: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// When it was made; never earlier than the row before.
    pub at: Timestamp,
    /// The version of the splitter's configuration.
    pub version: u32,
    /// The contact.
    pub contact_id: ContactId,
    /// Whether a choice was made.
    pub kind: DecisionKind,
    /// The contact's campaign after it.
    pub campaign_id: CampaignId,
    /// Whether the choice was made by shares; false for an overflow to a fallback campaign.
    pub in_quota: bool,
    /// The earlier choice of the same contact that was given back first.
    pub returned: Option<CampaignId>,
    /// Where the shares came from.
    pub strategy: StrategyKind,
    /// The version of the quota rule (or of the hash, for `sticky`).
    pub rule_version: u16,
    /// The version of the learnt shares; 0 where none are learnt.
    pub share_version: u64,
    /// Every campaign of the splitter, in its order. Empty for rows that chose nothing.
    pub candidates: Vec<Candidate>,
    /// One number for `random`, one for each candidate for `sticky`, none for the quota rule.
    pub draws: Vec<u64>,
    /// Who sent the contact.
    pub actor: Actor,
    /// The idempotency key that came with it.
    pub idempotency_key: Option<String>,
}

/// Why a row can not be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Made by another version of the rule.
    #[error("the row was made by version {0} of the rule, which this program does not have")]
    UnknownRule(u16),
    /// No candidate could have been chosen.
    #[error("no candidate of the row has a share")]
    NoShare,
    /// The draws do not fit the strategy.
    #[error("the row's draws do not fit its strategy")]
    Draws,
}

/// The result of applying a strategy to candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The chosen candidate's position.
    pub position: usize,
    /// The credits afterwards, by position.
    pub credits: Vec<i64>,
}

/// Applies shares and draws to candidates: the one place where a choice is made, first and again at every replay.
///
/// `returned` is the position of the earlier choice that is given back first.
pub fn choose(
    strategy: StrategyKind,
    candidates: &[Candidate],
    draws: &[u64],
    returned: Option<usize>,
) -> Result<Choice, ReplayError> {
    let weights = effective_weights(candidates);
    let mut credits: Vec<i64> = candidates.iter().map(|candidate| candidate.credit).collect();
    let position = match strategy {
        StrategyKind::Sticky => {
            if draws.len() != candidates.len() {
                return Err(ReplayError::Draws);
            }
            sticky::choose_by_hashes(draws, &weights).ok_or(ReplayError::NoShare)?
        }
        StrategyKind::Random => {
            let shares = quota::shares(&weights).ok_or(ReplayError::NoShare)?;
            let [draw] = draws else { return Err(ReplayError::Draws) };
            random::choose(&shares, *draw)
        }
        StrategyKind::Percentage | StrategyKind::TimeWeighted | StrategyKind::Adaptive => {
            let shares = quota::shares(&weights).ok_or(ReplayError::NoShare)?;
            match returned {
                Some(present) => quota::repick(&mut credits, &shares, present),
                None => quota::pick(&mut credits, &shares),
            }
        }
    };
    Ok(Choice { position, credits })
}

fn effective_weights(candidates: &[Candidate]) -> Vec<u64> {
    let weight = |candidate: &Candidate| match candidate.exclusion {
        None => u64::from(candidate.weight_bp),
        Some(_) => 0,
    };
    candidates.iter().map(weight).collect()
}

impl Decision {
    /// The shares that held, in units of 1/[`quota::UNIT`]; all zero where nothing was chosen by shares.
    #[must_use]
    pub fn shares(&self) -> Vec<i64> {
        quota::shares(&effective_weights(&self.candidates)).unwrap_or_else(|| vec![0; self.candidates.len()])
    }

    /// The probability with which the chosen campaign was drawn; `None` for rules that draw nothing.
    #[must_use]
    pub fn propensity(&self) -> Option<f64> {
        let position = self.position_of(self.campaign_id)?;
        let drawn = self.strategy == StrategyKind::Random && self.kind == DecisionKind::Decided && self.in_quota;
        drawn.then(|| self.shares()[position] as f64 / quota::UNIT as f64)
    }

    /// Makes the choice again from what the row says, and from nothing else.
    pub fn replay(&self) -> Result<CampaignId, ReplayError> {
        if self.kind != DecisionKind::Decided || !self.in_quota {
            // Nothing was chosen by shares: the row says where the contact stayed, or which fallback took it.
            return Ok(self.campaign_id);
        }
        if self.rule_version != rule_version(self.strategy) {
            return Err(ReplayError::UnknownRule(self.rule_version));
        }
        let returned = self.returned.and_then(|id| self.position_of(id));
        let choice = choose(self.strategy, &self.candidates, &self.draws, returned)?;
        Ok(self.candidates[choice.position].campaign_id)
    }

    /// The credits after the decision, by position; `None` if the choice can not be made again.
    #[must_use]
    pub fn credits_after(&self) -> Option<Vec<i64>> {
        if self.kind != DecisionKind::Decided || !self.in_quota {
            return Some(self.candidates.iter().map(|candidate| candidate.credit).collect());
        }
        let returned = self.returned.and_then(|id| self.position_of(id));
        choose(self.strategy, &self.candidates, &self.draws, returned).ok().map(|choice| choice.credits)
    }

    fn position_of(&self, id: CampaignId) -> Option<usize> {
        self.candidates.iter().position(|candidate| candidate.campaign_id == id)
    }
}

/// The version of the rule that a strategy chooses by.
#[must_use]
pub const fn rule_version(strategy: StrategyKind) -> u16 {
    match strategy {
        StrategyKind::Sticky => sticky::HASH_VERSION,
        _ => quota::RULE_VERSION,
    }
}

/// A decision with its canonical bytes and its place in the hash chain, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedDecision {
    /// The decision; the same as its bytes say.
    pub decision: Decision,
    /// What is hashed and kept.
    pub bytes: Vec<u8>,
    /// SHA-256 over the previous row's hash and the bytes.
    pub hash: ChainHash,
}

impl LoggedDecision {
    /// Puts a decision at the end of a chain whose last hash is `head`.
    #[must_use]
    pub fn new(decision: Decision, head: &ChainHash) -> Self {
        let bytes = decision.to_canonical();
        let hash = chain(head, &bytes);
        Self { decision, bytes, hash }
    }

    /// A row as it was read from a store.
    pub fn from_stored(bytes: Vec<u8>, hash: ChainHash) -> Result<Self, MalformedDecision> {
        Ok(Self { decision: Decision::from_canonical(&bytes)?, bytes, hash })
    }
}

/// The hash of a row: SHA-256 over the previous row's hash and the row's canonical bytes.
#[must_use]
pub fn chain(head: &ChainHash, bytes: &[u8]) -> ChainHash {
    Sha256::new().chain_update(head).chain_update(bytes).finalize().into()
}
