//! Checks that an admin may look at as often as they like: are random splits what they should be, and what do the
//! campaigns convert?

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How strongly the alternative of the sample-ratio test is centred on the intended shares, in contacts: the
/// Dirichlet prior is `κ·p`. 100 reacts to a few per cent within some thousand contacts.
pub const CONCENTRATION: f64 = 100.0;

/// The two-sided 95 % quantile of the normal distribution.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// The logarithm of the Bayes factor of "these counts do not follow these shares" against "they do".
///
/// `shares` are proportions in any unit. A count where the share is 0 gives infinity. Factors of epochs with different
/// shares are multiplied, so their logarithms are added. Source: M. Lindon, A. Malek, *Anytime-valid inference for
/// multinomial count data*, 2022.
///
/// # Panics
///
/// If the slices differ in length.
#[must_use]
pub fn ln_bf(counts: &[u64], shares: &[i64]) -> f64 {
    assert_eq!(counts.len(), shares.len(), "one share per count");
    let total: f64 = shares.iter().map(|share| *share as f64).sum();
    let n: f64 = counts.iter().map(|count| *count as f64).sum();
    let mut sum = libm::lgamma(CONCENTRATION) - libm::lgamma(CONCENTRATION + n);
    for (&count, &share) in counts.iter().zip(shares) {
        let (x, p) = (count as f64, share as f64 / total);
        if share > 0 {
            let prior = CONCENTRATION * p;
            sum += libm::lgamma(prior + x) - libm::lgamma(prior) - x * libm::log(p);
        } else if count > 0 {
            return f64::INFINITY;
        }
    }
    sum
}

/// The p-value that the largest logarithm of a Bayes factor seen so far amounts to: `min(1, 1/BF)`. It is valid at
/// every look at once.
#[must_use]
pub fn p_value(largest_ln_bf: f64) -> f64 {
    libm::exp(-largest_ln_bf).min(1.0)
}

/// The sample-ratio test of one splitter, contact by contact, over epochs of different shares.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SampleRatio {
    /// The factors of the epochs that are over, multiplied.
    closed_ln_bf: f64,
    /// The largest logarithm seen at any contact.
    largest_ln_bf: f64,
    /// The shares of the present epoch.
    shares: Vec<i64>,
    /// Its counts.
    counts: Vec<u64>,
    /// Its factor.
    open_ln_bf: f64,
}

impl SampleRatio {
    /// Counts one contact that went to position `chosen` while `shares` were in force. Other shares than before start a new
    /// epoch.
    ///
    /// # Panics
    ///
    /// If `chosen` is no position of `shares`.
    pub fn observe(&mut self, shares: &[i64], chosen: usize) {
        if self.shares != shares {
            self.closed_ln_bf += self.open_ln_bf;
            self.open_ln_bf = 0.0;
            self.shares = shares.to_vec();
            self.counts = vec![0; shares.len()];
        }
        // The factor grows by the ratio of the two predictions for this contact; the product of these ratios is `ln_bf`.
        let n: f64 = self.counts.iter().map(|count| *count as f64).sum();
        let total: f64 = shares.iter().map(|share| *share as f64).sum();
        let p = shares[chosen] as f64 / total;
        let predicted = (CONCENTRATION * p + self.counts[chosen] as f64) / (CONCENTRATION + n);
        self.open_ln_bf += if shares[chosen] > 0 { libm::log(predicted / p) } else { f64::INFINITY };
        self.counts[chosen] += 1;
        self.largest_ln_bf = self.largest_ln_bf.max(self.ln_bf());
    }

    /// The logarithm of the Bayes factor now.
    #[must_use]
    pub fn ln_bf(&self) -> f64 {
        self.closed_ln_bf + self.open_ln_bf
    }

    /// The always-valid p-value: the probability, if the shares are right, of ever seeing a test as bad as the worst look.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        p_value(self.largest_ln_bf)
    }
}

/// A rate with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Successes over trials; 0 without trials.
    pub rate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// More successes than trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{successes} successes are more than {trials} trials")]
pub struct TooManySuccesses {
    /// The successes given.
    pub successes: u64,
    /// The trials given.
    pub trials: u64,
}

/// Wilson's interval for a conversion rate; `z` is the quantile, [`Z_95`] for 95 %. Without trials it is 0 to 1.
///
/// Unlike rate ± z·error it stays within 0 to 1 and is honest for small counts (E. B. Wilson, JASA 22, 1927).
pub fn wilson(successes: u64, trials: u64, z: f64) -> Result<Rate, TooManySuccesses> {
    if successes > trials {
        return Err(TooManySuccesses { successes, trials });
    }
    if trials == 0 {
        return Ok(Rate { rate: 0.0, low: 0.0, high: 1.0 });
    }
    let (n, rate) = (trials as f64, successes as f64 / trials as f64);
    let spread = z * z / n;
    let centre = rate + spread / 2.0;
    let radius = z * libm::sqrt((rate * (1.0 - rate) + spread / 4.0) / n);
    let clamp = |x: f64| (x / (1.0 + spread)).clamp(0.0, 1.0);
    Ok(Rate { rate, low: clamp(centre - radius).min(rate), high: clamp(centre + radius).max(rate) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b}");
    }

    #[test]
    fn the_reference_value() {
        near(ln_bf(&[560, 280, 160], &[5, 3, 2]), 5.332_724, 5e-7);
        near(p_value(5.332_724), 0.004_830_9, 1e-6);
        near(p_value(-3.0), 1.0, 0.0);
    }

    #[test]
    fn contact_by_contact_equals_all_at_once_and_epochs_multiply() {
        let mut test = SampleRatio::default();
        let first = [5, 3, 2];
        for n in 0..1000 {
            test.observe(
                &first,
                if n % 25 < 14 {
                    0
                } else if n % 25 < 21 {
                    1
                } else {
                    2
                },
            );
        }
        near(test.ln_bf(), ln_bf(&[560, 280, 160], &first), 1e-9);
        let worst = test.p_value();
        for _ in 0..50 {
            test.observe(&[1, 1, 0], 0);
            test.observe(&[1, 1, 0], 1);
        }
        near(test.ln_bf(), ln_bf(&[560, 280, 160], &first) + ln_bf(&[50, 50, 0], &[1, 1, 0]), 1e-9);
        assert!(test.p_value() <= worst, "a p-value never rises again");
        test.observe(&[1, 1, 0], 2);
        near(test.p_value(), 0.0, 0.0);
    }

    #[test]
    fn an_honest_coin_rarely_looks_suspicious_at_any_look() {
        // The promise is at most 5 % of runs ever below .05, looked at after every contact.
        let mut state = 1_u64;
        let alarms = (0..200)
            .filter(|_| {
                let mut test = SampleRatio::default();
                for _ in 0..1000 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    test.observe(&[1, 1], (state >> 63) as usize);
                }
                test.p_value() < 0.05
            })
            .count();
        assert!(alarms <= 10, "{alarms} of 200");
    }

    #[test]
    fn wilson_by_hand() {
        // Newcombe 1998, table I: 81/263 and 15/148 and 0/20 and 1/29.
        for (x, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let rate = wilson(x, n, Z_95).expect("fits");
            near(rate.low, low, 5e-5);
            near(rate.high, high, 5e-5);
        }
        assert_eq!(wilson(0, 0, Z_95), Ok(Rate { rate: 0.0, low: 0.0, high: 1.0 }));
        near(wilson(5, 5, Z_95).expect("fits").high, 1.0, 0.0);
        assert!(wilson(2, 1, Z_95).is_err());
    }
}
