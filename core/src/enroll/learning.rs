//! What a splitter learns between its decisions: events that were appended outside of its lock are folded in.

use crate::{
    contact::Contact,
    decision::Decision,
    plan::Effect,
    snapshot::Snapshot,
    splitter::{Member, Splitter, SplitterState, Trial},
    strategy::adaptive,
    time::Timestamp,
};

/// Folds the events that wait for this splitter.
pub(super) fn fold(snapshot: &Snapshot, splitter: &Splitter, state: &mut SplitterState, _at: Timestamp) -> Vec<Effect> {
    let mut effects = Vec::new();
    for event in snapshot.events.iter().filter(|event| event.splitter_id == splitter.id) {
        state.members.entry(event.campaign_id).or_default().active += i64::from(event.active_delta);
        effects.push(Effect::FoldEvent(event.id));
    }
    effects
}

/// Ends the trial of a contact that leaves the quota.
pub(super) fn close(
    _splitter: &Splitter,
    _state: &mut SplitterState,
    _snapshot: &Snapshot,
    _existing: Option<&Contact>,
    _at: Timestamp,
) -> Vec<Effect> {
    Vec::new()
}

/// Ends the contact's former trial and opens the decision's, or lets the former one go on.
pub(super) fn decided(
    _splitter: &Splitter,
    _state: &mut SplitterState,
    _snapshot: &Snapshot,
    _existing: Option<&Contact>,
    _decision: &Decision,
) -> (Vec<Effect>, Option<Trial>) {
    (Vec::new(), None)
}

/// The learnt shares.
pub(super) fn weights(
    _settings: &adaptive::Settings,
    _state: &mut SplitterState,
    _members: &[Member],
    base: &[u32],
    _eligible: &[bool],
    _at: Timestamp,
) -> (Vec<u32>, u64) {
    (base.to_vec(), 0)
}
