//! What is asked of a phone number before it is accepted.

use super::allowed::AllowedRegions;
use super::error::PhoneError;
use super::number::PhoneNumber;
use serde::{Deserialize, Serialize};

/// How closely a number is looked at. Each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PhoneLevel {
    /// `+` and 1 to 15 digits, the first not 0.
    Syntax,
    /// The country calling code is in use and the length possible there, other than for local calls only.
    #[default]
    Possible,
    /// The number is in a range that is assigned.
    Valid,
}

/// The rules for accepting a number. The default asks for [`PhoneLevel::Possible`] and allows all regions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PhonePolicy {
    /// How closely a number is looked at.
    pub level: PhoneLevel,
    /// Where numbers have to come from; `None` allows all. With a list, a number needs a calling code that is in use.
    pub allowed: Option<AllowedRegions>,
}

impl PhonePolicy {
    /// Reads `text` strictly (see [`PhoneNumber::parse`]) and applies the rules.
    pub fn check(&self, text: &str) -> Result<PhoneNumber, PhoneError> {
        let number = PhoneNumber::parse(text)?;
        self.check_number(number)?;
        Ok(number)
    }

    /// Applies the rules to a number.
    pub fn check_number(&self, number: PhoneNumber) -> Result<(), PhoneError> {
        if self.level >= PhoneLevel::Possible && !number.is_possible() {
            return Err(number.impossible());
        }
        if self.level >= PhoneLevel::Valid && !number.is_valid() {
            return Err(PhoneError::NotAssigned(number));
        }
        match &self.allowed {
            Some(allowed) if !allowed.allows(number) => {
                Err(PhoneError::NotAllowed { number, allowed: allowed.clone() })
            }
            _ => Ok(()),
        }
    }
}
