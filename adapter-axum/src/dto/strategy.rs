//! Strategies: where a splitter's shares come from.

use serde::Serialize;
use splitter_core::{
    CampaignId, Violations, WeeklyWindow,
    splitter::{ShareWindow, Strategy},
    strategy::adaptive,
    time::DAY_MS,
};

use super::{Percent, window};
use crate::json::{
    Fields, Value,
    reader::{parse_uuid, shown},
};

#[derive(Clone, Copy)]
enum Kind {
    Percentage,
    Random,
    Sticky,
    TimeWeighted,
    Adaptive,
}

const KINDS: [(&str, Kind); 5] = [
    ("percentage", Kind::Percentage),
    ("random", Kind::Random),
    ("sticky", Kind::Sticky),
    ("timeWeighted", Kind::TimeWeighted),
    ("adaptive", Kind::Adaptive),
];

/// A strategy from its JSON.
pub(crate) fn read(value: &Value<'_, '_>, found: &mut Violations) -> Option<Strategy> {
    let mut fields = value.fields(found)?;
    let kind = fields.required(found, "type")?.one_of(found, &KINDS)?;
    let strategy = match kind {
        Kind::Percentage => Some(Strategy::Percentage),
        Kind::Random => Some(Strategy::Random),
        // The core gives a new splitter a seed, and lets one that stays sticky keep its own.
        Kind::Sticky => Some(Strategy::Sticky { seed: 0 }),
        Kind::TimeWeighted => fields.required(found, "windows").and_then(|value| read_windows(&value, found)),
        Kind::Adaptive => read_adaptive(&mut fields, found).map(Strategy::Adaptive),
    };
    fields.finish(found, " of this strategy");
    strategy
}

fn read_windows(value: &Value<'_, '_>, found: &mut Violations) -> Option<Strategy> {
    let items = value.items(found)?;
    let count = items.len();
    let windows: Vec<ShareWindow> = items.iter().filter_map(|item| read_window(item, found)).collect();
    (windows.len() == count).then_some(Strategy::TimeWeighted { windows })
}

fn read_window(value: &Value<'_, '_>, found: &mut Violations) -> Option<ShareWindow> {
    let mut fields = value.fields(found)?;
    let window = window::read(&mut fields, found);
    let percentages = fields.required(found, "percentages").and_then(|value| {
        let (mut read, mut fine) = (Vec::new(), true);
        for (id, value) in value.fields(found)?.entries() {
            let campaign = parse_uuid(id).map(CampaignId);
            if campaign.is_none() {
                value.refuse(found, "must be named by the UUID of a campaign");
            }
            match (campaign, value.percentage(found)) {
                (Some(campaign), Some(bp)) => read.push((campaign, bp)),
                _ => fine = false,
            }
        }
        fine.then_some(read)
    });
    fields.finish(found, "");
    Some(ShareWindow { window: window?, percentages_bp: percentages? })
}

/// Fields that are not sent have the core's defaults.
fn read_adaptive(fields: &mut Fields<'_, '_>, found: &mut Violations) -> Option<adaptive::Settings> {
    let defaults = adaptive::Settings::default();
    let count = |field: Option<Value<'_, '_>>, found: &mut Violations, default: u32| match field {
        None => Some(default),
        Some(value) => value.integer(found, u64::from(u32::MAX)).and_then(|count| u32::try_from(count).ok()),
    };
    let min_share_bp = match fields.get("minShare") {
        None => Some(defaults.min_share_bp),
        Some(value) => value.percentage(found),
    };
    let half_life = count(fields.get("halfLife"), found, defaults.half_life);
    let burn_in = count(fields.get("burnIn"), found, defaults.burn_in);
    let attribution_ms = match fields.get("attributionDays") {
        None => Some(defaults.attribution_ms),
        Some(value) => read_days(&value, found),
    };
    let settings = adaptive::Settings {
        min_share_bp: min_share_bp?,
        half_life: half_life?,
        burn_in: burn_in?,
        attribution_ms: attribution_ms?,
    };
    // The core names the first setting that is out of range; here it gets the path and the unit of the JSON.
    let (field, message) = match settings.validate() {
        Ok(()) => return Some(settings),
        Err(adaptive::InvalidSettings::MinShare(_)) => ("minShare", "must be from 0 to 20 percent".to_owned()),
        Err(adaptive::InvalidSettings::HalfLife(_)) => {
            ("halfLife", "must be 0 (never) or from 10 to 10,000,000 contacts".to_owned())
        }
        Err(adaptive::InvalidSettings::BurnIn(_)) => ("burnIn", "must be from 0 to 100,000 contacts".to_owned()),
        Err(adaptive::InvalidSettings::Attribution(_)) => {
            ("attributionDays", "must be from one minute (0.000695) to 365 days".to_owned())
        }
        Err(other) => ("type", other.to_string()),
    };
    found.push(format!("strategy.{field}"), message);
    None
}

/// Days, whole or not, in milliseconds.
fn read_days(value: &Value<'_, '_>, found: &mut Violations) -> Option<i64> {
    let text = value.number(found)?;
    let days: f64 = text.parse().unwrap_or(f64::NAN);
    if !(0.0..=100_000.0).contains(&days) {
        value.refuse(found, format!("must be a number of days, this is `{}`", shown(text)));
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 10^13, and rounded")]
    Some((days * DAY_MS as f64).round() as i64)
}

/// A strategy as JSON. The seed of `sticky` is the splitter's own business.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum StrategyView {
    Percentage,
    Random,
    Sticky,
    TimeWeighted { windows: Vec<WindowView> },
    Adaptive(AdaptiveView),
}

/// A window of a strategy.
#[derive(Debug, Serialize)]
pub(crate) struct WindowView {
    #[serde(flatten)]
    window: WeeklyWindow,
    percentages: Percentages,
}

/// Settings of `adaptive`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdaptiveView {
    min_share: Percent,
    half_life: u32,
    burn_in: u32,
    attribution_days: serde_json::Number,
}

impl From<&adaptive::Settings> for AdaptiveView {
    fn from(settings: &adaptive::Settings) -> Self {
        let whole = settings.attribution_ms % DAY_MS == 0;
        let days = settings.attribution_ms as f64 / DAY_MS as f64;
        let attribution_days = match serde_json::Number::from_f64(days) {
            Some(days) if !whole => days,
            _ => (settings.attribution_ms / DAY_MS).into(),
        };
        Self {
            min_share: Percent(settings.min_share_bp),
            half_life: settings.half_life,
            burn_in: settings.burn_in,
            attribution_days,
        }
    }
}

/// An object in the order of the splitter's campaigns.
#[derive(Debug)]
struct Percentages(Vec<(CampaignId, u32)>);

impl Serialize for Percentages {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, bp)| (id, Percent(*bp))))
    }
}

impl From<&Strategy> for StrategyView {
    fn from(strategy: &Strategy) -> Self {
        match strategy {
            Strategy::Percentage => Self::Percentage,
            Strategy::Random => Self::Random,
            Strategy::Sticky { .. } => Self::Sticky,
            Strategy::TimeWeighted { windows } => Self::TimeWeighted {
                windows: windows
                    .iter()
                    .map(|window| WindowView {
                        window: window.window,
                        percentages: Percentages(window.percentages_bp.clone()),
                    })
                    .collect(),
            },
            Strategy::Adaptive(settings) => Self::Adaptive(settings.into()),
        }
    }
}
