//! Weekly windows: fixed cases, and a naive oracle that steps minute by minute.

use chrono::{DateTime, Datelike, Days, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use splitter_core::time::{
    DAY_MS, HOUR_MS, MINUTE_MS, MINUTES_PER_DAY, TimeOfDay, Timestamp, Weekdays, weekday_from_name,
};
use splitter_core::window::{EmptyDays, WeeklyWindow};

fn days(names: &str) -> Weekdays {
    match names {
        "all" => Weekdays::ALL,
        names => names.split(' ').map(|name| weekday_from_name(name).expect(name)).collect(),
    }
}

/// `"mon tue 09:00-17:00"`.
fn window(text: &str) -> WeeklyWindow {
    let (names, hours) = text.rsplit_once(' ').unwrap();
    let (from, to) = hours.split_once('-').unwrap();
    WeeklyWindow::new(days(names), from.parse().unwrap(), to.parse().unwrap()).unwrap()
}

/// An instant given as RFC 3339 without the fraction.
fn instant(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn contains_is_half_open_and_belongs_to_the_start_day() {
    // 2026-05-13 is a Wednesday.
    for (hours, local, expected) in [
        ("wed 09:00-17:00", "2026-05-13T08:59:59.999", false),
        ("wed 09:00-17:00", "2026-05-13T09:00:00", true),
        ("wed 09:00-17:00", "2026-05-13T16:59:59.999", true),
        ("wed 09:00-17:00", "2026-05-13T17:00:00", false),
        ("thu 09:00-17:00", "2026-05-13T12:00:00", false),
        ("wed 22:00-06:00", "2026-05-13T05:59:00", false),
        ("wed 22:00-06:00", "2026-05-13T22:00:00", true),
        ("wed 22:00-06:00", "2026-05-14T05:59:59.999", true),
        ("wed 22:00-06:00", "2026-05-14T06:00:00", false),
        ("wed 22:00-06:00", "2026-05-14T22:00:00", false),
        ("sun 22:00-06:00", "2026-05-11T05:00:00", true),
        ("wed 09:00-09:00", "2026-05-13T08:59:00", false),
        ("wed 09:00-09:00", "2026-05-13T09:00:00", true),
        ("wed 09:00-09:00", "2026-05-14T08:59:59.999", true),
        ("wed 09:00-09:00", "2026-05-14T09:00:00", false),
        ("wed 00:00-00:00", "2026-05-13T00:00:00", true),
        ("wed 00:00-00:00", "2026-05-13T23:59:59.999", true),
        ("wed 00:00-00:00", "2026-05-14T00:00:00", false),
    ] {
        let local: NaiveDateTime = local.parse().unwrap();
        assert_eq!(window(hours).contains(&local), expected, "{hours} {local}");
        assert_eq!(window(hours).contains_at(Tz::UTC, local.and_utc().into()), expected, "{hours} {local}");
    }
}

#[test]
fn first_moment_over_changing_clocks() {
    for (hours, zone, at, expected) in [
        // Inside: at once, to the millisecond. Outside: the start of the next window.
        ("wed 09:00-17:00", Tz::UTC, "2026-05-13T09:00:00.001Z", "2026-05-13T09:00:00.001Z"),
        ("wed 09:00-17:00", Tz::UTC, "2026-05-13T08:59:59.999Z", "2026-05-13T09:00:00.000Z"),
        ("wed 09:00-17:00", Tz::UTC, "2026-05-13T17:00:00Z", "2026-05-20T09:00:00.000Z"),
        ("mon 09:00-17:00", Tz::Asia__Kathmandu, "2026-05-13T00:00:00Z", "2026-05-18T03:15:00.000Z"),
        // New York, 2026-03-08: 01:59:59 EST is followed by 03:00:00 EDT.
        ("sun 02:30-04:00", Tz::America__New_York, "2026-03-08T05:00:00Z", "2026-03-08T07:00:00.000Z"),
        ("sun 02:00-03:00", Tz::America__New_York, "2026-03-08T05:00:00Z", "2026-03-15T06:00:00.000Z"),
        ("sun 02:00-03:00", Tz::America__New_York, "2026-03-08T06:59:59.999Z", "2026-03-15T06:00:00.000Z"),
        ("sun 03:00-04:00", Tz::America__New_York, "2026-03-08T05:00:00Z", "2026-03-08T07:00:00.000Z"),
        ("sun 09:00-10:00", Tz::America__New_York, "2026-03-08T05:00:00Z", "2026-03-08T13:00:00.000Z"),
        // New York, 2026-11-01: 01:59:59 EDT is followed by 01:00:00 EST.
        ("sun 01:00-02:00", Tz::America__New_York, "2026-11-01T05:59:59Z", "2026-11-01T05:59:59.000Z"),
        ("sun 01:15-01:45", Tz::America__New_York, "2026-11-01T05:45:00Z", "2026-11-01T06:15:00.000Z"),
        ("sun 01:00-01:30", Tz::America__New_York, "2026-11-01T05:30:00Z", "2026-11-01T06:00:00.000Z"),
        ("sun 02:00-03:00", Tz::America__New_York, "2026-11-01T05:00:00Z", "2026-11-01T07:00:00.000Z"),
        // Lord Howe, 2026-10-04: half an hour from 02:00 to 02:30; 2026-04-05: back from 02:00 to 01:30.
        ("sun 02:00-02:45", Tz::Australia__Lord_Howe, "2026-10-03T12:00:00Z", "2026-10-03T15:30:00.000Z"),
        ("sun 01:30-01:40", Tz::Australia__Lord_Howe, "2026-04-04T14:45:00Z", "2026-04-04T15:00:00.000Z"),
        // Apia had no Friday 2011-12-30.
        ("fri 09:00-17:00", Tz::Pacific__Apia, "2011-12-30T06:00:00Z", "2012-01-05T19:00:00.000Z"),
        ("thu 22:00-06:00", Tz::Pacific__Apia, "2011-12-30T10:00:00Z", "2012-01-05T08:00:00.000Z"),
        ("fri 22:00-06:00", Tz::Pacific__Apia, "2011-12-30T09:00:00Z", "2011-12-30T10:00:00.000Z"),
        // Gaza, 2040: summer time for 167 hours, the shortest time between two changes anywhere.
        ("sat 01:58-01:59", Tz::Asia__Gaza, "2040-10-19T23:59:00Z", "2040-10-26T22:58:00.000Z"),
        ("all 03:00-03:01", Tz::Asia__Gaza, "2040-10-19T12:00:00Z", "2040-10-20T00:00:00.000Z"),
    ] {
        let found = window(hours).first_moment(zone, instant(at));
        assert_eq!(
            found.to_string(),
            oracle(window(hours), zone, instant(at)).to_string(),
            "oracle: {hours} {zone} {at}"
        );
        assert_eq!(found.to_string(), expected, "{hours} {zone} {at}");
    }
}

#[test]
fn ends_at_the_ends_of_time() {
    for zone in [Tz::UTC, Tz::Pacific__Kiritimati, Tz::America__New_York, Tz::Pacific__Niue] {
        // 9999-12-31 is a Friday; an opening after it can not be represented.
        let (tuesday, always) = (window("tue 09:00-10:00"), window("all 00:00-00:00"));
        for at in [Timestamp::MAX, Timestamp::MAX.plus_millis(-1), Timestamp::MAX.plus_millis(-DAY_MS)] {
            assert_eq!(tuesday.first_moment(zone, at), Timestamp::MAX);
            assert_eq!(always.first_moment(zone, at), at);
        }
        assert_eq!(always.first_moment(zone, Timestamp::MIN), Timestamp::MIN);
        let found = tuesday.first_moment(zone, Timestamp::MIN);
        assert!(tuesday.contains_at(zone, found) && found.millis_since(Timestamp::MIN) < 7 * DAY_MS);
    }
}

#[test]
fn is_checked_json() {
    let json = r#"{"days":["mon","fri"],"from":"22:00","to":"06:00"}"#;
    let parsed: WeeklyWindow = serde_json::from_str(json).unwrap();
    assert_eq!(parsed, window("mon fri 22:00-06:00"));
    assert_eq!(serde_json::to_string(&parsed).unwrap(), json);
    assert_eq!(WeeklyWindow::new(Weekdays::NONE, parsed.from(), parsed.to()), Err(EmptyDays));
    for (bad, reason) in [
        (r#"{"days":[],"from":"22:00","to":"06:00"}"#, "a window needs at least one weekday"),
        (r#"{"days":["Mon"],"from":"22:00","to":"06:00"}"#, "`Mon` is not a weekday"),
        (r#"{"days":["mon"],"from":"24:00","to":"06:00"}"#, "`24:00` is not a time of day"),
        (r#"{"days":["mon"],"from":"22:00"}"#, "missing field `to`"),
    ] {
        let error = serde_json::from_str::<WeeklyWindow>(bad).unwrap_err().to_string();
        assert!(error.contains(reason), "{bad}: {error}");
    }
}

/// Whether one of the windows that began on this or the previous date contains the local time, as dates and times.
fn naive_contains(window: WeeklyWindow, local: NaiveDateTime) -> bool {
    [0, 1].into_iter().any(|back| {
        let date = local.date() - Days::new(back);
        let from = date.and_time(window.from().to_naive());
        let ends_on = if window.to() <= window.from() { date + Days::new(1) } else { date };
        window.days().contains(date.weekday()) && from <= local && local < ends_on.and_time(window.to().to_naive())
    })
}

/// `at`, or the first full minute after it whose local time is inside. Since 1972 clocks change at full minutes only.
fn oracle(window: WeeklyWindow, zone: Tz, at: Timestamp) -> Timestamp {
    let inside = |ms: &i64| {
        let utc = DateTime::<Utc>::from_timestamp_millis(*ms).unwrap().naive_utc();
        naive_contains(window, zone.from_utc_datetime(&utc).naive_local())
    };
    let next = (at.as_millis().div_euclid(MINUTE_MS) + 1) * MINUTE_MS;
    let found = std::iter::once(at.as_millis()).chain((next..).step_by(60_000)).find(inside);
    Timestamp::from_millis(found.unwrap())
}

const ZONES: [Tz; 19] = [
    Tz::UTC,
    Tz::America__New_York,
    Tz::America__St_Johns,
    Tz::America__Havana,
    Tz::America__Asuncion,
    Tz::America__Santiago,
    Tz::America__Recife,
    Tz::Europe__London,
    Tz::Europe__Dublin,
    Tz::Africa__Casablanca,
    Tz::Africa__Cairo,
    Tz::Asia__Gaza,
    Tz::Asia__Kolkata,
    Tz::Asia__Kathmandu,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Chatham,
    Tz::Pacific__Apia,
    Tz::Pacific__Kiritimati,
    Tz::Antarctica__Troll,
];

/// The days between 1995 and 2045 on which the clocks of a zone change, some day if they never do.
fn changes(zone: Tz) -> Vec<i64> {
    let day = |n: i64| DateTime::<Utc>::from_timestamp_millis(n * DAY_MS).unwrap();
    let local = |n: i64| zone.from_utc_datetime(&day(n).naive_utc()).naive_local();
    let found: Vec<i64> = (9_131..27_394).filter(|n| local(n + 1) - local(*n) != day(n + 1) - day(*n)).collect();
    if found.is_empty() { vec![20_000] } else { found }
}

/// A zone and an instant up to a week before, or up to two days after, the start of a day on which its clocks change.
fn around_a_change() -> impl Strategy<Value = (Tz, Timestamp)> {
    let all: Vec<(Tz, i64)> =
        ZONES.iter().flat_map(|zone| changes(*zone).into_iter().map(|day| (*zone, day))).collect();
    let offset = prop_oneof![
        -7 * 24 * 60..2 * 24 * 60i64,
        -12 * 60..36 * 60i64,
        (-24..48i64).prop_map(|hours| hours * HOUR_MS / MINUTE_MS),
    ];
    (prop::sample::select(all), offset, prop_oneof![3 => Just(0), 1 => 0..MINUTE_MS])
        .prop_map(|((zone, day), minutes, ms)| (zone, Timestamp::from_millis(day * DAY_MS + minutes * MINUTE_MS + ms)))
}

fn any_window() -> impl Strategy<Value = WeeklyWindow> {
    let time = || {
        let minutes = prop_oneof![0..MINUTES_PER_DAY, 0..240u16, (0..96u16).prop_map(|quarter| quarter * 15)];
        minutes.prop_map(|minutes| TimeOfDay::from_minutes(minutes).unwrap())
    };
    let length = prop_oneof![Just(0), 1..90u16, 0..MINUTES_PER_DAY];
    (1..128u8, time(), length).prop_map(|(mask, from, length)| {
        let days = Weekdays::ALL.iter().enumerate().filter(|(n, _)| mask & 1 << n != 0).map(|(_, day)| day).collect();
        let to = TimeOfDay::from_minutes((from.minutes() + length) % MINUTES_PER_DAY).unwrap();
        WeeklyWindow::new(days, from, to).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_oracle(window in any_window(), (zone, at) in around_a_change()) {
        let local = at.local(zone);
        prop_assert_eq!(window.contains(&local), naive_contains(window, local.naive_local()));
        prop_assert_eq!(window.contains_at(zone, at), window.contains(&local));
        prop_assert_eq!(window.first_moment(zone, at), oracle(window, zone, at), "{} {} {}", zone, at, local);
    }

    #[test]
    fn terminates_inside_or_at_the_end(window in any_window(), zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
                                       at in prop_oneof![any::<i64>(), -3_000_000_000_000..3_000_000_000_000i64]) {
        let at = Timestamp::from_millis(at);
        let found = window.first_moment(zone, at);
        prop_assert!(found >= at && (found == Timestamp::MAX || window.contains_at(zone, found)));
        prop_assert_eq!(window.first_moment(zone, found), found);
        // Nothing inside just before, also in the days of local mean time with its odd seconds.
        prop_assert!(found == at || found == Timestamp::MAX || !window.contains_at(zone, found.plus_millis(-1)));
    }
}
