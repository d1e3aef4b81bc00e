//! Time zones of numbers.

use chrono_tz::Tz;
use splitter_core::phone::{PhoneNumber, zone};

fn time_zone(text: &str, admin: Option<Tz>) -> Tz {
    zone::time_zone(text.parse().unwrap(), admin)
}

#[test]
fn the_rules() {
    let berlin = Some(Tz::Europe__Berlin);
    let rows = [
        // The two examples of the API's reference.
        ("+15551234567", None, Tz::America__New_York),
        ("+11234567890", None, Tz::America__New_York),
        // One zone: that one, whoever asks.
        ("+13125550123", None, Tz::America__Chicago),
        ("+12135550123", berlin, Tz::America__Los_Angeles),
        ("+4930123456", None, Tz::Europe__Berlin),
        ("+4915112345678", None, Tz::Europe__Berlin),
        ("+919876543210", None, Tz::Asia__Calcutta),
        ("+18765550123", None, Tz::America__Jamaica),
        ("+81312345678", None, Tz::Asia__Tokyo),
        // Not valid, but the prefix is known.
        ("+13121234567", None, Tz::America__Chicago),
        // Several: the admin's own if it is among them.
        ("+15551234567", Some(Tz::America__Los_Angeles), Tz::America__Los_Angeles),
        ("+15005550123", Some(Tz::Pacific__Honolulu), Tz::Pacific__Honolulu),
        ("+61855123456", Some(Tz::Australia__Adelaide), Tz::Australia__Adelaide),
        // Several, but not the admin's own: the region's principal one.
        ("+15551234567", berlin, Tz::America__New_York),
        ("+61855123456", berlin, Tz::Australia__Perth),
        ("+34612345678", berlin, Tz::Europe__Madrid),
        ("+447400123456", berlin, Tz::Europe__London),
        ("+393123456789", berlin, Tz::Europe__Rome),
        ("+77710009998", berlin, Tz::Asia__Almaty),
        ("+3531234567", berlin, Tz::Europe__Dublin),
        // The principal one is not among them: the next of the region that is.
        ("+12082000000", berlin, Tz::America__Boise),
        // Toll-free, of no place, or unknown: the admin's own.
        ("+18005550123", berlin, Tz::Europe__Berlin),
        ("+18005550123", None, zone::DEFAULT),
        ("+80012345678", berlin, Tz::Europe__Berlin),
        ("+8005", None, zone::DEFAULT),
        ("+999", berlin, Tz::Europe__Berlin),
        ("+9", None, zone::DEFAULT),
    ];
    for (text, admin, expected) in rows {
        assert_eq!(time_zone(text, admin), expected, "{text} for {admin:?}");
    }
}

#[test]
fn candidates_are_those_of_the_python_port() {
    let mut rows = 0;
    for line in include_str!("phone/zones.tsv").lines() {
        let (digits, zones) = line.split_once('\t').unwrap();
        let number: PhoneNumber = format!("+{digits}").parse().unwrap();
        let names: Vec<&str> = zone::candidates(number).map(Tz::name).collect();
        assert_eq!(names.join(","), zones, "{number}");
        assert!(zones.is_empty() || names.iter().all(|name| name.parse::<Tz>().is_ok()), "{zones}");
        rows += 1;
    }
    assert_eq!(rows, 2_000);
}
