//! What is wrong with a phone number, in words for the one who sent it.

use super::number::{MAX_DIGITS, PhoneNumber};
use thiserror::Error;

/// Why a text or a number is refused. The messages say what is wrong and what to send instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PhoneError {
    /// Nothing was sent.
    #[error("the phone number is empty; write it as `+`, the country calling code and the number: `+15551234567`")]
    Empty,
    /// The text does not begin with `+`.
    #[error("{0} does not begin with `+`; write `+`, the country calling code and the number: `+15551234567`")]
    NoPlus(Quoted),
    /// A character is no ASCII digit.
    #[error("{text} contains {found}; only ASCII digits may follow the `+`, as in `+15551234567`")]
    NotADigit {
        /// The text sent.
        text: Quoted,
        /// The first wrong character.
        found: Quoted,
    },
    /// Nothing follows the `+`.
    #[error("`+` is no phone number; the country calling code and the number have to follow, as in `+15551234567`")]
    NoDigits,
    /// The first digit is 0.
    #[error("{0} begins with 0; no country calling code does: leave out `00` and the like after the `+`")]
    LeadingZero(Quoted),
    /// More than 15 digits.
    #[error("{0} has {1} digits; a phone number has at most 15, country calling code included")]
    TooManyDigits(Quoted, usize),
    /// The digits begin with no country calling code that is in use.
    #[error("`{0}` begins with no country calling code that is in use; check the digits after the `+`")]
    UnknownCallingCode(PhoneNumber),
    /// The length fits no number of the calling code.
    #[error("`{number}` has {national} digits after the country calling code `+{code}`; possible are {possible}")]
    ImpossibleLength {
        /// The number.
        number: PhoneNumber,
        /// Its calling code.
        code: u16,
        /// How many digits follow the calling code.
        national: usize,
        /// How many may follow, in words.
        possible: Lengths,
    },
    /// A prefix that is dialled only inside the country stands after the calling code.
    #[error("`{number}` contains a prefix that is dialled only inside the country; write `{without}`")]
    TrunkPrefix {
        /// The number.
        number: PhoneNumber,
        /// The number without the prefix.
        without: PhoneNumber,
    },
    /// The length is dialled only locally.
    #[error("`{number}` can be dialled only locally; after `+{code}` write the number with its area code")]
    LocalOnly {
        /// The number.
        number: PhoneNumber,
        /// Its calling code.
        code: u16,
    },
    /// The number is in no assigned range.
    #[error("`{0}` is in no range of numbers that is assigned; check it for a typing error")]
    NotAssigned(PhoneNumber),
    /// The number belongs to no allowed region.
    #[error("`{number}` is outside the allowed regions; allowed are {allowed}")]
    NotAllowed {
        /// The number.
        number: PhoneNumber,
        /// The allowed regions and calling codes.
        allowed: super::allowed::AllowedRegions,
    },
}

impl PhoneError {
    /// Why `text` does not have the syntax of E.164.
    #[cold]
    pub(super) fn syntax(text: &str) -> Self {
        let Some(rest) = text.strip_prefix('+') else {
            return if text.is_empty() { Self::Empty } else { Self::NoPlus(Quoted::new(text)) };
        };
        if let Some(found) = rest.chars().find(|c| !c.is_ascii_digit()) {
            return Self::NotADigit { text: Quoted::new(text), found: Quoted::new(found.encode_utf8(&mut [0; 4])) };
        }
        match rest.as_bytes() {
            [] => Self::NoDigits,
            [b'0', ..] => Self::LeadingZero(Quoted::new(text)),
            digits => {
                debug_assert!(digits.len() > MAX_DIGITS, "the strict parser refuses nothing else");
                Self::TooManyDigits(Quoted::new(text), digits.len())
            }
        }
    }
}

/// The most characters of a hostile text that a message repeats.
const QUOTED_CHARS: usize = 40;

/// Text from outside as it may stand in a message: in backticks, escaped, at most 40 characters of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    /// Cuts and escapes `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(quote(text))
    }

    /// The cut and escaped text, with its backticks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Quoted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// See [`Quoted`].
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("`");
    let mut room = QUOTED_CHARS;
    for c in text.chars() {
        let escaped = c.escape_debug();
        // An escape counts for all its characters, so that no text makes the message long.
        let width = escaped.clone().count();
        if width > room {
            quoted.push('…');
            break;
        }
        room -= width;
        if c == '\'' || c == '"' { quoted.push(c) } else { quoted.extend(escaped) }
    }
    quoted.push('`');
    quoted
}

/// A set of lengths in words: `10 digits`, `9 or 10 digits`, `4 to 9 digits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths(pub(super) u32);

impl std::fmt::Display for Lengths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut runs = Runs(self.0);
        let Some(first) = runs.next() else { return f.write_str("none") };
        write_run(f, first)?;
        for run in runs {
            f.write_str(" or ")?;
            write_run(f, run)?;
        }
        f.write_str(" digits")
    }
}

fn write_run(f: &mut std::fmt::Formatter<'_>, (first, last): (u32, u32)) -> std::fmt::Result {
    match last - first {
        0 => write!(f, "{first}"),
        1 => write!(f, "{first} or {last}"),
        _ => write!(f, "{first} to {last}"),
    }
}

/// The runs of set bits, each as its first and last one.
struct Runs(u32);

impl Iterator for Runs {
    type Item = (u32, u32);
    fn next(&mut self) -> Option<(u32, u32)> {
        let last_of_all = self.0.checked_ilog2()?;
        let first = self.0.trailing_zeros();
        let last = (first..last_of_all).find(|n| self.0 & 1 << (n + 1) == 0).unwrap_or(last_of_all);
        self.0 = if last == 31 { 0 } else { self.0 >> (last + 1) << (last + 1) };
        Some((first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_words() {
        let rows = [
            (1 << 10, "10 digits"),
            (0b11 << 9, "9 or 10 digits"),
            (0b11_1111 << 4, "4 to 9 digits"),
            (1 << 7 | 0b11 << 9, "7 or 9 or 10 digits"),
            (0, "none"),
        ];
        for (bits, words) in rows {
            assert_eq!(Lengths(bits).to_string(), words);
        }
    }

    #[test]
    fn quoting() {
        let rows = [
            ("a'b", "`a'b`"),
            ("\n\u{0}", "`\\n\\0`"),
            ("\u{202e}", "`\\u{202e}`"),
            ("0123456789012345678901234567890123456789", "`0123456789012345678901234567890123456789`"),
            ("01234567890123456789012345678901234567890", "`0123456789012345678901234567890123456789…`"),
        ];
        for (text, quoted) in rows {
            assert_eq!(quote(text), quoted);
        }
    }
}
