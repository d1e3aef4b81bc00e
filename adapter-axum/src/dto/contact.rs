//! Contacts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use splitter_core::{
    Actor, CampaignId, Channel, Contact, ContactInput, ContactStatus, CustomVariables, DecisionId, HistoryId, Outreach,
    OutreachId, OutreachStatus, PhoneNumber, Target, Timestamp, Violations,
    contact::{ContactFields, HistoryEntry, HistoryKind},
    phone::PhonePolicy,
};

use super::list::Named;
use crate::{
    config::UnknownFields,
    error::ApiError,
    json::{Document, Fields, Value},
};

/// The fields of `POST /contacts`, and what is wrong with their types. The rules that they have to keep are the core's.
pub(crate) fn read(document: &Document<'_>, unknown: UnknownFields) -> Result<(ContactInput, Violations), ApiError> {
    let (mut fields, mut found) = document.fields()?;
    let input = read_fields(&mut fields, &mut found);
    match unknown {
        UnknownFields::Refuse => fields.finish(&mut found, ": put it into `customVariables`, or leave it out"),
        UnknownFields::Ignore => {}
    }
    Ok((input, found))
}

fn read_fields(fields: &mut Fields<'_, '_>, found: &mut Violations) -> ContactInput {
    let mut text = |name| fields.get(name).and_then(|value| value.text(found)).map(str::to_owned);
    ContactInput {
        phone_number: text("phoneNumber"),
        name: text("name"),
        timezone: text("timezone"),
        target: read_target(fields, found),
        custom_variables: fields.get("customVariables").and_then(|value| read_variables(&value, found)),
    }
}

/// `campaignId` wins, and then `splitterId` is not even looked at.
fn read_target(fields: &mut Fields<'_, '_>, found: &mut Violations) -> Option<Target> {
    if let Some(campaign) = fields.get("campaignId") {
        fields.ignore("splitterId");
        return campaign.id(found).map(Target::Campaign);
    }
    fields.get("splitterId").and_then(|value| value.id(found)).map(Target::Splitter)
}

/// Texts by name. Of repeated names, which have been refused with the whole body already, the first counts.
pub(crate) fn read_variables(value: &Value<'_, '_>, found: &mut Violations) -> Option<Vec<(String, String)>> {
    let mut seen = BTreeSet::new();
    let mut variables = Vec::new();
    for (name, value) in value.fields(found)?.entries() {
        if seen.insert(name)
            && let Some(text) = value.text(found)
        {
            variables.push((name.to_owned(), text.to_owned()));
        }
    }
    Some(variables)
}

/// A change by hand: the number, and what is to become of the contact.
#[derive(Debug)]
pub(crate) struct ContactUpdate {
    pub(crate) phone: PhoneNumber,
    pub(crate) status: Option<ContactStatus>,
    pub(crate) campaign_id: Option<CampaignId>,
}

impl ContactUpdate {
    /// `{"phone", "status"?, "campaignId"?}`, at least one of the latter.
    pub(crate) fn read(document: &Document<'_>) -> Result<Self, ApiError> {
        let (mut fields, mut found) = document.fields()?;
        let phone = read_phone(&mut fields, &mut found);
        let status = fields.get("status");
        let campaign = fields.get("campaignId");
        if status.is_none() && campaign.is_none() {
            found.push("status", "`status` or `campaignId` is required");
        }
        let status = status.and_then(|value| value.parsed(&mut found));
        let campaign_id = campaign.and_then(|value| value.id(&mut found));
        fields.finish(&mut found, "");
        match phone {
            Some(phone) if found.is_empty() => Ok(Self { phone, status, campaign_id }),
            _ => Err(found.into()),
        }
    }

    /// `{"phone"}`
    pub(crate) fn read_phone_only(document: &Document<'_>) -> Result<PhoneNumber, ApiError> {
        let (mut fields, mut found) = document.fields()?;
        let phone = read_phone(&mut fields, &mut found);
        fields.finish(&mut found, "");
        match phone {
            Some(phone) if found.is_empty() => Ok(phone),
            _ => Err(found.into()),
        }
    }
}

fn read_phone(fields: &mut Fields<'_, '_>, found: &mut Violations) -> Option<PhoneNumber> {
    let value = fields.required(found, "phone")?;
    let text = value.text(found)?;
    // The number of a contact that exists: what today's policy says about it does not matter.
    let policy = PhonePolicy { level: splitter_core::phone::PhoneLevel::Syntax, allowed: None };
    policy.check(text).map_err(|error| value.refuse(found, error.to_string())).ok()
}

/// A contact with exactly the documented keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactView<'c> {
    id: splitter_core::ContactId,
    admin_id: splitter_core::AdminId,
    campaign_id: CampaignId,
    phone_number: PhoneNumber,
    name: Option<&'c str>,
    timezone: &'static str,
    status: ContactStatus,
    custom_variables: &'c CustomVariables,
    created_at: Timestamp,
    updated_at: Timestamp,
    fulfilled_at: Option<Timestamp>,
    re_added_at: Option<Timestamp>,
}

