//! Reads numbers as people write them, for forms and spreadsheets.
//!
//! The strict endpoints never come here. What is understood: `+`, `00`, `011` and the other prefixes for calls abroad;
//! trunk prefixes, also after a calling code (`+44 (0)20 …`); the calling code of the default region without a plus;
//! spaces, dashes, dots, slashes, brackets; digits of all scripts; `tel:`; extensions, which are reported and left out
//! of the number; and whole numbers to which a spreadsheet has given a `.0`. Letters are refused, not dialled.

mod national;
mod pattern;
mod scan;

use super::error::{PhoneError, Quoted};
use super::number::PhoneNumber;
use super::region::Region;
use super::table::{Code, Plan};
use national::{Digits, Fit, fit, national, without_prefix};
use thiserror::Error;

/// A number read leniently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lenient {
    /// The number, at least [possible](PhoneNumber::is_possible).
    pub number: PhoneNumber,
    /// The extension that stood after it, as ASCII digits; it is not part of the number.
    pub extension: Option<String>,
}

/// Why a text is not understood as a phone number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LenientError {
    /// Nothing that could be a number.
    #[error("{0} contains no digits; write a phone number such as `+1 555 123 4567`")]
    NoDigits(Quoted),
    /// Far too long.
    #[error("{0} is too long for a phone number; send one number alone")]
    TooLong(Quoted),
    /// More digits than any number with its prefixes has.
    #[error("{0} has too many digits for a phone number; send one number alone")]
    TooManyDigits(Quoted),
    /// A character that has no place in a number.
    #[error("{text} contains {found}, which is not part of a phone number; write digits, spaces and dashes only")]
    Character {
        /// The text.
        text: Quoted,
        /// The first wrong character.
        found: Quoted,
    },
    /// A national number, and no region to read it in.
    #[error(
        "{0} does not say its country; write it as `+`, the country calling code and the number, or set a default region"
    )]
    NoRegion(Quoted),
    /// A number was read, but it is not possible.
    #[error("{text} is not a possible phone number: {reason}")]
    Impossible {
        /// The text.
        text: Quoted,
        /// What is wrong with the number.
        reason: PhoneError,
    },
    /// Digits that make no number, not even an impossible one.
    #[error("{0} is not a possible phone number; write it as `+`, the country calling code and the number")]
    NotANumber(Quoted),
}

/// Reads `text`; numbers without a calling code are read as dialled in `default_region`.
///
/// ```
/// use splitter_core::phone::lenient;
///
/// let us = "US".parse().ok();
/// let read = lenient::parse("(555) 123-4567 ext. 89", us)?;
/// assert_eq!(read.number.to_string(), "+15551234567");
/// assert_eq!(read.extension.as_deref(), Some("89"));
/// assert_eq!(lenient::parse("011 44 (0)20 7946 0000", us)?.number.to_string(), "+442079460000");
/// assert!(lenient::parse("555-1234", us).is_err());
/// # Ok::<(), lenient::LenientError>(())
/// ```
pub fn parse(text: &str, default_region: Option<Region>) -> Result<Lenient, LenientError> {
    let scanned = scan::scan(text)?;
    let home = default_region.filter(|region| *region != Region::WORLD).map(Region::plan);
    let digits = &scanned.digits;
    let number = if scanned.plus {
        // After a plus that was put before a number as dialled (`+0044…`), the number as dialled counts.
        let dialled = || home.filter(|_| digits.as_slice()[0] == 0).and_then(|plan| as_dialled(plan, digits));
        international(digits).or_else(dialled)
    } else if let Some(plan) = home {
        as_dialled(plan, digits)
    } else {
        after_common_prefix(digits)
    };
    match number {
        Some(number) if number.is_possible() => Ok(Lenient { number, extension: scanned.extension }),
        Some(number) => Err(LenientError::Impossible { text: Quoted::new(text), reason: number.impossible() }),
        None if scanned.plus || home.is_some() => Err(LenientError::NotANumber(Quoted::new(text))),
        None => Err(LenientError::NoRegion(Quoted::new(text))),
    }
}

