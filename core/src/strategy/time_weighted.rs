//! Windows of local time, each with shares of its own.
//!
//! Only one direction is ever needed, from an instant to what the clock on the wall shows: an hour that the clocks skip
//! never matches, one that they repeat matches twice.

use chrono::{DateTime, Datelike, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::{MINUTES_PER_DAY, TimeOfDay, Timestamp, WEEKDAY_NAMES, Weekdays};

/// A stretch of local time on some weekdays, from `from` up to but not including `to`.
///
/// If `to` is not after `from` the window runs into the next day and belongs to the day on which it starts: `fri
/// 22:00–02:00` ends on Saturday, and `mon 09:00–09:00` is 24 hours. A window without days never matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days on which the window starts.
    pub days: Weekdays,
    /// The first minute inside.
    pub from: TimeOfDay,
    /// The first minute outside.
    pub to: TimeOfDay,
}

impl Window {
    /// Whether a local date and time lies in the window.
    #[must_use]
    pub fn contains(&self, local: DateTime<Tz>) -> bool {
        self.covers(local.weekday(), TimeOfDay::of(local.time()))
    }

    /// Whether `time` on a `day` lies in the window, as the clock on the wall shows them.
    #[must_use]
    pub fn covers(&self, day: Weekday, time: TimeOfDay) -> bool {
        if self.from < self.to {
            self.days.contains(day) && self.from <= time && time < self.to
        } else {
            self.days.contains(day) && self.from <= time || self.days.contains(day.pred()) && time < self.to
        }
    }

    /// Its length in minutes, 1 to 1,440, on a day without a change of the clocks.
    #[must_use]
    pub const fn minutes(&self) -> u16 {
        let (from, to) = (self.from.minutes(), self.to.minutes());
        if from < to { to - from } else { MINUTES_PER_DAY - from + to }
    }

    /// When it starts, in minutes since Monday 00:00, day by day.
    fn starts(&self) -> impl Iterator<Item = (Weekday, u32)> {
        let from = u32::from(self.from.minutes());
        self.days.iter().map(move |day| (day, day.num_days_from_monday() * u32::from(MINUTES_PER_DAY) + from))
    }
}

impl std::fmt::Display for Window {
    /// `mon, tue 09:00–17:00`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, name) in self.days.names().enumerate() {
            write!(f, "{}{name}", if n == 0 { "" } else { ", " })?;
        }
        write!(f, " {}–{}", self.from, self.to)
    }
}

/// The position of the first window that contains `now` in `zone`; `None` outside all of them.
#[must_use]
pub fn window_at(windows: &[Window], zone: Tz, now: Timestamp) -> Option<usize> {
    let local = now.local(zone);
    windows.iter().position(|window| window.contains(local))
}

/// All pairs of positions whose windows share at least one minute of the week, the lower position first.
#[must_use]
pub fn overlaps(windows: &[Window]) -> Vec<(usize, usize)> {
    pairs(windows.len()).filter(|&(a, b)| meeting(windows[a], windows[b]).is_some()).collect()
}

/// Refuses windows that overlap, naming the first pair.
pub fn refuse_overlaps(windows: &[Window]) -> Result<(), Overlap> {
    pairs(windows.len()).find_map(|(a, b)| Overlap::between(windows, a, b)).map_or(Ok(()), Err)
}

/// Two windows that share local time, named by the day on which they meet:
/// `mon 09:00–17:00 and mon 16:00–18:00 overlap`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} {}–{} and {} {}–{} overlap", name(.days.0), .windows.0.from, .windows.0.to, name(.days.1), .windows.1.from, .windows.1.to)]
pub struct Overlap {
    /// The positions of the two windows in the list.
    pub positions: (usize, usize),
    /// The two windows.
    pub windows: (Window, Window),
    /// The days on which each of them starts when they meet.
    pub days: (Weekday, Weekday),
}

impl Overlap {
    /// How the windows at two positions overlap; `None` if they do not, or if a position is outside the list.
    #[must_use]
    pub fn between(windows: &[Window], first: usize, second: usize) -> Option<Self> {
        let (a, b) = (*windows.get(first)?, *windows.get(second)?);
        let days = meeting(a, b)?;
        Some(Self { positions: (first, second), windows: (a, b), days })
    }
}

fn name(day: Weekday) -> &'static str {
    WEEKDAY_NAMES[day.num_days_from_monday() as usize]
}

fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |a| (a + 1..n).map(move |b| (a, b)))
}

/// The first days on which two windows start such that they meet.
fn meeting(a: Window, b: Window) -> Option<(Weekday, Weekday)> {
    const WEEK: u32 = 7 * MINUTES_PER_DAY as u32;
    // On the circle of the week: one starts inside the other.
    let inside = |point: u32, start: u32, length: u16| (point + WEEK - start) % WEEK < u32::from(length);
    a.starts().find_map(|(day, start)| {
        b.starts()
            .find(|(_, other)| inside(*other, start, a.minutes()) || inside(start, *other, b.minutes()))
            .map(|(other, _)| (day, other))
    })
}
