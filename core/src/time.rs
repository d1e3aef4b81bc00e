//! Time as plain data: instants in milliseconds, times of day, sets of weekdays.

use chrono::{DateTime, Datelike, NaiveTime, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Printed and serialised as RFC 3339 in UTC with exactly three fractional digits: `2026-05-13T14:30:00.000Z`.
/// Values are kept between the years 0000 and 9999, so that every one of them can be printed and converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day of 24 hours in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

impl Timestamp {
    /// 0000-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// From milliseconds since the Unix epoch; values outside [`Self::MIN`]..=[`Self::MAX`] are clamped.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        if ms < Self::MIN.0 {
            Self::MIN
        } else if ms > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms` milliseconds (negative: earlier), clamped to the representable range.
    #[must_use]
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self::from_millis(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative if `earlier` is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The same instant as a chrono value in UTC.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        // The range of `Timestamp` lies inside chrono's.
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// The local date and time of this instant in `zone`.
    #[must_use]
    pub fn local(self, zone: Tz) -> DateTime<Tz> {
        zone.from_utc_datetime(&self.to_utc().naive_utc())
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Finer fractions than milliseconds are cut off.
    fn from(time: DateTime<Utc>) -> Self {
        Self::from_millis(time.timestamp_millis())
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let t = self.to_utc();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.timestamp_subsec_millis()
        )
    }
}

/// A text that is no RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not an RFC 3339 date and time such as `2026-05-13T14:30:00.000Z`")]
pub struct InvalidTimestamp(pub String);

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|t| t.to_utc().into()).map_err(|_| InvalidTimestamp(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A time of day with minute precision, `00:00` to `23:59`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

/// Minutes in a day.
pub const MINUTES_PER_DAY: u16 = 24 * 60;

impl TimeOfDay {
    /// From minutes after midnight; `None` from 1,440 on.
    #[must_use]
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes < MINUTES_PER_DAY { Some(Self(minutes)) } else { None }
    }

    /// Minutes after midnight, 0 to 1,439.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// The wall-clock time that a local date and time shows, seconds cut off.
    #[must_use]
    pub fn of(time: impl Timelike) -> Self {
        Self(u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0) % MINUTES_PER_DAY)
    }

    /// As a chrono time.
    #[must_use]
    pub fn to_naive(self) -> NaiveTime {
        NaiveTime::from_hms_opt(u32::from(self.0) / 60, u32::from(self.0) % 60, 0).unwrap_or_default()
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A text that is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a time of day from `00:00` to `23:59`")]
pub struct InvalidTimeOfDay(pub String);

impl std::str::FromStr for TimeOfDay {
    type Err = InvalidTimeOfDay;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minutes = match text.as_bytes() {
            [a @ b'0'..=b'2', b @ b'0'..=b'9', b':', c @ b'0'..=b'5', d @ b'0'..=b'9'] => {
                let digit = |x: &u8| u16::from(x - b'0');
                Some((digit(a) * 10 + digit(b)) * 60 + digit(c) * 10 + digit(d))
            }
            _ => None,
        };
        minutes.and_then(Self::from_minutes).ok_or_else(|| InvalidTimeOfDay(text.to_owned()))
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The short English names used in JSON, Monday first.
pub const WEEKDAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The weekday that a JSON name (`mon` … `sun`) stands for.
#[must_use]
pub fn weekday_from_name(name: &str) -> Option<Weekday> {
    let index = WEEKDAY_NAMES.iter().position(|known| *known == name)?;
    Weekday::try_from(u8::try_from(index).ok()?).ok()
}

/// A set of weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Weekdays(u8);

impl Weekdays {
    /// No day.
    pub const NONE: Self = Self(0);
    /// Monday to Sunday.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WORKING: Self = Self(0b001_1111);

    /// The set with `day` added.
    #[must_use]
    pub fn with(self, day: Weekday) -> Self {
        Self(self.0 | 1 << day.num_days_from_monday())
    }

    /// Whether `day` is in the set.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & 1 << day.num_days_from_monday() != 0
    }

    /// Whether no day is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The days of the set, Monday first.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        (0..7u8).filter_map(|n| Weekday::try_from(n).ok()).filter(move |day| self.contains(*day))
    }

    /// The JSON names of the days of the set, Monday first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|day| WEEKDAY_NAMES[day.num_days_from_monday() as usize])
    }
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<I: IntoIterator<Item = Weekday>>(days: I) -> Self {
        days.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Serialize for Weekdays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for Weekdays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|name| {
                weekday_from_name(name)
                    .ok_or_else(|| serde::de::Error::custom(format_args!("`{name}` is not a weekday (`mon` to `sun`)")))
            })
            .collect()
    }
}
