//! A list of regions and calling codes that numbers have to come from.

use super::error::quote;
use super::number::PhoneNumber;
use super::region::Region;
use super::table::Code;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// One entry of [`AllowedRegions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AllowedRegion {
    /// A region, written as its code: `US`.
    Region(Region),
    /// All regions of a country calling code, written with a plus: `+44`.
    CallingCode(u16),
}

impl std::fmt::Display for AllowedRegion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Region(region) => region.fmt(f),
            Self::CallingCode(code) => write!(f, "+{code}"),
        }
    }
}

impl std::str::FromStr for AllowedRegion {
    type Err = AllowedRegionsError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(digits) = text.strip_prefix('+') else {
            return text.parse().map(Self::Region).map_err(|_| AllowedRegionsError::UnknownRegion(quote(text)));
        };
        let code = match digits.as_bytes() {
            [b'1'..=b'9', rest @ ..] if rest.len() < 3 && rest.iter().all(u8::is_ascii_digit) => digits.parse().ok(),
            _ => None,
        };
        code.filter(|code| Code::exact(*code).is_some())
            .map(Self::CallingCode)
            .ok_or_else(|| AllowedRegionsError::UnknownCallingCode(quote(text)))
    }
}

/// Why a list of allowed regions is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AllowedRegionsError {
    /// An entry is no region.
    #[error(
        "{0} is no region with phone numbers; write an ISO 3166-1 code such as `US` or a calling code such as `+44`"
    )]
    UnknownRegion(String),
    /// An entry is no calling code.
    #[error("{0} is no country calling code that is in use; write one such as `+44`")]
    UnknownCallingCode(String),
    /// The list is empty, so that no number would be allowed.
    #[error("the list of allowed regions is empty; name at least one region, or leave the list out to allow all")]
    Empty,
}

/// The regions and calling codes that numbers have to come from: not empty, in the order given, no entry twice.
///
/// ```
/// use splitter_core::phone::{AllowedRegions, PhoneNumber};
///
/// let allowed = AllowedRegions::parse(["US", "+44"])?;
/// assert_eq!(allowed.to_string(), "US, +44");
/// assert!(allowed.allows(PhoneNumber::parse("+12125550123")?));
/// assert!(!allowed.allows(PhoneNumber::parse("+14165550123")?)); // Toronto
/// assert!(allowed.allows(PhoneNumber::parse("+441481960194")?)); // Guernsey, which shares +44
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllowedRegions(Vec<AllowedRegion>);

impl AllowedRegions {
    /// Reads a list of texts; the error names the first bad one.
    pub fn parse<I>(texts: I) -> Result<Self, AllowedRegionsError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let entries: Vec<_> = texts.into_iter().map(|text| text.as_ref().parse()).collect::<Result<_, _>>()?;
        Self::new(entries).ok_or(AllowedRegionsError::Empty)
    }

    /// From entries, each kept where it stands first; `None` if there are none.
    pub fn new(entries: impl IntoIterator<Item = AllowedRegion>) -> Option<Self> {
        let mut list = Vec::new();
        for entry in entries {
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
        if list.is_empty() { None } else { Some(Self(list)) }
    }

    /// The entries in the order given. Their texts are what [`Self::parse`] reads.
    pub fn iter(&self) -> impl Iterator<Item = AllowedRegion> {
        self.0.iter().copied()
    }

    /// Whether `number` comes from one of the entries, or may come from one and can not be told apart.
    #[must_use]
    pub fn allows(&self, number: PhoneNumber) -> bool {
        self.0.iter().any(|entry| match entry {
            AllowedRegion::Region(region) => number.may_belong_to(*region),
            AllowedRegion::CallingCode(code) => number.country_code() == Some(*code),
        })
    }
}

impl std::fmt::Display for AllowedRegions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, entry) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            entry.fmt(f)?;
        }
        Ok(())
    }
}

impl Serialize for AllowedRegions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for AllowedRegions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
