//! The batches against a session that fails as it is told.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use splitter_core::{
    Admin, AdminId, Effect, Plan, Planned, Reply, Scope, Settings, Snapshot, SplitterId, StoreError, Timestamp,
    TransactError, Work,
};
use uuid::Uuid;

use super::{Changes, CommitFailure, Committer, Session, Snapshots, Wanted, Witness};
use crate::{
    error::{Failure, Refusal},
    options::CommitOptions,
};

/// What a session does at a step; nothing left: it succeeds.
enum Step {
    OpenAgain,
    WriteAgain,
    WriteUnavailable,
    Unknown { committed: bool },
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    /// Admins that were committed, with the number of their commits.
    committed: Vec<AdminId>,
    /// Members of the batches that reached the write.
    written: Vec<usize>,
    undone: usize,
}

#[derive(Clone, Default)]
struct Scripted {
    script: Arc<Mutex<Script>>,
    pending: Vec<AdminId>,
    /// A row with this admin's id is refused.
    poison: Option<AdminId>,
    /// Somebody else's lock on a splitter, and how often it is still met with.
    locked: Option<(SplitterId, usize)>,
}

impl Scripted {
    fn step(&self, wanted: impl Fn(&Step) -> bool) -> Option<Step> {
        let mut script = self.script.lock().expect("no panic");
        if script.steps.front().is_some_and(wanted) { script.steps.pop_front() } else { None }
    }
}

impl Session for Scripted {
    type Call = Infallible;

    async fn call(&mut self, _calls: Vec<Infallible>) {}

    async fn open(&mut self, wanted: &Wanted) -> Result<Snapshots, Failure> {
        if self.step(|step| matches!(step, Step::OpenAgain)).is_some() {
            return Err(Failure::Again("scripted"));
        }
        if let Some((splitter, left)) = &mut self.locked
            && *left > 0
            && wanted.splitters.keys().any(|(_, id)| id == splitter)
        {
            *left -= 1;
            return Err(Failure::Locked);
        }
        Ok(wanted.admins.iter().map(|id| (*id, Snapshot::default())).collect())
    }

