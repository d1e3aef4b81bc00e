//! The three cases of the rule, written for speed.
//!
//! Everything is said in one number per campaign, its `slack = D·(1 − 1/D) − D·credit`, in units: how far it is from the
//! rescue line. Slack below 0 calls for rescue, slack up to `D − 2` contacts may be served, and `slack / share` is the
//! time to the deadline. The largest credit is the smallest slack.
//!
//! Times are compared as `f64`. A slack that may be served and a share are exact there (below 2^52), and rounding is
//! monotone: quotients, or products, that differ after rounding have the order of the exact ones. Only where they are equal
//! they are compared again in 128 bits. What this saves is branches on which campaigns may be served, which is as good
//! as random.

use super::UNIT;

/// Chooses among the campaigns with a share and takes one contact off the chosen one's credit. If the contact is `NEW`, the
/// shares are added first.
pub(super) fn decide<const NEW: bool>(credits: &mut [i64], shares: &[i64]) -> usize {
    assert_eq!(credits.len(), shares.len(), "one share per credit");
    let chosen = match credits.len() {
        2 => few::<NEW, 2>(credits, shares),
        3 => few::<NEW, 3>(credits, shares),
        4 => few::<NEW, 4>(credits, shares),
        5 => few::<NEW, 5>(credits, shares),
        6 => few::<NEW, 6>(credits, shares),
        7 => few::<NEW, 7>(credits, shares),
        _ => many::<NEW>(credits, shares),
    };
    credits[chosen] -= UNIT;
    chosen
}

/// `K` campaigns, by code that is unrolled for their number.
#[inline]
fn few<const NEW: bool, const K: usize>(credits: &mut [i64], shares: &[i64]) -> usize {
    let (credits, shares) = (&mut credits[..K], &shares[..K]);
    let mut sharing = 0;
    for (credit, &share) in credits.iter_mut().zip(shares) {
        *credit += if NEW { share } else { 0 };
        sharing += i64::from(share > 0);
    }
    assert!(sharing > 0, "some share is above 0");
    // Both of two campaigns are at the line of service, or one is beyond the line of rescue: the largest credit in any case.
    if sharing <= 2 { richest(credits, shares) } else { one_by_one(credits, shares, 2 * sharing - 2) }
}

/// The rule, comparing deadlines crosswise.
#[inline(always)]
fn one_by_one(credits: &[i64], shares: &[i64], d: i64) -> usize {
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
        // Equal slacks have equal products only with equal shares, or at the deadline itself: no earlier then.
        let unclear =
            || own.to_bits() != best_slack.to_bits() && exactly_earlier(position, earliest, credits, shares, d);
        if mine <= theirs && (mine < theirs || unclear()) {
            (best_slack, best_share, earliest) = (own, share as f64, Some(position));
        }
    }
    match earliest {
        Some(earliest) if rescue >= 0 => earliest,
        _ => richest(credits, shares),
    }
}

/// Whether the deadline of the campaign at `position` is before that of the best one so far, in integers.
#[cold]
fn exactly_earlier(position: usize, best: Option<usize>, credits: &[i64], shares: &[i64], d: i64) -> bool {
    let slack = |i: usize| i128::from((d - 1) * UNIT - d * credits[i]);
    best.is_some_and(|best| slack(position) * i128::from(shares[best]) < slack(best) * i128::from(shares[position]))
}

/// The campaign with the largest credit of those with a share.
#[inline]
fn richest(credits: &[i64], shares: &[i64]) -> usize {
    let (mut best, mut most) = (0, i64::MIN);
    for (position, (&credit, &share)) in credits.iter().zip(shares).enumerate() {
        if share > 0 && credit > most {
            (best, most) = (position, credit);
        }
    }
    best
}

/// The last digits of a time, in which [`many`] writes one more than the campaign's position: the least time brings its
/// campaign with it. [`MAX_CAMPAIGNS`](super::MAX_CAMPAIGNS) fit.
const PLACE: u64 = (1 << 11) - 1;
/// Later than any time.
const LAST: f64 = f64::MAX;

