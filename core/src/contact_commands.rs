//! Changes of a contact by hand: its status, its campaign, its deletion. Each is a pure plan of its own.

use crate::{
    actor::Actor,
    contact::{Contact, ContactStatus, HistoryEntry, HistoryKind},
    enroll::{email_required, event, has_email, left, schedule},
    env::Env,
    id::{AdminId, CampaignId},
    phone::PhoneNumber,
    plan::{Effect, Plan, Reply},
    reconcile::ids,
    rejection::Rejection,
    snapshot::{Scope, Snapshot},
    store::Planned,
    strategy::adaptive::Outcome,
};

/// A change of a contact that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditContact {
    /// The admin that the contact belongs to.
    pub admin_id: AdminId,
    /// Its number.
    pub phone_number: PhoneNumber,
    /// What is done.
    pub change: ContactChange,
    /// Who does it.
    pub actor: Actor,
}

/// What is done to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactChange {
    /// A new status, a new campaign, or both.
    ///
    /// Any status but `active` cancels all outreach; `active` and a new campaign cancel it and schedule it anew, every step
    /// counted from now. A new campaign ends the splitter's assignment.
    Update {
        /// The new status.
        status: Option<ContactStatus>,
        /// The new campaign.
        campaign_id: Option<CampaignId>,
    },
    /// It is soft-deleted; an enrolment brings it back.
    Delete,
}

impl EditContact {
    /// What has to be loaded and locked for [`plan`]; it may ask for the contact's own campaign later.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let scope = Scope::of(self.admin_id).phone(self.phone_number);
        match self.change {
            ContactChange::Update { campaign_id: Some(id), .. } => scope.campaign(id),
            ContactChange::Update { .. } | ContactChange::Delete => scope,
        }
    }
}

/// Plans a change of a contact.
#[must_use]
pub fn plan(snapshot: &Snapshot, request: &EditContact, env: &Env) -> Planned {
    let Some(old) = snapshot.contact(request.phone_number) else {
        return Planned::Reject(Rejection::ContactNotFound);
    };
    match request.change {
        ContactChange::Update { status, campaign_id } => {
            let needed = campaign_id.unwrap_or(old.campaign_id);
            if status == Some(ContactStatus::Active)
                && !snapshot.campaigns.contains_key(&needed)
                && campaign_id.is_none()
            {
                return Planned::NeedsMore(request.scope().campaign(needed));
            }
            update(snapshot, request, old, status, campaign_id, env).into()
        }
        ContactChange::Delete => Planned::Commit(delete(request, old, env)),
    }
}

fn update(
    snapshot: &Snapshot,
    request: &EditContact,
    old: &Contact,
    status: Option<ContactStatus>,
    campaign_id: Option<CampaignId>,
    env: &Env,
) -> Result<Plan, Rejection> {
    let mut contact = old.clone();
    contact.updated_at = env.now.max(old.updated_at);
    let mut effects = Vec::new();
    if let Some(status) = status {
        contact.status = status;
        if status == ContactStatus::Fulfilled {
            contact.fulfilled_at = Some(env.now);
        }
    }
    let target = campaign_id.map(|id| snapshot.campaign(id).ok_or(Rejection::CampaignNotFound)).transpose()?;
    let moved = target.filter(|campaign| campaign.id != old.campaign_id);
    let outcome = outcome_of(old.status, contact.status);
    if let Some(campaign) = moved {
        if campaign.config.requires_email && !has_email(old) {
            return Err(email_required());
        }
        contact.campaign_id = campaign.id;
        contact.assignment = None;
        // An outcome that is reported with the move still belongs to the campaign that the contact was in.
        effects.extend(match outcome {
            Some(outcome) => event(old, false, Some(outcome), env),
            None => left(Some(old), env),
        });
    } else {
        let active_now = contact.is_reachable();
        effects.extend(event(old, active_now, outcome, env));
        if let Some(assignment) = &mut contact.assignment {
            assignment.counts_active = active_now;
            assignment.trial_open &= outcome.is_none();
        }
    }
    let reschedules = status == Some(ContactStatus::Active) || moved.is_some();
    if reschedules || !contact.is_reachable() {
        effects.push(Effect::CancelOutreach { contact_id: contact.id, at: env.now });
    }
    if reschedules {
        // The campaign of a contact may have been deleted since: then there is nothing to schedule.
        let campaign = snapshot.campaign(contact.campaign_id);
        effects.extend(campaign.into_iter().flat_map(|campaign| schedule(&contact, campaign, env)));
    }
    Ok(finish(request, old, contact, HistoryKind::Edited, effects, env))
}

fn delete(request: &EditContact, old: &Contact, env: &Env) -> Plan {
    let mut contact = old.clone();
    contact.updated_at = env.now.max(old.updated_at);
    contact.deleted_at = Some(env.now);
    let mut effects: Vec<Effect> = event(old, false, None, env).into_iter().collect();
    if let Some(assignment) = &mut contact.assignment {
        assignment.counts_active = false;
    }
    effects.push(Effect::CancelOutreach { contact_id: contact.id, at: env.now });
    finish(request, old, contact, HistoryKind::Deleted, effects, env)
}

/// How a change of status ends a trial: it does when the contact becomes terminal.
fn outcome_of(before: ContactStatus, after: ContactStatus) -> Option<Outcome> {
    match after {
        ContactStatus::Fulfilled => Some(Outcome::Success),
        _ if after.is_terminal() && before != after => Some(Outcome::Failure),
        _ => None,
    }
}

fn finish(
    request: &EditContact,
    old: &Contact,
    contact: Contact,
    kind: HistoryKind,
    more: Vec<Effect>,
    env: &Env,
) -> Plan {
    let mut effects = vec![
        Effect::SaveContact(contact.clone()),
        Effect::RecordHistory(HistoryEntry {
            id: env.id(ids::HISTORY),
            contact_id: contact.id,
            at: contact.updated_at,
            actor: request.actor,
            kind,
            decision_id: None,
            before: Some(old.into()),
        }),
    ];
    effects.extend(more);
    Plan { admin_id: request.admin_id, effects, reply: Reply::Contact(Box::new(contact)) }
}
