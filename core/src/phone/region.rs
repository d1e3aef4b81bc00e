//! Regions: the ISO 3166-1 codes that numbering plans are named after.

use super::error::quote;
use super::table;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use thiserror::Error;

/// A region with a numbering plan of its own, such as `US` or `GB`; Copy, ordered by its code.
///
/// Numbers such as `+800…` belong to no country; their region is [`Region::WORLD`], `001`, as in libphonenumber.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(u8);

impl Region {
    /// The region of numbers that belong to no country: `001`, the world in UN M.49.
    pub const WORLD: Self = Self(0);

    pub(crate) const fn from_index(index: u8) -> Self {
        Self(index)
    }

    pub(crate) const fn index(self) -> u8 {
        self.0
    }

    pub(crate) fn plan(self) -> table::Plan {
        table::region_plan(self.0)
    }

    /// Its two capital letters (`001` for [`Self::WORLD`]).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        table::region_text(self.0)
    }

    /// Its country calling code; `None` for [`Self::WORLD`], which has several.
    #[must_use]
    pub fn country_code(self) -> Option<u16> {
        (self != Self::WORLD).then(|| self.plan().code())
    }

    /// All regions, in the order of their codes, [`Self::WORLD`] first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).take(table::REGION_COUNT).map(Self)
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Region({self})")
    }
}

/// A text that is no region with phone numbers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} is no region with phone numbers; write its ISO 3166-1 code of two letters, such as `US`", quote(.0))]
pub struct UnknownRegion(pub String);

impl std::str::FromStr for Region {
    type Err = UnknownRegion;
    /// Small letters are read as capital ones.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let order = |index: u8| {
            let known = table::region_text(index).bytes();
            known.cmp(text.bytes().map(|byte| byte.to_ascii_uppercase()))
        };
        let (mut low, mut high) = (0, table::REGION_COUNT);
        while low < high {
            let middle = usize::midpoint(low, high);
            let Ok(index) = u8::try_from(middle) else { break };
            match order(index) {
                Ordering::Equal => return Ok(Self(index)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Err(UnknownRegion(text.to_owned()))
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_found_by_its_own_text() {
        let all: Vec<Region> = Region::all().collect();
        assert_eq!(all.len(), 246);
        for region in &all {
            assert_eq!(region.as_str().parse(), Ok(*region));
            assert_eq!(region.as_str().to_lowercase().parse(), Ok(*region));
        }
        assert!(all.is_sorted_by_key(|region| region.as_str()));
        assert_eq!(all[0], Region::WORLD);
    }

    #[test]
    fn calling_codes() {
        let code = |text: &str| text.parse::<Region>().unwrap().country_code();
        assert_eq!((code("US"), code("VA"), code("KZ"), code("GG")), (Some(1), Some(39), Some(7), Some(44)));
        assert_eq!(Region::WORLD.country_code(), None);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "U", "USA", "ZZ", "AQ", "U\0", "ÜS", "00", "0011", " US"] {
            assert!(text.parse::<Region>().is_err(), "{text:?}");
        }
    }
}
