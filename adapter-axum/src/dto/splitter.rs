//! Splitters.

use chrono_tz::Tz;
use serde::Serialize;
use splitter_core::{
    Actor, CampaignId, Splitter, SplitterConfig, SplitterDraft, SplitterId, SplitterStatus, Timestamp, Violations,
    enroll::check_timezone,
    splitter::{Caps, Member, Overflow, ReturningContacts, SplitterChange, SplitterVersion, Strategy},
};

use super::{
    Percent,
    strategy::{self, StrategyView},
};
use crate::{
    error::ApiError,
    json::{Document, Value},
};

const RETURNING: [(&str, ReturningContacts); 2] =
    [("redistribute", ReturningContacts::Redistribute), ("keep", ReturningContacts::Keep)];

/// The fields of a splitter that a body holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct SplitterPatch {
    name: Option<String>,
    timezone: Option<Tz>,
    strategy: Option<Strategy>,
    campaigns: Option<Vec<Member>>,
    overflow: Option<Overflow>,
    returning_contacts: Option<ReturningContacts>,
}

impl SplitterPatch {
    /// A change: fields that are not sent stay. `found` is what is wrong with the request already.
    pub(crate) fn read(document: &Document<'_>, found: Violations) -> Result<Self, ApiError> {
        let (patch, mut all) = Self::read_fields(document)?;
        all.0.extend(found.0);
        Ok(all.or(|| patch)?)
    }

    /// A new splitter: name and campaigns are required, the zone is the admin's unless sent.
    pub(crate) fn read_new(document: &Document<'_>, timezone: Tz) -> Result<SplitterDraft, ApiError> {
        let (patch, mut found) = Self::read_fields(document)?;
        for (name, missing) in [("name", patch.name.is_none()), ("campaigns", patch.campaigns.is_none())] {
            if missing && !touches(&found, name) {
                found.push(name, "is required");
            }
        }
        let mut draft = SplitterDraft {
            name: String::new(),
            timezone,
            strategy: Strategy::Percentage,
            campaigns: Vec::new(),
            overflow: Overflow::default(),
            returning_contacts: ReturningContacts::default(),
        };
        patch.apply(&mut draft);
        if found.is_empty() {
            return Ok(draft);
        }
        // What the core finds beside: in fields that could be read, and whose rules rest on fields that could be read.
        if let Err(more) = SplitterConfig::new(draft) {
            for violation in more.0 {
                let field = violation.path.split('.').next().unwrap_or_default().to_owned();
                let rests_on_broken = field == "strategy" && touches(&found, "campaigns");
                if !touches(&found, &field) && !rests_on_broken {
                    found.0.push(violation);
                }
            }
        }
        Err(found.into())
    }

    fn read_fields(document: &Document<'_>) -> Result<(Self, Violations), ApiError> {
        let (mut fields, mut violations) = document.fields()?;
        let found = &mut violations;
        let patch = Self {
            name: fields.get("name").and_then(|value| value.text(found)).map(str::to_owned),
            timezone: fields.get("timezone").and_then(|value| {
                let text = value.text(found)?;
                check_timezone(found, &value.path, text)
            }),
            strategy: fields.get("strategy").and_then(|value| strategy::read(&value, found)),
            campaigns: fields.get("campaigns").and_then(|value| read_members(&value, found)),
            overflow: fields.get("overflow").and_then(|value| read_overflow(&value, found)),
            returning_contacts: fields.get("returningContacts").and_then(|value| value.one_of(found, &RETURNING)),
        };
        fields.finish(&mut violations, "");
        Ok((patch, violations))
    }

    /// Changes a draft.
    pub(crate) fn apply(&self, draft: &mut SplitterDraft) {
        if let Some(name) = &self.name {
            draft.name.clone_from(name);
        }
        if let Some(timezone) = self.timezone {
            draft.timezone = timezone;
        }
        if let Some(strategy) = &self.strategy {
            draft.strategy = strategy.clone();
        }
        if let Some(campaigns) = &self.campaigns {
            draft.campaigns.clone_from(campaigns);
        }
        if let Some(overflow) = self.overflow {
            draft.overflow = overflow;
        }
        if let Some(returning_contacts) = self.returning_contacts {
            draft.returning_contacts = returning_contacts;
        }
    }

    /// The campaigns that have to be there for the change to be checked.
    pub(crate) fn campaigns(&self) -> impl Iterator<Item = CampaignId> {
        let fallback = match self.overflow {
            Some(Overflow::FallbackCampaign { campaign_id }) => Some(campaign_id),
            _ => None,
        };
        self.campaigns.iter().flatten().map(|member| member.campaign_id).chain(fallback)
    }
}

/// Whether something is wrong with a top-level field or below it.
fn touches(found: &Violations, field: &str) -> bool {
    found.0.iter().any(|violation| violation.path.split('.').next() == Some(field))
}

