//! Kills, refusals, a pause: what happens while it is sent.

use std::{
    collections::BTreeMap,
    env,
    process::{Child, Command},
    time::{Duration, Instant},
};

use rand::{random_range, seq::SliceRandom as _};
use splitter_core::{CampaignStatus, OutreachId, Timestamp};
use sqlx::PgConnection;

use crate::{
    Result,
    receiver::Receiver,
    scene::{CONTACTS, Role, Row, Scene, phone, role, rows},
    world,
};

/// What was seen right after a cancellation or a pause was committed: what may have been started by then, and no more.
pub(crate) type Started = BTreeMap<OutreachId, u32>;

pub(crate) struct Trouble {
    pub(crate) kills: u32,
    /// Rows of contacts who said no, as they were right afterwards.
    pub(crate) refusals: Vec<Row>,
    /// Rows of the paused campaign, as they were right after the pause, and right before the resumption.
    pub(crate) paused: (Started, Started),
    /// When the pause was committed, and when it was about to end.
    pub(crate) pause: (Timestamp, Timestamp),
}

/// How many contacts say no.
const REFUSALS: usize = 600;
/// How long the pause lasts: longer than a lease, so that what was under way is recovered while it lasts.
const PAUSE: Duration = Duration::from_secs(8);

/// Three dispatchers, killed when this ends.
struct Dispatchers {
    url: String,
    children: Vec<Child>,
    kills: u32,
}

impl Dispatchers {
    fn start(url: &str) -> Result<Self> {
        let mut dispatchers = Self { url: url.to_owned(), children: Vec::new(), kills: 0 };
        for _ in 0..3 {
            let child = dispatchers.spawn()?;
            dispatchers.children.push(child);
        }
        Ok(dispatchers)
    }

    fn spawn(&self) -> Result<Child> {
        Ok(Command::new(env::current_exe()?).args(["dispatcher", &self.url]).spawn()?)
    }

    /// SIGKILL, and a new one.
    fn kill_one(&mut self) -> Result<()> {
        let n = random_range(0..self.children.len());
        self.children[n].kill()?;
        self.children[n].wait()?;
        self.children[n] = self.spawn()?;
        self.kills += 1;
        Ok(())
    }
}

impl Drop for Dispatchers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs until everything that may arrive has arrived.
pub(crate) async fn make(scene: &Scene, receiver: &Receiver) -> Result<Trouble> {
    let mut dispatchers = Dispatchers::start(&scene.url)?;
    let mut connection = scene.connect().await?;
    // Not before the first messages are under way.
    while receiver.arrivals().len() < 100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut refusing: Vec<u64> = (0..CONTACTS).filter(|n| role(*n) == Role::Refused).collect();
    refusing.shuffle(&mut rand::rng());
    refusing.truncate(REFUSALS);
    let mut refusals: Vec<(u64, Row)> = Vec::new();
    let (mut paused, mut pause) = ((Started::new(), Started::new()), None);
    let (mut kill_at, mut resume_at) = (Instant::now(), None);
    let (mut waited, mut last) = (Instant::now(), 0);
    loop {
        if Instant::now() >= kill_at {
            dispatchers.kill_one()?;
            kill_at = Instant::now() + Duration::from_millis(random_range(500..2_500));
        }
        if let Some(n) = refusing.pop() {
            // Two times of three somebody whose message is under way just now, if there is one.
            let under_way = if n.is_multiple_of(3) { None } else { scene.under_way(&mut connection).await? };
            let n = under_way.filter(|other| !refusals.iter().any(|(done, _)| done == other)).unwrap_or(n);
            if refusals.iter().any(|(done, _)| *done == n) {
                continue;
            }
            scene.refuse(n).await?;
            refusals.extend(of_contact(&mut connection, n).await?.into_iter().map(|row| (n, row)));
        }
        if pause.is_none() && refusals.len() > REFUSALS / 3 {
            scene.set(Role::Paused, |config| config.status = CampaignStatus::Paused).await?;
            pause = Some((world().now, Timestamp::MAX));
            paused.0 = started(scene, &mut connection).await?;
            resume_at = Some(Instant::now() + PAUSE);
        }
        if resume_at.is_some_and(|at| Instant::now() >= at) {
            resume_at = None;
            pause = pause.map(|(from, _)| (from, world().now));
            paused.1 = started(scene, &mut connection).await?;
            scene.set(Role::Paused, |config| config.status = CampaignStatus::Active).await?;
        }
        if refusing.is_empty() {
            let open = still_open(scene, &mut connection).await?;
            let resumed = pause.is_some_and(|(_, to)| to < Timestamp::MAX);
            if open == 0 && resumed {
                break;
            }
            if open != last {
                (waited, last) = (Instant::now(), open);
            } else if waited.elapsed() > Duration::from_mins(1) {
                println!("nothing has moved for a minute; {open} messages are still open");
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let kills = dispatchers.kills;
    drop(dispatchers);
    let pause = pause.unwrap_or((Timestamp::MAX, Timestamp::MAX));
    let refusals = refusals.into_iter().map(|(_, row)| row).collect();
    Ok(Trouble { kills, refusals, paused, pause })
}

async fn of_contact(connection: &mut PgConnection, n: u64) -> Result<Vec<Row>> {
    rows(connection, "c.phone = $1", &phone(n).to_string()).await
}

async fn started(scene: &Scene, connection: &mut PgConnection) -> Result<Started> {
    let found = rows(connection, "o.campaign_id = $1::uuid", &scene.campaigns[&Role::Paused].to_string()).await?;
    Ok(found.into_iter().map(|row| (row.id, row.attempts)).collect())
}

/// Rows that will still be sent: all open ones but those of campaigns that are held or closed.
async fn still_open(scene: &Scene, connection: &mut PgConnection) -> Result<usize> {
    let open =
        rows(connection, "o.status IN ('scheduled', 'sending') AND o.scheduled_at < now() AND $1 = ''", "").await?;
    let held = scene.campaigns[&Role::Held];
    Ok(open.iter().filter(|row| row.campaign != held).count())
}
