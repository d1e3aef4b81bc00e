//! What an admin can set.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::{DAY_MS, MINUTE_MS};

/// The settings of an adaptive splitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// The share that every campaign keeps, in basis points, 0 to 2,000. At most 20 % divided by the number of campaigns
    /// takes effect, so that floors never take more than a fifth.
    pub min_share_bp: u32,
    /// After how many resolved contacts of the splitter an outcome counts half; 0 for never, otherwise 10 to 10,000,000.
    pub half_life: u32,
    /// How many resolved contacts each campaign has to have before its outcomes count, 0 to 100,000.
    pub burn_in: u32,
    /// How long after the decision a success is credited to it, in milliseconds: a minute to 365 days.
    pub attribution_ms: i64,
}

impl Settings {
    /// The largest [`Self::min_share_bp`], and the sum that floors never exceed, in basis points.
    pub const MAX_FLOOR_BP: u32 = 2_000;
    /// The least [`Self::half_life`] that is not "never": fewer contacts say nothing about rates of some per cent.
    pub const MIN_HALF_LIFE: u32 = 10;
    /// The largest [`Self::half_life`].
    pub const MAX_HALF_LIFE: u32 = 10_000_000;
    /// The largest [`Self::burn_in`].
    pub const MAX_BURN_IN: u32 = 100_000;
    /// The shortest attribution window.
    pub const MIN_ATTRIBUTION_MS: i64 = MINUTE_MS;
    /// The longest attribution window.
    pub const MAX_ATTRIBUTION_MS: i64 = 365 * DAY_MS;

    /// Refuses values out of range. The first one found is named.
    pub const fn validate(&self) -> Result<(), InvalidSettings> {
        if self.min_share_bp > Self::MAX_FLOOR_BP {
            return Err(InvalidSettings::MinShare(self.min_share_bp));
        }
        if self.half_life != 0 && (self.half_life < Self::MIN_HALF_LIFE || self.half_life > Self::MAX_HALF_LIFE) {
            return Err(InvalidSettings::HalfLife(self.half_life));
        }
        if self.burn_in > Self::MAX_BURN_IN {
            return Err(InvalidSettings::BurnIn(self.burn_in));
        }
        if self.attribution_ms < Self::MIN_ATTRIBUTION_MS || self.attribution_ms > Self::MAX_ATTRIBUTION_MS {
            return Err(InvalidSettings::Attribution(self.attribution_ms));
        }
        Ok(())
    }
}

impl Default for Settings {
    /// A floor of 1 %, a half-life of 10,000 contacts, 50 contacts of burn-in, a window of 7 days.
    fn default() -> Self {
        Self { min_share_bp: 100, half_life: 10_000, burn_in: 50, attribution_ms: 7 * DAY_MS }
    }
}

/// A setting that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// [`Settings::min_share_bp`].
    #[error("minimum share of `{0}` basis points is not between 0 and 2000")]
    MinShare(u32),
    /// [`Settings::half_life`].
    #[error("half-life of `{0}` contacts is neither 0 nor between 10 and 10000000")]
    HalfLife(u32),
    /// [`Settings::burn_in`].
    #[error("burn-in of `{0}` contacts is not between 0 and 100000")]
    BurnIn(u32),
    /// [`Settings::attribution_ms`].
    #[error("attribution window of `{0}` ms is not between one minute and 365 days")]
    Attribution(i64),
}