/// What `number` becomes without a trunk prefix after its calling code, if it has one and the rest is possible.
pub(super) fn without_trunk_prefix(number: PhoneNumber) -> Option<PhoneNumber> {
    let mut digits = Digits::default();
    digits.extend(number.digits().as_slice());
    international(&digits).filter(|other| *other != number && other.is_possible())
}

/// Digits that begin with a calling code. A number that is not possible is returned all the same, for the reason.
fn international(digits: &Digits) -> Option<PhoneNumber> {
    let Some(code) = leading_code(digits) else { return assemble(digits.as_slice(), &[]) };
    let (code_digits, rest) = digits.as_slice().split_at(code.digits());
    assemble(code_digits, national(code.main(), &digits.from(code.digits())).as_slice())
        .or_else(|| assemble(code_digits, rest))
}

/// Digits as somebody in the plan's region dials them.
fn as_dialled(plan: Plan, digits: &Digits) -> Option<PhoneNumber> {
    if let Some(rest) = after_prefix_abroad(plan, digits) {
        return international(&rest);
    }
    let own_code = own_calling_code(plan, digits);
    let read = own_code.or_else(|| with_code(plan, &national(plan, digits)));
    if read.is_some_and(PhoneNumber::is_possible) {
        return read;
    }
    // The common prefixes of other countries, where the region's own reading does not lead to a number.
    after_common_prefix(digits).filter(|number| number.is_possible()).or(read)
}

/// The digits after the region's prefix for calls abroad.
fn after_prefix_abroad(plan: Plan, digits: &Digits) -> Option<Digits> {
    let prefix = plan.international_prefix();
    if prefix.is_empty() {
        return None;
    }
    let rest = digits.from(pattern::find(prefix, digits.as_slice())?.end);
    // No calling code begins with 0.
    rest.as_slice().first().is_some_and(|digit| *digit != 0).then_some(rest)
}

/// The number after `00`, which most countries dial before calls abroad, or North America's `011`.
fn after_common_prefix(digits: &Digits) -> Option<PhoneNumber> {
    let start = match digits.as_slice() {
        [0, 0, 1..=9, ..] => 2,
        [0, 1, 1, 1..=9, ..] => 3,
        _ => return None,
    };
    international(&digits.from(start))
}

/// A number that begins with the region's own calling code, without a plus, and is no number of the region otherwise.
fn own_calling_code(plan: Plan, digits: &Digits) -> Option<PhoneNumber> {
    let code = leading_code(digits).filter(|code| code.value() == plan.code())?;
    let rest = without_prefix(plan, &digits.from(code.digits()));
    let better = !plan.matches_general(digits.as_slice()) && plan.matches_general(rest.as_slice());
    if better || fit(plan, digits.len()) == Fit::TooLong { with_code(plan, &national(plan, &rest)) } else { None }
}

fn with_code(plan: Plan, national: &Digits) -> Option<PhoneNumber> {
    let mut code = [0; 3];
    let mut rest = plan.code();
    let mut start = code.len();
    while rest > 0 {
        start -= 1;
        code[start] = u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    assemble(&code[start..], national.as_slice())
}

fn leading_code(digits: &Digits) -> Option<Code> {
    let lead = (0..3).fold(0, |lead, n| lead * 10 + u16::from(digits.as_slice().get(n).copied().unwrap_or_default()));
    Code::leading(lead).filter(|code| code.digits() <= digits.len())
}

fn assemble(code: &[u8], national: &[u8]) -> Option<PhoneNumber> {
    let first = code.first().or(national.first())?;
    if *first == 0 || code.len() + national.len() > super::number::MAX_DIGITS {
        return None;
    }
    PhoneNumber::from_u64(code.iter().chain(national).fold(0, |value, digit| value * 10 + u64::from(*digit)))
}
