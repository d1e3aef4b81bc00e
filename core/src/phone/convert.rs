//! From and to the number type of the `phonenumber` crate (feature `phonenumber`).

use super::error::PhoneError;
use super::number::PhoneNumber;
use thiserror::Error;

/// Why a number has no equal in the `phonenumber` crate.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// The crate refuses the number.
    #[error("the `phonenumber` crate refuses `{number}`: {reason}")]
    Refused {
        /// The number.
        number: PhoneNumber,
        /// The crate's own error.
        reason: phonenumber::ParseError,
    },
    /// The crate's parser makes another number of it: it takes out what it thinks is a trunk prefix.
    #[error("the `phonenumber` crate reads `{number}` as another number")]
    Rewritten {
        /// The number.
        number: PhoneNumber,
    },
}

/// The number without its extension and carrier. An error if it has more than 15 digits.
impl TryFrom<&phonenumber::PhoneNumber> for PhoneNumber {
    type Error = PhoneError;
    fn try_from(other: &phonenumber::PhoneNumber) -> Result<Self, Self::Error> {
        let national = other.national();
        let zeros = "0".repeat(usize::from(national.zeros()));
        Self::parse(&format!("+{}{zeros}{}", other.code().value(), national.value()))
    }
}

impl TryFrom<phonenumber::PhoneNumber> for PhoneNumber {
    type Error = PhoneError;
    fn try_from(other: phonenumber::PhoneNumber) -> Result<Self, Self::Error> {
        Self::try_from(&other)
    }
}

/// Loads the crate's metadata on first use, which takes over 100 ms.
impl TryFrom<PhoneNumber> for phonenumber::PhoneNumber {
    type Error = ConversionError;
    fn try_from(number: PhoneNumber) -> Result<Self, Self::Error> {
        let other = phonenumber::parse(None, number.to_string())
            .map_err(|reason| ConversionError::Refused { number, reason })?;
        if PhoneNumber::try_from(&other) == Ok(number) { Ok(other) } else { Err(ConversionError::Rewritten { number }) }
    }
}
