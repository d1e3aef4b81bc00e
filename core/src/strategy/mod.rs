//! Strategies: how a splitter comes to its shares, and how shares become a choice.
//!
//! One design carries all of them. A strategy only says what **share** of the contacts each campaign should have; one
//! rule, [`quota`], turns shares and the **credit** carried from earlier choices into the next choice.

pub mod adaptive;
pub mod quota;
pub mod random;
pub mod sticky;
pub mod time_weighted;
