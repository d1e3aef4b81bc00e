//! Numbers as people write them. Every text that was once misread, or that fuzzing found, is a row here.

use proptest::prelude::*;
use splitter_core::phone::lenient::{self, Lenient, LenientError};
use splitter_core::phone::{PhoneNumber, Region};

fn read(text: &str, region: &str) -> Result<Lenient, LenientError> {
    lenient::parse(text, region.parse().ok())
}

#[test]
fn texts_that_are_read() {
    let rows = [
        ("(555) 123-4567", "US", "+15551234567", None),
        ("555.123.4567", "US", "+15551234567", None),
        ("1-555-123-4567", "US", "+15551234567", None),
        ("+1 (555) 123-4567", "", "+15551234567", None),
        ("+15551234567", "DE", "+15551234567", None),
        ("\u{202a}+1\u{a0}555\u{2011}123\u{2013}4567\u{202c}", "", "+15551234567", None),
        ("'+15551234567", "", "+15551234567", None),
        ("tel:+1-555-123-4567", "", "+15551234567", None),
        ("TEL: 555 123 4567", "US", "+15551234567", None),
        ("15551234567.0", "US", "+15551234567", None),
        // Prefixes for calls abroad.
        ("011 44 20 7946 0000", "US", "+442079460000", None),
        ("011442079460000", "", "+442079460000", None),
        ("0044 20 7946 0000", "DE", "+442079460000", None),
        ("0044 20 7946 0000", "", "+442079460000", None),
        ("0044 20 7946 0000", "US", "+442079460000", None),
        ("0011 44 20 7946 0000", "AU", "+442079460000", None),
        ("010 44 20 7946 0000", "JP", "+442079460000", None),
        ("8~10 44 20 7946 0000", "BY", "+442079460000", None),
        ("+0044 20 7946 0000", "DE", "+442079460000", None),
        // Trunk prefixes.
        ("020 7946 0000", "GB", "+442079460000", None),
        ("+44 (0)20 7946 0000", "", "+442079460000", None),
        ("0044 (0) 20 7946 0000", "DE", "+442079460000", None),
        ("030 123456", "DE", "+4930123456", None),
        ("8 (495) 123-45-67", "RU", "+74951234567", None),
        ("06 12 34 56 78", "FR", "+33612345678", None),
        // In Italy the zero belongs to the number.
        ("06 1234 5678", "IT", "+390612345678", None),
        ("+39 06 6988 1234", "", "+390669881234", None),
        ("011 15 2345-6789", "AR", "+5491123456789", None),
        // The calling code without a plus.
        ("44 20 7946 0000", "GB", "+442079460000", None),
        ("49 30 123456", "DE", "+4930123456", None),
        // An area code that is left out in local calls.
        ("256789", "GG", "+441481256789", None),
        // Digits of other scripts.
        ("\u{0665}\u{0665}\u{0665} 123 4567", "US", "+15551234567", None),
        ("\u{ff0b}\u{ff11} \u{ff15}\u{ff15}\u{ff15}\u{ff0d}1234567", "", "+15551234567", None),
        ("\u{096f}\u{0967} 98765 43210", "IN", "+919876543210", None),
        // Extensions.
        ("555 123 4567 ext 89", "US", "+15551234567", Some("89")),
        ("555 123 4567 Ext. 0089", "US", "+15551234567", Some("0089")),
        ("555 123 4567 extension: 89", "US", "+15551234567", Some("89")),
        ("555-123-4567x89", "US", "+15551234567", Some("89")),
        ("555-123-4567 X 89", "US", "+15551234567", Some("89")),
        ("555-123-4567 #89", "US", "+15551234567", Some("89")),
        ("555-123-4567,,89#", "US", "+15551234567", Some("89")),
        ("tel:+15551234567;ext=89", "", "+15551234567", Some("89")),
        ("8 (495) 123-45-67 доб. 89", "RU", "+74951234567", Some("89")),
        ("+34 912 34 56 78 EXTENSIÓN 7", "", "+34912345678", Some("7")),
        ("555 123 4567 ext \u{0667}", "US", "+15551234567", Some("7")),
    ];
    for (text, region, number, extension) in rows {
        let expected = Lenient { number: number.parse().unwrap(), extension: extension.map(str::to_owned) };
        assert_eq!(read(text, region), Ok(expected), "{text:?} in {region:?}");
    }
}

