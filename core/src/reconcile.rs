//! An existing contact meets a request: what becomes of it.

use crate::{
    admin::Settings,
    contact::{Contact, ContactStatus, HistoryKind},
    enroll::EnrollContact,
    env::Env,
    id::CampaignId,
    phone::zone,
    plan::Enrolment,
};

/// How a request finds its contact, before anything is decided.
#[must_use]
pub fn enrolment(existing: Option<&Contact>, settings: &Settings) -> Enrolment {
    match existing {
        None => Enrolment::Created,
        Some(contact) if settings.suppresses(contact.status) => Enrolment::Suppressed,
        Some(contact) if contact.deleted_at.is_some() || contact.status.is_terminal() => Enrolment::Reactivated,
        Some(_) => Enrolment::Updated,
    }
}

/// The contact after the request, in `campaign_id`. Its assignment is left as it was (`None` for a new one): that is
/// the enrolment's business.
///
/// - Fields that were sent replace the stored ones, fields that were not stay; variables are replaced as a whole, or
///   merged by key if the admin's settings say so.
/// - A deleted or finished contact becomes active again and remembers when. A deleted one that was paused, too: whoever
///   sends it again wants it reached. A paused one that is not deleted stays paused.
/// - A suppressed contact keeps status and campaign; if it was deleted, it is there again.
#[must_use]
pub fn reconcile(
    existing: Option<&Contact>,
    request: &EnrollContact,
    campaign_id: CampaignId,
    settings: &Settings,
    env: &Env,
) -> Contact {
    let enrolment = enrolment(existing, settings);
    let Some(old) = existing else {
        let timezone =
            request.timezone.unwrap_or_else(|| zone::time_zone(request.phone_number, Some(settings.timezone)));
        return Contact {
            id: env.id(ids::CONTACT),
            admin_id: request.admin_id,
            campaign_id,
            phone_number: request.phone_number,
            name: request.name.clone(),
            timezone,
            status: ContactStatus::Active,
            custom_variables: request.custom_variables.clone().unwrap_or_default(),
            created_at: env.now,
            updated_at: env.now,
            fulfilled_at: None,
            re_added_at: None,
            deleted_at: None,
            assignment: None,
        };
    };
    let mut contact = old.clone();
    contact.updated_at = env.now.max(old.updated_at);
    contact.deleted_at = None;
    if let Some(name) = &request.name {
        contact.name = Some(name.clone());
    }
    if let Some(timezone) = request.timezone {
        contact.timezone = timezone;
    }
    match &request.custom_variables {
        Some(sent) if settings.merge_variables => contact.custom_variables.extend(sent.clone()),
        Some(sent) => contact.custom_variables.clone_from(sent),
        None => {}
    }
    match enrolment {
        Enrolment::Suppressed => {
            if old.deleted_at.is_some() {
                contact.re_added_at = Some(env.now);
            }
        }
        Enrolment::Reactivated => {
            contact.campaign_id = campaign_id;
            contact.status = ContactStatus::Active;
            contact.re_added_at = Some(env.now);
        }
        Enrolment::Created | Enrolment::Updated => contact.campaign_id = campaign_id,
    }
    contact
}

/// What the history says about an enrolment.
#[must_use]
pub const fn history_kind(enrolment: Enrolment) -> HistoryKind {
    match enrolment {
        Enrolment::Created => HistoryKind::Created,
        Enrolment::Updated => HistoryKind::Updated,
        Enrolment::Reactivated => HistoryKind::Reactivated,
        Enrolment::Suppressed => HistoryKind::Suppressed,
    }
}

/// Which id of an [`Env`] is used for what.
pub(crate) mod ids {
    pub(crate) const CONTACT: u64 = 0;
    pub(crate) const DECISION: u64 = 1;
    pub(crate) const HISTORY: u64 = 2;
    pub(crate) const EVENT: u64 = 3;
    pub(crate) const OBJECT: u64 = 4;
    pub(crate) const OUTREACH: u64 = 16;
}
