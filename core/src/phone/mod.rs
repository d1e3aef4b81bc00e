//! Phone numbers: read once, strictly, and then carried as eight bytes.
//!
//! Phone texts are in every request and come from strangers, so everything here is a few reads of a constant table:
//! nothing on the way of a good number locks, allocates, compiles or loads, and no text can make it panic.
//!
//! | to | use |
//! |---|---|
//! | check a request's number | [`PhonePolicy::check`], with a [`PhoneLevel`] and perhaps [`AllowedRegions`] |
//! | hold a number | [`PhoneNumber`]: `Copy`, ordered, serialised as its E.164 text; stores keep [`PhoneNumber::as_u64`] |
//! | know more about it | [`PhoneNumber::region`], [`PhoneNumber::kind`], [`PhoneNumber::country_code`] |
//! | read what people typed | [`lenient::parse`], with a default [`Region`] |
//! | know when to call | [`zone::time_zone`] |
//!
//! ```
//! use splitter_core::phone::{AllowedRegions, PhonePolicy};
//!
//! let policy = PhonePolicy { allowed: Some(AllowedRegions::parse(["US", "+44"])?), ..PhonePolicy::default() };
//! let number = policy.check("+15551234567")?;
//! assert_eq!(number.to_string(), "+15551234567");
//! assert_eq!(
//!     policy.check("+4930123456").unwrap_err().to_string(),
//!     "`+4930123456` is outside the allowed regions; allowed are US, +44"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the answers are worth
//!
//! The numbering plans are those of libphonenumber, and the answers are equal to its own: a test compares possible,
//! valid, type and region of more than 100,000 numbers with the Python port at the same metadata version, without one
//! difference. Two things are meant to be otherwise:
//!
//! - *Digits count as they are written.* libphonenumber's parser takes a trunk prefix out of `+44 020…` before it
//!   answers. Here that number is judged as it stands, because two spellings of one number would be two contacts; the
//!   error names the right spelling, and [`lenient::parse`] takes the prefix out exactly as libphonenumber does.
//! - *What can be dialled only locally is not possible.* libphonenumber's `isPossibleNumber` accepts `+15551234`; here
//!   [`PhoneNumber::is_local_only`] says so.
//!
//! # How it works
//!
//! The patterns of all regions and types are one minimal automaton over digits, made ahead of time and committed
//! (`data/phone/numbers.bin`, 150 kB). The first three digits give the calling code, the rest is one step per digit,
//! and the state at the end says which type the number is. Regions that share a calling code are tried in
//! libphonenumber's order, by their leading digits where they have some.

mod allowed;
#[cfg(feature = "phonenumber")]
mod convert;
mod error;
mod kind;
pub mod lenient;
mod number;
mod policy;
mod region;
mod table;
pub mod zone;

pub use allowed::{AllowedRegion, AllowedRegions, AllowedRegionsError};
#[cfg(feature = "phonenumber")]
pub use convert::ConversionError;
pub use error::{Lengths, PhoneError, Quoted};
pub use kind::PhoneType;
pub use number::{MAX_DIGITS, PhoneNumber};
pub use policy::{PhoneLevel, PhonePolicy};
pub use region::{Region, UnknownRegion};
