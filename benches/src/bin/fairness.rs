//! How far the counts of different rules stray from the exact shares.
//!
//! `cargo run -p splitter-benches --bin fairness` prints the tables and draws `docs/plots/fairness*.svg`.

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use splitter_benches::peers::{Divisor, HashBuckets, Quota, Random, SmoothRoundRobin, Splitter};
use splitter_benches::plot::{Axis, Line, chart, save, thin};
use splitter_core::strategy::quota::Bound;

const DECISIONS: usize = 10_000;
const RANDOM_VECTORS: usize = 40;
const CAMPAIGNS: [usize; 6] = [2, 3, 5, 10, 20, 50];

type Make = fn(&[u64], u64) -> Box<dyn Splitter>;

const RULES: [(&str, Make); 6] = [
    ("quota rule (ours)", |weights, _| Box::new(Quota::new(weights))),
    ("nginx smooth round robin", |weights, _| Box::new(SmoothRoundRobin::new(weights))),
    ("least served first", |weights, _| Box::new(Divisor::greedy(weights))),
    ("Webster", |weights, _| Box::new(Divisor::webster(weights))),
    ("random", |weights, seed| Box::new(Random::new(weights, seed))),
    ("hash buckets", |weights, seed| Box::new(HashBuckets::new(weights, seed))),
];

/// The largest distance of any campaign from its exact quota, in contacts, at each prefix.
fn deviations(splitter: &mut dyn Splitter, weights: &[u64], decisions: usize) -> Vec<f64> {
    let total: u64 = weights.iter().sum();
    let shares: Vec<f64> = weights.iter().map(|weight| *weight as f64 / total as f64).collect();
    let mut counts = vec![0.0; weights.len()];
    (1..=decisions)
        .map(|n| {
            counts[splitter.next()] += 1.0;
            let off = |(count, share): (&f64, &f64)| (count - share * n as f64).abs();
            counts.iter().zip(&shares).map(off).fold(0.0, f64::max)
        })
        .collect()
}

/// Weights of different shapes, drawn from basis points.
fn random_vectors(k: usize, rng: &mut SmallRng) -> Vec<Vec<u64>> {
    (0..RANDOM_VECTORS)
        .map(|n| {
            let steep = [1.0, 1.0, 2.0, 4.0][n % 4];
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 10,001")]
            (0..k).map(|_| 1 + (10_000.0 * rng.random::<f64>().powf(steep)) as u64).collect()
        })
        .collect()
}

/// Weights that hurt: a giant beside dwarfs, nearly equal ones, powers, two classes, a staircase, harmonic ones.
fn adversarial_vectors(k: usize) -> Vec<Vec<u64>> {
    let n = k as u64;
    let each = |of: &dyn Fn(u64) -> u64| (0..n).map(of).collect::<Vec<u64>>();
    vec![
        each(&|i| if i == 0 { 10_000 } else { 1 }),
        each(&|i| if i + 1 == n { 10_000 } else { 7 }),
        each(&|i| if i == 0 { 2 * n - 3 } else { 1 }),
        each(&|i| 100_000 + i),
        each(&|i| 1 << (i % 20)),
        each(&|i| if i % 2 == 0 { 9_973 } else { 3 }),
        each(&|i| i + 1),
        each(&|i| (n - i).pow(3)),
        each(&|i| 2 * n - 3 + u64::from(i == 0)),
        each(&|i| 100_000 / (i + 1)),
        each(&|i| 100_000 / (n - i)),
        each(&|i| 11_u64.pow(u32::try_from(i % 7).unwrap_or(0)) + i),
        each(&|i| if i < n / 2 { 1 } else { 100 + i }),
        each(&|i| if i + 2 >= n { 5_003 } else { 100 + i }),
    ]
}

