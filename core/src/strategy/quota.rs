//! The quota rule: from shares and carried credit to a choice, exactly and without luck.
//!
//! Every campaign of a splitter has a *share* (a part of one contact, in [`UNIT`]s) and a *credit* (what it was
//! promised so far less what it was given). A decision adds the shares to the credits, chooses one campaign, and takes
//! one whole contact off the credit of the chosen one. Credits therefore always sum to 0.
//!
//! With `k` campaigns that have a share, `D = 2k − 2` and credits after the shares were added, the rule is:
//!
//! 1. *Rescue*: if any credit is above `1 − 1/D` contacts, the largest credit is served.
//! 2. *Earliest deadline*: else, among those that may be served without being over-served (credit at least `1/D`), the
//!    one that would be the first to reach `1 − 1/D` if it went on being passed over.
//! 3. Else the largest credit. That happens only beside frozen credit (see below).
//!
//! Ties go to the lower position, that is to the campaign that was added to the splitter earlier.
//!
//! For shares that stay the same, starting from zero credit, no campaign is ever further than [`Bound`] =
//! `1 − 1/(2k−2)` contacts from its exact quota, at *every* prefix of the sequence. No rule can promise less for all
//! weights (R. Tijdeman, *The chairman assignment problem*, Discrete Mathematics 32, 1980). For shares that change at
//! every contact no campaign is ever over-served by more than that.
//!
//! **Credit is carried, never reset.** A campaign that can not be chosen now has share 0 and keeps its credit, frozen,
//! until it can. A new campaign starts with credit 0. What a removed one leaves behind goes to the others
//! ([`spread_removed`]).
//!
//! # Widths
//!
//! For at most [`MAX_CAMPAIGNS`] campaigns a credit stays below 2^50 and `D` below 2^11, so a credit times `D` fits an
//! `i64`, and credits, shares and what may be served fit the digits of an `f64`. Weights are any `u64`: a weight times [`UNIT`] stays below 2^104, in `u128`.

mod choose;
mod shares;

pub(in crate::strategy) use shares::apportion;
pub use shares::{shares, shares_into, spread_removed};

use serde::{Deserialize, Serialize};

/// One whole contact, in the units of shares and credits: `2^9·3^2·5^4·7·11·13·17·19`, below 2^40.
///
/// It is divisible by 10,000 and by 1 to 22, so shares of basis points and equal splits are exact. It never
/// changes, so that editing weights never rescales credit.
pub const UNIT: i64 = 931_170_240_000;

/// The version of the rule, stored beside every decision. A change that makes any choice differ raises it.
pub const RULE_VERSION: u16 = 1;

/// The most campaigns that the arithmetic of the rule is wide enough for.
pub const MAX_CAMPAIGNS: usize = 1024;

/// Decides: adds every share to its credit, returns the position of the chosen campaign and takes one contact off
/// its credit.
///
/// Preconditions: `shares` are those of [`shares()`] (none negative, sum [`UNIT`]) and `credits` sum to 0, as this
/// function leaves them. Takes time proportional to the number of campaigns and allocates nothing.
///
/// # Panics
///
/// If the two slices differ in length or no share is above 0.
pub fn pick(credits: &mut [i64], shares: &[i64]) -> usize {
    choose::decide::<true>(credits, shares)
}

/// Decides again for a contact whose `present` assignment was chosen by this rule: that choice is given back first, so
/// the contact is counted once, in whichever campaign this returns.
///
/// No shares are added, because no new contact came. Repeated before the next decision it returns `present`. Repeated
/// later, at constant shares, it nearly always does; at most two or three repeats in a thousand, with unround weights, move to a
/// campaign that has come due earlier meanwhile. Swapping a later deadline for an earlier one never costs
/// feasibility, so the bounds hold for the present assignments of distinct contacts all the same.
///
/// Preconditions as for [`pick`]; in addition `present` has a share above 0 (if it has none, the caller uses
/// [`pick`]).
///
/// # Panics
///
/// If the two slices differ in length, no share is above 0, or `present` is no position.
pub fn repick(credits: &mut [i64], shares: &[i64], present: usize) -> usize {
    credits[present] += UNIT;
    choose::decide::<false>(credits, shares)
}

/// How far a campaign can be from its exact quota, in contacts, as an exact fraction: `1 − 1/(2k−2)` for `k` campaigns
/// with a share, 0 for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bound {
    /// `2k − 3`, or 0.
    pub numerator: u64,
    /// `2k − 2`, or 1.
    pub denominator: u64,
}

impl Bound {
    /// The bound for `sharing` campaigns with a share above 0.
    #[must_use]
    pub const fn of(sharing: usize) -> Self {
        if sharing < 2 {
            return Self { numerator: 0, denominator: 1 };
        }
        let denominator = 2 * sharing as u64 - 2;
        Self { numerator: denominator - 1, denominator }
    }

    /// Whether a deviation, in units of 1/[`UNIT`] contact, of either sign, lies within the bound. Exact.
    #[must_use]
    pub const fn allows(self, deviation: i64) -> bool {
        deviation.unsigned_abs() as u128 * self.denominator as u128 <= self.numerator as u128 * UNIT as u128
    }

    /// The bound in contacts, for display.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// The numerator of [`Bound::of`].
#[must_use]
pub const fn bound_numerator(sharing: usize) -> u64 {
    Bound::of(sharing).numerator
}

/// The denominator of [`Bound::of`].
#[must_use]
pub const fn bound_denominator(sharing: usize) -> u64 {
    Bound::of(sharing).denominator
}
