//! Ways of splitting contacts that others use, beside ours, behind one trait.

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use splitter_core::strategy::quota;
use xxhash_rust::xxh3::xxh3_64;

/// Something that sends one contact after another to one of several campaigns.
pub trait Splitter {
    /// The position of the campaign for the next contact.
    fn next(&mut self) -> usize;
}

/// The quota rule of this project.
pub struct Quota {
    shares: Vec<i64>,
    credits: Vec<i64>,
}

impl Quota {
    /// From weights with a sum above 0.
    #[must_use]
    pub fn new(weights: &[u64]) -> Self {
        Self { shares: quota::shares(weights).unwrap_or_default(), credits: vec![0; weights.len()] }
    }
}

impl Splitter for Quota {
    #[inline]
    fn next(&mut self) -> usize {
        quota::pick(&mut self.credits, &self.shares)
    }
}

/// Smooth weighted round robin as nginx balances upstreams: the largest running weight is served and pays the total.
pub struct SmoothRoundRobin {
    weights: Vec<i64>,
    current: Vec<i64>,
    total: i64,
}

impl SmoothRoundRobin {
    /// From weights below 2^40.
    #[must_use]
    pub fn new(weights: &[u64]) -> Self {
        let weights: Vec<i64> = weights.iter().map(|weight| i64::try_from(*weight).unwrap_or(i64::MAX)).collect();
        Self { current: vec![0; weights.len()], total: weights.iter().sum(), weights }
    }
}

impl Splitter for SmoothRoundRobin {
    #[inline]
    fn next(&mut self) -> usize {
        let mut best = 0;
        let mut most = i64::MIN;
        for (position, (current, weight)) in self.current.iter_mut().zip(&self.weights).enumerate() {
            *current += weight;
            if *current > most {
                (most, best) = (*current, position);
            }
        }
        self.current[best] -= self.total;
        best
    }
}

/// Divisor rules: serve the largest `weight / (count + offset)`.
pub struct Divisor {
    weights: Vec<f64>,
    counts: Vec<f64>,
    offset: f64,
}

impl Divisor {
    /// Webster's (Sainte-Laguë's) rule: divisors 1, 3, 5, …
    #[must_use]
    pub fn webster(weights: &[u64]) -> Self {
        Self { weights: weights.iter().map(|w| *w as f64).collect(), counts: vec![0.0; weights.len()], offset: 0.5 }
    }

    /// What one writes first: serve whoever has the least per weight.
    #[must_use]
    pub fn greedy(weights: &[u64]) -> Self {
        Self { offset: 1e-9, ..Self::webster(weights) }
    }
}

impl Splitter for Divisor {
    fn next(&mut self) -> usize {
        let mut best = 0;
        let mut most = f64::MIN;
        for (position, (count, weight)) in self.counts.iter().zip(&self.weights).enumerate() {
            let claim = weight / (count + self.offset);
            if claim > most {
                (most, best) = (claim, position);
            }
        }
        self.counts[best] += 1.0;
        best
    }
}

/// The campaign on whose stretch of `0..total` a number falls.
fn stretch(weights: &[u64], mut point: u64) -> usize {
    for (position, weight) in weights.iter().enumerate() {
        if point < *weight {
            return position;
        }
        point -= weight;
    }
    weights.len() - 1
}

/// Independent random draws.
pub struct Random {
    weights: Vec<u64>,
    total: u64,
    rng: SmallRng,
}

impl Random {
    /// From weights and a seed.
    #[must_use]
    pub fn new(weights: &[u64], seed: u64) -> Self {
        Self { weights: weights.to_vec(), total: weights.iter().sum(), rng: SmallRng::seed_from_u64(seed) }
    }
}

impl Splitter for Random {
    fn next(&mut self) -> usize {
        stretch(&self.weights, self.rng.random_range(0..self.total))
    }
}

/// A hash of the phone number in as many buckets as the weights add up to.
pub struct HashBuckets {
    weights: Vec<u64>,
    total: u64,
    phone: u64,
}

impl HashBuckets {
    /// From weights and the first phone number.
    #[must_use]
    pub fn new(weights: &[u64], seed: u64) -> Self {
        Self { weights: weights.to_vec(), total: weights.iter().sum(), phone: 12_000_000_000 + seed * 10_007 }
    }
}

impl Splitter for HashBuckets {
    fn next(&mut self) -> usize {
        self.phone += 1;
        stretch(&self.weights, xxh3_64(&self.phone.to_le_bytes()) % self.total)
    }
}
