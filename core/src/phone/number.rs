//! A phone number in E.164 form.

use super::error::{Lengths, PhoneError};
use super::kind::PhoneType;
use super::lenient;
use super::region::Region;
use super::table::{Code, Plan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::num::NonZeroU64;

/// The most digits of a phone number, calling code included (ITU-T E.164).
pub const MAX_DIGITS: usize = 15;

/// A phone number in E.164 form: `+` and 1 to 15 digits, the first not 0.
///
/// The digits are kept as one integer of eight bytes; no number starts with 0, so nothing is lost. Being a
/// `PhoneNumber` says nothing more than that: see [`Self::is_possible`] and [`Self::is_valid`].
///
/// ```
/// use splitter_core::phone::{PhoneNumber, PhoneType};
///
/// let number = PhoneNumber::parse("+41446681800")?;
/// assert_eq!(number.to_string(), "+41446681800");
/// assert_eq!(number.country_code(), Some(41));
/// assert_eq!(number.region().map(|region| region.as_str()), Some("CH"));
/// assert_eq!(number.kind(), PhoneType::FixedLine);
/// assert!(number.is_valid());
///
/// // Possible by its length, but no such numbers are assigned.
/// let number = PhoneNumber::parse("+15551234567")?;
/// assert!(number.is_possible() && !number.is_valid());
/// # Ok::<(), splitter_core::phone::PhoneError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(NonZeroU64);

/// 10 to the power of the index.
const POWERS: [u64; MAX_DIGITS + 1] = {
    let mut powers = [1; MAX_DIGITS + 1];
    let mut n = 1;
    while n <= MAX_DIGITS {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// A number taken apart: its calling code, and its digits as values 0 to 9.
struct Parts {
    code: Code,
    digits: Digits,
}

impl Parts {
    fn national(&self) -> &[u8] {
        &self.digits.as_slice()[self.code.digits()..]
    }
}

/// The digits of a number, as values 0 to 9.
pub(super) struct Digits {
    values: [u8; MAX_DIGITS],
    length: usize,
}

impl Digits {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.values[..self.length]
    }
}

impl PhoneNumber {
    /// Reads `+` followed by 1 to 15 ASCII digits, the first not 0, and nothing else.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        Self::read(text.as_bytes()).ok_or_else(|| PhoneError::syntax(text))
    }

    #[inline]
    fn read(text: &[u8]) -> Option<Self> {
        let [b'+', first @ b'1'..=b'9', rest @ ..] = text else { return None };
        if rest.len() >= MAX_DIGITS {
            return None;
        }
        let mut value = u64::from(first - b'0');
        for byte in rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + u64::from(digit);
        }
        NonZeroU64::new(value).map(Self)
    }

    /// The digits as one integer, as stores keep it.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0.get()
    }

    /// From the digits as one integer; `None` for 0 and for more than 15 digits.
    #[must_use]
    pub const fn from_u64(digits: u64) -> Option<Self> {
        if digits >= POWERS[MAX_DIGITS] {
            return None;
        }
        match NonZeroU64::new(digits) {
            Some(digits) => Some(Self(digits)),
            None => None,
        }
    }

    /// How many digits the number has, 1 to 15.
    #[must_use]
    pub fn digit_count(self) -> usize {
        self.0.ilog10() as usize + 1
    }

    #[inline]
    fn code(self) -> Option<Code> {
        let count = self.digit_count();
        let lead = if count >= 3 { self.as_u64() / POWERS[count - 3] } else { self.as_u64() * POWERS[3 - count] };
        Code::leading(u16::try_from(lead).ok()?).filter(|code| code.digits() <= count)
    }

    pub(super) fn digits(self) -> Digits {
        let length = self.digit_count();
        let mut values = [0; MAX_DIGITS];
        let mut rest = self.as_u64();
        for digit in values[..length].iter_mut().rev() {
            *digit = u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        Digits { values, length }
    }

    fn parts(self) -> Option<Parts> {
        Some(Parts { code: self.code()?, digits: self.digits() })
    }

    /// The country calling code, 1 to 999; `None` if the number begins with none that is in use.
    #[must_use]
    pub fn country_code(self) -> Option<u16> {
        self.code().map(Code::value)
    }

    /// The digits after the country calling code, leading zeros included.
    #[must_use]
    pub fn national_number(self) -> Option<String> {
        let parts = self.parts()?;
        Some(parts.national().iter().map(|digit| char::from(b'0' + digit)).collect())
    }

    /// The region that the number belongs to.
    ///
    /// Where several regions share a calling code, the leading digits or the assigned ranges tell them apart; `None`
    /// if they do not (`+15551234567`), if the calling code is not in use, or if fewer than two digits follow it.
    #[must_use]
    pub fn region(self) -> Option<Region> {
        self.home().map(|(plan, _)| Region::from_index(plan.region()))
    }

    /// The main region of the number's calling code: the United States for all of `+1`.
    #[must_use]
    pub fn main_region(self) -> Option<Region> {
        self.code().map(|code| Region::from_index(code.main().region()))
    }

    /// What the number is used for; [`PhoneType::Unknown`] if it is not valid.
    #[must_use]
    pub fn kind(self) -> PhoneType {
        self.home().map_or(PhoneType::Unknown, |(_, kind)| kind)
    }

    /// The plan that the number belongs to, and its type there.
    fn home(self) -> Option<(Plan, PhoneType)> {
        let parts = self.parts()?;
        let national = parts.national();
        if national.len() < 2 {
            return None;
        }
        let kind = |plan: Plan| PhoneType::from_label(plan.kind(national));
        if parts.code.is_unshared() {
            let plan = parts.code.main();
            return Some((plan, kind(plan)));
        }
        parts.code.plans().find_map(|plan| match plan.has_leading(national) {
            Some(true) => Some((plan, kind(plan))),
            Some(false) => None,
            None => Some((plan, kind(plan))).filter(|(_, kind)| *kind != PhoneType::Unknown),
        })
    }

    /// Whether the calling code is in use and the length possible there, other than for local calls only.
    #[must_use]
    #[inline]
    pub fn is_possible(self) -> bool {
        self.length_is_in(Plan::lengths)
    }

    /// Whether the calling code is in use and the length is dialled there only locally, as that of `+15551234`.
    ///
    /// Such a number is not [possible](Self::is_possible) here; libphonenumber's `isPossibleNumber` accepts it.
    #[must_use]
    pub fn is_local_only(self) -> bool {
        self.length_is_in(Plan::local_lengths)
    }

    #[inline]
    fn length_is_in(self, lengths: impl Fn(Plan) -> u32) -> bool {
        self.code().is_some_and(|code| {
            let national = self.digit_count() - code.digits();
            // The parser of libphonenumber refuses shorter numbers whatever the plan says.
            national >= 2 && lengths(code.main()) & 1 << national != 0
        })
    }

    /// Why the number is not possible.
    #[cold]
    pub(super) fn impossible(self) -> PhoneError {
        let Some(code) = self.code() else { return PhoneError::UnknownCallingCode(self) };
        let national = self.digit_count() - code.digits();
        let plan = code.main();
        if let Some(without) = lenient::without_trunk_prefix(self) {
            return PhoneError::TrunkPrefix { number: self, without };
        }
        if plan.local_lengths() & 1 << national != 0 {
            return PhoneError::LocalOnly { number: self, code: code.value() };
        }
        PhoneError::ImpossibleLength { number: self, code: code.value(), national, possible: Lengths(plan.lengths()) }
    }

    /// Whether the number is in a range that is assigned. It may be out of service all the same.
    #[must_use]
    pub fn is_valid(self) -> bool {
        self.kind() != PhoneType::Unknown
    }

    /// Whether the number may belong to `region`.
    ///
    /// Numbers that several regions have in common (`+1800…`), and numbers that are not valid and can not be told
    /// apart, may belong to more than one. A number that is not valid counts as a region's if that region's leading
    /// digits say so, or else if numbers with the same first three digits are assigned there; if they are assigned
    /// nowhere, it may belong to every region of the calling code that is not known by its leading digits.
    #[must_use]
    pub fn may_belong_to(self, region: Region) -> bool {
        let Some(parts) = self.parts() else { return false };
        let national = parts.national();
        if parts.code.is_unshared() {
            return parts.code.main().region() == region.index();
        }
        let Some(plan) = parts.code.plans().find(|plan| plan.region() == region.index()) else { return false };
        if plan.kind(national) != 0 || plan.has_leading(national) == Some(true) {
            return true;
        }
        if self.home().is_some() || plan.has_leading(national) == Some(false) {
            return false;
        }
        let area = &national[..national.len().min(3)];
        plan.begins(area)
            || !parts.code.plans().any(|other| other.has_leading(national).is_none() && other.begins(area))
    }
}

impl std::fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PhoneNumber({self})")
    }
}

impl std::str::FromStr for PhoneNumber {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for PhoneNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = PhoneNumber;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a phone number such as `+15551234567`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PhoneNumber, E> {
                PhoneNumber::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}
