//! The dispatcher's loop: claims what is due, sends many at a time, stops in an orderly way.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use splitter_core::{
    Dispatch, Sender, StoreError,
    dispatch::{Claim, Delivered, Destination, Message, Options, SendError, World, deliver},
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

/// What a dispatcher may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatcherOptions {
    /// How many messages are sent at a time, 16.
    pub concurrency: u32,
    /// How often it looks for due outreach, one second. While there is more, it does not wait.
    pub poll: Duration,
    /// How often [`DispatchMetrics`] counts the backlog, 15 seconds.
    pub measure: Duration,
    /// How long a sender may take, 20 seconds; then it is a failure that is retried. Longer than two thirds of the lease is
    /// cut to that, so that a slow send ends before anybody else may take over.
    pub send_timeout: Duration,
    /// The lease and the retries.
    pub delivery: Options,
}

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self {
            concurrency: 16,
            poll: Duration::from_secs(1),
            measure: Duration::from_secs(15),
            send_timeout: Duration::from_secs(20),
            delivery: Options::default(),
        }
    }
}

/// Sends the due outreach of a store. Any number of them, in any number of processes, share the work.
pub struct Dispatcher {
    store: Arc<dyn Dispatch>,
    sender: Arc<dyn Sender>,
    world: Arc<World<'static>>,
    options: DispatcherOptions,
    metrics: Arc<DispatchMetrics>,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// A dispatcher that does nothing until it [runs](Self::run). `world` is asked for the present moment.
    pub fn new(
        store: Arc<dyn Dispatch>,
        sender: Arc<dyn Sender>,
        world: Arc<World<'static>>,
        options: DispatcherOptions,
    ) -> Self {
        let lease = Duration::from_millis(u64::try_from(options.delivery.lease_ms).unwrap_or(0));
        let limit = options.send_timeout.min(lease * 2 / 3);
        let sender = Arc::new(Timed { sender, limit });
        Self { store, sender, world, options, metrics: Arc::default() }
    }

    /// What it has done so far, and what waits.
    #[must_use]
    pub fn metrics(&self) -> Arc<DispatchMetrics> {
        Arc::clone(&self.metrics)
    }

    /// Runs until `stop` is ready. Then nothing more is claimed, and what is under way is finished: that takes as long as
    /// a sender may take. What a dispatcher leaves behind that is killed instead is sent when its leases end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut polls = interval(self.options.poll.max(Duration::from_millis(1)));
        let mut measures = interval(self.options.measure.max(Duration::from_millis(1)));
        // After a pause, no burst of missed looks.
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        measures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let most = self.options.concurrency.max(1) as usize;
        let mut sends = JoinSet::new();
        let mut more = false;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                // Before results, of which a busy dispatcher always has one.
                _ = polls.tick() => {
                    self.recover().await;
                    if sends.len() < most {
                        more = self.claim(&mut sends, most).await;
                    }
                }
                _ = measures.tick() => self.measure().await,
                Some(sent) = sends.join_next() => {
                    self.count(sent);
                    // Half of the hands at once, so that a busy dispatcher does not claim rows one by one.
                    if more && sends.len() <= most / 2 {
                        more = self.claim(&mut sends, most).await;
                    }
                }
            }
        }
        while let Some(sent) = sends.join_next().await {
            self.count(sent);
        }
    }

    /// Claims as many as there are free hands, so that nothing claimed waits, and says whether there may be more.
    async fn claim(&self, sends: &mut JoinSet<Result<Delivered, StoreError>>, most: usize) -> bool {
        let free = u32::try_from(most - sends.len()).unwrap_or(u32::MAX);
        let now = (self.world)().now;
        // Never dropped halfway: a store may be inside a transaction.
        let claims = match self.store.claim(now, free, self.options.delivery.lease_ms).await {
            Ok(claims) => claims,
            Err(error) => {
                self.failed("claim", &error);
                return false;
            }
        };
        let more = claims.len() >= free as usize;
        for claim in claims {
            self.metrics.claimed.fetch_add(1, Relaxed);
            let lag_ms = u64::try_from(now.millis_since(claim.due_at)).unwrap_or(0);
            self.metrics.lag_ms_total.fetch_add(lag_ms, Relaxed);
            sends.spawn(self.deliver(claim));
        }
        more
    }

    fn deliver(&self, claim: Claim) -> impl Future<Output = Result<Delivered, StoreError>> + Send + 'static {
        let (store, sender, world) = (Arc::clone(&self.store), Arc::clone(&self.sender), Arc::clone(&self.world));
        let options = self.options.delivery;
        async move { deliver(&*store, &*sender, &*world, &claim, &options).await }
    }

    async fn recover(&self) {
        match self.store.recover((self.world)().now).await {
            Ok(0) => {}
            Ok(recovered) => {
                self.metrics.recovered.fetch_add(recovered, Relaxed);
                tracing::warn!(recovered, "outreach was left behind while it was being sent");
            }
            Err(error) => self.failed("recover", &error),
        }
    }

    async fn measure(&self) {
        let now = (self.world)().now;
        match self.store.backlog(now).await {
            Ok(backlog) => {
                self.metrics.due.store(backlog.due, Relaxed);
                self.metrics.lag_ms.store(backlog.oldest.map_or(0, |oldest| now.millis_since(oldest)), Relaxed);
            }
            Err(error) => self.failed("backlog", &error),
        }
    }

    fn count(&self, sent: Result<Result<Delivered, StoreError>, tokio::task::JoinError>) {
        let counter = match sent {
            Ok(Ok(delivered)) => self.metrics.of(delivered),
            Ok(Err(error)) => return self.failed("deliver", &error),
            Err(_) => {
                // The row's lease ends, and it is tried again.
                tracing::error!("a sender panicked");
                &self.metrics.panics
            }
        };
        counter.fetch_add(1, Relaxed);
    }

    fn failed(&self, step: &'static str, error: &StoreError) {
        self.metrics.store_errors.fetch_add(1, Relaxed);
        // Only the kind: the words of a database can hold anything.
        let kind = match error {
            StoreError::Busy => "busy",
            StoreError::Unavailable(_) => "unavailable",
            _ => "broken",
        };
        tracing::error!(step, kind, "the store failed a dispatcher");
    }
}

