//! Enrolment: a contact goes into a campaign, chosen by a splitter or named by the caller.

mod distribute;
mod input;
mod learning;

use chrono_tz::Tz;

pub use distribute::{Distribution, distribute};
pub use input::{ContactInput, Limits, check_timezone};

use crate::{
    actor::Actor,
    admin::Settings,
    campaign::Campaign,
    contact::{Assignment, Contact, CustomVariables, HistoryEntry},
    decision::{DecisionKind, LoggedDecision},
    env::Env,
    id::{AdminId, CampaignId, DecisionId, SplitterId},
    outreach::{Outreach, OutreachStatus, due_at},
    phone::PhoneNumber,
    plan::{Effect, Enrolled, Enrolment, Plan, Reply},
    reconcile::{enrolment, history_kind, ids, reconcile},
    rejection::Rejection,
    snapshot::{Scope, Snapshot},
    splitter::{SplitterEvent, StrategyKind},
    strategy::adaptive::Outcome,
    violation::Violations,
};

/// Who chooses the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A splitter.
    Splitter(SplitterId),
    /// The caller.
    Campaign(CampaignId),
}

/// A validated request to enrol a contact; [`ContactInput::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollContact {
    /// The admin that the contact belongs to.
    pub admin_id: AdminId,
    /// Who chooses the campaign.
    pub target: Target,
    /// The number.
    pub phone_number: PhoneNumber,
    /// The full name, if sent.
    pub name: Option<String>,
    /// The zone, if sent.
    pub timezone: Option<Tz>,
    /// The variables, if sent.
    pub custom_variables: Option<CustomVariables>,
    /// Who sent it.
    pub actor: Actor,
    /// The idempotency key that came with it, for the log.
    pub idempotency_key: Option<String>,
    /// The most custom variables that a contact may have after a merge.
    pub max_variables: usize,
}

impl EnrollContact {
    /// What has to be loaded and locked for [`plan`].
    #[must_use]
    pub fn scope(&self) -> Scope {
        let scope = Scope::of(self.admin_id).phone(self.phone_number);
        match self.target {
            Target::Splitter(id) => scope.splitter(id),
            Target::Campaign(id) => scope.campaign(id),
        }
    }
}

/// Plans one enrolment: the campaign, the contact, the log, the outreach. All of it, or a reason why not.
pub fn plan(snapshot: &Snapshot, request: &EnrollContact, env: &Env) -> Result<Plan, Rejection> {
    let settings = snapshot.settings();
    let existing = snapshot.contacts.get(&request.phone_number);
    match request.target {
        Target::Splitter(id) => through_splitter(snapshot, request, id, existing, &settings, env),
        Target::Campaign(id) => directly(snapshot, request, id, existing, &settings, env),
    }
}

fn directly(
    snapshot: &Snapshot,
    request: &EnrollContact,
    id: CampaignId,
    existing: Option<&Contact>,
    settings: &Settings,
    env: &Env,
) -> Result<Plan, Rejection> {
    let campaign = snapshot.campaign(id).ok_or(Rejection::CampaignNotFound)?;
    let kind = enrolment(existing, settings);
    let mut contact = reconcile(existing, request, id, settings, env);
    check_variables(&contact, request)?;
    if kind == Enrolment::Suppressed {
        return Ok(finish(Parts { request, existing, contact, kind, decision: None, env }, Vec::new()));
    }
    if campaign.config.requires_email && !has_email(&contact) {
        return Err(email_required());
    }
    let mut effects = Vec::new();
    effects.extend(left(existing, env));
    contact.assignment = None;
    effects.extend(schedule(&contact, campaign, env));
    Ok(finish(Parts { request, existing, contact, kind, decision: None, env }, effects))
}

fn through_splitter(
    snapshot: &Snapshot,
    request: &EnrollContact,
    id: SplitterId,
    existing: Option<&Contact>,
    settings: &Settings,
    env: &Env,
) -> Result<Plan, Rejection> {
    let splitter = snapshot.splitters.get(&id).filter(|splitter| splitter.is_active());
    let splitter = splitter.ok_or(Rejection::SplitterInactive)?;
    let kind = enrolment(existing, settings);
    // What the contact will be like does not depend on the campaign, but which campaigns can take it does.
    let draft =
        reconcile(existing, request, existing.map_or(CampaignId(uuid::Uuid::nil()), |c| c.campaign_id), settings, env);
    check_variables(&draft, request)?;
    let distribution = distribute(snapshot, splitter, request, existing, &draft, kind, env)?;
    let Distribution { decision, mut state, effects: mut folding, trial } = distribution;

    let draft_is_reachable = draft.is_reachable();
    let mut contact = draft;
    contact.campaign_id = decision.campaign_id;
    let mut effects = Vec::new();
    if decision.kind == DecisionKind::Decided {
        let former = existing.and_then(|contact| contact.assignment);
        let here = former.filter(|assignment| assignment.splitter_id == id);
        if let (Some(assignment), Some(old)) = (here, existing) {
            // Under this splitter's own lock: no event needed.
            if assignment.counts_active {
                state.members.entry(old.campaign_id).or_default().active -= 1;
            }
        } else {
            effects.extend(left(existing, env));
        }
        let counts_active = draft_is_reachable;
        if counts_active {
            state.members.entry(contact.campaign_id).or_default().active += 1;
        }
        contact.assignment = Some(Assignment {
            splitter_id: id,
            decision_id: decision.id,
            decided_at: decision.at,
            in_quota: decision.in_quota,
            counts_active,
            trial_open: trial.is_some(),
            draw: decision.draws.first().copied().filter(|_| decision.strategy == StrategyKind::Random),
        });
        folding.extend(trial.map(Effect::OpenTrial));
    } else if decision.kind == DecisionKind::Kept
        && let (Some(assignment), Some(old)) = (&mut contact.assignment, existing)
    {
        // It keeps its place, but may have come back from being deleted or finished.
        let counts_active = draft_is_reachable;
        if assignment.splitter_id == id {
            let change = i64::from(counts_active) - i64::from(assignment.counts_active);
            state.members.entry(old.campaign_id).or_default().active += change;
        } else {
            effects.extend(event(old, counts_active, None, env));
        }
        assignment.counts_active = counts_active;
    }
    if kind != Enrolment::Suppressed {
        let campaign = snapshot.campaigns.get(&contact.campaign_id).ok_or(Rejection::CampaignNotFound)?;
        effects.extend(schedule(&contact, campaign, env));
    }
    let row = LoggedDecision::new(decision, &state.head);
    state.seq = row.decision.seq;
    state.last_at = row.decision.at;
    state.head = row.hash;
    let decision_id = Some(row.decision.id);
    folding.push(Effect::RecordDecision(row));
    folding.push(Effect::SaveSplitterState { id, state });
    let mut plan = finish(Parts { request, existing, contact, kind, decision: decision_id, env }, effects);
    plan.effects.extend(folding);
    Ok(plan)
}

