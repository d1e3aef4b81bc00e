//! A splitter chooses a campaign: who is eligible, with which shares, and what if nobody is.

use super::{EnrollContact, email_required, has_email, learning};
use crate::{
    contact::Contact,
    decision::{self, Candidate, Decision, DecisionKind, Exclusion, choose},
    env::Env,
    id::CampaignId,
    plan::{Effect, Enrolment},
    reconcile::ids,
    rejection::Rejection,
    snapshot::Snapshot,
    splitter::{Overflow, Period, ReturningContacts, Splitter, SplitterState, Strategy, Trial},
    strategy::{sticky, time_weighted},
    time::Timestamp,
};

/// What a splitter chose, and what that changes in its own state.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The row for the log.
    pub decision: Decision,
    /// The splitter's state after it, but for `seq`, time and chain head, which the row gives.
    pub state: SplitterState,
    /// Events folded and trials closed on the way.
    pub effects: Vec<Effect>,
    /// The trial that the decision opens or goes on with.
    pub trial: Option<Trial>,
}

/// Chooses a campaign for a contact. `existing` is the contact as it is stored, `draft` as it will be.
pub fn distribute(
    snapshot: &Snapshot,
    splitter: &Splitter,
    request: &EnrollContact,
    existing: Option<&Contact>,
    draft: &Contact,
    enrolment: Enrolment,
    env: &Env,
) -> Result<Distribution, Rejection> {
    let at = env.now.max(splitter.state.last_at);
    let mut state = splitter.state.clone();
    let mut folded = learning::fold(snapshot, splitter, &mut state, at);
    let mut decision = Decision {
        id: env.id(ids::DECISION),
        splitter_id: splitter.id,
        seq: state.seq + 1,
        at,
        version: splitter.version,
        contact_id: draft.id,
        kind: DecisionKind::Suppressed,
        campaign_id: draft.campaign_id,
        in_quota: false,
        returned: None,
        strategy: splitter.config.strategy.kind(),
        rule_version: decision::rule_version(splitter.config.strategy.kind()),
        share_version: 0,
        candidates: Vec::new(),
        draws: Vec::new(),
        actor: request.actor,
        idempotency_key: request.idempotency_key.clone(),
    };
    if enrolment == Enrolment::Suppressed {
        return Ok(Distribution { decision, state, effects: folded.effects, trial: None });
    }
    let seen = Candidates::new(snapshot, splitter, &mut state, existing, draft, at);
    if splitter.config.returning_contacts == ReturningContacts::Keep
        && existing.is_some_and(|contact| seen.is_eligible(contact.campaign_id))
    {
        decision.kind = DecisionKind::Kept;
        return Ok(Distribution { decision, state, effects: folded.effects, trial: None });
    }
    decision.kind = DecisionKind::Decided;
    decision.share_version = seen.share_version;

    let mut candidates = seen.candidates;
    let refuse_full = splitter.config.overflow == Overflow::Reject;
    let mut caps: Vec<Option<Exclusion>> = vec![None; candidates.len()];
    if refuse_full {
        // The choice is made as if there were no caps, and refused if it falls on a full campaign.
        for (cap, candidate) in caps.iter_mut().zip(&mut candidates) {
            *cap = candidate.exclusion.take_if(|exclusion| exclusion.is_cap());
        }
    }
    match refusal(&candidates) {
        None => {}
        Some(Rejection::AtCapacity) => {
            decision.campaign_id =
                fallback(snapshot, splitter, &state, existing, draft, at).ok_or(Rejection::AtCapacity)?;
            decision.candidates = candidates;
            count(&mut state, splitter, decision.campaign_id, at);
            folded.withdraw(splitter, &mut state, snapshot, existing);
            return Ok(Distribution { decision, state, effects: folded.effects, trial: None });
        }
        Some(rejection) => return Err(rejection),
    }
    let former = existing.and_then(|contact| contact.assignment).filter(|former| former.splitter_id == splitter.id);
    let returned = existing.filter(|_| former.is_some_and(|former| former.in_quota)).and_then(|contact| {
        candidates.iter().position(|c| c.campaign_id == contact.campaign_id && c.exclusion.is_none())
    });
    let draws = match &splitter.config.strategy {
        Strategy::Random => vec![former.and_then(|former| former.draw).unwrap_or(env.draw)],
        Strategy::Sticky { seed } => {
            let phone = request.phone_number.to_string();
            candidates.iter().map(|c| sticky::hash(splitter.id, *seed, &phone, c.campaign_id)).collect()
        }
        Strategy::Percentage | Strategy::TimeWeighted { .. } | Strategy::Adaptive(_) => Vec::new(),
    };
    // Every candidate list that reaches this point has a share, so the rule always finds one.
    let choice = choose(decision.strategy, &candidates, &draws, returned).map_err(|_| Rejection::NoShare)?;
    if caps[choice.position].is_some() {
        return Err(Rejection::AtCapacity);
    }
    for (candidate, credit) in candidates.iter().zip(choice.credits) {
        state.members.entry(candidate.campaign_id).or_default().credit = credit;
    }
    decision.in_quota = true;
    decision.campaign_id = candidates[choice.position].campaign_id;
    decision.returned = returned.map(|position| candidates[position].campaign_id);
    decision.draws = draws;
    decision.candidates = candidates;
    count(&mut state, splitter, decision.campaign_id, at);
    let trial = folded.decided(splitter, &mut state, snapshot, existing, &decision);
    Ok(Distribution { decision, state, effects: folded.effects, trial })
}