impl<'c> From<&'c Contact> for ContactView<'c> {
    fn from(contact: &'c Contact) -> Self {
        Self {
            id: contact.id,
            admin_id: contact.admin_id,
            campaign_id: contact.campaign_id,
            phone_number: contact.phone_number,
            name: contact.name.as_deref(),
            timezone: contact.timezone.name(),
            status: contact.status,
            custom_variables: &contact.custom_variables,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            fulfilled_at: contact.fulfilled_at,
            re_added_at: contact.re_added_at,
        }
    }
}

/// A contact of a list.
#[derive(Debug, Serialize)]
pub(crate) struct ListedContact<'c> {
    #[serde(flatten)]
    contact: ContactView<'c>,
    campaigns: Vec<Named<CampaignId>>,
}

impl<'c> ListedContact<'c> {
    pub(crate) fn new(contact: &'c Contact, names: &BTreeMap<CampaignId, String>) -> Self {
        let id = contact.campaign_id;
        let campaigns = names.get(&id).map(|name| Named { id, name: name.clone() }).into_iter().collect();
        Self { contact: contact.into(), campaigns }
    }
}

/// `{"contacts":[…],"pagination":{…}}`
#[derive(Debug, Serialize)]
pub(crate) struct ContactList<'c> {
    pub(crate) contacts: Vec<ListedContact<'c>>,
    pub(crate) pagination: ContactPagination,
}

/// `{"total","page","limit"}`
#[derive(Debug, Serialize)]
pub(crate) struct ContactPagination {
    pub(crate) total: u64,
    pub(crate) page: u32,
    pub(crate) limit: u32,
}

/// A contact with its history.
#[derive(Debug, Serialize)]
pub(crate) struct ContactWithHistory<'c> {
    #[serde(flatten)]
    pub(crate) contact: ContactView<'c>,
    pub(crate) history: Vec<HistoryView<'c>>,
}

/// One entry of a contact's history.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryView<'c> {
    id: HistoryId,
    created_at: Timestamp,
    actor: Actor,
    kind: HistoryKind,
    decision_id: Option<DecisionId>,
    before: Option<&'c ContactFields>,
}

impl<'c> From<&'c HistoryEntry> for HistoryView<'c> {
    fn from(entry: &'c HistoryEntry) -> Self {
        Self {
            id: entry.id,
            created_at: entry.at,
            actor: entry.actor,
            kind: entry.kind,
            decision_id: entry.decision_id,
            before: entry.before.as_ref(),
        }
    }
}

/// One call or message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutreachView<'c> {
    id: OutreachId,
    channel: Channel,
    status: OutreachStatus,
    campaign_id: CampaignId,
    scheduled_at: Timestamp,
    sent_at: Option<Timestamp>,
    attempts: u32,
    error: Option<&'c str>,
    cancel_requested_at: Option<Timestamp>,
}

impl<'c> From<&'c Outreach> for OutreachView<'c> {
    fn from(outreach: &'c Outreach) -> Self {
        Self {
            id: outreach.id,
            channel: outreach.channel,
            status: outreach.status,
            campaign_id: outreach.campaign_id,
            scheduled_at: outreach.scheduled_at,
            sent_at: outreach.sent_at,
            attempts: outreach.attempts,
            error: outreach.error.as_deref(),
            cancel_requested_at: outreach.cancel_requested_at,
        }
    }
}

/// One status of the list of statuses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusView {
    id: &'static str,
    name: &'static str,
    label: &'static str,
    description: &'static str,
    color: &'static str,
    is_terminal: bool,
    is_system: bool,
    exclude_from_stats: bool,
    display_order: usize,
}

/// Every status, in display order from 1. The name is the id: statuses are part of the software (`isSystem`).
pub(crate) fn statuses() -> Vec<StatusView> {
    let view = |(n, status): (usize, &ContactStatus)| {
        let info = status.info();
        StatusView {
            id: info.name,
            name: info.name,
            label: info.label,
            description: info.description,
            color: info.color,
            is_terminal: status.is_terminal(),
            is_system: true,
            exclude_from_stats: info.exclude_from_stats,
            display_order: n + 1,
        }
    };
    ContactStatus::ALL.iter().enumerate().map(view).collect()
}

/// `{"success":true,"message":…,"contact":{…}}`
#[derive(Debug, Serialize)]
pub(crate) struct UpdateAnswer<'c> {
    success: bool,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactView<'c>>,
}

impl<'c> UpdateAnswer<'c> {
    pub(crate) const fn new(message: &'static str, contact: Option<ContactView<'c>>) -> Self {
        Self { success: true, message, contact }
    }
}
