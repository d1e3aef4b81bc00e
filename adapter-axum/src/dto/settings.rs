//! An admin's settings.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::Serialize;
use splitter_core::{
    ContactStatus, Settings, Violations,
    enroll::check_timezone,
    phone::{AllowedRegion, AllowedRegions, Region},
    webhook::{Webhook, WebhookSecret, WebhookUrl},
};

use crate::{
    error::ApiError,
    json::{Document, Value, reader::Sent},
};

/// The settings that a body holds; what is not sent stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingsPatch {
    timezone: Option<Tz>,
    allowed_regions: Sent<AllowedRegions>,
    default_region: Sent<Region>,
    merge_variables: Option<bool>,
    suppressing_statuses: Option<BTreeSet<ContactStatus>>,
    webhook: Sent<WebhookPatch>,
}

/// A webhook as it is sent. Without a secret the stored one stays, or a new one is made.
#[derive(Debug, Clone)]
struct WebhookPatch {
    url: WebhookUrl,
    secret: Option<WebhookSecret>,
}

impl SettingsPatch {
    /// `allow_http` is whether webhooks may be reached without encryption.
    pub(crate) fn read(document: &Document<'_>, allow_http: bool) -> Result<Self, ApiError> {
        let (mut fields, mut violations) = document.fields()?;
        let found = &mut violations;
        let patch = Self {
            timezone: fields.get("timezone").and_then(|value| {
                let text = value.text(found)?;
                check_timezone(found, &value.path, text)
            }),
            allowed_regions: fields.sent("allowedRegions").read(|value| read_regions(&value, found)),
            default_region: fields.sent("defaultRegion").read(|value| value.parsed(found)),
            merge_variables: fields.get("mergeVariables").and_then(|value| value.boolean(found)),
            suppressing_statuses: fields.get("suppressingStatuses").and_then(|value| read_statuses(&value, found)),
            webhook: fields.sent("webhook").read(|value| read_webhook(&value, allow_http, found)),
        };
        fields.finish(&mut violations, "");
        Ok(violations.or(|| patch)?)
    }

    /// Changes the settings. `fresh` is the secret of a webhook that has none.
    pub(crate) fn apply(&self, settings: &mut Settings, fresh: &WebhookSecret) {
        match &self.webhook {
            Sent::Absent => {}
            Sent::Null => settings.webhook = None,
            Sent::Value(WebhookPatch { url, secret }) => {
                let stored = settings.webhook.take().map(|webhook| webhook.secret);
                let secret = secret.clone().or(stored).unwrap_or_else(|| fresh.clone());
                settings.webhook = Some(Webhook { url: url.clone(), secret });
            }
        }
        if let Some(timezone) = self.timezone {
            settings.timezone = timezone;
        }
        self.allowed_regions.apply(&mut settings.allowed_regions);
        self.default_region.apply(&mut settings.default_region);
        if let Some(merge) = self.merge_variables {
            settings.merge_variables = merge;
        }
        if let Some(statuses) = &self.suppressing_statuses {
            settings.suppressing_statuses.clone_from(statuses);
        }
    }
}

fn read_regions(value: &Value<'_, '_>, found: &mut Violations) -> Option<AllowedRegions> {
    let items = value.items(found)?;
    let count = items.len();
    let regions: Vec<AllowedRegion> = items.iter().filter_map(|item| item.parsed(found)).collect();
    if regions.len() < count {
        return None;
    }
    let regions = AllowedRegions::new(regions);
    if regions.is_none() {
        value.refuse(found, "must name at least one region; write null to allow all");
    }
    regions
}

/// Only terminal statuses can suppress; `DNC` always does, named or not.
fn read_statuses(value: &Value<'_, '_>, found: &mut Violations) -> Option<BTreeSet<ContactStatus>> {
    let items = value.items(found)?;
    let mut statuses = BTreeSet::from([ContactStatus::Dnc]);
    let mut fine = true;
    for item in items {
        match item.parsed::<ContactStatus>(found) {
            Some(status) if status.is_terminal() => {
                statuses.insert(status);
            }
            Some(status) => {
                item.refuse(found, format!("`{status}` is not terminal, so it can not suppress"));
                fine = false;
            }
            None => fine = false,
        }
    }
    fine.then_some(statuses)
}

fn read_webhook(value: &Value<'_, '_>, allow_http: bool, found: &mut Violations) -> Option<WebhookPatch> {
    let mut fields = value.fields(found)?;
    let url = fields.required(found, "url").and_then(|value| {
        let text = value.text(found)?;
        WebhookUrl::parse(text, allow_http).map_err(|error| value.refuse(found, error.to_string())).ok()
    });
    let secret = match fields.get("secret") {
        None => Some(None),
        Some(value) => value.text(found).and_then(|text| {
            WebhookSecret::parse(text).map_err(|error| value.refuse(found, error.to_string())).ok().map(Some)
        }),
    };
    fields.finish(found, "");
    Some(WebhookPatch { url: url?, secret: secret? })
}

/// An admin's settings as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettingsView<'c> {
    timezone: &'static str,
    allowed_regions: Option<&'c AllowedRegions>,
    default_region: Option<Region>,
    merge_variables: bool,
    suppressing_statuses: &'c BTreeSet<ContactStatus>,
    webhook: Option<WebhookView<'c>>,
}

#[derive(Debug, Serialize)]
struct WebhookView<'c> {
    url: &'c str,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl SettingsView<'_> {
    /// Shows the webhook's secret if it is `fresh`.
    pub(crate) fn revealing(mut self, settings: &Settings, fresh: &WebhookSecret) -> Self {
        let made = settings.webhook.as_ref().filter(|webhook| webhook.secret == *fresh);
        if let (Some(view), Some(webhook)) = (&mut self.webhook, made) {
            view.secret = Some(webhook.secret.reveal());
        }
        self
    }
}

impl<'c> From<&'c Settings> for SettingsView<'c> {
    fn from(settings: &'c Settings) -> Self {
        Self {
            timezone: settings.timezone.name(),
            allowed_regions: settings.allowed_regions.as_ref(),
            default_region: settings.default_region,
            merge_variables: settings.merge_variables,
            suppressing_statuses: &settings.suppressing_statuses,
            webhook: settings.webhook.as_ref().map(|webhook| WebhookView { url: webhook.url.as_str(), secret: None }),
        }
    }
}
