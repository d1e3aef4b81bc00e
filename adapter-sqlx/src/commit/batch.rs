//! One writer: gathers a batch, folds the plans over one snapshot, writes, commits, answers.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use splitter_core::{Plan, Planned, Rejection, Scope, SplitterId, StoreError, TransactError, Work, snapshot::Written};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tracing::{error, warn};

use super::{Changes, CommitFailure, Session, Snapshots, Wanted, Witness};
#[cfg(feature = "plant")]
use crate::options::Plant;
use crate::{
    error::{Failure, LOCKED},
    options::CommitOptions,
};

/// How often one request may ask to see more before it is taken for a bug.
pub(super) const MAX_ROUNDS: u32 = 8;
/// How often an unknown COMMIT is asked about. With the pauses between, this takes some ten seconds.
const MAX_DOUBTS: u32 = 12;
/// How often a lock that is not free is asked for. With the pauses between and a second for each, this takes half a minute.
const MAX_LOCK_TRIES: u32 = 12;
/// The longest pause between two such tries.
const LOCK_PAUSE: Duration = Duration::from_secs(2);
/// How often a batch that is being gathered lets other tasks run. They may be about to hand in more; nobody is waited for.
const YIELDS: u32 = 2;

/// A request in the queue.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) answer: oneshot::Sender<Result<Plan, TransactError>>,
}

/// What waits in a writer's queue.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every entry is a plan")]
pub(crate) enum Entry<C> {
    /// A request that a plan decides on.
    Plan(Job),
    /// What else is asked of the connection.
    Call(C),
}

/// What became of one member of a batch.
pub(super) enum Outcome {
    Done(Plan),
    Rejected(Rejection),
    Panicked,
    NeedsMore(Scope),
}

struct Member {
    job: Job,
    rounds: u32,
}

struct Group {
    members: Vec<Member>,
    tries: u32,
    /// When to ask again for a lock that was not free.
    not_before: Instant,
    /// An earlier try whose COMMIT was not answered: how to find out, and what to answer if it happened.
    doubt: Option<(Witness, Vec<Outcome>)>,
}

impl Group {
    fn new(members: Vec<Member>) -> Self {
        Self { members, tries: 0, not_before: Instant::now(), doubt: None }
    }

    /// One group for each set of splitters that is wanted, in the order of their first members; whoever wants none is a group
    /// of its own.
    fn by_splitter(members: Vec<Member>) -> Vec<Self> {
        let mut places = BTreeMap::new();
        let mut groups: Vec<Self> = Vec::new();
        for member in members {
            let wanted = member.splitters();
            let place =
                if wanted.is_empty() { groups.len() } else { *places.entry(wanted.clone()).or_insert(groups.len()) };
            if place == groups.len() {
                groups.push(Self::new(Vec::new()));
            }
            groups[place].members.push(member);
        }
        groups
    }

    /// Whether it can be divided by splitters.
    fn is_mixed(&self) -> bool {
        self.members.iter().skip(1).any(|member| !self.wants_what(member))
    }

    /// Whether a request wants the same splitters, and so the same locks but for its contact's.
    fn wants_what(&self, member: &Member) -> bool {
        let wanted = member.splitters();
        !wanted.is_empty() && self.members.first().is_some_and(|first| first.splitters() == wanted)
    }
}

impl Member {
    const fn splitters(&self) -> &BTreeSet<SplitterId> {
        &self.job.work.scope.splitters
    }
}

/// Groups that wait for a lock which somebody else holds; the writer goes on without them.
#[derive(Default)]
struct Late(Vec<Group>);

impl Late {
    fn next(&self) -> Option<Instant> {
        self.0.iter().map(|group| group.not_before).min()
    }

    /// The groups whose time has come.
    fn due(&mut self) -> VecDeque<Group> {
        let now = Instant::now();
        self.0.extract_if(.., |group| group.not_before <= now).collect()
    }

    /// Whoever wants the same splitters as a waiting group waits with it, as long as there are fewer than `most`. Returns the
    /// others.
    fn join(&mut self, batch: Vec<Member>, most: usize) -> Vec<Member> {
        let mut others = Vec::new();
        for member in batch {
            match self.0.iter_mut().find(|group| group.wants_what(&member)) {
                Some(group) if group.members.len() < most => group.members.push(member),
                Some(_) => reply(member.job, Err(StoreError::Busy.into())),
                None => others.push(member),
            }
        }
        others
    }
}

/// Why a writer goes on.
#[expect(clippy::large_enum_variant, reason = "nearly every entry is a plan")]
enum Woken<C> {
    Closing,
    Late,
    Job(Option<Entry<C>>),
}

