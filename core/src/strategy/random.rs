//! Independent random choices from the same integer shares: uneven by design, for whoever compares campaigns causally.
//!
//! After `n` contacts a campaign is typically `√(n·p·(1−p))` contacts off its share, without a bound; the
//! [quota rule](super::quota) is never one contact off. What random choices have in return is that nothing about the
//! arrivals can be in step with them.

use super::quota::UNIT;

/// The position that `draw` (64 uniformly random bits, logged beside the decision) falls on.
///
/// `shares` are those of [`shares()`](super::quota::shares). The draw is scaled to a whole number of units below
/// [`UNIT`], and the shares are laid end to end in order. The probability of each campaign differs from its share by less
/// than 2^-64, because only the draws at the two ends of its stretch can be rounded away. A share of 0 is never chosen.
///
/// # Panics
///
/// If no share is above 0.
#[must_use]
pub fn choose(shares: &[i64], draw: u64) -> usize {
    let mut rest = i64::try_from((u128::from(draw) * u128::from(UNIT.unsigned_abs())) >> 64).unwrap_or(UNIT - 1);
    let mut last = None;
    for (position, &share) in shares.iter().enumerate().filter(|(_, share)| **share > 0) {
        if rest < share {
            return position;
        }
        rest -= share;
        last = Some(position);
    }
    // Reached only if the shares sum to less than UNIT, against the precondition.
    last.expect("some share is above 0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::quota::shares;

    #[test]
    fn draws_fall_on_the_shares_laid_end_to_end() {
        let shares = shares(&[0, 25, 0, 25, 50, 0]).expect("some weight");
        let quarter = 1_u64 << 62;
        for (draw, position) in [
            (0, 1),
            (quarter - 1, 1),
            (quarter, 3),
            (2 * quarter - 1, 3),
            (2 * quarter, 4),
            (3 * quarter, 4),
            (u64::MAX, 4),
        ] {
            assert_eq!(choose(&shares, draw), position, "draw {draw}");
        }
    }

    #[test]
    fn evenly_spaced_draws_meet_every_share_to_one_draw() {
        let shares = shares(&[3333, 3333, 3334, 1]).expect("some weight");
        let n = 1 << 20;
        let mut counts = [0_i64; 4];
        for i in 0..n {
            counts[choose(&shares, i << 44)] += 1;
        }
        for (count, share) in counts.iter().zip(&shares) {
            let off = i128::from(*count) * i128::from(UNIT) - i128::from(*share) * i128::from(n);
            assert!(off.abs() <= i128::from(UNIT), "{counts:?}");
        }
    }
}