fn read_members(value: &Value<'_, '_>, found: &mut Violations) -> Option<Vec<Member>> {
    let items = value.items(found)?;
    let count = items.len();
    let members: Vec<Member> = items.iter().filter_map(|item| read_member(item, found)).collect();
    (members.len() == count).then_some(members)
}

fn read_member(value: &Value<'_, '_>, found: &mut Violations) -> Option<Member> {
    let mut fields = value.fields(found)?;
    let campaign_id = fields.required(found, "campaignId").and_then(|value| value.id(found));
    let percentage_bp = fields.required(found, "percentage").and_then(|value| value.percentage(found));
    let enabled = match fields.get("enabled") {
        None => Some(true),
        Some(value) => value.boolean(found),
    };
    let caps = match fields.get("caps") {
        None => Some(Caps::default()),
        Some(value) => read_caps(&value, found),
    };
    fields.finish(found, "");
    Some(Member { campaign_id: campaign_id?, percentage_bp: percentage_bp?, enabled: enabled?, caps: caps? })
}

/// The largest cap: what every database and every JSON reader can hold exactly.
const MAX_TOTAL: u64 = 9_007_199_254_740_991;

fn read_caps(value: &Value<'_, '_>, found: &mut Violations) -> Option<Caps> {
    let mut fields = value.fields(found)?;
    let before = found.0.len();
    let mut cap = |name, max| fields.get(name).and_then(|value| value.integer(found, max));
    let small = |cap: Option<u64>| cap.and_then(|cap| u32::try_from(cap).ok());
    // Databases keep the smaller ones in 32 bits with a sign.
    let max = u64::from(i32::MAX.unsigned_abs());
    let caps = Caps {
        per_hour: small(cap("perHour", max)),
        per_day: small(cap("perDay", max)),
        total: cap("total", MAX_TOTAL),
        active: small(cap("active", max)),
    };
    fields.finish(found, "");
    (found.0.len() == before).then_some(caps)
}

#[derive(Clone, Copy)]
enum OverflowKind {
    NextEligible,
    FallbackCampaign,
    Reject,
}

const OVERFLOWS: [(&str, OverflowKind); 3] = [
    ("nextEligible", OverflowKind::NextEligible),
    ("fallbackCampaign", OverflowKind::FallbackCampaign),
    ("reject", OverflowKind::Reject),
];

fn read_overflow(value: &Value<'_, '_>, found: &mut Violations) -> Option<Overflow> {
    let mut fields = value.fields(found)?;
    let overflow = match fields.required(found, "type")?.one_of(found, &OVERFLOWS)? {
        OverflowKind::NextEligible => Some(Overflow::NextEligible),
        OverflowKind::Reject => Some(Overflow::Reject),
        OverflowKind::FallbackCampaign => fields
            .required(found, "campaignId")
            .and_then(|value| value.id(found))
            .map(|campaign_id| Overflow::FallbackCampaign { campaign_id }),
    };
    fields.finish(found, " of this overflow");
    overflow
}

/// What an admin chose about a splitter, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigView<'c> {
    name: &'c str,
    timezone: &'static str,
    strategy: StrategyView,
    campaigns: Vec<MemberView>,
    overflow: Overflow,
    returning_contacts: ReturningContacts,
}

impl<'c> From<&'c SplitterConfig> for ConfigView<'c> {
    fn from(config: &'c SplitterConfig) -> Self {
        Self {
            name: &config.name,
            timezone: config.timezone.name(),
            strategy: (&config.strategy).into(),
            campaigns: config.campaigns.iter().map(MemberView::from).collect(),
            overflow: config.overflow,
            returning_contacts: config.returning_contacts,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberView {
    campaign_id: CampaignId,
    percentage: Percent,
    enabled: bool,
    caps: Caps,
}

impl From<&Member> for MemberView {
    fn from(member: &Member) -> Self {
        Self {
            campaign_id: member.campaign_id,
            percentage: Percent(member.percentage_bp),
            enabled: member.enabled,
            caps: member.caps,
        }
    }
}

/// A splitter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SplitterView<'c> {
    id: SplitterId,
    status: SplitterStatus,
    version: u32,
    #[serde(flatten)]
    config: ConfigView<'c>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'c> From<&'c Splitter> for SplitterView<'c> {
    fn from(splitter: &'c Splitter) -> Self {
        Self {
            id: splitter.id,
            status: splitter.status,
            version: splitter.version,
            config: (&splitter.config).into(),
            created_at: splitter.created_at,
            updated_at: splitter.updated_at,
        }
    }
}

/// One version of a splitter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionView<'c> {
    version: u32,
    change: SplitterChange,
    created_at: Timestamp,
    actor: Actor,
    after_seq: u64,
    config: ConfigView<'c>,
}

impl<'c> From<&'c SplitterVersion> for VersionView<'c> {
    fn from(version: &'c SplitterVersion) -> Self {
        Self {
            version: version.version,
            change: version.change,
            created_at: version.at,
            actor: version.actor,
            after_seq: version.after_seq,
            config: (&version.config).into(),
        }
    }
}
