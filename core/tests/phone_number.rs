//! Strict numbers: syntax, levels, regions, texts. Every past crash or false answer of a library is a row here.

use proptest::prelude::*;
use splitter_core::phone::{AllowedRegions, PhoneError, PhoneLevel, PhoneNumber, PhonePolicy, PhoneType, Region};

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn region(text: &str) -> Option<&'static str> {
    number(text).region().map(Region::as_str)
}

#[test]
fn texts_that_are_no_numbers() {
    let rows = [
        ("", "the phone number is empty"),
        ("15551234567", "`15551234567` does not begin with `+`"),
        (" +15551234567", "` +15551234567` does not begin with `+`"),
        ("+", "`+` is no phone number"),
        ("+05551234567", "`+05551234567` begins with 0"),
        ("+0", "`+0` begins with 0"),
        ("++12125550123", "`++12125550123` contains `+`"),
        ("+1212555O123", "`+1212555O123` contains `O`"),
        ("+12125550123\0", "`+12125550123\\0` contains `\\0`"),
        ("+1 555 123 4567", "`+1 555 123 4567` contains ` `"),
        ("+1555123456\u{0667}", "contains `\u{0667}`"),
        ("\u{ff0b}15551234567", "does not begin with `+`"),
        ("+1555123456;ext=7", "contains `;`"),
        ("+1234567890123456", "`+1234567890123456` has 16 digits; a phone number has at most 15"),
        // Texts that made parsers of other libraries panic.
        (".;phone-context=", "`.;phone-context=` does not begin with `+`"),
        ("+dwPAA;phone-context=AA", "contains `d`"),
        ("+\u{1f4de}", "contains `\u{1f4de}`"),
    ];
    for (text, message) in rows {
        let error = PhoneNumber::parse(text).expect_err(text).to_string();
        assert!(error.contains(message), "{text:?}: {error}");
        assert!(!error.ends_with('.') && error.starts_with(|c: char| !c.is_uppercase()), "{error}");
    }
}

#[test]
fn messages_stay_small_on_hostile_text() {
    for text in ["+".to_owned() + &"9".repeat(100_000), "\u{202e}".repeat(50_000), "\0".repeat(1_000_000)] {
        let error = PhoneNumber::parse(&text).unwrap_err().to_string();
        assert!(error.chars().count() < 200, "{error}");
        assert!(!error.contains(['\0', '\u{202e}']), "{error:?}");
    }
}

#[test]
fn possible_and_valid() {
    let rows = [
        ("+15551234567", true, false, PhoneType::Unknown),
        ("+11234567890", true, false, PhoneType::Unknown),
        ("+15551234", false, false, PhoneType::Unknown),
        ("+12125550123", true, true, PhoneType::FixedLineOrMobile),
        ("+18005550123", true, true, PhoneType::TollFree),
        ("+41446681800", true, true, PhoneType::FixedLine),
        ("+447400123456", true, true, PhoneType::Mobile),
        ("+4402079460000", false, false, PhoneType::Unknown),
        ("+80012345678", true, true, PhoneType::TollFree),
        ("+999123456789", false, false, PhoneType::Unknown),
        ("+1", false, false, PhoneType::Unknown),
        ("+44", false, false, PhoneType::Unknown),
        ("+4", false, false, PhoneType::Unknown),
        ("+999999999999999", false, false, PhoneType::Unknown),
    ];
    for (text, possible, valid, kind) in rows {
        let number = number(text);
        assert_eq!((number.is_possible(), number.is_valid(), number.kind()), (possible, valid, kind), "{text}");
    }
}

#[test]
fn regions_that_share_a_calling_code() {
    let rows = [
        ("+12125550123", Some("US")),
        ("+14165550123", Some("CA")),
        ("+18765550123", Some("JM")),
        ("+442079460000", Some("GB")),
        ("+441481960194", Some("GG")),
        ("+441534456789", Some("JE")),
        ("+441624756789", Some("IM")),
        ("+77012345678", Some("KZ")),
        ("+74951234567", Some("RU")),
        ("+390669812345", Some("VA")),
        ("+390612345678", Some("IT")),
        ("+80012345678", Some("001")),
        ("+15551234567", None),
        ("+1", None),
        ("+999", None),
    ];
    for (text, expected) in rows {
        assert_eq!(region(text), expected, "{text}");
    }
}

#[test]
fn allowed_regions() {
    let rows: [(&[&str], &str, bool); 22] = [
        (&["US"], "+12125550123", true),
        (&["US"], "+14165550123", false),
        (&["CA"], "+14165550123", true),
        (&["CA"], "+12125550123", false),
        (&["+1"], "+12125550123", true),
        (&["+1"], "+442079460000", false),
        // Not valid, and no area code tells them apart.
        (&["US"], "+15551234567", true),
        (&["CA"], "+15551234567", true),
        (&["CA"], "+11234567890", true),
        (&["JM"], "+15551234567", false),
        (&["DE", "GB"], "+15551234567", false),
        // Not valid, but the area code is one of the United States.
        (&["US"], "+12121234567", true),
        (&["CA"], "+12121234567", false),
        // Toll-free numbers are common to all of North America.
        (&["CA"], "+18005550123", true),
        (&["GB"], "+441481960194", false),
        (&["GG"], "+441481960194", true),
        (&["+44"], "+441481960194", true),
        (&["KZ"], "+74951234567", false),
        (&["IT"], "+390669812345", false),
        (&["001"], "+80012345678", true),
        (&["DE", "+49", "+1"], "+12125550123", true),
        (&["DE"], "+4930123456", true),
    ];
    for (allowed, text, accepted) in rows {
        let policy = PhonePolicy { allowed: Some(AllowedRegions::parse(allowed).unwrap()), ..PhonePolicy::default() };
        assert_eq!(policy.check(text).is_ok(), accepted, "{allowed:?} {text}: {:?}", policy.check(text));
    }
}

