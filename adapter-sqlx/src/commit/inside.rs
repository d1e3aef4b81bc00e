//! One command inside of somebody else's transaction.

use std::future::Future;

use splitter_core::{EnrollContact, Env, Plan, StoreError, TransactError, Work, enroll};

use super::{
    Changes, Snapshots, Wanted,
    batch::{MAX_ROUNDS, Outcome, enlarge, fold},
};
use crate::error::Failure;

/// A connection with a transaction that is not ours.
pub(crate) trait Inside: Send {
    /// Executes statements without parameters.
    fn run(&mut self, sql: &'static str) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Takes all locks, and loads what is wanted.
    fn open(&mut self, wanted: &Wanted) -> impl Future<Output = Result<Snapshots, Failure>> + Send;
    /// Writes.
    fn write(&mut self, changes: &Changes<'_>) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Enrols a contact.
pub(crate) async fn enroll_inside(
    connection: &mut impl Inside,
    request: &EnrollContact,
    at: &Env,
) -> Result<Plan, TransactError> {
    let (request, at) = (request.clone(), *at);
    let plan = Work::new(request.scope(), move |snapshot| enroll::plan(snapshot, &request, &at).into());
    inside(connection, plan).await
}

/// Carries `work` out behind a savepoint. Whatever is not a success goes back to it, so that nothing of ours stays, locks
/// included, and the transaction can go on.
async fn inside(connection: &mut impl Inside, mut work: Work) -> Result<Plan, TransactError> {
    for _ in 0..MAX_ROUNDS {
        let outcome = attempt(connection, &work).await;
        if let Ok(Outcome::Done(plan)) = outcome {
            return Ok(plan);
        }
        // Where this fails the transaction is gone, and with it everything of ours.
        let _ = connection.run("ROLLBACK TO SAVEPOINT splitter_enroll; RELEASE SAVEPOINT splitter_enroll").await;
        match outcome {
            Ok(Outcome::NeedsMore(scope)) if enlarge(&mut work, &scope) => {}
            Ok(Outcome::Rejected(rejection)) => return Err(rejection.into()),
            Ok(Outcome::Done(_) | Outcome::Panicked | Outcome::NeedsMore(_)) => break,
            Err(Failure::Refused(refusal)) => return Err(refusal.into()),
            Err(failure) => return Err(failure.into_store_error().into()),
        }
    }
    Err(StoreError::Broken("the command panicked, or asked for what it had already seen".into()).into())
}

async fn attempt(connection: &mut impl Inside, work: &Work) -> Result<Outcome, Failure> {
    connection.run("SAVEPOINT splitter_enroll").await?;
    let mut snapshots = connection.open(&Wanted::of([&work.scope])).await?;
    let outcome = fold(work, &mut snapshots);
    if let Outcome::Done(plan) = &outcome {
        connection.write(&Changes::of([plan])).await?;
        connection.run("RELEASE SAVEPOINT splitter_enroll").await?;
    }
    Ok(outcome)
}