/// Any number of campaigns: the least time in one pass without a branch, two campaigns to a vector. Where that does not settle
/// it, because a rescue is called for, nobody may be served, or two times agree in the digits that are left, the campaigns
/// are gone through [one by one](one_by_one).
fn many<const NEW: bool>(credits: &mut [i64], shares: &[i64]) -> usize {
    let some = shares.iter().copied().find(|share| *share > 0).unwrap_or(0);
    let (mut sharing, mut unequal) = (0, 0);
    for &share in shares {
        // The sign of the negated share is 1 if it is above 0; vector units are slow at comparing.
        let shares = share.wrapping_neg().cast_unsigned() >> 63;
        sharing += shares;
        unequal |= (share ^ some).cast_unsigned() & shares.wrapping_neg();
    }
    assert!(sharing > 0, "some share is above 0");
    if unequal == 0 {
        // At equal shares the earliest deadline is the one of the largest credit, as is whoever comes first otherwise.
        if NEW {
            credits.iter_mut().zip(shares).for_each(|(credit, share)| *credit += share);
        }
        return richest(credits, shares);
    }
    let d = 2 * sharing.cast_signed() - 2;
    let times = Times { d: exact(d), rescue_line: exact(d - 1) * exact(UNIT), servable: exact(d - 2) * exact(UNIT) };
    let mut place = [1, 2];
    let (mut least, mut second) = ([LAST; 2], [LAST; 2]);
    let (pairs_of_credits, last_credit) = credits.as_chunks_mut::<2>();
    let (pairs_of_shares, last_share) = shares.as_chunks::<2>();
    for (credit, share) in pairs_of_credits.iter_mut().zip(pairs_of_shares) {
        if NEW {
            *credit = both(|i| credit[i] + share[i]);
        }
        let time = times.of(*credit, *share, place);
        // The second of three, the first two in order: LLVM makes each of these a single instruction.
        second = both(|i| greater(least[i], lesser(time[i], second[i])));
        least = both(|i| lesser(time[i], least[i]));
        place = both(|i| place[i] + 2);
    }
    let mut next = lesser(greater(least[0], least[1]), lesser(second[0], second[1]));
    let mut first = lesser(least[0], least[1]);
    if let ([credit], [share]) = (last_credit, last_share) {
        *credit += if NEW { *share } else { 0 };
        let [time] = times.of([*credit], [*share], [place[0]]);
        next = greater(first, lesser(time, next));
        first = lesser(time, first);
    }
    let told_apart = first.to_bits() ^ next.to_bits() > PLACE;
    if told_apart && first >= 0.0 {
        return (first.to_bits() & PLACE) as usize - 1;
    }
    word_by_word(credits, shares, d)
}

#[cold]
fn word_by_word(credits: &[i64], shares: &[i64], d: i64) -> usize {
    one_by_one(credits, shares, d)
}

/// What the times of all campaigns are made from.
struct Times {
    d: f64,
    rescue_line: f64,
    servable: f64,
}

impl Times {
    /// The times to the deadlines, with the [places](PLACE) in their last digits; below 0 for rescue, no number for campaigns
    /// that may not be served.
    ///
    /// `D` times a credit may be rounded, but only beyond 2^53, where it is far outside of what may be served all the same.
    #[inline]
    fn of<const N: usize>(&self, credit: [i64; N], share: [i64; N], place: [u64; N]) -> [f64; N] {
        let slack = credit.map(|credit| self.rescue_line - self.d * exact(credit));
        let unservable = slack.map(|slack| if slack > self.servable { u64::MAX } else { 0 });
        // Without a share it is infinite, or 0/0, and with digits of a place no number either.
        let time: [f64; N] = std::array::from_fn(|i| slack[i] / exact(share[i]));
        std::array::from_fn(|i| f64::from_bits(time[i].to_bits() & !PLACE | place[i] | unservable[i]))
    }
}

/// An integer below 2^51 as `f64`, in a way that vector units can do: it is written into the digits of 1.5·2^52.
fn exact(integer: i64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    f64::from_bits(integer.wrapping_add(SHIFT.to_bits().cast_signed()).cast_unsigned()) - SHIFT
}

#[inline]
fn both<T>(of: impl Fn(usize) -> T) -> [T; 2] {
    [of(0), of(1)]
}

/// The smaller one; `b` if `a` is no number.
fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
