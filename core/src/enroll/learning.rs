//! What a splitter learns between its decisions: events that were appended outside of its lock are folded in, trials that
//! have run out are closed, and the learnt shares are brought up to date.

use std::collections::BTreeSet;

use crate::{
    contact::Contact,
    decision::Decision,
    id::{CampaignId, DecisionId},
    plan::Effect,
    snapshot::Snapshot,
    splitter::{Member, Splitter, SplitterState, Strategy, TRIALS_PER_DECISION, Trial},
    strategy::adaptive::{self, Outcome},
    time::Timestamp,
};

/// What folding has done.
pub(super) struct Folded {
    pub(super) effects: Vec<Effect>,
    closed: BTreeSet<DecisionId>,
}

/// The adaptive settings, if the splitter has them.
fn settings(splitter: &Splitter) -> Option<&adaptive::Settings> {
    match &splitter.config.strategy {
        Strategy::Adaptive(settings) => Some(settings),
        _ => None,
    }
}

/// Folds the events that wait for this splitter, in their order, then closes the oldest trials that have run out.
pub(super) fn fold(snapshot: &Snapshot, splitter: &Splitter, state: &mut SplitterState, at: Timestamp) -> Folded {
    let mut folded = Folded { effects: Vec::new(), closed: BTreeSet::new() };
    for event in snapshot.events.iter().filter(|event| event.splitter_id == splitter.id) {
        state.members.entry(event.campaign_id).or_default().active += i64::from(event.active_delta);
        let trial = snapshot.trials.get(&(splitter.id, event.decision_id));
        if let (Some(outcome), Some(trial)) = (event.outcome, trial) {
            // A trial that had run out when the event happened had already failed.
            let in_time = settings(splitter).is_none_or(|s| event.at < trial.started_at.plus_millis(s.attribution_ms));
            folded.close(splitter, state, trial, if in_time { outcome } else { Outcome::Failure });
        }
        folded.effects.push(Effect::FoldEvent(event.id));
    }
    if let Some(settings) = settings(splitter) {
        let mut over: Vec<&Trial> = snapshot
            .trials
            .values()
            .filter(|trial| {
                trial.splitter_id == splitter.id
                    && trial.started_at.plus_millis(settings.attribution_ms) <= at
                    && !folded.closed.contains(&trial.decision_id)
            })
            .collect();
        over.sort_by_key(|trial| (trial.started_at, trial.decision_id));
        for trial in over.into_iter().take(TRIALS_PER_DECISION) {
            folded.close(splitter, state, trial, Outcome::Failure);
        }
    }
    folded
}

impl Folded {
    fn close(&mut self, splitter: &Splitter, state: &mut SplitterState, trial: &Trial, outcome: Outcome) {
        if !self.closed.insert(trial.decision_id) {
            return;
        }
        // Trials from before the campaign was (again) in the list, or before the splitter was (again) adaptive, are not in the
        // counts.
        let counted = state.member(trial.campaign_id).learns_from <= trial.started_at;
        if let (Some(settings), true) = (settings(splitter), counted) {
            state.adaptive.get_or_insert_default().close(settings, trial.campaign_id, trial.started_at, outcome);
        }
        self.effects.push(Effect::CloseTrial { splitter_id: trial.splitter_id, decision_id: trial.decision_id });
    }

    /// The contact's open trial of this splitter.
    fn former<'a>(&self, splitter: &Splitter, snapshot: &'a Snapshot, existing: Option<&Contact>) -> Option<&'a Trial> {
        let assignment = existing?.assignment.filter(|a| a.splitter_id == splitter.id && a.trial_open)?;
        let trial = snapshot.trials.get(&(splitter.id, assignment.decision_id))?;
        (!self.closed.contains(&trial.decision_id)).then_some(trial)
    }

    /// Withdraws the trial of a contact that leaves the quota for a fallback campaign.
    pub(super) fn withdraw(
        &mut self,
        splitter: &Splitter,
        state: &mut SplitterState,
        snapshot: &Snapshot,
        existing: Option<&Contact>,
    ) {
        if let Some(trial) = self.former(splitter, snapshot, existing) {
            self.close(splitter, state, trial, Outcome::Withdrawn);
        }
    }

    /// The trial of a decision. One that is not resolved and whose campaign was chosen again goes on under the new
    /// decision with its age: being sent again must not keep a contact from ever counting as a failure.
    pub(super) fn decided(
        &mut self,
        splitter: &Splitter,
        state: &mut SplitterState,
        snapshot: &Snapshot,
        existing: Option<&Contact>,
        decision: &Decision,
    ) -> Option<Trial> {
        let trial = |started_at| Trial {
            splitter_id: splitter.id,
            decision_id: decision.id,
            campaign_id: decision.campaign_id,
            started_at,
        };
        let former = self.former(splitter, snapshot, existing);
        if let Some(former) = former.filter(|former| {
            former.campaign_id == decision.campaign_id
                && settings(splitter).is_some()
                && state.member(former.campaign_id).learns_from <= former.started_at
        }) {
            self.closed.insert(former.decision_id);
            self.effects.push(Effect::CloseTrial { splitter_id: splitter.id, decision_id: former.decision_id });
            return Some(trial(former.started_at));
        }
        if let Some(former) = former {
            self.close(splitter, state, former, Outcome::Withdrawn);
        }
        settings(splitter)?;
        state.adaptive.get_or_insert_default().open_trial(decision.campaign_id, decision.at);
        Some(trial(decision.at))
    }
}

/// The learnt shares in basis points, with their version; computed anew when they are due.
///
/// Campaigns that can not be chosen now get what they last had, for the log; it does not count.
pub(super) fn weights(
    settings: &adaptive::Settings,
    state: &mut SplitterState,
    members: &[Member],
    base: &[u32],
    eligible: &[bool],
    at: Timestamp,
) -> (Vec<u32>, u64) {
    let model = state.adaptive.get_or_insert_default();
    let open: Vec<(CampaignId, u64)> = members
        .iter()
        .zip(base)
        .zip(eligible)
        .filter(|(_, eligible)| **eligible)
        .map(|((member, bp), _)| (member.campaign_id, u64::from(*bp)))
        .collect();
    let ids: Vec<CampaignId> = open.iter().map(|(id, _)| *id).collect();
    let none_left = model.shares().iter().filter(|(id, _)| ids.contains(id)).all(|(_, bp)| *bp == 0);
    if !open.is_empty() && (none_left || model.needs_recompute(settings, at, &ids)) {
        model.recompute(settings, at, &open);
    }
    let learnt = |id| model.shares().iter().find(|(known, _)| *known == id).map(|(_, bp)| *bp);
    let weights = members
        .iter()
        .zip(base)
        .zip(eligible)
        .map(|((member, bp), eligible)| {
            // A campaign that its admin gave no share has none, learnt or not.
            let learnt = learnt(member.campaign_id).filter(|_| *bp > 0);
            if *eligible { learnt.unwrap_or(0) } else { learnt.filter(|bp| *bp > 0).unwrap_or(*bp) }
        })
        .collect();
    (weights, model.version())
}
