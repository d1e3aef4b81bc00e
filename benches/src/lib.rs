//! What the measurements share: alternating rounds in one process, medians, and tables with ratios.

pub mod process;
pub mod rounds;