/// A sender that has to be done in time.
struct Timed {
    sender: Arc<dyn Sender>,
    limit: Duration,
}

#[async_trait]
impl Sender for Timed {
    async fn send(&self, message: &Message, destination: &Destination) -> Result<(), SendError> {
        match timeout(self.limit, self.sender.send(message, destination)).await {
            Ok(result) => result,
            Err(_) => Err(SendError::retryable("the sender took too long")),
        }
    }
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident: $atomic:ident as $type:ident, $kind:literal),+ $(,)?) => {
        /// What a dispatcher counts while it runs.
        #[derive(Debug, Default)]
        pub struct DispatchMetrics {
            $($name: $atomic,)+
        }

        /// What a dispatcher has counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct DispatchCounts {
            $($(#[$doc])* pub $name: $type,)+
        }

        impl DispatchMetrics {
            /// The counts now.
            #[must_use]
            pub fn counts(&self) -> DispatchCounts {
                DispatchCounts { $($name: self.$name.load(Relaxed),)+ }
            }
        }

        impl DispatchCounts {
            /// In the text format of Prometheus, each name beginning with `splitter_outreach_`.
            #[must_use]
            pub fn to_prometheus(&self) -> String {
                let mut text = String::new();
                $(
                    let name = concat!("splitter_outreach_", stringify!($name));
                    text.push_str(&format!("# TYPE {name} {}\n{name} {}\n", $kind, self.$name));
                )+
                text
            }
        }
    };
}

metrics! {
    /// Rows claimed.
    claimed: AtomicU64 as u64, "counter",
    /// Messages that a sender took.
    sent: AtomicU64 as u64, "counter",
    /// Messages that no sender took and that are tried again.
    retried: AtomicU64 as u64, "counter",
    /// Messages that were given up.
    failed: AtomicU64 as u64, "counter",
    /// Messages that were moved into their calling window.
    postponed: AtomicU64 as u64, "counter",
    /// Messages to contacts that must not be reached.
    cancelled: AtomicU64 as u64, "counter",
    /// Messages that were cancelled, or whose campaign was paused, between claim and start.
    withheld: AtomicU64 as u64, "counter",
    /// Results that came too late, because the lease had been lost.
    lost: AtomicU64 as u64, "counter",
    /// Rows that other dispatchers had left behind.
    recovered: AtomicU64 as u64, "counter",
    /// Senders that panicked.
    panics: AtomicU64 as u64, "counter",
    /// Calls of the store that failed.
    store_errors: AtomicU64 as u64, "counter",
    /// Milliseconds that claimed rows had been due, summed up; divided by `claimed`, the mean lag.
    lag_ms_total: AtomicU64 as u64, "counter",
    /// Rows that were due at the last measurement.
    due: AtomicU64 as u64, "gauge",
    /// Milliseconds that the first of them had been due.
    lag_ms: AtomicI64 as i64, "gauge",
}

impl DispatchMetrics {
    const fn of(&self, delivered: Delivered) -> &AtomicU64 {
        match delivered {
            Delivered::Sent => &self.sent,
            Delivered::Retrying => &self.retried,
            Delivered::Failed => &self.failed,
            Delivered::Postponed => &self.postponed,
            Delivered::Cancelled => &self.cancelled,
            Delivered::Withheld => &self.withheld,
            Delivered::Lost => &self.lost,
        }
    }
}
