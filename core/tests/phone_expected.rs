//! Our answers against those of the Python port of libphonenumber, at equal metadata, on the strings of
//! `phone/expected.py`.

#[path = "phone/expected.rs"]
mod expected;

use expected::{Expected, suite};
use splitter_core::phone::{PhoneNumber, PhoneType, Region, lenient};
use std::collections::BTreeSet;

fn answer(number: PhoneNumber) -> Expected {
    Expected {
        possible: number.is_possible(),
        valid: number.is_valid(),
        local_only: number.is_local_only(),
        kind: number.kind(),
        region: number.region().map(|region| region.to_string()),
    }
}

#[test]
fn no_answer_differs() {
    let suite = suite();
    assert_eq!(suite.version, "9.0.33", "the metadata version of data/phone/numbers.bin");
    assert!(suite.rows.len() >= 100_000);
    let different: Vec<String> = suite
        .rows
        .iter()
        .filter(|row| answer(row.number) != row.expected)
        .map(|row| format!("{}: ours {:?}, the port's {:?}", row.number, answer(row.number), row.expected))
        .collect();
    assert!(
        different.is_empty(),
        "{} differ, such as\n{}",
        different.len(),
        different[..different.len().min(20)].join("\n")
    );
}

#[test]
fn the_strings_cover_every_region_and_type() {
    let suite = suite();
    let regions: BTreeSet<&str> = suite.rows.iter().filter_map(|row| row.expected.region.as_deref()).collect();
    // libphonenumber never says `EH`: its numbers begin with the leading digits of Morocco, which it tries first.
    let missing: Vec<String> = Region::all().map(|r| r.to_string()).filter(|r| !regions.contains(&r[..])).collect();
    assert_eq!(missing, ["EH"]);
    let kinds: BTreeSet<PhoneType> = suite.rows.iter().map(|row| row.expected.kind).collect();
    assert_eq!(kinds.len(), 12);
    let count = |wanted: &dyn Fn(&Expected) -> bool| suite.rows.iter().filter(|row| wanted(&row.expected)).count();
    assert!(
        count(&|e| e.valid) > 30_000 && count(&|e| e.possible && !e.valid) > 10_000 && count(&|e| !e.possible) > 30_000
    );
}

#[test]
fn the_lenient_parser_rewrites_as_the_port_does() {
    let suite = suite();
    let rewritten: Vec<_> = suite.rows.iter().filter_map(|row| Some((row.number, row.rewritten?))).collect();
    assert!(rewritten.len() > 2_000);
    for (written, rewritten) in rewritten {
        let read = lenient::parse(&written.to_string(), None);
        if rewritten.is_possible() {
            assert_eq!(read.map(|read| read.number), Ok(rewritten), "{written}");
        } else {
            assert!(read.is_err(), "{written}: {read:?}");
        }
    }
    // All others are read as they are written, if they are possible.
    for row in suite.rows.iter().filter(|row| row.rewritten.is_none() && row.expected.possible) {
        let read = lenient::parse(&row.number.to_string(), None);
        assert_eq!(read.map(|read| read.number), Ok(row.number));
    }
}

#[test]
fn the_lenient_parser_reads_what_the_port_reads() {
    let mut more = 0;
    for line in include_str!("phone/lenient.tsv").lines() {
        let [region, text, digits] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let read = lenient::parse(text, region.parse().ok());
        match &read {
            Ok(read) if digits.is_empty() => {
                // `00` and `011` are understood in every region where the text makes no number otherwise.
                assert!(text.starts_with("00") || text.starts_with("011"), "{line}: {read:?}");
                more += 1;
            }
            Ok(read) => assert_eq!(read.number.to_string()[1..], *digits, "{line}"),
            Err(error) => assert!(digits.is_empty(), "{line}: {error}"),
        }
    }
    assert!((1..300).contains(&more), "{more}");
}