fn count(state: &mut SplitterState, splitter: &Splitter, campaign: CampaignId, at: Timestamp) {
    if splitter.config.campaigns.iter().any(|member| member.campaign_id == campaign) {
        state.members.entry(campaign).or_default().count(Period::of(at, splitter.config.timezone));
    }
}

struct Candidates {
    candidates: Vec<Candidate>,
    share_version: u64,
}

impl Candidates {
    fn new(
        snapshot: &Snapshot,
        splitter: &Splitter,
        state: &mut SplitterState,
        existing: Option<&Contact>,
        draft: &Contact,
        at: Timestamp,
    ) -> Self {
        let period = Period::of(at, splitter.config.timezone);
        let email = has_email(draft);
        let counted_in = counted_in(splitter, existing);
        let members = &splitter.config.campaigns;
        let mut exclusions: Vec<Option<Exclusion>> = members
            .iter()
            .map(|member| match snapshot.campaign(member.campaign_id) {
                None => Some(Exclusion::Deleted),
                Some(_) if !member.enabled => Some(Exclusion::Disabled),
                Some(campaign) if !campaign.is_active() => Some(Exclusion::Paused),
                Some(campaign) if campaign.config.requires_email && !email => Some(Exclusion::RequiresEmail),
                Some(_) => {
                    let leaving = counted_in == Some(member.campaign_id);
                    state.member(member.campaign_id).full(&member.caps, period, leaving).map(Into::into)
                }
            })
            .collect();
        let eligible: Vec<bool> = exclusions.iter().map(Option::is_none).collect();
        let (weights, share_version) = weights(splitter, state, &eligible, at);
        for (exclusion, weight) in exclusions.iter_mut().zip(&weights) {
            let weaker = exclusion.is_none_or(|reason| reason.is_cap() || reason == Exclusion::RequiresEmail);
            if *weight == 0 && weaker {
                *exclusion = Some(Exclusion::ZeroShare);
            }
        }
        let candidates = members
            .iter()
            .zip(exclusions)
            .zip(weights)
            .map(|((member, exclusion), weight_bp)| Candidate {
                campaign_id: member.campaign_id,
                exclusion,
                weight_bp,
                credit: state.member(member.campaign_id).credit,
            })
            .collect();
        Self { candidates, share_version }
    }

