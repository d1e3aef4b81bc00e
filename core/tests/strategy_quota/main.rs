//! The quota rule: choices written down by hand, and what it promises, in integers, against a naive oracle and against
//! adversaries.

mod bounds;
mod common;
mod exactness;
mod golden;
mod redecisions;
mod removal;
mod shares;
