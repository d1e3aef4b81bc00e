//! What the measurements share.

pub mod bandits;
pub mod peers;
pub mod plot;
