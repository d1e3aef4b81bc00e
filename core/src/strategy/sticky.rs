//! Sticky choices: a phone number always goes to the same campaign, as long as the weights allow.
//!
//! This is weighted rendezvous hashing. Every campaign gets a number `u` in (0, 1) that depends on nothing but the
//! splitter, its seed, the phone number and the campaign; the campaign with the least `−ln(u)/weight` is chosen. When one
//! weight is raised, contacts move only *to* that campaign; when one is removed, only *its* contacts move. Both are
//! the fewest that can. How far counts are from their shares grows as √n, as for random choices.
//!
//! The hash is xxh3-64 and part of the contract: [`HASH_VERSION`] names it and the encoding below, and the crate's tests
//! hold vectors for it. The bytes hashed are, each preceded by its length as a little-endian `u64`: the tag
//! `contact-splitter/sticky/1`, the splitter's id (16 bytes), the seed (8 bytes, little-endian), the phone
//! number in E.164 (ASCII, with its `+`) and the campaign's id (16 bytes).

use xxhash_rust::xxh3::xxh3_64;

use crate::id::{CampaignId, SplitterId};

/// The version of hash and encoding, stored beside every decision.
pub const HASH_VERSION: u16 = 1;

/// Names what is hashed, so that no other use of the same parts can agree with it.
const TAG: &[u8] = b"contact-splitter/sticky/1";

/// The position of the candidate that `phone_e164` sticks to; `None` if no candidate has a weight above 0.
///
/// Weights count relative to each other, in any unit. Neither the order nor the number of the candidates matters to the
/// choice between any two of them; equal scores (practically impossible) go to the lower position.
#[must_use]
pub fn choose(splitter: SplitterId, seed: u64, phone_e164: &str, candidates: &[(CampaignId, u64)]) -> Option<usize> {
    let mut key = Key::new(splitter, seed, phone_e164);
    least(candidates.iter().map(|&(campaign, weight)| (if weight > 0 { key.hash(campaign) } else { 0 }, weight)))
}

/// The same choice from hashes that were kept, as a log keeps them.
#[must_use]
pub fn choose_by_hashes(hashes: &[u64], weights: &[u64]) -> Option<usize> {
    least(hashes.iter().copied().zip(weights.iter().copied()))
}

fn least(candidates: impl Iterator<Item = (u64, u64)>) -> Option<usize> {
    let mut best = None;
    for (position, (hash, weight)) in candidates.enumerate().filter(|(_, (_, weight))| *weight > 0) {
        let score = -libm::log(unit_interval(hash)) / weight as f64;
        if best.is_none_or(|(least, _)| score < least) {
            best = Some((score, position));
        }
    }
    best.map(|(_, position)| position)
}

/// The hash of one candidate, as [`choose`] uses it: for other implementations to check theirs against.
#[must_use]
pub fn hash(splitter: SplitterId, seed: u64, phone_e164: &str, campaign: CampaignId) -> u64 {
    Key::new(splitter, seed, phone_e164).hash(campaign)
}

/// The bytes to hash; everything but the campaign's id at their end is written once.
struct Key {
    bytes: Vec<u8>,
    common: usize,
}

impl Key {
    fn new(splitter: SplitterId, seed: u64, phone_e164: &str) -> Self {
        // Enough for every E.164 number: 25 + 16 + 8 + 16 + 16 bytes and five lengths.
        let mut key = Self { bytes: Vec::with_capacity(128), common: 0 };
        for part in [TAG, splitter.0.as_bytes(), &seed.to_le_bytes(), phone_e164.as_bytes()] {
            key.push(part);
        }
        key.common = key.bytes.len();
        key
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(part);
    }

    fn hash(&mut self, campaign: CampaignId) -> u64 {
        self.bytes.truncate(self.common);
        self.push(campaign.0.as_bytes());
        xxh3_64(&self.bytes)
    }
}

/// The upper 53 bits as the middle of one of 2^53 equal steps, so that neither 0 nor 1 is met. Exact in `f64`.
fn unit_interval(hash: u64) -> f64 {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    ((hash >> 11) as f64 + 0.5) * STEP
}
