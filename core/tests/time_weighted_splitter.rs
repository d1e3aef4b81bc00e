//! A time-weighted splitter, through the same commands that the API uses, at every minute of the days on which clocks change.
#![cfg(feature = "conformance")]

use chrono_tz::Tz;
use splitter_core::{
    MemoryStore, PhoneNumber, Reply, SplitterDraft, Target, Timestamp, WeeklyWindow,
    conformance::World,
    splitter::{Overflow, ReturningContacts, ShareWindow, Strategy},
    time::{MINUTE_MS, weekday_from_name},
};

/// The in-memory store is never pending, so polling once is enough.
fn ready<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the in-memory store waits for nothing"),
    }
}

/// A Sunday in the splitter's zone: its first instant, and the minutes, counted from there, in which the window from 01:30 to 02:30
/// holds, the last one excluded.
struct Day {
    zone: Tz,
    midnight: &'static str,
    minutes: i64,
    inside: &'static [(i64, i64)],
}

const DAYS: [Day; 6] = [
    // Winter, and no change.
    Day { zone: Tz::America__New_York, midnight: "2026-01-11T05:00:00Z", minutes: 1_440, inside: &[(90, 150)] },
    // From 02:00 to 03:00: what the clocks skip is not there.
    Day { zone: Tz::America__New_York, midnight: "2026-03-08T05:00:00Z", minutes: 1_380, inside: &[(90, 120)] },
    // From 02:00 back to 01:00: 01:30 to 02:00 comes twice.
    Day {
        zone: Tz::America__New_York,
        midnight: "2026-11-01T04:00:00Z",
        minutes: 1_500,
        inside: &[(90, 120), (150, 210)],
    },
    Day { zone: Tz::Australia__Lord_Howe, midnight: "2026-01-10T13:00:00Z", minutes: 1_440, inside: &[(90, 150)] },
    // From 02:00 back to 01:30, by half an hour: 01:30 to 02:00 comes twice, without a pause.
    Day { zone: Tz::Australia__Lord_Howe, midnight: "2026-04-04T13:00:00Z", minutes: 1_470, inside: &[(90, 180)] },
    // From 02:00 to 02:30: the second half of the window is not there.
    Day { zone: Tz::Australia__Lord_Howe, midnight: "2026-10-03T13:30:00Z", minutes: 1_410, inside: &[(90, 120)] },
];

#[test]
fn every_minute_of_the_days_on_which_clocks_change() {
    for (number, day) in (1_u64..).zip(&DAYS) {
        ready(all_day(number, day));
    }
}

async fn all_day(seed: u64, day: &Day) {
    let store = MemoryStore::new();
    let mut world = World::new(&store, seed).await.expect("an admin");
    for name in ["Inside", "Outside"] {
        world.create_campaign(name, false).await.expect("a campaign");
    }
    let sunday = [weekday_from_name("sun").expect("a day")].into_iter().collect();
    let window = WeeklyWindow::new(sunday, "01:30".parse().expect("time"), "02:30".parse().expect("time"));
    let percentages_bp = vec![(world.campaigns["Inside"], 10_000)];
    let draft = SplitterDraft {
        name: "S".into(),
        timezone: day.zone,
        strategy: Strategy::TimeWeighted {
            windows: vec![ShareWindow { window: window.expect("a window"), percentages_bp }],
        },
        campaigns: vec![world.member("Inside", 0), world.member("Outside", 10_000)],
        overflow: Overflow::NextEligible,
        returning_contacts: ReturningContacts::Redistribute,
    };
    let midnight: Timestamp = day.midnight.parse().expect("an instant");
    world.now = midnight.plus_millis(-MINUTE_MS);
    world.create_splitter_from(draft).await.expect("a splitter");
    let target = Target::Splitter(world.splitters["S"]);
    for minute in 0..day.minutes {
        // The first second of the minute and its last one; each command comes a second after what was set.
        for (half, second) in [(0, 0), (1, 59)] {
            world.now = midnight.plus_millis(minute * MINUTE_MS + (second - 1) * 1_000);
            let phone = PhoneNumber::from_u64(15_550_000_000 + (2 * minute + half).unsigned_abs()).expect("a number");
            let plan = world.enroll(world.request(phone, target)).await.expect("a decision");
            let Reply::Enrolled(enrolled) = plan.reply else { panic!("an enrolment answers with the contact") };
            let inside = day.inside.iter().any(|(from, to)| (*from..*to).contains(&minute));
            let expected = if inside { "Inside" } else { "Outside" };
            let chosen = world.campaign_name(enrolled.contact.campaign_id);
            assert_eq!(chosen, Some(expected), "{} minute {minute} after {}", day.zone, day.midnight);
        }
    }
}
