//! The three cases of the rule, written for speed.
//!
//! Everything is said in one number per campaign, its `slack = D·(1 − 1/D) − D·credit`, in units: how far it is from the
//! rescue line. Slack below 0 calls for rescue, slack up to `D − 2` contacts may be served, and `slack / share` is the
//! time to the deadline. The largest credit is the smallest slack.
//!
//! Times are compared as `f64`. Slacks and shares are exact there (below 2^53), and rounding is monotone: quotients, or
//! products, that differ after rounding have the order of the exact ones. Only where they are equal they are compared again
//! in 128 bits. What this saves is branches on which campaigns may be served, which is as good as random.

use super::UNIT;

/// From how many campaigns on [`all_at_once`] pays.
const MANY: usize = 12;

/// Up to how many campaigns, and below which credit (16 contacts), every product in [`all_at_once`] is below 2^52.
const MOST: usize = 64;
const SMALL: i64 = 1 << 44;

/// What is to be known of all campaigns before one is chosen; made in the pass that adds the shares.
#[derive(Default)]
pub(super) struct Survey {
    /// How many have a share.
    pub(super) sharing: u64,
    /// All credits over each other, raised by [`SMALL`] so that small ones are neither negative nor large.
    spread: i64,
}

impl Survey {
    #[inline]
    pub(super) fn see(&mut self, credit: i64, share: i64) {
        // The sign of the negated share is 1 if it is above 0; vector units are slow at comparing.
        self.sharing += share.wrapping_neg().cast_unsigned() >> 63;
        self.spread |= credit.wrapping_add(SMALL);
    }

    /// Whether every credit is at least −[`SMALL`] and below it.
    pub(super) fn all_small(&self) -> bool {
        (0..2 * SMALL).contains(&self.spread)
    }
}

/// The chosen position among the `sharing` campaigns with a share, two or more.
#[inline]
pub(super) fn choose(credits: &[i64], shares: &[i64], sharing: i64, all_small: bool) -> usize {
    let d = 2 * sharing - 2;
    let (rescue, earliest) = match credits.len() {
        MANY..=16 if all_small => all_at_once(credits, shares, d, &mut [0.0; 16]),
        17..=MOST if all_small => all_at_once(credits, shares, d, &mut [0.0; MOST]),
        _ => one_by_one(credits, shares, d),
    };
    match earliest {
        Some(earliest) if !rescue => earliest,
        _ => richest(credits, shares),
    }
}

/// Whether any campaign is to be rescued, and the one with the earliest deadline of those that may be served: compared
/// crosswise, in one pass.
#[inline]
fn one_by_one(credits: &[i64], shares: &[i64], d: i64) -> (bool, Option<usize>) {
    const NEVER: u64 = f64::INFINITY.to_bits();
    let (rescue_line, servable) = ((d - 1) * UNIT, (d - 2) * UNIT);
    let mut rescue = 0;
    // A time that is later than any other, and still less than never.
    let (mut best_slack, mut best_share, mut earliest) = (f64::MAX / UNIT as f64, 1.0, None);
    for (position, (&credit, &share)) in credits.iter().zip(shares).enumerate() {
        let slack = rescue_line - d * credit;
        // All ones where the share is 0, and where the slack is too large to be served.
        let shareless = (share - 1) >> 63;
        let unservable = ((servable - slack) >> 63 | shareless).cast_unsigned();
        rescue |= slack & !shareless;
        let own = slack as f64 + f64::from_bits(NEVER & unservable);
        let (mine, theirs) = (own * best_share, best_slack * share as f64);
        if mine <= theirs && (mine < theirs || exactly_earlier(position, earliest, credits, shares, d)) {
            (best_slack, best_share, earliest) = (own, share as f64, Some(position));
        }
    }
    (rescue < 0, earliest)
}

/// The same for credits below [`SMALL`] and no more than [`MOST`] campaigns: in passes without any branch, which
/// compilers turn into vector instructions. `times` has room for all.
#[expect(clippy::needless_bitwise_bool, reason = "a lazy operator would be a branch for each campaign")]
fn all_at_once(credits: &[i64], shares: &[i64], d: i64, times: &mut [f64]) -> (bool, Option<usize>) {
    let times = &mut times[..credits.len()];
    let (d_exact, d) = (d, exact(d));
    let unit = exact(UNIT);
    let (rescue_line, servable) = ((d - 1.0) * unit, (d - 2.0) * unit);
    for ((time, &credit), &share) in times.iter_mut().zip(credits).zip(shares) {
        let (slack, share) = (rescue_line - d * exact(credit), exact(share));
        let slack = if slack <= servable { slack } else { f64::INFINITY };
        let slack = if share > 0.0 { slack } else { f64::INFINITY };
        *time = slack / share;
    }
    let mut least = [f64::INFINITY; 4];
    let mut fours = times.chunks_exact(4);
    for four in &mut fours {
        for (least, &time) in least.iter_mut().zip(four) {
            *least = if time < *least { time } else { *least };
        }
    }
    let rest = fours.remainder().iter().copied();
    let least = least.into_iter().chain(rest).fold(f64::INFINITY, |a, b| if b < a { b } else { a });
    if least == f64::INFINITY {
        return (false, None);
    }
    let mut earliest = None;
    for (eight, some) in times.chunks(8).enumerate() {
        if some.iter().fold(false, |any, time| any | (*time <= least)) {
            for position in (8 * eight..).zip(some).filter(|(_, time)| **time <= least).map(|(position, _)| position) {
                if earliest.is_none() || exactly_earlier(position, earliest, credits, shares, d_exact) {
                    earliest = Some(position);
                }
            }
        }
    }
    // A slack below 0 makes a time below 0.
    (least < 0.0, earliest)
}

/// An integer below 2^51 as `f64`, in a way that vector units can do: it is written into the digits of 1.5·2^52.
fn exact(integer: i64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    f64::from_bits(integer.wrapping_add(SHIFT.to_bits().cast_signed()).cast_unsigned()) - SHIFT
}

/// Whether the deadline of the campaign at `position` is before that of the best one so far, in integers.
#[cold]
fn exactly_earlier(position: usize, best: Option<usize>, credits: &[i64], shares: &[i64], d: i64) -> bool {
    let slack = |i: usize| i128::from((d - 1) * UNIT - d * credits[i]);
    best.is_some_and(|best| slack(position) * i128::from(shares[best]) < slack(best) * i128::from(shares[position]))
}

/// The campaign with the largest credit of those with a share.
fn richest(credits: &[i64], shares: &[i64]) -> usize {
    let sharing = (0..credits.len()).filter(|i| shares[*i] > 0);
    sharing.reduce(|best, i| if credits[i] > credits[best] { i } else { best }).unwrap_or(0)
}