struct Parts<'a> {
    request: &'a EnrollContact,
    existing: Option<&'a Contact>,
    contact: Contact,
    kind: Enrolment,
    decision: Option<DecisionId>,
    env: &'a Env,
}

fn finish(parts: Parts<'_>, outreach: Vec<Effect>) -> Plan {
    let Parts { request, existing, contact, kind, decision, env } = parts;
    let mut effects = Vec::with_capacity(outreach.len() + 4);
    effects.push(match existing {
        None => Effect::CreateContact(contact.clone()),
        Some(_) => Effect::SaveContact(contact.clone()),
    });
    effects.push(Effect::RecordHistory(HistoryEntry {
        id: env.id(ids::HISTORY),
        contact_id: contact.id,
        at: contact.updated_at,
        actor: request.actor,
        kind: history_kind(kind),
        decision_id: decision,
        before: existing.map(Into::into),
    }));
    if existing.is_some() {
        // Also for suppressed ones: nothing may be left that could still go out.
        effects.push(Effect::CancelOutreach { contact_id: contact.id, at: env.now });
    }
    effects.extend(outreach);
    let reply = Reply::Enrolled(Box::new(Enrolled { contact, enrolment: kind, decision_id: decision }));
    Plan { admin_id: request.admin_id, effects, reply }
}

/// The event that tells the splitter that had chosen for a contact that it has moved on.
pub(crate) fn left(existing: Option<&Contact>, env: &Env) -> Option<Effect> {
    event(existing?, false, Some(Outcome::Withdrawn), env)
}

/// The event that tells the splitter that had chosen for a contact what became of it; `None` if it would say nothing.
///
/// `active_now` is whether the contact counts as active afterwards.
pub(crate) fn event(contact: &Contact, active_now: bool, outcome: Option<Outcome>, env: &Env) -> Option<Effect> {
    let assignment = contact.assignment?;
    let outcome = outcome.filter(|_| assignment.trial_open);
    let active_delta = i8::from(active_now) - i8::from(assignment.counts_active);
    (outcome.is_some() || active_delta != 0).then(|| {
        Effect::AppendEvent(SplitterEvent {
            id: env.id(ids::EVENT),
            splitter_id: assignment.splitter_id,
            decision_id: assignment.decision_id,
            campaign_id: contact.campaign_id,
            contact_id: contact.id,
            at: env.now,
            active_delta,
            outcome,
        })
    })
}

/// The outreach of a contact's campaign, if it may be reached: one row per step.
pub(crate) fn schedule(contact: &Contact, campaign: &Campaign, env: &Env) -> Vec<Effect> {
    if !contact.is_reachable() {
        return Vec::new();
    }
    let at = |n: usize| env.id(ids::OUTREACH + n as u64);
    let steps = campaign.config.outreach.iter().enumerate();
    let row = |(n, step): (usize, &crate::outreach::OutreachStep)| {
        Effect::ScheduleOutreach(Outreach {
            id: at(n),
            admin_id: contact.admin_id,
            contact_id: contact.id,
            campaign_id: campaign.id,
            channel: step.channel,
            template: step.template.clone(),
            status: OutreachStatus::Scheduled,
            scheduled_at: due_at(step, campaign.config.calling_window.as_ref(), contact.timezone, env.now),
            created_at: env.now,
            sent_at: None,
            attempts: 0,
            error: None,
            cancel_requested_at: None,
        })
    };
    steps.map(row).collect()
}

/// Whether a contact has an e-mail address, as campaigns may require.
pub(crate) fn has_email(contact: &Contact) -> bool {
    contact.custom_variables.get("email").is_some_and(|email| !email.trim().is_empty())
}

/// The refusal of a contact without an e-mail address.
pub(crate) fn email_required() -> Rejection {
    Rejection::Invalid(Violations::one("customVariables.email", "is required by the campaign"))
}

fn check_variables(contact: &Contact, request: &EnrollContact) -> Result<(), Rejection> {
    if contact.custom_variables.len() > request.max_variables && request.custom_variables.is_some() {
        let message = format!("the contact would have more than {} variables after the merge", request.max_variables);
        return Err(Rejection::Invalid(Violations::one("customVariables", message)));
    }
    Ok(())
}
