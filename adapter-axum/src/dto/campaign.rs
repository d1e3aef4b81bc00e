//! Campaigns.

use serde::Serialize;
use splitter_core::{
    Campaign, CampaignConfig, CampaignId, CampaignStatus, Channel, OutreachStep, Template, Timestamp, Violations,
    WeeklyWindow, campaign::MAX_DELAY_MINUTES,
};

use super::window;
use crate::{
    error::ApiError,
    json::{Document, Fields, Value, reader::Sent},
};

const STATUSES: [(&str, CampaignStatus); 2] = [("active", CampaignStatus::Active), ("paused", CampaignStatus::Paused)];
const CHANNELS: [(&str, Channel); 3] =
    [("call", Channel::Call), ("sms", Channel::Sms), ("whatsapp", Channel::Whatsapp)];

/// `active` and `paused`.
pub(crate) const fn status_names() -> &'static [(&'static str, CampaignStatus)] {
    &STATUSES
}

/// The fields of a campaign that a body holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct CampaignPatch {
    name: Option<String>,
    status: Option<CampaignStatus>,
    outreach: Option<Vec<OutreachStep>>,
    calling_window: Sent<WeeklyWindow>,
    requires_email: Option<bool>,
}

impl CampaignPatch {
    /// A change: fields that are not sent stay.
    pub(crate) fn read(document: &Document<'_>) -> Result<Self, ApiError> {
        let (patch, found) = Self::read_fields(document)?;
        Ok(found.or(|| patch)?)
    }

    /// A new campaign: only the name is required. All violations at once, those of the core's rules included.
    pub(crate) fn read_new(document: &Document<'_>) -> Result<CampaignConfig, ApiError> {
        let (patch, mut found) = Self::read_fields(document)?;
        if patch.name.is_none() && !found.names("name") {
            found.push("name", "is required");
        }
        let mut config = CampaignConfig {
            name: String::new(),
            status: CampaignStatus::Active,
            outreach: Vec::new(),
            calling_window: None,
            requires_email: false,
        };
        patch.apply(&mut config);
        if let Err(more) = config.check() {
            found.0.extend(more.0.into_iter().filter(|violation| !found.names(&violation.path)).collect::<Vec<_>>());
        }
        Ok(found.or(|| config)?)
    }

    fn read_fields(document: &Document<'_>) -> Result<(Self, Violations), ApiError> {
        let (mut fields, mut found) = document.fields()?;
        let found_ref = &mut found;
        let patch = Self {
            name: fields.get("name").and_then(|value| value.text(found_ref)).map(str::to_owned),
            status: fields.get("status").and_then(|value| value.one_of(found_ref, &STATUSES)),
            outreach: fields.get("outreach").and_then(|value| read_steps(&value, found_ref)),
            calling_window: fields.sent("callingWindow").read(|value| read_window(&value, found_ref)),
            requires_email: fields.get("requiresEmail").and_then(|value| value.boolean(found_ref)),
        };
        fields.finish(&mut found, "");
        Ok((patch, found))
    }

    /// Changes a configuration.
    pub(crate) fn apply(&self, config: &mut CampaignConfig) {
        if let Some(name) = &self.name {
            config.name.clone_from(name);
        }
        if let Some(status) = self.status {
            config.status = status;
        }
        if let Some(outreach) = &self.outreach {
            config.outreach.clone_from(outreach);
        }
        self.calling_window.apply(&mut config.calling_window);
        if let Some(requires_email) = self.requires_email {
            config.requires_email = requires_email;
        }
    }
}

fn read_window(value: &Value<'_, '_>, found: &mut Violations) -> Option<WeeklyWindow> {
    let mut fields = value.fields(found)?;
    let window = window::read(&mut fields, found);
    fields.finish(found, "");
    window
}

fn read_steps(value: &Value<'_, '_>, found: &mut Violations) -> Option<Vec<OutreachStep>> {
    let items = value.items(found)?;
    let count = items.len();
    let steps: Vec<OutreachStep> = items.iter().filter_map(|item| read_step(item, found)).collect();
    (steps.len() == count).then_some(steps)
}

fn read_step(value: &Value<'_, '_>, found: &mut Violations) -> Option<OutreachStep> {
    let mut fields: Fields<'_, '_> = value.fields(found)?;
    let channel = fields.required(found, "channel").and_then(|value| value.one_of(found, &CHANNELS));
    let delay = match fields.get("delayMinutes") {
        None => Some(0),
        Some(value) => value.integer(found, u64::from(MAX_DELAY_MINUTES)).and_then(|delay| u32::try_from(delay).ok()),
    };
    let template = fields.required(found, "template").and_then(|value| {
        let text = value.text(found)?;
        if text.contains('\0') {
            value.refuse(found, "must not contain the character U+0000");
        }
        Template::parse(text).map_err(|error| value.refuse(found, error.to_string())).ok()
    });
    fields.finish(found, "");
    Some(OutreachStep { channel: channel?, delay_minutes: delay?, template: template? })
}

/// A campaign.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CampaignView<'c> {
    id: CampaignId,
    name: &'c str,
    status: CampaignStatus,
    outreach: &'c [OutreachStep],
    calling_window: Option<WeeklyWindow>,
    requires_email: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'c> From<&'c Campaign> for CampaignView<'c> {
    fn from(campaign: &'c Campaign) -> Self {
        Self {
            id: campaign.id,
            name: &campaign.config.name,
            status: campaign.config.status,
            outreach: &campaign.config.outreach,
            calling_window: campaign.config.calling_window,
            requires_email: campaign.config.requires_email,
            created_at: campaign.created_at,
            updated_at: campaign.updated_at,
        }
    }
}

/// `{"id","name","status"}`
#[derive(Debug, Serialize)]
pub(crate) struct CampaignItem {
    id: CampaignId,
    name: String,
    status: CampaignStatus,
}

impl From<Campaign> for CampaignItem {
    fn from(campaign: Campaign) -> Self {
        Self { id: campaign.id, name: campaign.config.name, status: campaign.config.status }
    }
}
