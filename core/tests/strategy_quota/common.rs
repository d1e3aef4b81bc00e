//! What several of these tests need: the rule as it is defined, weights, and a generator.

use proptest::prelude::*;
use splitter_core::strategy::quota::UNIT;

/// The rule word by word in `i128`, without any of the short cuts.
pub(crate) fn oracle(credits: &mut [i64], shares: &[i64], present: Option<usize>) -> usize {
    let unit = i128::from(UNIT);
    let mut wide: Vec<i128> = credits.iter().map(|c| i128::from(*c)).collect();
    match present {
        Some(present) => wide[present] += unit,
        None => wide.iter_mut().zip(shares).for_each(|(c, s)| *c += i128::from(*s)),
    }
    let sharing: Vec<usize> = (0..shares.len()).filter(|i| shares[*i] > 0).collect();
    let d = 2 * sharing.len() as i128 - 2;
    let hi = (d - 1) * unit;
    let largest = |of: &[usize]| of.iter().copied().reduce(|a, b| if wide[b] > wide[a] { b } else { a });
    let rescue: Vec<usize> = sharing.iter().copied().filter(|i| d * wide[*i] > hi).collect();
    let early: Vec<usize> = sharing.iter().copied().filter(|i| d * wide[*i] >= unit).collect();
    let chosen = if sharing.len() == 1 {
        sharing[0]
    } else if let Some(chosen) = largest(&rescue) {
        chosen
    } else if let Some(chosen) = early.iter().copied().reduce(|a, b| {
        let earlier = (hi - d * wide[b]) * i128::from(shares[a]) < (hi - d * wide[a]) * i128::from(shares[b]);
        if earlier { b } else { a }
    }) {
        chosen
    } else {
        largest(&sharing).expect("some share")
    };
    wide[chosen] -= unit;
    for (credit, wide) in credits.iter_mut().zip(wide) {
        *credit = i64::try_from(wide).expect("credits fit");
    }
    chosen
}

/// A small generator (splitmix64), so that long runs are the same everywhere and cost nothing to describe.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("fits")
    }
}

prop_compose! {
    pub(crate) fn any_weights(most: usize)(bits in 1_u32..=64)(weights in prop::collection::vec(prop_oneof![1 => Just(0), 6 => 0..=(u64::MAX >> (64 - bits))], 1..=most)) -> Vec<u64> {
        weights
    }
}
