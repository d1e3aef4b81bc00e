//! Strategies: how a splitter comes to its shares, and how shares become a choice.
//!
//! One design carries all of them. A strategy only says what **share** of the contacts each campaign should have; one
//! rule, [`quota`], turns shares and the **credit** carried from earlier choices into the next choice. Percentages are
//! constant shares, [`time_weighted`] takes them from the clock, [`adaptive`] from outcomes.
//!
//! Two options stand beside the rule and are labelled as uneven: [`random`] draws from the same shares, [`sticky`] hashes
//! the phone number. [`check`] says whether a split is what it should be.

pub mod adaptive;
pub mod check;
pub mod quota;
pub mod random;
pub mod sticky;
pub mod time_weighted;
