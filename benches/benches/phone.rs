//! Phone numbers against `phonenumber` and `rlibphonenumber`: `cargo bench -p splitter-benches --bench phone`.

use splitter_benches::process;
use splitter_benches::rounds::{Contender, Outcome, median, run};
use splitter_core::phone::{PhoneLevel, PhoneNumber, PhonePolicy, Region, lenient, zone};
use std::hint::black_box;
use std::time::Instant;

const NUMBERS: usize = 1_000;
/// Of the mixed numbers so many are North American, as in many lists of contacts.
const NORTH_AMERICAN: usize = 296;
const ROUNDS: usize = 200;
/// Rounds of the crate that takes milliseconds per number.
const SLOW_ROUNDS: usize = 5;
/// Processes in which a first call is measured.
const FIRST_CALLS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "first-call") {
        first_call(arguments.get(at + 1).map_or("", |library| library));
        return;
    }
    let mixed = numbers(NORTH_AMERICAN);
    let us = numbers(NUMBERS);
    table("1,000 valid numbers of all regions, 296 of them +1", &mixed);
    table("1,000 valid numbers of the United States and Canada", &us);
    first_calls();
}

/// Valid numbers: `north_american` ones of the United States and Canada, the others of all other calling codes.
fn numbers(north_american: usize) -> Vec<String> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut seeds: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    for region in Region::all() {
        let Some(code) = region.country_code() else { continue };
        let Some(meta) = phonenumber::metadata::DATABASE.by_id(region.as_str()) else { continue };
        let all = meta.descriptors();
        let american = ["US", "CA"].contains(&region.as_str());
        if code == 1 && !american {
            continue;
        }
        for desc in [all.fixed_line(), all.mobile()].into_iter().flatten() {
            seeds[usize::from(american)].extend(desc.example().map(|example| format!("+{code}{example}")));
        }
    }
    // The crate's examples have one area code each; all that are assigned are wanted.
    seeds[1].extend((200..1_000).map(|area| format!("+1{area}5550123")));
    seeds[1].retain(|text| text.parse::<PhoneNumber>().is_ok_and(PhoneNumber::is_valid));
    let mut made = Vec::new();
    while made.len() < NUMBERS {
        let seeds = &seeds[usize::from(made.len() < north_american)];
        let mut text = seeds[random.below(seeds.len())].clone().into_bytes();
        let last = text.len() - 4;
        for byte in &mut text[last..] {
            *byte = b"0123456789"[random.below(10)];
        }
        let text = String::from_utf8(text).unwrap_or_default();
        if text.parse::<PhoneNumber>().is_ok_and(PhoneNumber::is_valid) {
            made.push(text);
        }
    }
    for n in (1..made.len()).rev() {
        made.swap(n, random.below(n + 1));
    }
    made
}

/// A small generator with a fixed seed, so that every run has the same numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or_default()
    }
}

