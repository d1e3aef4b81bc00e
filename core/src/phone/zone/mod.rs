//! From a number to a time zone.
//!
//! libphonenumber publishes which zones the numbers with a certain prefix belong to; the longest prefix counts. One zone:
//! that one. Several: the admin's own zone if it is among them, else the principal zone of the number's region, or of its
//! calling code's main region if its own is not known (see [`principal`]). None, or a number that belongs to no place
//! (toll-free, or of a calling code that no country has): the admin's own zone.
//!
//! ```
//! use chrono_tz::Tz;
//! use splitter_core::phone::{PhoneNumber, zone};
//!
//! let zone = |text: &str, admin| Ok::<_, splitter_core::phone::PhoneError>(zone::time_zone(text.parse()?, admin).name());
//! assert_eq!(zone("+13125550123", None)?, "America/Chicago");
//! assert_eq!(zone("+15551234567", None)?, "America/New_York");
//! assert_eq!(zone("+15551234567", Some(Tz::America__Denver))?, "America/Denver");
//! assert_eq!(zone("+18005550123", Some(Tz::Europe__Berlin))?, "Europe/Berlin");
//! # Ok::<(), splitter_core::phone::PhoneError>(())
//! ```

mod names;
mod principal;

use super::kind::PhoneType;
use super::number::PhoneNumber;
use super::region::Region;
use chrono_tz::Tz;
pub use principal::principal;

/// The zone of an admin who has set none.
pub const DEFAULT: Tz = Tz::America__New_York;

static DATA: &[u8] = include_bytes!("../../../data/phone/zones.bin");

const PREFIX_COUNT: usize = u16_at(4) as usize;
const LIST_COUNT: usize = u16_at(6) as usize;
const STARTS: usize = 8;
const ENTRIES: usize = STARTS + 4 * PREFIX_COUNT;
const ENTRY_BYTES: usize = 5;
const LISTS: usize = ENTRIES + ENTRY_BYTES * PREFIX_COUNT;
const MEMBERS: usize = LISTS + 2 * (LIST_COUNT + 1);

/// Prefixes are compared as numbers of so many digits, filled up with zeros.
const WIDTH: u32 = 9;

const fn u16_at(at: usize) -> u16 {
    let data: &[u8] = include_bytes!("../../../data/phone/zones.bin");
    u16::from_le_bytes([data[at], data[at + 1]])
}

fn start_at(index: usize) -> u32 {
    let at = STARTS + 4 * index;
    u32::from_le_bytes([DATA[at], DATA[at + 1], DATA[at + 2], DATA[at + 3]])
}

/// The time zone in which to reach `number`, for an admin with this zone ([`DEFAULT`] if it has none).
#[must_use]
pub fn time_zone(number: PhoneNumber, admin: Option<Tz>) -> Tz {
    let own = admin.unwrap_or(DEFAULT);
    if number.kind() == PhoneType::TollFree {
        return own;
    }
    let mut zones = candidates(number);
    match (zones.next(), zones.len()) {
        (None, _) => own,
        (Some(only), 0) => only,
        _ if candidates(number).any(|zone| zone == own) => own,
        _ => {
            let region = number.region().or_else(|| number.main_region());
            region.and_then(|region| preferred(number, region)).unwrap_or(own)
        }
    }
}

/// The first of the region's zones that the number may be in; if there is none, the region's principal one.
fn preferred(number: PhoneNumber, region: Region) -> Option<Tz> {
    let zones = principal::zones(region)?;
    zones.iter().copied().find(|zone| candidates(number).any(|candidate| candidate == *zone)).or(zones.first().copied())
}

/// The zones that `number` may be in by its longest known prefix, in the order of their names.
#[must_use]
pub fn candidates(number: PhoneNumber) -> impl ExactSizeIterator<Item = Tz> {
    let list = longest_prefix(number).map(|entry| usize::from(u16_at(entry + 2)));
    let members = list.map_or(0..0, |list| {
        let at = LISTS + 2 * list;
        usize::from(u16_at(at))..usize::from(u16_at(at + 2))
    });
    members.map(|member| names::ZONES[usize::from(u16_at(MEMBERS + 2 * member))])
}

/// Where the entry of the longest prefix of `number` begins.
fn longest_prefix(number: PhoneNumber) -> Option<usize> {
    let count = u32::try_from(number.digit_count()).ok()?;
    let key = if count > WIDTH {
        number.as_u64() / 10u64.pow(count - WIDTH)
    } else {
        number.as_u64() * 10u64.pow(WIDTH - count)
    };
    let key = u32::try_from(key).ok()?;
    // The last prefix that is not greater: either it fits, or one of the prefixes around it does.
    let (mut low, mut high) = (0, PREFIX_COUNT);
    while low < high {
        let middle = usize::midpoint(low, high);
        if start_at(middle) <= key { low = middle + 1 } else { high = middle }
    }
    while low > 0 {
        let entry = ENTRIES + ENTRY_BYTES * (low - 1);
        let length = u32::from(DATA[entry + 4]);
        let rest = 10u32.pow(WIDTH - length);
        if length <= count && key / rest == start_at(low - 1) / rest {
            return Some(entry);
        }
        low = usize::from(u16_at(entry));
    }
    None
}
