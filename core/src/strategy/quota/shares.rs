//! From weights to shares, and what becomes of the credit of removed campaigns.

use super::UNIT;

/// Shares in proportion to `weights`, in units of 1/[`UNIT`] contact; they sum to [`UNIT`]. `None` if there is no weight
/// above 0.
///
/// Each share is rounded down; the units left over go to the largest remainders, ties to the lower position.
/// Scaling all weights by one factor changes nothing. A weight below 1/[`UNIT`] of the total can round to share 0.
#[must_use]
pub fn shares(weights: &[u64]) -> Option<Vec<i64>> {
    let mut out = Vec::new();
    shares_into(weights, &mut out).then_some(out)
}

/// [`shares()`] into a buffer that is cleared first and can be used again. Returns false, and leaves the buffer empty, if
/// there is no weight above 0.
///
/// Allocates beyond the buffer only if units are left over, which no split of 10,000 basis points and no
/// equal split of up to 22 campaigns has.
pub fn shares_into(weights: &[u64], out: &mut Vec<i64>) -> bool {
    apportion(weights, UNIT.unsigned_abs(), out)
}

/// Splits `whole` in proportion to `weights` by largest remainder, into a buffer that is cleared first. Returns false, and
/// leaves it empty, if there is no weight above 0. `whole` is at most [`UNIT`].
pub(in crate::strategy) fn apportion(weights: &[u64], whole: u64, out: &mut Vec<i64>) -> bool {
    out.clear();
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    if total == 0 {
        return false;
    }
    // At most 2^104.
    let scaled = |weight: u64| u128::from(weight) * u128::from(whole);
    // A part is at most the whole, which fits.
    let narrow = |part: u128| i64::try_from(part).unwrap_or(i64::MAX);
    match u64::try_from(total) {
        // No remainders, and a single division: weights are mostly basis points.
        Ok(total) if whole.is_multiple_of(total) => {
            let factor = whole / total;
            out.extend(weights.iter().map(|&weight| narrow(u128::from(weight * factor))));
            return true;
        }
        // No product can overflow 64 bits, where division is several times faster.
        Ok(total) if total.checked_mul(whole).is_some() => {
            out.extend(weights.iter().map(|&weight| narrow(u128::from(weight * whole / total))));
        }
        _ => out.extend(weights.iter().map(|&weight| narrow(scaled(weight) / total))),
    }
    let given: i64 = out.iter().sum();
    let left_over = usize::try_from(whole.saturating_sub(given.unsigned_abs())).unwrap_or(0);
    if left_over > 0 {
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(scaled(weights[i]) % total));
        for &i in &order[..left_over] {
            out[i] += 1;
        }
    }
    true
}

/// Takes the campaigns at the positions `removed` out of `credits` and spreads their credit over the rest, so that the
/// sum stays what it was.
///
/// `weights_of_rest` are the new weights of those that stay, in their order. Each gets its share of the removed credit, truncated
/// towards 0; the units left over go one by one, in order, to those with a share (a campaign with share 0 keeps its
/// credit as it is). If all weights are zero the credit is spread equally; if nobody stays nothing remains. Positions
/// may be given in any order; repeated ones and ones outside `credits` count for nothing.
///
/// # Panics
///
/// If there is not exactly one weight for each campaign that stays.
pub fn spread_removed(credits: &mut Vec<i64>, removed: &[usize], weights_of_rest: &[u64]) {
    let mut pool: i64 = 0;
    let mut position = 0;
    credits.retain(|&credit| {
        let stays = !removed.contains(&position);
        position += 1;
        if !stays {
            pool += credit;
        }
        stays
    });
    assert_eq!(credits.len(), weights_of_rest.len(), "one weight per campaign that stays");
    let Some(shares) = shares(weights_of_rest).or_else(|| shares(&vec![1; credits.len()])) else {
        return;
    };
    let mut left_over = pool;
    for (credit, &share) in credits.iter_mut().zip(&shares) {
        let part = truncated(i128::from(pool) * i128::from(share));
        *credit += part;
        left_over -= part;
    }
    // Every truncation loses less than one unit, so there are fewer units left than campaigns with a share.
    for (credit, _) in credits.iter_mut().zip(&shares).filter(|(_, share)| **share > 0) {
        let unit = left_over.signum();
        *credit += unit;
        left_over -= unit;
    }
}

/// `product / UNIT`, rounded towards 0. A credit times a share, divided by [`UNIT`], is no larger than the credit.
fn truncated(product: i128) -> i64 {
    i64::try_from(product / i128::from(UNIT)).unwrap_or(0)
}
