//! What any [`Dispatch`] has to do, with races written out as interleavings.

mod cases;
mod desk;
mod races;
mod random;

use desk::Desk;
pub use random::random_dispatch;

use crate::{
    dispatch::Dispatch,
    store::{Store, TransactError},
};

/// Runs everything that a dispatcher relies on against a store and says what failed.
///
/// `store` and `dispatch` are two views of one database, in which nothing else may be dispatched meanwhile: a claim sees
/// the rows of all admins. The worlds of this suite live in the year 2001, before those of [`check`](super::check).
///
/// ```
/// # fn block_on<F: std::future::Future>(future: F) -> F::Output {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut context) {
/// #         std::task::Poll::Ready(value) => value,
/// #         std::task::Poll::Pending => panic!("the in-memory store waits for nothing"),
/// #     }
/// # }
/// let store = splitter_core::MemoryStore::new();
/// let failures = block_on(splitter_core::conformance::check_dispatch(&store, &store, 1));
/// assert!(failures.is_empty(), "{failures:#?}");
/// ```
pub async fn check_dispatch(store: &dyn Store, dispatch: &dyn Dispatch, seed: u64) -> Vec<String> {
    let mut failures = match run(store, dispatch, (seed << 16) + 0x8000).await {
        Ok(failures) => failures,
        Err(error) => vec![format!("the cases could not be run: {error}")],
    };
    for round in 0..3 {
        let seed = (seed << 16) + 0x9000 + round;
        let differences = random_dispatch(store, dispatch, seed, 300).await;
        failures.extend(differences.into_iter().map(|failure| format!("random {round}: {failure}")));
    }
    failures
}

async fn run(store: &dyn Store, dispatch: &dyn Dispatch, first: u64) -> Result<Vec<String>, TransactError> {
    let mut number = first;
    let mut failures = Vec::new();
    macro_rules! run {
        ($($module:ident: $($case:ident),+;)+) => {$($(
            number += 1;
            let mut desk = Desk::new(store, dispatch, number).await?;
            $module::$case(&mut desk).await?;
            failures.extend(desk.close(stringify!($case)).await?);
        )+)+};
    }
    run! {
        cases: due_in_order, what_a_claim_holds, overdue_is_moved_into_the_window, failures_are_retried, given_up,
               half_filled_is_not_sent, statuses, deleted_campaign, backlog;
        races: cancelled_before_start, cancelled_while_sending, cancelled_and_abandoned, expired_claim, expired_send,
               paused_between, moved_between, closed_between;
    }
    Ok(failures)
}
