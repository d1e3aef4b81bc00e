//! Exact, explainable contact splitting.
//!
//! **Determinism contract.** Nothing in this crate reads a clock, a random source, the environment, a file or a socket.
//! Equal arguments give equal results, on every platform and in every release that keeps the same rule version.

pub mod id;
pub mod phone;
pub mod strategy;
pub mod template;
pub mod time;
pub mod window;
