//! The in-memory store passes the suite that every store has to pass.
#![cfg(feature = "conformance")]

use splitter_core::{MemoryStore, conformance};

/// The in-memory store is never pending, so polling once is enough.
fn ready<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the in-memory store waits for nothing"),
    }
}

#[test]
fn the_in_memory_store_conforms() {
    let failures = ready(conformance::check(&MemoryStore::new(), 1));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn random_commands_keep_every_invariant() {
    let store = MemoryStore::new();
    for seed in 1000..1040 {
        let failures = ready(conformance::random_commands(&store, seed, 400));
        assert!(failures.is_empty(), "seed {seed}: {}", failures.join("\n"));
    }
}

#[test]
fn the_in_memory_store_dispatches() {
    let store = MemoryStore::new();
    let failures = ready(conformance::check_dispatch(&store, &store, 1));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn random_dispatchers_break_no_rule() {
    for seed in 2000..2040 {
        let store = MemoryStore::new();
        let failures = ready(conformance::random_dispatch(&store, &store, seed, 600));
        assert!(failures.is_empty(), "seed {seed}: {}", failures.join("\n"));
    }
}
