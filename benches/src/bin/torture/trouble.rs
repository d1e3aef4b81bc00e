//! Kills and restarts, spread over the time of the load.

use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng, seq::SliceRandom as _};

use crate::{Result, database::Database, options::Options, scene::Scene, servers::Servers};

#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) kills: u32,
    pub(crate) restarts: u32,
    /// How many of the restarts were crashes.
    pub(crate) crashes: u32,
    /// Servers that ended by themselves and were replaced.
    pub(crate) ended: u32,
    pub(crate) unexpected: Vec<String>,
}

/// How long after a restart of the database a server may give up because it was just starting.
const EXCUSE: Duration = Duration::from_secs(15);

/// How long a kill waits for an answer of its server.
const WORD: Duration = Duration::from_secs(2);

/// Lasts as long as the load.
pub(crate) async fn make(
    options: &Options,
    servers: &mut Servers,
    database: &Database,
    scene: &Scene,
) -> Result<Trouble> {
    let mut rng = SmallRng::seed_from_u64(options.seed);
    let mut trouble = Trouble::default();
    let whole = Duration::from_secs(options.seconds);
    // Not in the first and the last tenth.
    let mut moment = || whole.mul_f64(rng.random_range(0.1..0.9));
    let mut kills: Vec<Duration> = (0..options.kills).map(|_| moment()).collect();
    kills.sort_unstable_by(|a, b| b.cmp(a));
    let mut restarts: Vec<Duration> = (0..options.restarts)
        .rev()
        .map(|n| whole.mul_f64(f64::from(n + 1) / f64::from(options.restarts + 1)))
        .collect();
    let mut order: Vec<usize> = Vec::new();
    let begun = Instant::now();
    let mut restarted = None;
    let mut restarting = None;
    while begun.elapsed() < whole || restarting.is_some() || !kills.is_empty() {
        if restarting.is_none() && restarts.pop_if(|at| *at <= begun.elapsed()).is_some() {
            // The first is a crash, the second is not, and so on.
            let crash = trouble.restarts.is_multiple_of(2);
            trouble.restarts += 1;
            trouble.crashes += u32::from(crash);
            let server = database.restarter();
            restarting = Some(tokio::task::spawn_blocking(move || server.restart(crash)));
        }
        if let Some(task) = restarting.take_if(|task| task.is_finished()) {
            task.await??;
            restarted = Some(Instant::now());
        }
        if kills.pop_if(|at| *at <= begun.elapsed()).is_some() {
            if order.is_empty() {
                order = (0..options.servers).collect();
                order.shuffle(&mut rng);
            }
            let n = order.pop().unwrap_or(0);
            // Right after its word is when a server that gave it too early is found out.
            let _ = tokio::time::timeout(WORD, scene.answered[n].notified()).await;
            servers.kill(n)?;
            trouble.kills += 1;
        }
        let ended = if restarting.is_some() { 0 } else { servers.replace_ended()? };
        trouble.ended += ended;
        let excused = restarted.is_some_and(|at: Instant| at.elapsed() < EXCUSE);
        if ended > 0 && !excused {
            trouble.unexpected.push(format!("{ended} servers ended by themselves while the database was well"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(trouble)
}
