//! An admin: a tenant, and what it chose for all of its contacts.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    contact::ContactStatus,
    id::AdminId,
    phone::{AllowedRegions, Region, zone},
    time::Timestamp,
    webhook::Webhook,
};

/// What an admin chose for all of its contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// The zone of contacts whose number does not tell, `America/New_York` unless chosen.
    pub timezone: Tz,
    /// Where numbers may come from; `None`: from anywhere.
    pub allowed_regions: Option<AllowedRegions>,
    /// The region that national numbers of imports and forms are read in.
    pub default_region: Option<Region>,
    /// Whether custom variables that are sent again are merged by key; otherwise they replace the stored ones as a whole.
    pub merge_variables: bool,
    /// Statuses that an enrolment can not take off, beside `DNC`, which always is one.
    pub suppressing_statuses: BTreeSet<ContactStatus>,
    /// Where calls and messages are handed over; `None`: nowhere yet.
    pub webhook: Option<Webhook>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timezone: zone::DEFAULT,
            allowed_regions: None,
            default_region: None,
            merge_variables: false,
            suppressing_statuses: BTreeSet::from([ContactStatus::Dnc]),
            webhook: None,
        }
    }
}

impl Settings {
    /// Whether a contact with this status stays as it is when it is sent again.
    #[must_use]
    pub fn suppresses(&self, status: ContactStatus) -> bool {
        status == ContactStatus::Dnc || self.suppressing_statuses.contains(&status)
    }
}

/// An admin as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admin {
    /// Its id.
    pub id: AdminId,
    /// Its e-mail address, the dashboard's login; unique, in lower case.
    pub email: String,
    /// The hash of its dashboard password in PHC format; `None`: no log-in.
    pub password_hash: Option<String>,
    /// What it chose for all of its contacts.
    pub settings: Settings,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings were last changed.
    pub updated_at: Timestamp,
}