/// Serves a queue until all of its senders are gone, or `closing` says so and everything accepted is done.
pub(super) async fn serve<S: Session>(
    mut session: S,
    mut jobs: mpsc::Receiver<Entry<S::Call>>,
    mut closing: watch::Receiver<bool>,
    options: CommitOptions,
) {
    let mut late = Late::default();
    loop {
        let next = late.next();
        if next.is_none() && jobs.is_closed() && jobs.is_empty() {
            break;
        }
        let again = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let woken = tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing), if !jobs.is_closed() => Woken::Closing,
            () = again => Woken::Late,
            job = jobs.recv(), if !(jobs.is_closed() && jobs.is_empty()) => Woken::Job(job),
        };
        let first = match woken {
            Woken::Closing => {
                jobs.close();
                continue;
            }
            Woken::Late => {
                let due = late.due();
                settle(&mut session, due, &mut late, options).await;
                continue;
            }
            Woken::Job(None) => continue,
            Woken::Job(Some(first)) => first,
        };
        let (batch, calls) = gather(first, &mut jobs, options.batch.max(1)).await;
        let batch = late.join(batch, options.queue);
        if !batch.is_empty() {
            settle(&mut session, VecDeque::from([Group::new(batch)]), &mut late, options).await;
        }
        if !calls.is_empty() {
            session.call(calls).await;
        }
    }
    session.close().await;
}

async fn gather<C>(first: Entry<C>, jobs: &mut mpsc::Receiver<Entry<C>>, most: usize) -> (Vec<Member>, Vec<C>) {
    let (mut batch, mut calls) = (Vec::new(), Vec::new());
    let mut sort = |entry| match entry {
        Entry::Plan(job) => batch.push(Member { job, rounds: 0 }),
        Entry::Call(call) => calls.push(call),
    };
    sort(first);
    let mut count = 1;
    for turn in 0..=YIELDS {
        while count < most
            && let Ok(entry) = jobs.try_recv()
        {
            sort(entry);
            count += 1;
        }
        if count >= most || turn == YIELDS {
            break;
        }
        tokio::task::yield_now().await;
    }
    (batch, calls)
}

async fn settle<S: Session>(session: &mut S, mut groups: VecDeque<Group>, late: &mut Late, options: CommitOptions) {
    while let Some(mut group) = groups.pop_front() {
        match attempt(session, &mut group, options).await {
            Ok(outcomes) => {
                let again = answer(group.members, outcomes);
                if !again.is_empty() {
                    groups.push_front(Group::new(again));
                }
            }
            Err(Failure::Refused(refusal)) if group.doubt.is_none() && group.members.len() == 1 => {
                if let Some(member) = group.members.pop() {
                    reply(member.job, Err(refusal.into()));
                }
            }
            Err(Failure::Refused(_)) if group.doubt.is_none() => {
                let second = group.members.split_off(group.members.len() / 2);
                groups.push_front(Group::new(second));
                groups.push_front(Group::new(group.members));
            }
            // Whose lock it is nobody says; only that splitter's requests are to wait for it.
            Err(Failure::Locked) if group.doubt.is_none() => {
                if group.is_mixed() {
                    for part in Group::by_splitter(group.members).into_iter().rev() {
                        groups.push_front(part);
                    }
                } else if group.tries >= MAX_LOCK_TRIES {
                    give_up(group, &Failure::Locked);
                } else {
                    group.not_before = Instant::now() + LOCK_PAUSE.min(Duration::from_millis(100) * (1 << group.tries));
                    group.tries += 1;
                    late.0.push(group);
                }
            }
            Err(failure) => {
                let most = if group.doubt.is_some() { MAX_DOUBTS } else { options.retries };
                let hopeless = matches!(failure, Failure::Unavailable(_)) && group.doubt.is_none();
                if hopeless || group.tries >= most {
                    give_up(group, &failure);
                } else {
                    warn!(tries = group.tries, members = group.members.len(), "a transaction is tried again");
                    tokio::time::sleep(Duration::from_millis(5) * (1 << group.tries.min(8))).await;
                    group.tries += 1;
                    groups.push_front(group);
                }
            }
        }
    }
}

fn give_up(group: Group, failure: &Failure) {
    let what = match (failure, &group.doubt) {
        (_, Some(_)) => {
            error!(members = group.members.len(), "nobody knows whether a transaction was committed");
            "the connection was lost while committing, and the outcome could not be found out"
        }
        (Failure::Again(what) | Failure::Unavailable(what), None) => what,
        (Failure::Locked, None) => LOCKED,
        (Failure::Refused(_), None) => "the database refused a statement",
    };
    for member in group.members {
        reply(member.job, Err(StoreError::Unavailable(what.into()).into()));
    }
}

/// One transaction. Whatever happens, none is left open.
async fn attempt<S: Session>(
    session: &mut S,
    group: &mut Group,
    options: CommitOptions,
) -> Result<Vec<Outcome>, Failure> {
    let result = transaction(session, group, options).await;
    if !matches!(result, Ok((_, true))) {
        session.undo().await;
    }
    result.map(|(outcomes, _)| outcomes)
}

