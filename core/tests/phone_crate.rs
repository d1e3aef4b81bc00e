//! Against the `phonenumber` crate, whose metadata our table is made from: the committed table is what its generator
//! makes today, the crate's example numbers are valid, and numbers convert.

#[path = "../examples/phone-table/graph.rs"]
mod graph;
#[path = "../examples/phone-table/pattern.rs"]
mod pattern;
#[path = "../examples/phone-table/table.rs"]
mod table;

use phonenumber::metadata::{DATABASE, Descriptor};
use splitter_core::phone::{ConversionError, PhoneNumber, PhoneType};

#[test]
fn the_committed_table_is_that_of_the_crate() {
    let committed = include_bytes!("../data/phone/numbers.bin");
    assert!(
        table::table() == committed,
        "run `cargo run -p splitter-core --features phonenumber --example phone-table`"
    );
}

/// The metadata names an example of every type of every region. (Some are of another type too: the first one counts.)
#[test]
fn examples_of_the_crate_are_possible_and_valid() {
    let mut examples = 0;
    let mut impossible = Vec::new();
    for code in 1..=999u16 {
        for meta in DATABASE.by_code(&code).unwrap_or_default() {
            let all = meta.descriptors();
            let types: [(Option<&Descriptor>, &[PhoneType]); 10] = [
                (all.fixed_line(), &[PhoneType::FixedLine, PhoneType::FixedLineOrMobile]),
                (all.mobile(), &[PhoneType::Mobile, PhoneType::FixedLineOrMobile]),
                (all.toll_free(), &[PhoneType::TollFree]),
                (all.premium_rate(), &[PhoneType::PremiumRate]),
                (all.shared_cost(), &[PhoneType::SharedCost]),
                (all.voip(), &[PhoneType::Voip]),
                (all.personal_number(), &[PhoneType::PersonalNumber]),
                (all.pager(), &[PhoneType::Pager]),
                (all.uan(), &[PhoneType::Uan]),
                (all.voicemail(), &[PhoneType::Voicemail]),
            ];
            for (desc, kinds) in types {
                let Some(example) = desc.and_then(Descriptor::example) else { continue };
                let number: PhoneNumber = format!("+{code}{example}").parse().unwrap();
                assert!(number.is_valid(), "{number} of {}", meta.id());
                if !number.is_possible() {
                    impossible.push(number.to_string());
                }
                assert!(
                    kinds.contains(&number.kind()),
                    "{number} of {}: {:?}, not {kinds:?}",
                    meta.id(),
                    number.kind()
                );
                examples += 1;
            }
        }
    }
    assert!(examples > 1_000, "{examples}");
    // Possible lengths are those of the calling code's main region, as in libphonenumber: Canada alone has these.
    assert_eq!(impossible, ["+13101234"]);
}

#[test]
fn numbers_convert() {
    for text in ["+15551234567", "+12125550123", "+390612345678", "+80012345678", "+4930123456"] {
        let number: PhoneNumber = text.parse().unwrap();
        let other = phonenumber::PhoneNumber::try_from(number).unwrap();
        assert_eq!(PhoneNumber::try_from(&other), Ok(number));
        assert_eq!(PhoneNumber::try_from(other), Ok(number));
    }
    let convert = |text: &str| phonenumber::PhoneNumber::try_from(text.parse::<PhoneNumber>().unwrap());
    assert!(matches!(convert("+4402079460000"), Err(ConversionError::Rewritten { .. })));
    assert!(matches!(convert("+999123456789"), Err(ConversionError::Refused { .. })));
    let with_extension = phonenumber::parse(None, "+1 212 555 0123 ext. 7").unwrap();
    assert_eq!(PhoneNumber::try_from(with_extension).unwrap().to_string(), "+12125550123");
}
