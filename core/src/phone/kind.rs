//! What a number is used for.

use serde::{Deserialize, Serialize};

/// The type of a number, as its numbering plan tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PhoneType {
    /// A line at a fixed place.
    FixedLine,
    /// A mobile phone.
    Mobile,
    /// A fixed line or a mobile phone: some plans, such as North America's, do not tell them apart.
    FixedLineOrMobile,
    /// Free for the caller.
    TollFree,
    /// At a higher price, part of which goes to the called one.
    PremiumRate,
    /// The price is shared between caller and called.
    SharedCost,
    /// A line over the internet.
    Voip,
    /// A personal number, which is forwarded to wherever its owner is.
    PersonalNumber,
    /// A pager.
    Pager,
    /// A company's number for all its places.
    Uan,
    /// The access to a voice mailbox.
    Voicemail,
    /// Not in an assigned range: the number is not valid.
    #[default]
    Unknown,
}

impl PhoneType {
    /// The type with this value in the table.
    pub(crate) const fn from_label(label: u8) -> Self {
        match label {
            1 => Self::FixedLine,
            2 => Self::Mobile,
            3 => Self::FixedLineOrMobile,
            4 => Self::PremiumRate,
            5 => Self::TollFree,
            6 => Self::SharedCost,
            7 => Self::Voip,
            8 => Self::PersonalNumber,
            9 => Self::Pager,
            10 => Self::Uan,
            11 => Self::Voicemail,
            _ => Self::Unknown,
        }
    }
}
