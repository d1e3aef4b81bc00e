//! Rounds of several contenders, one after the other, so that a noisy neighbour disturbs all of them alike.

use std::time::Instant;

/// One thing that is measured.
pub struct Contender<'a> {
    /// Its name in the table.
    pub name: String,
    /// Rounds in which it takes part; a very slow one takes part in few.
    pub rounds: usize,
    /// Does the work once over all items; returns how many succeeded, so that fast failures are seen.
    pub work: Box<dyn FnMut() -> usize + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender that takes part in `rounds` rounds.
    pub fn new(name: &str, rounds: usize, work: impl FnMut() -> usize + 'a) -> Self {
        Self { name: name.to_owned(), rounds, work: Box::new(work) }
    }
}

/// What came out for one contender.
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// The median time per item, in nanoseconds.
    pub nanos: f64,
    /// The same of the fastest round, which neighbours on the machine disturbed least.
    pub fastest: f64,
    /// How many items succeeded in a round (the fewest of all rounds).
    pub succeeded: usize,
}

/// Runs all contenders alternately, after one round each that does not count.
#[must_use]
pub fn run(contenders: Vec<Contender<'_>>, items: usize) -> Vec<Outcome> {
    let mut contenders = contenders;
    let mut times = vec![Vec::new(); contenders.len()];
    let mut succeeded = vec![usize::MAX; contenders.len()];
    let most = contenders.iter().map(|contender| contender.rounds).max().unwrap_or_default();
    for round in 0..=most {
        for (n, contender) in contenders.iter_mut().enumerate().filter(|(_, contender)| round <= contender.rounds) {
            let start = Instant::now();
            let count = (contender.work)();
            let nanos = start.elapsed().as_nanos() as f64 / items as f64;
            succeeded[n] = succeeded[n].min(count);
            if round > 0 {
                times[n].push(nanos);
            }
        }
    }
    let outcome = |(n, contender): (usize, Contender<'_>)| Outcome {
        name: contender.name,
        nanos: median(&mut times[n]),
        // `median` has sorted them.
        fastest: times[n].first().copied().unwrap_or_default(),
        succeeded: succeeded[n],
    };
    contenders.into_iter().enumerate().map(outcome).collect()
}

/// The median; 0 of nothing.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
