//! Phone numbers: parsed once, strictly, without locks or allocations.

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
