//! What the measurements share: alternating rounds in one process, medians, tables with ratios, plots, and the peers.

pub mod bandits;
pub mod peers;
pub mod plot;
pub mod process;
pub mod rounds;
pub mod store;
