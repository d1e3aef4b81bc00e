//! From what people dial inside a country to the digits that follow its calling code.

use super::pattern;
use crate::phone::table::Plan;

/// The most digits that are looked at; no number with its prefixes has as many.
pub(super) const ROOM: usize = 32;

/// A short run of digits, as values 0 to 9.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Digits {
    values: [u8; ROOM],
    length: usize,
}

impl Digits {
    /// Adds a digit; false if there is no room.
    pub(super) fn push(&mut self, digit: u8) -> bool {
        match self.values.get_mut(self.length) {
            Some(slot) => {
                *slot = digit;
                self.length += 1;
                true
            }
            None => false,
        }
    }

    pub(super) fn extend(&mut self, digits: &[u8]) -> bool {
        digits.iter().all(|digit| self.push(*digit))
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.values[..self.length]
    }

    /// The digits from `start` on.
    pub(super) fn from(&self, start: usize) -> Self {
        let mut rest = Self::default();
        rest.extend(self.as_slice().get(start..).unwrap_or_default());
        rest
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }
}

/// How a length fits a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Possible,
    TooLong,
    /// Too short, for local calls only, or between possible lengths.
    No,
}

pub(super) fn fit(plan: Plan, length: usize) -> Fit {
    let has = |lengths: u32| length < 32 && lengths & 1 << length != 0;
    if has(plan.local_lengths()) {
        Fit::No
    } else if has(plan.lengths()) {
        Fit::Possible
    } else if plan.lengths().checked_ilog2().is_some_and(|longest| longest < u32::try_from(length).unwrap_or(u32::MAX))
    {
        Fit::TooLong
    } else {
        Fit::No
    }
}

/// Takes out the prefix that is dialled before a national number (and a code of a carrier), or fills in an area code
/// that is left out in local calls, where the plan's rules say so. A number that fits its plan is not made to misfit.
pub(super) fn without_prefix(plan: Plan, digits: &Digits) -> Digits {
    let Some(found) = pattern::find(plan.national_prefix(), digits.as_slice()) else { return *digits };
    let transform = plan.prefix_transform();
    let changed = if !transform.is_empty() && found.has_last_group() {
        let mut changed = Digits::default();
        let mut rule = transform.iter();
        let mut fits = true;
        while let Some(byte) = rule.next() {
            fits &= match byte {
                b'$' => {
                    let group = rule.next().map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
                    changed.extend(found.group(group, digits.as_slice()).unwrap_or_default())
                }
                digit => changed.push(digit.wrapping_sub(b'0')),
            };
        }
        fits &= changed.extend(&digits.as_slice()[found.end..]);
        if !fits {
            return *digits;
        }
        changed
    } else {
        digits.from(found.end)
    };
    if plan.matches_general(digits.as_slice()) && !plan.matches_general(changed.as_slice()) {
        return *digits;
    }
    changed
}

/// [`without_prefix`], if what is left has a possible length, or one that is too long (which is told later).
pub(super) fn national(plan: Plan, digits: &Digits) -> Digits {
    let changed = without_prefix(plan, digits);
    if fit(plan, changed.len()) == Fit::No { *digits } else { changed }
}