/// The check that everybody writes by hand: the yardstick for `Possible`.
fn hand_check(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (1..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn count(numbers: &[String], accepts: impl Fn(&str) -> bool) -> usize {
    numbers.iter().filter(|number| black_box(accepts(black_box(number)))).count()
}

fn table(title: &str, numbers: &[String]) {
    let level = |level| PhonePolicy { level, allowed: None };
    let (possible, valid) = (level(PhoneLevel::Possible), level(PhoneLevel::Valid));
    let contenders = vec![
        Contender::new("hand check of the syntax", ROUNDS, || count(numbers, hand_check)),
        Contender::new("splitter-core, Possible", ROUNDS, || count(numbers, |text| possible.check(text).is_ok())),
        Contender::new("splitter-core, Valid", ROUNDS, || count(numbers, |text| valid.check(text).is_ok())),
        Contender::new("splitter-core, lenient parser", ROUNDS, || {
            count(numbers, |text| lenient::parse(text, None).is_ok())
        }),
        Contender::new("splitter-core, Possible and time zone", ROUNDS, || {
            count(numbers, |text| {
                possible.check(text).is_ok_and(|number| black_box(zone::time_zone(number, None)) != chrono_tz::UTC)
            })
        }),
        Contender::new("rlibphonenumber, is_possible", ROUNDS / 4, || {
            count(numbers, |text| {
                text.parse().is_ok_and(|number: rlibphonenumber::PhoneNumber| number.is_possible_with_reason().is_ok())
            })
        }),
        Contender::new("rlibphonenumber, is_valid", ROUNDS / 4, || {
            count(numbers, |text| text.parse().is_ok_and(|number: rlibphonenumber::PhoneNumber| number.is_valid()))
        }),
        Contender::new("phonenumber, is_valid", SLOW_ROUNDS, || {
            count(numbers, |text| phonenumber::parse(None, text).is_ok_and(|number| number.is_valid()))
        }),
    ];
    let outcomes = run(contenders, numbers.len());
    let nanos =
        |name: &str| outcomes.iter().find(|outcome| outcome.name == name).map_or(f64::NAN, |outcome| outcome.fastest);
    let hand = nanos("hand check of the syntax");
    let (possible, valid) = (nanos("splitter-core, Possible"), nanos("splitter-core, Valid"));
    println!("\n{title}\n");
    println!("| parse and check | ns, median round | ns, fastest | × hand check | × our Valid | accepted |");
    println!("|---|--:|--:|--:|--:|--:|");
    for Outcome { name, nanos, fastest, succeeded } in &outcomes {
        let (to_hand, to_valid) = (fastest / hand, fastest / valid);
        println!("| {name} | {nanos:.1} | {fastest:.1} | {to_hand:.2} | {to_valid:.2} | {succeeded} |");
    }
    let peer = nanos("rlibphonenumber, is_valid") / valid;
    let crate_ratio = nanos("phonenumber, is_valid") / valid;
    println!(
        "\nBy the fastest rounds: Possible = {:.2} × the hand check (goal ≤ 10); Valid is {peer:.0} × faster than rlibphonenumber (goal ≥ 5) \
         and {crate_ratio:.0} × faster than phonenumber (goal ≥ 1,000 on mixed countries)",
        possible / hand
    );
}

const LIBRARIES: [&str; 4] = ["none", "splitter-core", "rlibphonenumber", "phonenumber"];

/// In a process of its own: times the first number, then validates a few more, and prints microseconds and KiB.
fn first_call(library: &str) {
    let texts = ["+442079460018", "+12125550123", "+4915112345678", "+819012345678", "+5511961234567", "+919876543210"];
    let validate = |text: &str| match library {
        "splitter-core" => text
            .parse()
            .is_ok_and(|number: PhoneNumber| number.is_valid() && zone::time_zone(number, None) != chrono_tz::UTC),
        "rlibphonenumber" => text.parse().is_ok_and(|number: rlibphonenumber::PhoneNumber| number.is_valid()),
        "phonenumber" => phonenumber::parse(None, text).is_ok_and(|number| number.is_valid()),
        _ => hand_check(text),
    };
    let start = Instant::now();
    let first = black_box(validate(black_box(texts[0])));
    let micros = start.elapsed().as_nanos() as f64 / 1_000.0;
    let more = texts[1..].iter().filter(|text| validate(text)).count();
    assert!(first && more == texts.len() - 1, "{library} refuses a valid number");
    if library == "splitter-core" {
        // All of our table, so that no page of it is left out.
        for code in 1..1_000u64 {
            for rest in 0..1_000 {
                black_box(
                    PhoneNumber::from_u64(code * 1_000_000_000 + rest * 997_003).is_some_and(PhoneNumber::is_valid),
                );
            }
        }
    }
    println!("{micros} {}", process::peak_memory_kib().unwrap_or_default());
}

fn first_calls() {
    println!("\nFirst call and peak resident memory, each in a process of its own that only validates\n");
    println!("| library | first call, ms (median of {FIRST_CALLS}) | peak resident, MB |");
    println!("|---|--:|--:|");
    for library in LIBRARIES {
        let runs: Vec<(f64, f64)> = (0..FIRST_CALLS)
            .filter_map(|_| {
                let printed = process::again(&["first-call", library])?;
                let (micros, kib) = printed.split_once(' ')?;
                Some((micros.parse().ok()?, kib.parse().ok()?))
            })
            .collect();
        let mut millis: Vec<f64> = runs.iter().map(|(micros, _)| micros / 1_000.0).collect();
        let mut memory: Vec<f64> = runs.iter().map(|(_, kib)| kib * 1_024.0 / 1e6).collect();
        println!("| {library} | {:.4} | {:.1} |", median(&mut millis), median(&mut memory));
    }
}
