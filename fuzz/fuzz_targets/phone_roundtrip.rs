//! Strict numbers: whatever is read is printed as it was and read again; every question has an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use splitter_core::phone::{AllowedRegions, PhoneLevel, PhoneNumber, PhonePolicy, PhoneType, zone};

fuzz_target!(|text: &str| {
    match PhoneNumber::parse(text) {
        Ok(number) => {
            assert_eq!(number.to_string(), text);
            assert_eq!(PhoneNumber::parse(&number.to_string()), Ok(number));
            assert_eq!(PhoneNumber::from_u64(number.as_u64()), Some(number));
            assert_eq!(number.is_valid(), number.kind() != PhoneType::Unknown);
            if let Some(region) = number.region() {
                assert!(number.may_belong_to(region));
            }
            let zone = zone::time_zone(number, None);
            assert!(zone == zone::DEFAULT || zone::candidates(number).len() > 0);
        }
        Err(error) => assert!(error.to_string().chars().count() < 250),
    }
    // The text as a list of regions, and policies with that list.
    let allowed = AllowedRegions::parse(text.split(',')).ok();
    if let Some(allowed) = &allowed {
        assert_eq!(AllowedRegions::parse(allowed.iter().map(|entry| entry.to_string())).as_ref(), Ok(allowed));
    }
    for level in [PhoneLevel::Syntax, PhoneLevel::Possible, PhoneLevel::Valid] {
        let policy = PhonePolicy { level, allowed: allowed.clone() };
        if let Err(error) = policy.check(text) {
            assert!(!error.to_string().is_empty());
        }
        assert!(policy.check_number(PhoneNumber::parse("+12125550123").unwrap()).is_ok() || policy.allowed.is_some());
    }
});