    fn is_eligible(&self, id: CampaignId) -> bool {
        self.candidates.iter().any(|candidate| candidate.campaign_id == id && candidate.exclusion.is_none())
    }
}

/// What the strategy gives each campaign now, in basis points, and the version of learnt shares.
fn weights(splitter: &Splitter, state: &mut SplitterState, eligible: &[bool], at: Timestamp) -> (Vec<u32>, u64) {
    let config = &splitter.config;
    let base: Vec<u32> = config.campaigns.iter().map(|member| member.percentage_bp).collect();
    match &config.strategy {
        Strategy::Percentage | Strategy::Random | Strategy::Sticky { .. } => (base, 0),
        Strategy::TimeWeighted { windows } => {
            let plain: Vec<_> = windows.iter().map(|window| window.window).collect();
            let Some(n) = time_weighted::window_at(&plain, config.timezone, at) else { return (base, 0) };
            let of = |id| windows[n].percentages_bp.iter().find(|(known, _)| *known == id).map_or(0, |(_, bp)| *bp);
            (config.campaigns.iter().map(|member| of(member.campaign_id)).collect(), 0)
        }
        Strategy::Adaptive(settings) => learning::weights(settings, state, &config.campaigns, &base, eligible, at),
    }
}

/// Why nobody can be chosen, if so.
fn refusal(candidates: &[Candidate]) -> Option<Rejection> {
    let all = |test: &dyn Fn(Exclusion) -> bool| candidates.iter().all(|c| c.exclusion.is_some_and(test));
    if candidates.iter().any(|candidate| candidate.exclusion.is_none()) {
        None
    } else if all(&|reason| reason == Exclusion::Deleted) {
        Some(Rejection::NoValidCampaigns)
    } else if all(&|reason| matches!(reason, Exclusion::Deleted | Exclusion::Disabled | Exclusion::Paused)) {
        Some(Rejection::NoActiveCampaigns)
    } else if candidates.iter().any(|c| c.exclusion.is_some_and(Exclusion::is_cap)) {
        Some(Rejection::AtCapacity)
    } else if candidates.iter().any(|c| c.exclusion == Some(Exclusion::RequiresEmail)) {
        Some(email_required())
    } else {
        Some(Rejection::NoShare)
    }
}

/// The campaign among whose active contacts the splitter counts this one: it makes room for itself.
fn counted_in(splitter: &Splitter, existing: Option<&Contact>) -> Option<CampaignId> {
    let contact = existing?;
    let assignment = contact.assignment?;
    (assignment.splitter_id == splitter.id && assignment.counts_active).then_some(contact.campaign_id)
}

/// The campaign that takes what overflows, if there is one, it is active, takes this contact and has room itself.
fn fallback(
    snapshot: &Snapshot,
    splitter: &Splitter,
    state: &SplitterState,
    existing: Option<&Contact>,
    draft: &Contact,
    at: Timestamp,
) -> Option<CampaignId> {
    let Overflow::FallbackCampaign { campaign_id } = splitter.config.overflow else { return None };
    let campaign = snapshot.campaign(campaign_id).filter(|campaign| campaign.is_active())?;
    if campaign.config.requires_email && !has_email(draft) {
        return None;
    }
    let period = Period::of(at, splitter.config.timezone);
    let member = splitter.config.campaigns.iter().find(|member| member.campaign_id == campaign_id);
    let leaving = counted_in(splitter, existing) == Some(campaign_id);
    let full = member.and_then(|member| state.member(campaign_id).full(&member.caps, period, leaving));
    full.is_none().then_some(campaign_id)
}

impl From<crate::splitter::FullCap> for Exclusion {
    fn from(cap: crate::splitter::FullCap) -> Self {
        use crate::splitter::FullCap;
        match cap {
            FullCap::Hour => Self::CapPerHour,
            FullCap::Day => Self::CapPerDay,
            FullCap::Total => Self::CapTotal,
            FullCap::Active => Self::CapActive,
        }
    }
}
