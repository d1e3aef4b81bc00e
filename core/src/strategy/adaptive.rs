//! Adaptive shares: more contacts to the campaigns that convert, from observed outcomes.
//!
//! Every campaign's conversion rate has the posterior `Beta(1 + successes, 1 + failures)`. The probability that a
//! campaign is the best of all ([`p_best`]) becomes its share, above a floor that every campaign keeps
//! ([`shares_bp`]), and the [quota rule](super::quota) turns shares into choices. That is the probability matching of
//! Thompson sampling without the noise of its draws: shares can be shown, logged and replayed.
//!
//! [`Model`] counts trials and outcomes, decides when shares are due to be computed again, and caches them with a version.
//! Shares are **logged** with every decision and never computed again for a replay.
//!
//! A *trial* is a decision whose outcome is awaited. It is *pending* until the contact is fulfilled (success), ends
//! otherwise or outlives the attribution window (failure), or moves to another campaign (withdrawn, as if it had never
//! been). A pending one counts as the part `age/window` of a failure, so that campaigns whose successes come late are
//! not mistaken for good ones before their failures are in.
//!
//! Everything is integer arithmetic, or `f64` arithmetic with a pure-Rust `exp` and `log`: the same on every platform.

mod model;
mod posterior;
mod settings;

pub use model::{Arm, Model, Outcome};
pub use posterior::{Beta, floor_bp, floor_cost, p_best, shares_bp};
pub use settings::{InvalidSettings, Settings};

/// One contact in the counts of an [`Arm`]: they are kept in 1/65,536 because forgetting and pending trials make parts.
pub const COUNT: u64 = 1 << 16;

/// All of a splitter's contacts, in basis points.
pub const WHOLE_BP: u32 = 10_000;
