//! Windows of local time: edges, midnight, overlaps, and every minute of the days on which clocks change.

use chrono::{TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use splitter_core::WeeklyWindow;
use splitter_core::strategy::time_weighted::{overlaps, refuse_overlaps, window_at};
use splitter_core::time::{MINUTE_MS, TimeOfDay, Timestamp, WEEKDAY_NAMES, Weekdays, weekday_from_name};

fn window(days: &str, from: &str, to: &str) -> WeeklyWindow {
    let days = days.split(' ').filter_map(weekday_from_name).collect();
    WeeklyWindow::new(days, from.parse().expect("time"), to.parse().expect("time")).expect("days")
}

fn utc(text: &str) -> Timestamp {
    text.parse().expect("instant")
}

/// One day on which clocks change, in plain offsets: an oracle that knows no time zone database.
struct ClockChange {
    zone: Tz,
    midnight: &'static str,
    change: &'static str,
    /// Minutes east of Greenwich before and after.
    offsets: (i64, i64),
    minutes: i64,
    /// Minutes in each of the windows on that day, by hand.
    inside: [usize; 4],
}

#[test]
fn every_minute_of_the_days_on_which_clocks_change() {
    let windows = [
        window("sat", "22:00", "01:40"),
        window("sun", "01:40", "02:10"),
        window("sun", "02:10", "03:00"),
        window("sun", "23:00", "01:00"),
    ];
    let changes = [
        ClockChange {
            zone: Tz::America__New_York,
            midnight: "2026-03-08T05:00:00Z",
            change: "2026-03-08T07:00:00Z",
            offsets: (-300, -240),
            minutes: 1_380,
            inside: [100, 20, 0, 60],
        },
        ClockChange {
            zone: Tz::America__New_York,
            midnight: "2026-11-01T04:00:00Z",
            change: "2026-11-01T06:00:00Z",
            offsets: (-240, -300),
            minutes: 1_500,
            inside: [140, 50, 50, 60],
        },
        ClockChange {
            zone: Tz::Australia__Lord_Howe,
            midnight: "2026-04-04T13:00:00Z",
            change: "2026-04-04T15:00:00Z",
            offsets: (660, 630),
            minutes: 1_470,
            inside: [110, 50, 50, 60],
        },
        ClockChange {
            zone: Tz::Australia__Lord_Howe,
            midnight: "2026-10-03T13:30:00Z",
            change: "2026-10-03T15:30:00Z",
            offsets: (630, 660),
            minutes: 1_410,
            inside: [100, 20, 30, 60],
        },
    ];
    for ClockChange { zone, midnight, change, offsets, minutes, inside } in changes {
        let mut counted = [0; 4];
        for minute in 0..minutes {
            let now = utc(midnight).plus_millis(minute * MINUTE_MS);
            let offset = if now < utc(change) { offsets.0 } else { offsets.1 };
            let of_day = (now.as_millis() / MINUTE_MS + offset) % 1_440;
            let expected = match of_day {
                0..100 => Some(0),
                100..130 => Some(1),
                130..180 => Some(2),
                1_380.. => Some(3),
                _ => None,
            };
            assert_eq!(window_at(&windows, zone, now), expected, "{zone} {now}");
            assert_eq!(window_at(&windows, zone, now.plus_millis(MINUTE_MS - 1)), expected, "{zone} end of {now}");
            if let Some(expected) = expected {
                counted[expected] += 1;
            }
        }
        assert_eq!(counted, inside, "{zone} {midnight}");
        // The day after is Monday, the day before Saturday: the windows reach into them only as said.
        let end = utc(midnight).plus_millis(minutes * MINUTE_MS);
        assert_eq!(window_at(&windows, zone, end.plus_millis(59 * MINUTE_MS)), Some(3));
        assert_eq!(window_at(&windows, zone, end.plus_millis(60 * MINUTE_MS)), None);
        assert_eq!(window_at(&windows, zone, utc(midnight).plus_millis(-120 * MINUTE_MS)), Some(0));
        assert_eq!(window_at(&windows, zone, utc(midnight).plus_millis(-121 * MINUTE_MS)), None);
    }
}

#[test]
fn edges_midnight_and_whole_days() {
    let zone = Tz::UTC;
    // 2026-05-13 is a Wednesday.
    let cases = [
        (
            window("wed", "09:00", "17:00"),
            vec![("08:59:59.999", false), ("09:00:00", true), ("16:59:59.999", true), ("17:00:00", false)],
        ),
        (window("wed", "00:00", "00:00"), vec![("00:00:00", true), ("23:59:59.999", true)]),
        (window("tue", "22:00", "00:00"), vec![("00:00:00", false), ("22:00:00", false)]),
        (
            window("tue", "22:00", "06:00"),
            vec![("00:00:00", true), ("05:59:59.999", true), ("06:00:00", false), ("22:00:00", false)],
        ),
        (window("tue", "09:00", "09:00"), vec![("00:00:00", true), ("08:59:59.999", true), ("09:00:00", false)]),
        (
            window("mon tue thu", "12:00", "11:00"),
            vec![("00:00:00", true), ("10:59:59", true), ("11:00:00", false), ("12:00:00", false)],
        ),
    ];
    for (window, instants) in cases {
        for (time, expected) in instants {
            let now = utc(&format!("2026-05-13T{time}Z"));
            assert_eq!(window.contains(&now.local(zone)), expected, "{window} at {time}");
        }
    }
}

#[test]
fn the_first_matching_window_wins_and_outside_is_none() {
    let windows = [window("wed", "09:00", "12:00"), window("wed", "10:00", "18:00")];
    let at = |time: &str| window_at(&windows, Tz::Europe__Paris, utc(&format!("2026-05-13T{time}:00Z")));
    assert_eq!((at("07:00"), at("08:30"), at("10:00"), at("16:00")), (Some(0), Some(0), Some(1), None));
}

#[test]
fn overlaps_are_named() {
    let windows = [
        window("mon", "09:00", "17:00"),
        window("mon tue", "16:00", "18:00"),
        window("sun", "22:00", "00:30"),
        window("mon", "00:00", "00:30"),
        window("tue", "18:00", "16:00"),
    ];
    assert_eq!(overlaps(&windows), [(0, 1), (2, 3)]);
    let named = |a: usize, b: usize| refuse_overlaps(&[windows[a], windows[b]]).map_err(|e| e.to_string());
    assert_eq!(named(0, 1), Err("mon 09:00–17:00 and mon 16:00–18:00 overlap".to_owned()));
    assert_eq!(named(2, 3), Err("sun 22:00–00:30 and mon 00:00–00:30 overlap".to_owned()));
    assert_eq!(named(1, 4), Ok(()));
    assert_eq!(windows[1].to_string(), "mon, tue 16:00–18:00");
}

#[test]
fn windows_are_plain_json() {
    let json = r#"{"days":["mon","sat"],"from":"22:00","to":"02:30"}"#;
    let parsed: WeeklyWindow = serde_json::from_str(json).expect("window");
    assert_eq!(parsed, window("mon sat", "22:00", "02:30"));
    assert_eq!(serde_json::to_string(&parsed).expect("json"), json);
    assert!(serde_json::from_str::<WeeklyWindow>(r#"{"days":[],"from":"22:00","to":"24:00"}"#).is_err());
}

prop_compose! {
    fn any_window()(days in 1_u8..128, from in 0_u16..1_440, to in 0_u16..1_440) -> WeeklyWindow {
        let days = (0..7).filter(|d| days & (1 << d) != 0).filter_map(|d| weekday_from_name(WEEKDAY_NAMES[d])).collect::<Weekdays>();
        WeeklyWindow::new(days, TimeOfDay::from_minutes(from).expect("minute"), TimeOfDay::from_minutes(to).expect("minute")).expect("days")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Two windows overlap exactly if some minute of the week lies in both.
    #[test]
    fn overlap_is_a_common_minute(a in any_window(), b in any_window()) {
        let monday = Timestamp::from(Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 0).single().expect("instant"));
        let common = (0..7 * 1_440).any(|minute| {
            let at = monday.plus_millis(minute * MINUTE_MS);
            a.contains_at(Tz::UTC, at) && b.contains_at(Tz::UTC, at)
        });
        prop_assert_eq!(!overlaps(&[a, b]).is_empty(), common);
    }

    /// The instants of a window add up to its minutes in a week without a change of the clocks.
    #[test]
    fn a_window_lasts_as_long_as_it_says(a in any_window()) {
        let monday = Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 0).single().expect("instant");
        let count = (0..7 * 1_440).filter(|m| window_at(&[a], Tz::UTC, Timestamp::from(monday).plus_millis(m * MINUTE_MS)).is_some()).count();
        prop_assert_eq!(count, usize::from(a.minutes()) * a.days().iter().count());
    }
}
