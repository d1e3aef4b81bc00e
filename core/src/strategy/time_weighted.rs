//! Windows of local time, each with shares of its own.
//!
//! Only one direction is ever needed, from an instant to what the clock on the wall shows: an hour that the clocks skip
//! never matches, one that they repeat matches twice.

use chrono::Weekday;
use chrono_tz::Tz;
use thiserror::Error;

use crate::{
    time::{MINUTES_PER_DAY, Timestamp, WEEKDAY_NAMES},
    window::WeeklyWindow,
};

/// The position of the first window that contains `now` in `zone`; `None` outside all of them.
#[must_use]
pub fn window_at(windows: &[WeeklyWindow], zone: Tz, now: Timestamp) -> Option<usize> {
    let local = now.local(zone);
    windows.iter().position(|window| window.contains(&local))
}

/// All pairs of positions whose windows share at least one minute of the week, the lower position first.
#[must_use]
pub fn overlaps(windows: &[WeeklyWindow]) -> Vec<(usize, usize)> {
    pairs(windows.len()).filter(|&(a, b)| meeting(windows[a], windows[b]).is_some()).collect()
}

/// Refuses windows that overlap, naming the first pair.
pub fn refuse_overlaps(windows: &[WeeklyWindow]) -> Result<(), Overlap> {
    pairs(windows.len()).find_map(|(a, b)| Overlap::between(windows, a, b)).map_or(Ok(()), Err)
}

/// Two windows that share local time, named by the day on which they meet:
/// `mon 09:00–17:00 and mon 16:00–18:00 overlap`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} {}–{} and {} {}–{} overlap", name(.days.0), .windows.0.from(), .windows.0.to(), name(.days.1), .windows.1.from(), .windows.1.to())]
pub struct Overlap {
    /// The positions of the two windows in the list.
    pub positions: (usize, usize),
    /// The two windows.
    pub windows: (WeeklyWindow, WeeklyWindow),
    /// The days on which each of them starts when they meet.
    pub days: (Weekday, Weekday),
}

impl Overlap {
    /// How the windows at two positions overlap; `None` if they do not, or if a position is outside the list.
    #[must_use]
    pub fn between(windows: &[WeeklyWindow], first: usize, second: usize) -> Option<Self> {
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

/// When a window opens, in minutes since Monday 00:00, day by day.
fn starts(window: WeeklyWindow) -> impl Iterator<Item = (Weekday, u32)> {
    let from = u32::from(window.from().minutes());
    window.days().iter().map(move |day| (day, day.num_days_from_monday() * u32::from(MINUTES_PER_DAY) + from))
}

/// The first days on which two windows start such that they meet.
fn meeting(a: WeeklyWindow, b: WeeklyWindow) -> Option<(Weekday, Weekday)> {
    const WEEK: u32 = 7 * MINUTES_PER_DAY as u32;
    // On the circle of the week: one starts inside the other.
    let inside = |point: u32, start: u32, length: u16| (point + WEEK - start) % WEEK < u32::from(length);
    starts(a).find_map(|(day, start)| {
        starts(b)
            .find(|(_, other)| inside(*other, start, a.minutes()) || inside(start, *other, b.minutes()))
            .map(|(other, _)| (day, other))
    })
}
