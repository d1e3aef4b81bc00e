//! The suite that any [`Store`] has to pass.
//!
//! ```
//! # fn block_on<F: std::future::Future>(future: F) -> F::Output {
//! #     let waker = std::task::Waker::noop();
//! #     let mut future = std::pin::pin!(future);
//! #     loop {
//! #         if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut std::task::Context::from_waker(waker)) {
//! #             return value;
//! #         }
//! #     }
//! # }
//! let store = splitter_core::MemoryStore::new();
//! let failures = block_on(splitter_core::conformance::check(&store, 1));
//! assert!(failures.is_empty(), "{failures:#?}");
//! ```
//!
//! It needs no runtime of its own, makes a new admin for every case, and reads no clock: the same `seed` repeats the same
//! run. Use another seed to run it again on the same database.

mod active;
mod case;
mod dispatch;
mod invariants;
mod random;
mod world;

pub use dispatch::{check_dispatch, random_dispatch};
pub use invariants::{broken_invariants, broken_invariants_of_one_caller};
pub use random::{random_commands, random_steps, random_world};
pub use world::World;

use crate::store::Store;

/// The behaviour of contacts that are sent again, as cases that any implementation can run.
pub const CASES: [(&str, &str); 4] = [
    ("existing contacts", include_str!("../../tests/spec/existing-contacts.json")),
    ("splitter errors", include_str!("../../tests/spec/splitter-errors.json")),
    ("changes by hand", include_str!("../../tests/spec/changes-by-hand.json")),
    ("re-decisions", include_str!("../../tests/spec/re-decisions.json")),
];

/// Runs everything against a store and says what failed.
pub async fn check(store: &dyn Store, seed: u64) -> Vec<String> {
    let mut failures = Vec::new();
    let mut number = seed << 16;
    for (file, text) in CASES {
        let cases: Vec<case::Case> = match serde_json::from_str(text) {
            Ok(cases) => cases,
            Err(error) => {
                failures.push(format!("{file}: {error}"));
                continue;
            }
        };
        for case in cases {
            number += 1;
            for failure in case.run(store, number).await {
                failures.push(format!("{file}, {}: {failure}", case.name));
            }
        }
    }
    for round in 0..3 {
        number += 1;
        failures.extend(random_commands(store, number, 200).await.into_iter().map(|f| format!("random {round}: {f}")));
    }
    failures
}
