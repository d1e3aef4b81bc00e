//! The lenient parser: it never panics, what it reads is possible, and reading that again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use splitter_core::phone::{PhoneNumber, Region, lenient};

fuzz_target!(|input: (u8, &str)| {
    let (region, text) = input;
    let region = Region::all().nth(usize::from(region));
    match lenient::parse(text, region) {
        Ok(read) => {
            assert!(read.number.is_possible());
            assert_eq!(PhoneNumber::parse(&read.number.to_string()), Ok(read.number));
            if let Some(extension) = &read.extension {
                assert!((1..=20).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_digit()));
            }
            // An E.164 text is read alike in every region.
            let printed = read.number.to_string();
            assert_eq!(lenient::parse(&printed, region).ok(), lenient::parse(&printed, None).ok());
        }
        Err(error) => assert!(error.to_string().chars().count() < 400),
    }
});
