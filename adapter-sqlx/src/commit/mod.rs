//! Group commit: bounded queues, each with one writer that gathers what waits and commits it at once.
//!
//! Nothing here knows a database; a [`Session`] does the SQL.

mod batch;
mod changes;
mod inside;
#[cfg(test)]
mod tests;
mod wanted;

use std::{collections::BTreeMap, future::Future, sync::Mutex};

use splitter_core::{AdminId, Plan, Snapshot, StoreError, TransactError, Work};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

pub(crate) use batch::{Entry, Job};
pub(crate) use changes::{Changes, Witness};
pub(crate) use inside::{Inside, enroll_inside};
pub(crate) use wanted::Wanted;

use crate::{error::Failure, options::CommitOptions};

/// What plans may read, of each admin in a batch.
pub(crate) type Snapshots = BTreeMap<AdminId, Snapshot>;

/// How a COMMIT failed.
#[derive(Debug)]
pub(crate) enum CommitFailure {
    /// It did not happen.
    Refused(Failure),
    /// The connection was lost before the answer came: nobody knows.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite always knows"))]
    Unknown,
}

/// One writer's connection to a database. At most one transaction is open at a time.
pub(crate) trait Session: Send + 'static {
    /// What may be asked of the connection beside plans, for writes that no plan decides on.
    type Call: Send;
    /// Carries out what was asked, in transactions of its own, and answers. None is open before or after.
    fn call(&mut self, calls: Vec<Self::Call>) -> impl Future<Output = ()> + Send;
    /// Begins a transaction, takes all locks, and loads what is wanted.
    fn open(&mut self, wanted: &Wanted) -> impl Future<Output = Result<Snapshots, Failure>> + Send;
    /// Whether a row of an earlier batch is in the database, seen from the open transaction.
    fn sees(&mut self, witness: &Witness) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Writes into the open transaction.
    fn write(&mut self, changes: &Changes<'_>) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Makes the open transaction durable.
    fn commit(&mut self) -> impl Future<Output = Result<(), CommitFailure>> + Send;
    /// Undoes the open transaction, if there is one. Leaves a session that can be used again.
    fn undo(&mut self) -> impl Future<Output = ()> + Send;
    /// Gives the connection back in an orderly way.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The way to the writers.
#[derive(Debug)]
pub(crate) struct Committer<C> {
    queues: Vec<mpsc::Sender<Entry<C>>>,
    closing: watch::Sender<bool>,
    writers: Mutex<Vec<JoinHandle<()>>>,
}

impl<C: Send + 'static> Committer<C> {
    /// Starts one writer for each session.
    pub(crate) fn start<S: Session<Call = C>>(sessions: Vec<S>, options: CommitOptions) -> Self {
        let (closing, closed) = watch::channel(false);
        let (queues, writers) = sessions
            .into_iter()
            .map(|session| {
                let (queue, jobs) = mpsc::channel(options.queue.max(1));
                (queue, tokio::spawn(batch::serve(session, jobs, closed.clone(), options)))
            })
            .unzip();
        Self { queues, closing, writers: Mutex::new(writers) }
    }

    /// Hands work to the writer that `route` falls on and waits for its answer. Dropping this future changes nothing.
    pub(crate) async fn transact(&self, route: u64, work: Work) -> Result<Plan, TransactError> {
        let (answer, answered) = oneshot::channel();
        self.hand_in(route, Entry::Plan(Job { work, answer }))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the store has stopped".into()).into()))
    }

    /// Hands an entry to the writer that `route` falls on.
    pub(crate) fn hand_in(&self, route: u64, entry: Entry<C>) -> Result<(), StoreError> {
        let queue = &self.queues[usize::try_from(route % self.queues.len() as u64).unwrap_or(0)];
        queue.try_send(entry).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable("the store is closed".into()),
        })
    }

    /// Takes nothing more, finishes what was accepted, and ends the writers.
    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        let writers = match self.writers.lock() {
            Ok(mut writers) => std::mem::take(&mut *writers),
            Err(poisoned) => std::mem::take(&mut *poisoned.into_inner()),
        };
        for writer in writers {
            // A writer that panicked has already said so; its requests were answered as unavailable.
            let _ = writer.await;
        }
    }
}
