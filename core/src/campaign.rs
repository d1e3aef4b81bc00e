//! A campaign: an outreach programme, as a list of steps and the hours in which they may reach people.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AdminId, CampaignId},
    outreach::OutreachStep,
    time::Timestamp,
    violation::{Violations, check_label},
    window::WeeklyWindow,
};

/// Whether a campaign's outreach goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CampaignStatus {
    /// Takes contacts and sends.
    Active,
    /// Takes no contacts from splitters; takes direct enrolments, whose outreach waits.
    Paused,
}

impl CampaignStatus {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }
}

/// What an admin chooses about a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignConfig {
    /// What people call it, 1 to 255 characters.
    pub name: String,
    /// Whether its outreach goes out.
    pub status: CampaignStatus,
    /// The steps, at most [`MAX_STEPS`].
    pub outreach: Vec<OutreachStep>,
    /// When contacts may be reached, in their own zone; `None`: at any time.
    pub calling_window: Option<WeeklyWindow>,
    /// Whether it only takes contacts with a custom variable `email`.
    pub requires_email: bool,
}

/// The most steps of one campaign.
pub const MAX_STEPS: usize = 50;
/// The longest delay of a step in minutes: one year.
pub const MAX_DELAY_MINUTES: u32 = 366 * 24 * 60;

impl CampaignConfig {
    /// Every rule that is broken, with dotted paths as in the JSON of the API.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        check_label(&mut violations, "name", &self.name, 255);
        if self.outreach.len() > MAX_STEPS {
            violations.push("outreach", format!("must have at most {MAX_STEPS} steps"));
        }
        for (n, step) in self.outreach.iter().enumerate() {
            if step.delay_minutes > MAX_DELAY_MINUTES {
                violations.push(
                    format!("outreach.{n}.delayMinutes"),
                    format!("must be at most {MAX_DELAY_MINUTES} minutes (one year)"),
                );
            }
        }
        violations.or(|| ())
    }
}

/// A campaign as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// The admin that owns it.
    pub admin_id: AdminId,
    /// What the admin chose.
    #[serde(flatten)]
    pub config: CampaignConfig,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was soft-deleted.
    pub deleted_at: Option<Timestamp>,
}

impl Campaign {
    /// Whether it exists for its admin.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// Whether it exists and is not paused.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_valid() && matches!(self.config.status, CampaignStatus::Active)
    }
}
