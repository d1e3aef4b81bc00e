//! Reads `expected.bin`; its format is described in `expected.py`.

use splitter_core::phone::{PhoneNumber, PhoneType};

/// What the Python port says about one number, exactly as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) possible: bool,
    pub(crate) valid: bool,
    /// The length is dialled only locally: the port's `is_possible_number` counts that as possible.
    pub(crate) local_only: bool,
    pub(crate) kind: PhoneType,
    pub(crate) region: Option<String>,
}

/// One string of the suite.
pub(crate) struct Row {
    pub(crate) number: PhoneNumber,
    pub(crate) expected: Expected,
    /// What the port's parser makes of it, if that is another number.
    pub(crate) rewritten: Option<PhoneNumber>,
}

/// The whole file.
pub(crate) struct Suite {
    pub(crate) version: String,
    pub(crate) rows: Vec<Row>,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        head
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                break;
            }
        }
        value
    }

    fn count(&mut self) -> usize {
        usize::try_from(self.varint()).expect("a count")
    }
}

fn kind(value: u8) -> PhoneType {
    match value {
        0 => PhoneType::FixedLine,
        1 => PhoneType::Mobile,
        2 => PhoneType::FixedLineOrMobile,
        3 => PhoneType::TollFree,
        4 => PhoneType::PremiumRate,
        5 => PhoneType::SharedCost,
        6 => PhoneType::Voip,
        7 => PhoneType::PersonalNumber,
        8 => PhoneType::Pager,
        9 => PhoneType::Uan,
        10 => PhoneType::Voicemail,
        99 => PhoneType::Unknown,
        other => panic!("type {other}"),
    }
}

pub(crate) fn suite() -> Suite {
    let mut reader = Reader(include_bytes!("expected.bin"));
    assert_eq!(reader.take(4), b"PHX1");
    let length = usize::from(reader.take(1)[0]);
    let version = String::from_utf8(reader.take(length).to_vec()).expect("a version");
    let answers: Vec<Expected> = (0..reader.count())
        .map(|_| {
            let head = reader.take(2);
            let region = String::from_utf8(reader.take(3).to_vec()).expect("a region");
            let region = region.trim_end_matches('\0');
            Expected {
                possible: head[0] & 1 != 0,
                valid: head[0] & 2 != 0,
                local_only: head[0] & 4 != 0,
                kind: kind(head[1]),
                region: (!region.is_empty()).then(|| region.to_owned()),
            }
        })
        .collect();
    let mut value = 0;
    let number = |digits| PhoneNumber::from_u64(digits).expect("at most 15 digits");
    let rows = (0..reader.count())
        .map(|_| {
            value += reader.varint();
            let answer = reader.count();
            let rewritten = (answer % 2 == 1).then(|| number(reader.varint()));
            Row { number: number(value), expected: answers[answer / 2].clone(), rewritten }
        })
        .collect();
    assert!(reader.0.is_empty(), "bytes after the end");
    Suite { version, rows }
}
