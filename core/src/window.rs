//! Weekly windows of local time: calling hours, and the hours in which other shares apply.

use chrono::{Datelike, Offset, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::{DAY_MS, MINUTE_MS, MINUTES_PER_DAY, TimeOfDay, Timestamp, Weekdays};

/// A span of wall-clock time that opens on each day of a set of weekdays.
///
/// The span is half-open, `[from, to)`. If `to` is not after `from` it runs past midnight into the next day and still
/// belongs to the day it began on; with `from == to` it lasts 24 hours. In JSON:
/// `{"days":["mon","tue"],"from":"09:00","to":"20:00"}`; an empty set of days is refused.
///
/// ```
/// # use splitter_core::{time::Weekdays, window::WeeklyWindow};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use chrono_tz::America::New_York;
/// let hours = WeeklyWindow::new(Weekdays::ALL, "09:00".parse()?, "20:00".parse()?)?;
/// // 19:59:59 in New York is inside, one second later is not; the next chance is at 09:00, four hours behind UTC.
/// let last = "2026-05-13T23:59:59.000Z".parse()?;
/// assert_eq!(hours.first_moment(New_York, last), last);
/// assert_eq!(hours.first_moment(New_York, last.plus_millis(1_000)).to_string(), "2026-05-14T13:00:00.000Z");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Fields")]
pub struct WeeklyWindow {
    days: Weekdays,
    from: TimeOfDay,
    to: TimeOfDay,
}

/// A window that would never open, because its set of days is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a window needs at least one weekday")]
pub struct EmptyDays;

/// The JSON of a window before its days are checked.
#[derive(Deserialize)]
struct Fields {
    days: Weekdays,
    from: TimeOfDay,
    to: TimeOfDay,
}

impl TryFrom<Fields> for WeeklyWindow {
    type Error = EmptyDays;
    fn try_from(fields: Fields) -> Result<Self, EmptyDays> {
        Self::new(fields.days, fields.from, fields.to)
    }
}

impl std::fmt::Display for WeeklyWindow {
    /// `mon, tue 09:00–17:00`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, name) in self.days.names().enumerate() {
            write!(f, "{}{name}", if n == 0 { "" } else { ", " })?;
        }
        write!(f, " {}–{}", self.from, self.to)
    }
}

impl WeeklyWindow {
    /// A window that opens at `from` on each of `days` and closes at the next `to`.
    pub fn new(days: Weekdays, from: TimeOfDay, to: TimeOfDay) -> Result<Self, EmptyDays> {
        if days.is_empty() { Err(EmptyDays) } else { Ok(Self { days, from, to }) }
    }

    /// The days on which the window opens, never none.
    #[must_use]
    pub const fn days(self) -> Weekdays {
        self.days
    }

    /// The first minute inside.
    #[must_use]
    pub const fn from(self) -> TimeOfDay {
        self.from
    }

    /// The first minute outside; on the next day if it is not after [`Self::from`].
    #[must_use]
    pub const fn to(self) -> TimeOfDay {
        self.to
    }

    /// Its length in minutes, 1 to 1,440, on a day without a change of the clocks.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        let (from, to) = (self.from.minutes(), self.to.minutes());
        if from < to { to - from } else { MINUTES_PER_DAY - from + to }
    }

    /// Whether a local date and time lies inside.
    #[must_use]
    pub fn contains(self, local: &(impl Datelike + Timelike)) -> bool {
        self.covers(local.weekday(), i64::from(local.hour() * 60 + local.minute()) * MINUTE_MS)
    }

    /// Whether the clocks of `zone` show a time inside at the instant `at`.
    #[must_use]
    pub fn contains_at(self, zone: Tz, at: Timestamp) -> bool {
        let (day, time) = day_and_time(at.as_millis() + offset_ms(zone, at));
        self.covers(weekday(day), time)
    }

    /// The first instant at or after `at` at which the clocks of `zone` show a time inside.
    ///
    /// Whatever the clocks show counts, nothing else: an hour that they skip never matches, an hour that they repeat
    /// matches twice, and if they jump into the window it opens at the jump. An opening beyond [`Timestamp::MAX`] is
    /// given as [`Timestamp::MAX`], the only result that can lie outside the window.
    #[must_use]
    pub fn first_moment(self, zone: Tz, at: Timestamp) -> Timestamp {
        let mut moment = at;
        // Each round goes on to a later change of the clocks; a week without one ends the loop at the latest.
        loop {
            let offset = offset_ms(zone, moment);
            let opening = moment.plus_millis(self.wait_ms(moment.as_millis() + offset));
            match first_change(zone, offset, moment, opening) {
                Some(change) => moment = change,
                None => return opening,
            }
        }
    }

    /// Whether `time`, in milliseconds after local midnight, is inside on a `day`.
    fn covers(self, day: Weekday, time: i64) -> bool {
        let (from, to) = (start_ms(self.from), start_ms(self.to));
        if from < to {
            self.days.contains(day) && (from..to).contains(&time)
        } else {
            (self.days.contains(day) && time >= from) || (self.days.contains(day.pred()) && time < to)
        }
    }

    /// Milliseconds from a local time until the window is open, if the clocks run on evenly. 0 if it is open now.
    fn wait_ms(self, local_ms: i64) -> i64 {
        let (today, time) = day_and_time(local_ms);
        if self.covers(weekday(today), time) {
            return 0;
        }
        // Outside, the next moment inside is an opening. Today's can be over, so today's weekday comes twice.
        (0..=7)
            .filter(|ahead| self.days.contains(weekday(today + ahead)))
            .map(|ahead| ahead * DAY_MS + start_ms(self.from) - time)
            .find(|wait| *wait > 0)
            .unwrap_or(0) // unreachable: the set of days is not empty
    }
}

/// How far apart offsets are sampled. Going back and forth between two samples would go unnoticed, but in the whole
/// time zone database of 2025 any two changes in a zone are at least 167 hours apart (Recife 2000, Gaza 2040).
const SAMPLE_MS: i64 = DAY_MS;

/// The first instant in `(after, until]` at which the offset of `zone` is no longer `offset`, its offset at `after`.
fn first_change(zone: Tz, offset: i64, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let mut same = after;
    while same < until {
        let mut changed = same.plus_millis(SAMPLE_MS).min(until);
        if offset_ms(zone, changed) == offset {
            same = changed;
            continue;
        }
        while changed.millis_since(same) > 1 {
            let middle = same.plus_millis(changed.millis_since(same) / 2);
            if offset_ms(zone, middle) == offset { same = middle } else { changed = middle }
        }
        return Some(changed);
    }
    None
}

/// What the clocks of `zone` are ahead of UTC at an instant.
fn offset_ms(zone: Tz, at: Timestamp) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&at.to_utc().naive_utc()).fix().local_minus_utc()) * 1_000
}

/// Days since 1970-01-01 and milliseconds after midnight of a local time that is given as if it were UTC.
fn day_and_time(local_ms: i64) -> (i64, i64) {
    (local_ms.div_euclid(DAY_MS), local_ms.rem_euclid(DAY_MS))
}

/// The weekday of a day counted from 1970-01-01, a Thursday.
fn weekday(day: i64) -> Weekday {
    match day.rem_euclid(7) {
        0 => Weekday::Thu,
        1 => Weekday::Fri,
        2 => Weekday::Sat,
        3 => Weekday::Sun,
        4 => Weekday::Mon,
        5 => Weekday::Tue,
        _ => Weekday::Wed,
    }
}

/// Milliseconds after midnight.
fn start_ms(time: TimeOfDay) -> i64 {
    i64::from(time.minutes()) * MINUTE_MS
}