    async fn sees(&mut self, witness: &Witness) -> Result<bool, Failure> {
        let Witness::Admin(id, _) = witness else { panic!("{witness:?}") };
        Ok(self.script.lock().expect("no panic").committed.contains(id))
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Result<(), Failure> {
        self.script.lock().expect("no panic").written.push(changes.admins.len());
        self.pending = changes.admins.keys().copied().collect();
        match self.step(|step| matches!(step, Step::WriteAgain | Step::WriteUnavailable)) {
            Some(Step::WriteAgain) => return Err(Failure::Again("scripted")),
            Some(_) => return Err(Failure::Unavailable("scripted")),
            None => {}
        }
        if self.poison.is_some_and(|id| self.pending.contains(&id)) {
            return Err(Failure::Refused(Refusal::Broken("poison".into())));
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), CommitFailure> {
        let step = self.step(|step| matches!(step, Step::Unknown { .. }));
        if !matches!(step, Some(Step::Unknown { committed: false })) {
            self.script.lock().expect("no panic").committed.append(&mut self.pending);
        }
        if step.is_some() { Err(CommitFailure::Unknown) } else { Ok(()) }
    }

    async fn undo(&mut self) {
        self.script.lock().expect("no panic").undone += 1;
        self.pending.clear();
    }

    async fn close(self) {}
}

fn id(n: u128) -> AdminId {
    AdminId(Uuid::from_u128(n))
}

fn create(n: u128) -> Work {
    let admin = Admin {
        id: id(n),
        email: format!("{n}@example.com"),
        password_hash: None,
        settings: Settings::default(),
        created_at: Timestamp::MIN,
        updated_at: Timestamp::MIN,
    };
    Work::new(Scope::of(admin.id), move |_| {
        Planned::Commit(Plan {
            admin_id: admin.id,
            effects: vec![Effect::CreateAdmin(admin.clone())],
            reply: Reply::Done,
        })
    })
}

/// Answers to commands that meet in one batch (on a runtime with one thread), and what the session has seen.
async fn run(session: Scripted, works: Vec<Work>) -> (Vec<Result<Plan, TransactError>>, Script) {
    let script = Arc::clone(&session.script);
    let committer = Arc::new(Committer::start(vec![session], CommitOptions { retries: 2, ..CommitOptions::default() }));
    let tasks: Vec<_> = works
        .into_iter()
        .map(|work| {
            let committer = Arc::clone(&committer);
            tokio::spawn(async move { committer.transact(0, work).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no panic"));
    }
    committer.close().await;
    let script = std::mem::take(&mut *script.lock().expect("no panic"));
    (answers, script)
}

fn scripted(steps: impl IntoIterator<Item = Step>) -> Scripted {
    let script = Script { steps: steps.into_iter().collect(), ..Script::default() };
    Scripted { script: Arc::new(Mutex::new(script)), ..Scripted::default() }
}

#[tokio::test]
async fn what_waits_is_committed_at_once() {
    let (answers, script) = run(scripted([]), (1..=20).map(create).collect()).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(script.written, [20]);
    assert_eq!(script.undone, 0);
}

#[tokio::test]
async fn conflicts_are_tried_again_and_then_given_up() {
    let (answers, script) = run(scripted([Step::OpenAgain, Step::WriteAgain]), vec![create(1), create(2)]).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((script.committed.len(), script.undone), (2, 2));
    let (answers, script) = run(scripted([Step::OpenAgain, Step::OpenAgain, Step::WriteAgain]), vec![create(1)]).await;
    assert!(matches!(answers[0], Err(TransactError::Store(StoreError::Unavailable(_)))), "{answers:?}");
    assert!(script.committed.is_empty());
}

#[tokio::test]
async fn a_database_without_room_is_not_asked_again() {
    let (answers, script) = run(scripted([Step::WriteUnavailable]), vec![create(1), create(2)]).await;
    assert!(answers.iter().all(|a| matches!(a, Err(TransactError::Store(StoreError::Unavailable(_))))));
    assert_eq!(script.written, [2]);
}

#[tokio::test]
async fn the_culprit_is_found_by_halving() {
    let session = Scripted { poison: Some(id(5)), ..scripted([]) };
    let (answers, script) = run(session, (1..=8).map(create).collect()).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_ok(), n != 4, "{n}");
    }
    assert!(matches!(&answers[4], Err(TransactError::Store(StoreError::Broken(text))) if text == "poison"));
    assert_eq!(script.committed, [1, 2, 3, 4, 6, 7, 8].map(id));
    assert_eq!(script.written, [8, 4, 4, 2, 1, 1, 2]);
}

fn through(n: u128, splitter: u128) -> Work {
    let mut work = create(n);
    work.scope = work.scope.splitter(SplitterId(Uuid::from_u128(splitter)));
    work
}

#[tokio::test(start_paused = true)]
async fn only_a_locked_splitters_requests_wait_for_it() {
    let works = || vec![through(1, 7), through(2, 8), create(3), through(4, 7), through(5, 8), create(6)];
    let lock = |times| Scripted { locked: Some((SplitterId(Uuid::from_u128(7)), times)), ..scripted([]) };
    // The lock becomes free: the others were committed before.
    let (answers, script) = run(lock(4), works()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(script.committed, [2, 5, 3, 6, 1, 4].map(id));
    // It never does: they alone are told so.
    let (answers, script) = run(lock(usize::MAX), works()).await;
    for (n, answer) in answers.iter().enumerate() {
        let refused = matches!(answer, Err(TransactError::Store(StoreError::Unavailable(_))));
        assert_eq!(refused, n == 0 || n == 3, "{n}: {answer:?}");
    }
    assert_eq!(script.committed, [2, 5, 3, 6].map(id));
}

/// A contact that was with another splitter: its request wants both, but whoever wants only that one does not wait for it.
#[tokio::test(start_paused = true)]
async fn a_splitter_that_is_wanted_beside_a_locked_one_is_not_taken_for_it() {
    let mut both = through(1, 6);
    both.scope = both.scope.splitter(SplitterId(Uuid::from_u128(7)));
    let session = Scripted { locked: Some((SplitterId(Uuid::from_u128(7)), usize::MAX)), ..scripted([]) };
    let (answers, script) = run(session, vec![both, through(2, 6), through(3, 6)]).await;
    assert!(matches!(answers[0], Err(TransactError::Store(StoreError::Unavailable(_)))), "{answers:?}");
    assert_eq!(script.committed, [2, 3].map(id));
}

#[tokio::test]
async fn an_unknown_commit_is_looked_up_before_anything_is_done_twice() {
    for committed in [true, false] {
        let (answers, script) = run(scripted([Step::Unknown { committed }]), vec![create(1), create(2)]).await;
        assert!(answers.iter().all(Result::is_ok), "{committed}: {answers:?}");
        assert_eq!(script.committed, [1, 2].map(id), "{committed}");
        assert_eq!(script.written.len(), if committed { 1 } else { 2 });
    }
    // The look-up itself meets trouble, more often than a conflict would be put up with.
    let steps = [Step::Unknown { committed: true }, Step::OpenAgain, Step::OpenAgain, Step::OpenAgain];
    let (answers, script) = run(scripted(steps), vec![create(1)]).await;
    assert!(answers[0].is_ok());
    assert_eq!(script.committed, [id(1)]);
}

#[tokio::test]
async fn whoever_needs_more_comes_back_with_a_larger_scope() {
    let work = Work::new(Scope::of(id(1)), |_| {
        Planned::NeedsMore(Scope::of(id(1)).campaign(splitter_core::CampaignId(Uuid::from_u128(9))))
    });
    let (answers, script) = run(scripted([]), vec![work, create(2)]).await;
    // The scope did not grow a second time: the command is at fault, and is told so.
    assert!(matches!(answers[0], Err(TransactError::Store(StoreError::Broken(_)))), "{answers:?}");
    assert!(answers[1].is_ok());
    assert_eq!(script.written, [1]);
}