#[test]
fn texts_that_are_refused() {
    let rows = [
        ("", "US", "contains no digits"),
        ("   ", "US", "contains no digits"),
        ("+", "US", "contains no digits"),
        ("()-", "US", "contains no digits"),
        ("n/a", "US", "contains `n`"),
        ("555-1234", "US", "can be dialled only locally"),
        ("(555) 123-4567", "", "does not say its country"),
        ("15551234567", "", "does not say its country"),
        ("(555) 123-4567", "001", "does not say its country"),
        ("5551234567890123", "US", "not a possible phone number"),
        ("12", "US", "not a possible phone number"),
        ("+999 123 4567", "US", "begins with no country calling code that is in use"),
        ("+0 123 4567", "", "not a possible phone number"),
        ("1212555O123", "US", "contains `O`"),
        ("12125550123\0", "US", "contains `\\0`"),
        ("1-800-FLOWERS", "US", "contains `F`"),
        ("1.5551234567E+10", "US", "contains `E`"),
        ("+1 555 123 4567 or +1 555 765 4321", "US", "contains `o`"),
        ("555 123 4567, 555 765 4321", "US", "contains `,`"),
        ("555 123 4567 / 555 765 4321", "US", "not a possible phone number"),
        ("555 123 4567 ext", "US", "contains `e`"),
        ("555 123 4567 ext 89a", "US", "contains `e`"),
        ("ext 5", "US", "contains `e`"),
        ("555 + 123 4567", "US", "contains `+`"),
        ("++15551234567", "US", "contains `+`"),
        (".;phone-context=", "US", "contains `;`"),
        ("+dwPAA;phone-context=AA", "US", "contains `d`"),
        ("\u{1f4de} 555 123 4567", "US", "contains `\u{1f4de}`"),
    ];
    for (text, region, message) in rows {
        let error = read(text, region).expect_err(text).to_string();
        assert!(error.contains(message), "{text:?} in {region:?}: {error}");
        assert!(!error.ends_with('.'), "{error}");
    }
}

#[test]
fn hostile_texts_are_refused_at_once() {
    let rows = ["0", "+", "(", "\u{0665}", "1,", "x1", "\u{202e}", "00", "9~", "ext1 "];
    for unit in rows {
        let text = unit.repeat(100_000);
        let error = read(&text, "US").expect_err(unit).to_string();
        assert!(error.chars().count() < 250, "{error}");
    }
}

fn any_region() -> impl Strategy<Value = Option<Region>> {
    let all: Vec<Option<Region>> = Region::all().map(Some).chain([None]).collect();
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_read_is_possible_and_read_again(
        text in "\\PC{0,40}|[+(]?[0-9 ().+-]{0,24}( ?(x|ext|#|,)[0-9]{0,8})?|[0-9]{1,32}",
        region in any_region(),
    ) {
        if let Ok(read) = lenient::parse(&text, region) {
            prop_assert!(read.number.is_possible());
            let strict = PhoneNumber::parse(&read.number.to_string());
            prop_assert_eq!(strict, Ok(read.number));
        }
    }

    #[test]
    fn punctuation_does_not_matter(number in "[2-9][0-9]{9}", gaps in prop::collection::vec("[ ().\u{a0}/-]{0,2}", 10)) {
        let spaced: String = number.chars().zip(gaps).flat_map(|(c, gap)| gap.chars().chain([c]).collect::<Vec<_>>()).collect();
        let region = "US".parse().ok();
        prop_assert_eq!(lenient::parse(&spaced, region).ok(), lenient::parse(&number, region).ok());
    }
}
