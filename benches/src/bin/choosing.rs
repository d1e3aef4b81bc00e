//! The time that one choice takes, against peers in the same run.
//!
//! `cargo run --release -p splitter-benches --bin choosing` prints the tables.

use std::hint::black_box;
use std::time::Instant;

use rand::{RngExt, SeedableRng, distr::Distribution, rngs::SmallRng};
use rand_distr::weighted::WeightedIndex;
use splitter_benches::bandits::{Adaptive, Bandit, Thompson};
use splitter_benches::peers::{HashBuckets, Quota, SmoothRoundRobin, Splitter};
use splitter_core::id::{CampaignId, SplitterId};
use splitter_core::strategy::{adaptive, quota, random, sticky};
use uuid::Uuid;

/// Choices per round: short enough that most rounds are not interrupted.
const CHOICES: u32 = 5_000;
/// Rounds, in which all contenders take turns: a noisy neighbour disturbs all alike.
const ROUNDS: usize = 400;

type Contender<'a> = (&'a str, Box<dyn FnMut() -> usize + 'a>);

/// The nanoseconds per choice of each contender: the first decile of the rounds, because on a shared machine the others say
/// more about the neighbours.
fn race(contenders: &mut [Contender<'_>], choices: u32) -> Vec<f64> {
    let mut times = vec![Vec::new(); contenders.len()];
    for round in 0..=ROUNDS {
        for ((_, choose), times) in contenders.iter_mut().zip(&mut times) {
            let start = Instant::now();
            black_box(choose());
            if round > 0 {
                times.push(start.elapsed().as_nanos() as f64 / f64::from(choices));
            }
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 10]
        })
        .collect()
}

/// Runs `choose` for a whole round, without a call through a pointer for each choice.
fn round<'a>(choices: u32, mut choose: impl FnMut() -> usize + 'a) -> Box<dyn FnMut() -> usize + 'a> {
    Box::new(move || (0..choices).fold(0, |sum, _| sum.wrapping_add(black_box(choose()))))
}

fn weights(k: usize) -> Vec<u64> {
    // Unround weights of basis points; equal ones would flatter whoever finds many ties.
    let mut rng = SmallRng::seed_from_u64(k as u64);
    let mut weights: Vec<u64> = (0..k).map(|_| rng.random_range(1..=10_000 / k as u64)).collect();
    weights[0] += 10_000 - weights.iter().sum::<u64>();
    weights
}

fn picks(k: usize) -> Vec<(String, f64)> {
    let weights = weights(k);
    let shares = quota::shares(&weights).unwrap_or_default();
    let candidates: Vec<(CampaignId, u64)> =
        weights.iter().zip(1..).map(|(weight, id)| (CampaignId(Uuid::from_u128(id)), *weight)).collect();
    let (mut ours, mut nginx) = (Quota::new(&weights), SmoothRoundRobin::new(&weights));
    // Deadlines tie all the time.
    let mut level = Quota::new(&vec![1; k]);
    let mut buckets = HashBuckets::new(&weights, 1);
    let mut rng = SmallRng::seed_from_u64(1);
    let mut rng_of_draws = SmallRng::seed_from_u64(2);
    let index = WeightedIndex::new(&weights).expect("weights");
    let mut credits = vec![0; k];
    let mut present = 0;
    let mut shares_anew = Vec::new();
    let mut credits_anew = vec![0; k];
    let mut contenders: Vec<Contender<'_>> = vec![
        ("nginx smooth round robin", round(CHOICES, || nginx.next())),
        ("**quota pick (ours)**", round(CHOICES, || ours.next())),
        ("ours, equal weights", round(CHOICES, || level.next())),
        (
            "ours, weights to shares and pick",
            round(CHOICES, || {
                quota::shares_into(black_box(&weights), &mut shares_anew);
                quota::pick(&mut credits_anew, &shares_anew)
            }),
        ),
        (
            "ours, re-decision of the latest contact and pick",
            round(CHOICES, || {
                let again = quota::repick(&mut credits, &shares, present);
                present = quota::pick(&mut credits, &shares);
                again
            }),
        ),
        ("`WeightedIndex`, built before", round(CHOICES, || index.sample(&mut rng))),
        ("ours, random", round(CHOICES, || random::choose(&shares, rng_of_draws.random()))),
        ("hash buckets, xxh3", round(CHOICES, || buckets.next())),
        (
            "ours, sticky",
            round(CHOICES, || {
                sticky::choose(SplitterId(Uuid::from_u128(7)), 1, black_box("+15551234567"), &candidates).unwrap_or(0)
            }),
        ),
    ];
    let times = race(&mut contenders, CHOICES);
    contenders.iter().zip(times).map(|((name, _), time)| ((*name).to_owned(), time)).collect()
}

fn main() {
    let campaigns = [2, 3, 5, 10, 20, 50];
    let columns = campaigns.map(picks);
    println!(
        "Nanoseconds per choice among k campaigns, and the ratio to nginx's rule; first decile of {ROUNDS} alternating rounds:\n"
    );
    println!("| |{}", campaigns.map(|k| format!(" {k} |")).concat());
    println!("|---|{}", "---:|".repeat(campaigns.len()));
    for (row, (name, _)) in columns[0].iter().enumerate() {
        let cell =
            |column: &Vec<(String, f64)>| format!(" {:.1} ({:.2} ×) |", column[row].1, column[row].1 / column[0].1);
        println!("| {name} |{}", columns.iter().map(cell).collect::<String>());
    }
    learning();
}

/// A decision of a splitter that has learnt something, and the computation of its shares.
fn learning() {
    const FEW: u32 = 1_000;
    println!("\nNanoseconds per adaptive decision; Thompson draws from each posterior:\n");
    println!("| campaigns | Thompson's draw | ours, shares cached | ratio | ours, shares computed anew |");
    println!("|---:|---:|---:|---:|---:|");
    for k in [2_usize, 5, 10, 50] {
        let outcomes: Vec<(f64, f64)> = (0..k).map(|i| (40.0 + i as f64, 960.0 - i as f64)).collect();
        let betas: Vec<adaptive::Beta> = outcomes
            .iter()
            .map(|&(successes, failures)| adaptive::Beta { alpha: 1.0 + successes, beta: 1.0 + failures })
            .collect();
        let mut thompson = Thompson::informed(&outcomes, 1);
        let mut cached = Adaptive::informed(&outcomes, Adaptive::plain());
        let mut contenders: Vec<Contender<'_>> = vec![
            ("Thompson", round(FEW, || thompson.choose(0))),
            ("cached", round(FEW, || cached.decide(0))),
            ("anew", Box::new(|| adaptive::shares_bp(&adaptive::p_best(black_box(&betas)), 100).len())),
        ];
        let times = race(&mut contenders, FEW);
        println!(
            "| {k} | {:.0} | {:.1} | {:.3} | {:.0} |",
            times[0],
            times[1],
            times[1] / times[0],
            times[2] * f64::from(FEW)
        );
    }
}
