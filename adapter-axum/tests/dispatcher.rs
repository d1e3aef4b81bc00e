//! The dispatcher's loop over the in-memory store. The clock is tokio's, paused: it jumps to the next timer.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use splitter_axum::{DispatchCounts, Dispatcher, DispatcherOptions};
use splitter_core::{
    AdminId, CampaignConfig, CampaignStatus, Channel, Dispatch, EnrollContact, Env, MemoryStore, OutreachId,
    OutreachStatus, OutreachStep, PhoneNumber, Planned, Queries as _, Scope, Sender, Target, Template, Timestamp,
    Transact as _, Work,
    actor::Actor,
    admin::Settings,
    dispatch::{Destination, Message, SendError},
    enroll, manage,
    plan::Reply,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

/// 2026-05-13T14:30:00.000Z
const START: i64 = 1_778_682_600_000;

fn world() -> impl Fn() -> Env + Send + Sync + 'static {
    let start = Instant::now();
    let seed = AtomicUsize::new(0);
    move || {
        let elapsed = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
        let seed = seed.fetch_add(1, SeqCst) as u64 + 1;
        Env::new(Timestamp::from_millis(START + elapsed), u64::MAX, seed << 32)
    }
}

/// A store with one SMS at once for each of `contacts`.
async fn store(contacts: u64, env: &impl Fn() -> Env) -> (Arc<MemoryStore>, AdminId) {
    let store = Arc::new(MemoryStore::new());
    let plan = manage::create_admin("a@example.com".into(), None, Settings::default(), &env());
    let admin = plan.admin_id;
    let work = Work::new(Scope::of(admin), move |_| Planned::Commit(plan.clone()));
    store.transact(work).await.expect("an admin");
    let config = CampaignConfig {
        name: "A".into(),
        status: CampaignStatus::Active,
        outreach: vec![OutreachStep {
            channel: Channel::Sms,
            delay_minutes: 0,
            template: Template::parse("Hi {{phoneNumber}}").expect("a template"),
        }],
        calling_window: None,
        requires_email: false,
    };
    let now = env();
    let work = Work::new(Scope::of(admin), move |_| manage::create_campaign(admin, config.clone(), &now).into());
    let Reply::Campaign(campaign) = store.transact(work).await.expect("a campaign").reply else {
        panic!("no campaign")
    };
    for n in 0..contacts {
        let request = EnrollContact {
            admin_id: admin,
            target: Target::Campaign(campaign.id),
            phone_number: PhoneNumber::from_u64(12_025_550_100 + n).expect("a number"),
            name: None,
            timezone: None,
            custom_variables: None,
            actor: Actor::Admin,
            idempotency_key: None,
            max_variables: 100,
        };
        let now = env();
        let work = Work::new(request.scope(), move |s| enroll::plan(s, &request, &now).into());
        store.transact(work).await.expect("a contact");
    }
    (store, admin)
}

async fn statuses(store: &MemoryStore, admin: AdminId, contacts: u64) -> Vec<OutreachStatus> {
    let mut statuses = Vec::new();
    for n in 0..contacts {
        let phone = PhoneNumber::from_u64(12_025_550_100 + n).expect("a number");
        let contact = store.contact_by_phone(admin, phone).await.expect("the store").expect("a contact");
        let rows = store.outreach(admin, contact.id).await.expect("the store");
        statuses.extend(rows.iter().map(|row| row.status));
    }
    statuses
}

type Behaviour = fn(usize) -> Option<Result<(), SendError>>;

/// Takes a second for each message; then does as its behaviour says of the `n`-th call: `None` hangs.
struct Slow {
    behaviour: Behaviour,
    calls: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
    ids: Mutex<Vec<OutreachId>>,
}

impl Slow {
    fn new(behaviour: Behaviour) -> Arc<Self> {
        let (calls, under_way, most) = Default::default();
        Arc::new(Self { behaviour, calls, under_way, most, ids: Mutex::default() })
    }
}