fn main() {
    let mut worst = vec![Vec::new(); RULES.len()];
    for k in CAMPAIGNS {
        let mut rng = SmallRng::seed_from_u64(k as u64);
        let vectors = [random_vectors(k, &mut rng), adversarial_vectors(k)].concat();
        for (rule, (_, make)) in RULES.iter().enumerate() {
            let of = |(seed, weights): (usize, &Vec<u64>)| {
                let all = deviations(make(weights, seed as u64).as_mut(), weights, DECISIONS);
                all.into_iter().fold(0.0, f64::max)
            };
            worst[rule].push(vectors.iter().enumerate().map(of).fold(0.0, f64::max));
        }
    }
    println!("Worst distance from the exact share, in contacts, at any of the first {DECISIONS} decisions, over");
    println!("{RANDOM_VECTORS} random and 14 adversarial weight vectors:\n");
    println!("| campaigns |{}", CAMPAIGNS.map(|k| format!(" {k} |")).concat());
    println!("|---|{}", "---:|".repeat(CAMPAIGNS.len()));
    println!(
        "| proven bound, 1 − 1/(2k−2) |{}",
        CAMPAIGNS.map(|k| format!(" {:.3} |", Bound::of(k).as_f64())).concat()
    );
    for ((name, _), row) in RULES.iter().zip(&worst) {
        let cells: String =
            row.iter().map(|w| if *w < 10.0 { format!(" {w:.3} |") } else { format!(" {w:.0} |") }).collect();
        println!("| {name} |{cells}");
    }
    for (k, ours) in CAMPAIGNS.iter().zip(&worst[0]) {
        assert!(*ours <= Bound::of(*k).as_f64() + 1e-6, "the bound is broken at {k} campaigns: {ours}");
    }
    draw_by_campaigns(&worst);
    draw_over_time();
}

fn draw_by_campaigns(worst: &[Vec<f64>]) {
    let line = |(style, ((name, _), row)): (usize, (&(&str, Make), &Vec<f64>))| Line {
        label: (*name).to_owned(),
        points: CAMPAIGNS.iter().zip(row).map(|(k, w)| (*k as f64, *w)).collect(),
        style,
    };
    let lines: Vec<Line> = RULES.iter().zip(worst).enumerate().map(line).collect();
    let x = Axis {
        label: "campaigns",
        ticks: vec![(2.0, "2"), (3.0, "3"), (5.0, "5"), (10.0, "10"), (20.0, "20"), (50.0, "50")],
        log: true,
    };
    let y = Axis {
        label: "contacts",
        ticks: vec![(0.3, "0.3"), (1.0, "1"), (3.0, "3"), (10.0, "10"), (30.0, "30"), (100.0, "100"), (300.0, "300")],
        log: true,
    };
    let subtitle = "Worst distance from the exact share over random and adversarial weights, first 10,000 contacts";
    save("fairness.svg", &chart("Ours is the only rule that is never a whole contact off", subtitle, &x, &y, &lines));
}

/// The same over the course of one ordinary splitter, 40/25/15/10/10.
fn draw_over_time() {
    let weights = [40, 25, 15, 10, 10];
    let lines: Vec<Line> = [0, 1, 4, 5]
        .into_iter()
        .map(|style| {
            let (name, make) = RULES[style];
            // The worst so far, on average over 20 runs where chance has a part.
            let runs = 20;
            let mut curve = vec![0.0; DECISIONS];
            for seed in 0..runs {
                let mut most: f64 = 0.0;
                for (sum, now) in curve.iter_mut().zip(deviations(make(&weights, seed).as_mut(), &weights, DECISIONS)) {
                    most = most.max(now);
                    *sum += most / runs as f64;
                }
            }
            Line { label: name.to_owned(), points: thin(&curve, 120, true), style }
        })
        .collect();
    let x = Axis {
        label: "contacts so far",
        ticks: vec![(1.0, "1"), (10.0, "10"), (100.0, "100"), (1_000.0, "1,000"), (10_000.0, "10,000")],
        log: true,
    };
    let y = Axis {
        label: "contacts off",
        ticks: vec![(0.3, "0.3"), (1.0, "1"), (3.0, "3"), (10.0, "10"), (30.0, "30"), (100.0, "100")],
        log: true,
    };
    let subtitle = "Worst distance from the exact share so far, weights 40/25/15/10/10, mean of 20 runs";
    save("fairness-over-time.svg", &chart("Chance drifts, the quota rule does not", subtitle, &x, &y, &lines));
}
