//! The time zone of a number.

use chrono_tz::Tz;

use super::PhoneNumber;

/// The zone of an admin that has not chosen one.
pub const DEFAULT: Tz = Tz::America__New_York;

/// The zone of a number: until the table of prefixes exists, the admin's own.
#[must_use]
pub fn time_zone(_number: PhoneNumber, admin: Option<Tz>) -> Tz {
    admin.unwrap_or(DEFAULT)
}