#[async_trait]
impl Sender for Slow {
    async fn send(&self, message: &Message, _: &Destination) -> Result<(), SendError> {
        let call = self.calls.fetch_add(1, SeqCst);
        self.ids.lock().expect("nobody panics with it").push(message.id);
        self.most.fetch_max(self.under_way.fetch_add(1, SeqCst) + 1, SeqCst);
        sleep(Duration::from_secs(1)).await;
        let result = (self.behaviour)(call);
        self.under_way.fetch_sub(1, SeqCst);
        match result {
            Some(result) => result,
            None => pending().await,
        }
    }
}

async fn run_for(
    store: Arc<MemoryStore>,
    sender: Arc<Slow>,
    world: impl Fn() -> Env + Send + Sync + 'static,
    time: Duration,
) -> DispatchCounts {
    let store: Arc<dyn Dispatch> = store;
    let dispatcher = Dispatcher::new(store, sender, Arc::new(world), DispatcherOptions::default());
    let metrics = dispatcher.metrics();
    dispatcher.run(sleep(time)).await;
    metrics.counts()
}

#[tokio::test(start_paused = true)]
async fn everything_due_is_sent_with_so_many_at_a_time() {
    let world = world();
    let (store, admin) = store(100, &world).await;
    let sender = Slow::new(|_| Some(Ok(())));
    let counts = run_for(store.clone(), sender.clone(), world, Duration::from_secs(16)).await;
    assert_eq!((counts.claimed, counts.sent, counts.due, counts.store_errors), (100, 100, 0, 0));
    assert_eq!(sender.most.load(SeqCst), 16);
    assert_eq!(statuses(&store, admin, 100).await, vec![OutreachStatus::Sent; 100]);
    assert!(counts.to_prometheus().contains("# TYPE splitter_outreach_sent counter\nsplitter_outreach_sent 100\n"));
    assert!(counts.lag_ms_total > 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_what_is_under_way_and_takes_nothing_more() {
    let world = world();
    let (store, admin) = store(40, &world).await;
    let sender = Slow::new(|_| Some(Ok(())));
    let counts = run_for(store.clone(), sender, world, Duration::from_millis(500)).await;
    assert_eq!((counts.claimed, counts.sent), (16, 16));
    let statuses = statuses(&store, admin, 40).await;
    assert_eq!(statuses.iter().filter(|status| **status == OutreachStatus::Scheduled).count(), 24);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_hangs_fails_or_panics_is_called_again_with_the_same_id() {
    let world = world();
    let (store, admin) = store(1, &world).await;
    let sender = Slow::new(|call| match call {
        0 => None,
        1 => Some(Err(SendError::retryable("busy"))),
        2 => panic!("a sender's bug"),
        _ => Some(Ok(())),
    });
    let counts = run_for(store.clone(), sender.clone(), world, Duration::from_mins(3)).await;
    assert_eq!((counts.sent, counts.retried, counts.panics, counts.recovered), (1, 2, 1, 1));
    let ids = sender.ids.lock().expect("nobody panics with it").clone();
    assert_eq!((ids.len(), ids.iter().all(|id| *id == ids[0])), (4, true));
    assert_eq!(statuses(&store, admin, 1).await, vec![OutreachStatus::Sent]);
}

#[tokio::test(start_paused = true)]
async fn several_share_the_work_and_one_that_is_killed_loses_nothing() {
    let world = Arc::new(world());
    let (store, admin) = store(100, &*world).await;
    let sender = Slow::new(|_| Some(Ok(())));
    let mut tasks = Vec::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut stopped = Some(stopped);
    for _ in 0..3 {
        let (store, sender, world) = (store.clone(), sender.clone(), world.clone());
        let stopped = stopped.take();
        let dispatcher = Dispatcher::new(store, sender, Arc::new(move || world()), DispatcherOptions::default());
        tasks.push(tokio::spawn(dispatcher.run(async move {
            match stopped {
                Some(stopped) => drop(stopped.await),
                None => pending().await,
            }
        })));
    }
    sleep(Duration::from_millis(500)).await;
    // Killed in the middle of 32 sends; the third goes on.
    tasks[1].abort();
    tasks[2].abort();
    sleep(Duration::from_mins(2)).await;
    let _ = stop.send(());
    assert_eq!(statuses(&store, admin, 100).await, vec![OutreachStatus::Sent; 100]);
    assert_eq!(sender.calls.load(SeqCst), 132);
}
