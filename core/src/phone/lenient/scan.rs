//! From text as people write it to digits: punctuation, Unicode digits, extensions.

use super::LenientError;
use super::national::Digits;
use crate::phone::error::Quoted;

/// The most characters of a text that is looked at; real ones with labels and extensions are far shorter.
const LONGEST_TEXT: usize = 250;

/// Labels of an extension that are words, and the most digits after them.
const WORDS: [&str; 8] = [";ext=", "extension", "extensión", "extn", "ext", "доб", "anexo", "int"];
const DIGITS_AFTER_WORD: usize = 20;

/// Signs that may begin an extension. Fewer digits may follow, or else they are rather a second number.
const SIGNS: [char; 8] = ['x', 'X', 'ｘ', '#', '＃', '~', ',', ';'];
const DIGITS_AFTER_SIGN: usize = 9;

/// The fewest digits that have to stand before an extension.
const DIGITS_BEFORE_EXTENSION: usize = 3;

/// The zeros of Unicode's decimal digits (general category Nd); nine more follow each.
const ZEROS: [u32; 66] = [
    0x0030, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6,
    0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0,
    0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50,
    0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950,
    0x1fbf0,
];

/// A text taken apart.
#[derive(Debug)]
pub(super) struct Scanned {
    /// Whether a plus stands before the digits.
    pub(super) plus: bool,
    pub(super) digits: Digits,
    pub(super) extension: Option<String>,
}

/// Takes `text` apart.
pub(super) fn scan(text: &str) -> Result<Scanned, LenientError> {
    if text.chars().nth(LONGEST_TEXT).is_some() {
        return Err(LenientError::TooLong(Quoted::new(text)));
    }
    let text = spreadsheet_integer(text);
    let mut rest = text.trim_matches(is_between);
    if let Some(number) = rest.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:")).and(rest.get(4..)) {
        rest = number;
    }
    let mut scanned = Scanned { plus: false, digits: Digits::default(), extension: None };
    let mut chars = rest.chars();
    loop {
        let here = chars.as_str();
        let Some(c) = chars.next() else { break };
        if let Some(digit) = digit(c) {
            if !scanned.digits.push(digit) {
                return Err(LenientError::TooManyDigits(Quoted::new(text)));
            }
        } else if is_plus(c) && !scanned.plus && scanned.digits.len() == 0 {
            scanned.plus = true;
        } else if scanned.digits.len() >= DIGITS_BEFORE_EXTENSION
            && let Some(extension) = extension(here)
        {
            scanned.extension = Some(extension);
            break;
        } else if !is_between(c) {
            return Err(LenientError::Character {
                text: Quoted::new(text),
                found: Quoted::new(c.encode_utf8(&mut [0; 4])),
            });
        }
    }
    if scanned.digits.len() == 0 {
        return Err(LenientError::NoDigits(Quoted::new(text)));
    }
    Ok(scanned)
}

/// A whole number that a spreadsheet wrote with a fraction, without it: `15551234567.0`.
fn spreadsheet_integer(text: &str) -> &str {
    match text.trim().strip_suffix(".0") {
        Some(whole) if whole.len() > 4 && whole.bytes().all(|byte| byte.is_ascii_digit()) => whole,
        _ => text,
    }
}

/// The extension that the whole of `text` is, label included.
fn extension(text: &str) -> Option<String> {
    let (rest, most) = match WORDS.iter().find_map(|word| strip_word(text, word)) {
        Some(rest) => (rest, DIGITS_AFTER_WORD),
        None => (text.strip_prefix(SIGNS)?, DIGITS_AFTER_SIGN),
    };
    let rest = rest.trim_start_matches(|c| is_between(c) || matches!(c, ':' | ',' | '#' | '.'));
    let rest = rest.trim_end_matches(is_between);
    let rest = rest.strip_suffix(['#', '＃']).unwrap_or(rest);
    let digits: Option<String> = rest.chars().map(|c| digit(c).map(|digit| char::from(b'0' + digit))).collect();
    digits.filter(|digits| (1..=most).contains(&digits.len()))
}

/// What follows `word` (in small letters) in `text`, whatever the letters' case.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut chars = text.chars();
    word.chars().all(|expected| chars.next().is_some_and(|c| c.to_lowercase().eq([expected]))).then_some(chars.as_str())
}

fn is_plus(c: char) -> bool {
    matches!(c, '+' | '\u{ff0b}')
}

/// Whether `c` may stand between digits without a meaning: spaces, dashes, dots, slashes, brackets, invisible marks.
fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '/' | '(' | ')' | '[' | ']' | '~' | '\'' | '·' | '•' | '−' | 'ー' | '／' | '．' | '（' | '）'
        )
        || matches!(c, '［' | '］' | '－' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2018}' | '\u{2019}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The value of a decimal digit of any script.
fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    let code = u32::from(c);
    let after = ZEROS.partition_point(|zero| *zero <= code);
    let value = code - ZEROS.get(after.checked_sub(1)?)?;
    u8::try_from(value).ok().filter(|value| *value < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_all_scripts() {
        assert!(ZEROS.is_sorted());
        for zero in ZEROS {
            for value in 0..10u8 {
                let c = char::from_u32(zero + u32::from(value)).unwrap();
                assert!(c.is_numeric(), "{c:?}");
                assert_eq!(digit(c), Some(value));
            }
        }
        for c in ['a', '/', ':', '²', '½', 'Ⅷ', '①', '六', '\u{66a}', '\u{10ffff}'] {
            assert_eq!(digit(c), None, "{c:?}");
        }
    }
}