/// The outcomes, and whether there was something to commit.
#[cfg_attr(not(feature = "plant"), expect(unused_variables, reason = "only a planted bug is an option here"))]
async fn transaction<S: Session>(
    session: &mut S,
    group: &mut Group,
    options: CommitOptions,
) -> Result<(Vec<Outcome>, bool), Failure> {
    let wanted = Wanted::of(group.members.iter().map(|member| &member.job.work.scope));
    let mut snapshots = session.open(&wanted).await?;
    if let Some((witness, _)) = &group.doubt {
        // The locks are ours now, so the transaction in doubt has ended. If it needed no locks it may still be ending; then
        // its rows get into the way of ours, the doubt remains, and the next try sees them.
        let committed = session.sees(witness).await?;
        if let Some((_, outcomes)) = group.doubt.take_if(|_| committed) {
            return Ok((outcomes, false));
        }
    }
    let outcomes: Vec<Outcome> = group.members.iter().map(|member| fold(&member.job.work, &mut snapshots)).collect();
    let changes = Changes::of(outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Done(plan) => Some(plan),
        Outcome::Rejected(_) | Outcome::Panicked | Outcome::NeedsMore(_) => None,
    }));
    if changes.is_empty() {
        return Ok((outcomes, false));
    }
    session.write(&changes).await?;
    #[cfg(feature = "plant")]
    if options.plant == Some(Plant::EarlyAnswer) {
        answer_early(&mut group.members, &outcomes);
        tokio::time::sleep(LAZY).await;
    }
    match session.commit().await {
        Ok(()) => Ok((outcomes, true)),
        Err(CommitFailure::Refused(failure)) => Err(failure),
        Err(CommitFailure::Unknown) => {
            group.doubt = changes.witness().map(|witness| (witness, outcomes));
            Err(Failure::Again("the connection was lost while committing"))
        }
    }
}

/// How long after its answers a server with the planted bug commits, as one would that commits when it has the time.
#[cfg(feature = "plant")]
const LAZY: Duration = Duration::from_millis(20);

/// The planted bug: whoever was promised something is told so before it is durable.
#[cfg(feature = "plant")]
fn answer_early(members: &mut [Member], outcomes: &[Outcome]) {
    for (member, outcome) in members.iter_mut().zip(outcomes) {
        if let Outcome::Done(plan) = outcome {
            let early = std::mem::replace(&mut member.job.answer, oneshot::channel().0);
            let _ = early.send(Ok(plan.clone()));
        }
    }
}

/// Calls one plan and, if it commits, applies it for the members after it.
pub(super) fn fold(work: &Work, snapshots: &mut Snapshots) -> Outcome {
    let snapshot = snapshots.entry(work.scope.admin_id).or_default();
    match catch_unwind(AssertUnwindSafe(|| (work.plan)(snapshot))) {
        Ok(Planned::Commit(plan)) => {
            let snapshot = snapshots.entry(plan.admin_id).or_default();
            snapshot.apply(&plan);
            // No plan reads these, and they would only grow.
            snapshot.written = Written::default();
            Outcome::Done(plan)
        }
        Ok(Planned::Reject(rejection)) => Outcome::Rejected(rejection),
        Ok(Planned::NeedsMore(scope)) => Outcome::NeedsMore(scope),
        Err(_) => Outcome::Panicked,
    }
}

/// Answers all but those that need to see more; these are returned with their larger scopes.
fn answer(members: Vec<Member>, outcomes: Vec<Outcome>) -> Vec<Member> {
    let mut again = Vec::new();
    for (mut member, outcome) in members.into_iter().zip(outcomes) {
        let result = match outcome {
            Outcome::Done(plan) => Ok(plan),
            Outcome::Rejected(rejection) => Err(rejection.into()),
            Outcome::Panicked => Err(StoreError::Broken("the command panicked".into()).into()),
            Outcome::NeedsMore(scope) => {
                if member.rounds < MAX_ROUNDS && enlarge(&mut member.job.work, &scope) {
                    member.rounds += 1;
                    again.push(member);
                    continue;
                }
                Err(StoreError::Broken("the command asked for what it has already seen".into()).into())
            }
        };
        reply(member.job, result);
    }
    again
}

/// Adds what a plan needs besides. False if it has been shown all of that already.
pub(super) fn enlarge(work: &mut Work, scope: &Scope) -> bool {
    let larger = work.scope.clone().union(scope);
    let more = scope.admin_id == larger.admin_id && larger != work.scope;
    if more {
        work.scope = larger;
    }
    more
}

fn reply(job: Job, result: Result<Plan, TransactError>) {
    // The caller may have gone away; what was committed stays committed.
    let _ = job.answer.send(result);
}
