//! One command inside of somebody else's transaction.

use splitter_core::{Plan, StoreError, TransactError, Work};

use super::{
    Changes, CommitFailure, Session, Wanted,
    batch::{MAX_ROUNDS, Outcome, enlarge, fold},
};
use crate::error::Failure;

/// Carries `work` out in a session that marks a place in an open transaction where others begin one, and goes back to it
/// where others roll back. Whatever is not a success leaves the transaction as it was.
pub(crate) async fn inside<S: Session>(session: &mut S, mut work: Work) -> Result<Plan, TransactError> {
    for _ in 0..MAX_ROUNDS {
        match attempt(session, &work).await {
            Ok(Outcome::Done(plan)) => return Ok(plan),
            outcome => {
                session.undo().await;
                match outcome {
                    Ok(Outcome::NeedsMore(scope)) if enlarge(&mut work, &scope) => {}
                    Ok(Outcome::Rejected(rejection)) => return Err(rejection.into()),
                    Ok(Outcome::Done(_) | Outcome::Panicked | Outcome::NeedsMore(_)) => break,
                    Err(Failure::Refused(refusal)) => return Err(refusal.into()),
                    Err(Failure::Again(what) | Failure::Unavailable(what)) => {
                        return Err(StoreError::Unavailable(what.into()).into());
                    }
                }
            }
        }
    }
    Err(StoreError::Broken("the command panicked, or asked for what it had already seen".into()).into())
}

async fn attempt<S: Session>(session: &mut S, work: &Work) -> Result<Outcome, Failure> {
    let mut snapshots = session.open(&Wanted::of([&work.scope])).await?;
    let outcome = fold(work, &mut snapshots);
    if let Outcome::Done(plan) = &outcome {
        session.write(&Changes::of([plan])).await?;
        session.commit().await.map_err(|failure| match failure {
            CommitFailure::Refused(failure) => failure,
            CommitFailure::Unknown => Failure::Again("the connection was lost"),
        })?;
    }
    Ok(outcome)
}