#[test]
fn an_allowed_list_is_checked_and_printed() {
    let allowed = AllowedRegions::parse(["+44", "us", "CA", "US"]).unwrap();
    assert_eq!(allowed.to_string(), "+44, US, CA");
    assert_eq!(serde_json::to_string(&allowed).unwrap(), r#"["+44","US","CA"]"#);
    assert_eq!(serde_json::from_str::<AllowedRegions>(r#"["+44","us","CA","+44"]"#).unwrap(), allowed);
    assert_eq!(AllowedRegions::parse(allowed.iter().map(|entry| entry.to_string())).unwrap(), allowed);
    let rows = [
        ("ZZ", "`ZZ` is no region"),
        ("", "`` is no region"),
        ("44", "`44` is no region"),
        ("+999", "`+999` is no country calling code"),
        ("+", "`+` is no country calling code"),
        ("+044", "`+044` is no country calling code"),
        ("+44 ", "`+44 ` is no country calling code"),
        ("+1242", "`+1242` is no country calling code"),
        ("U\0", "`U\\0` is no region"),
    ];
    for (entry, message) in rows {
        let error = AllowedRegions::parse(["US", entry]).expect_err(entry).to_string();
        assert!(error.contains(message), "{entry:?}: {error}");
    }
    assert!(AllowedRegions::parse::<[&str; 0]>([]).unwrap_err().to_string().contains("is empty"));
    assert!(serde_json::from_str::<AllowedRegions>(r#"["US","Narnia"]"#).is_err());
}

#[test]
fn refusals_say_what_to_do() {
    let possible = PhonePolicy::default();
    let valid = PhonePolicy { level: PhoneLevel::Valid, allowed: None };
    let german = PhonePolicy { allowed: Some(AllowedRegions::parse(["DE", "+43"]).unwrap()), ..PhonePolicy::default() };
    let message = |policy: &PhonePolicy, text: &str| policy.check(text).unwrap_err().to_string();
    assert_eq!(
        message(&possible, "+155512345678"),
        "`+155512345678` has 11 digits after the country calling code `+1`; possible are 10 digits"
    );
    assert!(message(&possible, "+49").contains("0 digits after the country calling code `+49`"));
    assert!(message(&possible, "+15551234").contains("can be dialled only locally"));
    for (text, without) in [("+4402079460000", "+442079460000"), ("+112125550123", "+12125550123")] {
        assert!(message(&possible, text).ends_with(&format!("write `{without}`")), "{text}");
    }
    assert!(message(&possible, "+9991234567").contains("begins with no country calling code that is in use"));
    assert!(message(&valid, "+15551234567").contains("is in no range of numbers that is assigned"));
    assert_eq!(message(&german, "+15551234567"), "`+15551234567` is outside the allowed regions; allowed are DE, +43");
    let syntax = PhonePolicy { level: PhoneLevel::Syntax, allowed: None };
    assert!(syntax.check("+999").is_ok());
    assert!(matches!(syntax.check("999"), Err(PhoneError::NoPlus(_))));
}

#[test]
fn serde_is_the_text() {
    let number = number("+15551234567");
    assert_eq!(serde_json::to_string(&number).unwrap(), r#""+15551234567""#);
    assert_eq!(serde_json::from_str::<PhoneNumber>(r#""\u002b15551234567""#).unwrap(), number);
    assert!(serde_json::from_str::<PhoneNumber>("15551234567").is_err());
    assert!(serde_json::from_str::<PhoneNumber>(r#""15551234567""#).is_err());
    assert_eq!(format!("{number:?}"), "PhoneNumber(+15551234567)");
}

#[test]
fn it_is_small() {
    assert_eq!(size_of::<PhoneNumber>(), 8);
    assert_eq!(size_of::<Option<PhoneNumber>>(), 8);
}

proptest! {
    #[test]
    fn what_is_read_is_printed(text in "\\+[1-9][0-9]{0,14}") {
        let number = number(&text);
        prop_assert_eq!(number.to_string(), &text[..]);
        prop_assert_eq!(PhoneNumber::from_u64(number.as_u64()), Some(number));
        prop_assert_eq!(number.digit_count(), text.len() - 1);
    }

    #[test]
    fn nothing_else_is_read(text in "\\PC{0,20}|\\+?[0-9 +]{0,18}") {
        let strict = text.strip_prefix('+').is_some_and(|digits| {
            (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
        });
        prop_assert_eq!(PhoneNumber::parse(&text).is_ok(), strict);
    }

    #[test]
    fn questions_agree_with_each_other(digits in 1u64..1_000_000_000_000_000) {
        let number = PhoneNumber::from_u64(digits).unwrap();
        prop_assert_eq!(number.is_valid(), number.kind() != PhoneType::Unknown);
        if let Some(region) = number.region() {
            prop_assert!(number.may_belong_to(region));
        }
        if let (Some(code), Some(national)) = (number.country_code(), number.national_number()) {
            prop_assert_eq!(format!("+{code}{national}"), number.to_string());
        } else {
            prop_assert!(!number.is_possible());
        }
    }
}

#[test]
fn integers_out_of_range() {
    assert_eq!(PhoneNumber::from_u64(0), None);
    assert_eq!(PhoneNumber::from_u64(1_000_000_000_000_000), None);
    assert_eq!(PhoneNumber::from_u64(u64::MAX), None);
    assert_eq!(PhoneNumber::from_u64(999_999_999_999_999).unwrap().to_string(), "+999999999999999");
}
