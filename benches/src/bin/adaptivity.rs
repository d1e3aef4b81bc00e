//! Conversions lost while learning, against the constant of Lai and Robbins and against other strategies.
//!
//! `cargo run --release -p splitter-benches --bin adaptivity` prints the tables and draws `docs/plots/adaptivity*.svg`.

use std::fmt::Write as _;

use splitter_benches::bandits::{Adaptive, Bandit, EpsilonGreedy, Thompson, Ucb1, Uniform, World, lai_robbins};
use splitter_benches::plot::{Axis, Line, chart, save, thin};
use splitter_core::strategy::adaptive::Settings;

/// The attribution window in contacts: a thousand contacts a day and the default of seven days. Where outcomes are immediate it
/// plays no part.
const WINDOW: u64 = 7_000;

type Make = fn(usize, u64) -> Box<dyn Bandit>;

const STRATEGIES: [(&str, Make); 6] = [
    ("adaptive (ours)", |k, _| Box::new(Adaptive::new(k, Adaptive::plain(WINDOW.cast_signed())))),
    ("Thompson", |k, seed| Box::new(Thompson::new(k, seed))),
    ("UCB1", |k, _| Box::new(Ucb1::new(k))),
    ("ε-greedy 10 %", |k, seed| Box::new(EpsilonGreedy::new(k, seed))),
    ("uniform", |k, _| Box::new(Uniform(k))),
    ("ours, default settings", |k, _| Box::new(Adaptive::new(k, defaults()))),
];

/// As an admin finds them, except for the window, which is counted in contacts here.
fn defaults() -> Settings {
    Settings { attribution_ms: Adaptive::plain(WINDOW.cast_signed()).attribution_ms, ..Settings::default() }
}

struct Setting {
    name: &'static str,
    rates: &'static [f64],
    contacts: u64,
    delay: u64,
    runs: u64,
}

/// Evenly spaced.
const TEN: [f64; 10] = [0.05, 0.047_78, 0.045_56, 0.043_33, 0.041_11, 0.038_89, 0.036_67, 0.034_44, 0.032_22, 0.03];
const FIVE: [f64; 5] = [0.10, 0.08, 0.07, 0.06, 0.05];
const THREE: [f64; 3] = [0.20, 0.15, 0.10];

const SETTINGS: [Setting; 8] = [
    Setting { name: "5/4 %, 10,000 contacts", rates: &[0.05, 0.04], contacts: 10_000, delay: 0, runs: 400 },
    Setting { name: "2/1 %, 10,000", rates: &[0.02, 0.01], contacts: 10_000, delay: 0, runs: 400 },
    Setting { name: "20/15/10 %, 1,000", rates: &THREE, contacts: 1_000, delay: 0, runs: 1_000 },
    Setting { name: "10/8/7/6/5 %, 10,000", rates: &FIVE, contacts: 10_000, delay: 0, runs: 200 },
    Setting {
        name: "the same, outcomes 1,000 contacts (a day) late",
        rates: &FIVE,
        contacts: 10_000,
        delay: 1_000,
        runs: 200,
    },
    Setting { name: "ten from 5 to 3 %, 10,000", rates: &TEN, contacts: 10_000, delay: 0, runs: 100 },
    Setting { name: "20/15/10 %, 100,000", rates: &THREE, contacts: 100_000, delay: 0, runs: 60 },
    Setting { name: "10/8/7/6/5 %, 100,000", rates: &FIVE, contacts: 100_000, delay: 0, runs: 60 },
];

/// The mean curve over the runs, and the standard error of its last point.
fn mean(world: &World<'_>, k: usize, make: Make, runs: u64) -> (Vec<f64>, f64) {
    let mut sum = Vec::new();
    let mut ends = Vec::new();
    for run in 0..runs {
        let curve = world.run(make(k, 1_000_003 * run + 1).as_mut(), run);
        ends.push(curve.last().copied().unwrap_or_default());
        if sum.is_empty() {
            sum = curve;
        } else {
            sum.iter_mut().zip(curve).for_each(|(sum, now)| *sum += now);
        }
    }
    let n = runs as f64;
    let centre = ends.iter().sum::<f64>() / n;
    let variance = ends.iter().map(|end| (end - centre).powi(2)).sum::<f64>() / (n - 1.0);
    (sum.into_iter().map(|sum| sum / n).collect(), (variance / n).sqrt())
}

fn main() {
    println!(
        "Conversions lost, as a multiple of C·ln T (C: the constant of Lai and Robbins), mean of the runs ± standard error:\n"
    );
    println!("| campaigns' rates, T | runs |{}", STRATEGIES.map(|(name, _)| format!(" {name} |")).concat());
    println!("|---|---:|{}", "---:|".repeat(STRATEGIES.len()));
    let mut totals = [0.0; STRATEGIES.len()];
    let mut missed = Vec::new();
    for Setting { name, rates, contacts, delay, runs } in SETTINGS {
        let scale = lai_robbins(rates) * (contacts as f64).ln();
        let world = World { rates: &[(0, rates)], contacts, delay };
        let mut cells = String::new();
        let mut curves = Vec::new();
        for (strategy, (_, make)) in STRATEGIES.iter().enumerate() {
            let (curve, error) = mean(&world, rates.len(), *make, runs);
            let ratio = curve.last().copied().unwrap_or_default() / scale;
            totals[strategy] += ratio / SETTINGS.len() as f64;
            let _ = write!(cells, " {ratio:.2} ± {:.2} |", error / scale);
            if strategy == 0 && ratio > 0.6 {
                missed.push(format!("{name}: {ratio:.2}"));
            }
            curves.push(curve);
        }
        println!("| {name} | {runs} |{cells}");
        if name == "10/8/7/6/5 %, 100,000" {
            draw(&curves);
        }
    }
    println!("| **mean** | |{}\n", totals.map(|total| format!(" {total:.2} |")).concat());
    drift();
    assert!(missed.is_empty(), "above 0.6·C·ln T: {missed:?}");
}

fn draw(curves: &[Vec<f64>]) {
    // Uniform choices would be far above the others.
    let lines: Vec<Line> = STRATEGIES
        .iter()
        .zip(curves)
        .enumerate()
        .filter(|(_, ((name, _), _))| *name != "uniform")
        .map(|(style, ((name, _), curve))| Line { label: (*name).to_owned(), points: thin(curve, 120, false), style })
        .collect();
    let x = Axis {
        label: "contacts",
        ticks: vec![(0.0, "0"), (25e3, "25,000"), (50e3, "50,000"), (75e3, "75,000"), (100e3, "100,000")],
        log: false,
    };
    let y = Axis {
        label: "conversions lost",
        ticks: vec![(0.0, "0"), (300.0, "300"), (600.0, "600"), (900.0, "900"), (1_200.0, "1,200")],
        log: false,
    };
    let subtitle =
        "Campaigns that convert 10, 8, 7, 6 and 5 %, against always choosing the best; in equal parts: 2,800";
    save("adaptivity.svg", &chart("What learning costs", subtitle, &x, &y, &lines));
}

/// Five campaigns of which the best and the worst change places half-way.
fn drift() {
    const CONTACTS: u64 = 20_000;
    const RUNS: u64 = 60;
    const BEFORE: [f64; 5] = FIVE;
    const AFTER: [f64; 5] = [0.05, 0.08, 0.07, 0.06, 0.10];
    let world = World { rates: &[(0, &BEFORE), (CONTACTS / 2, &AFTER)], contacts: CONTACTS, delay: 0 };
    let halved = |half_life| Settings { half_life, ..Adaptive::plain(WINDOW.cast_signed()) };
    let adaptive: [(&str, Settings); 5] = [
        ("ours, half-life 2,500", halved(2_500)),
        ("ours, half-life 5,000", halved(5_000)),
        ("ours, half-life 10,000", halved(10_000)),
        ("ours, default settings", defaults()),
        ("ours, never forgetting", halved(0)),
    ];
    println!(
        "Conversions lost of {CONTACTS} when the rates 10/8/7/6/5 % become 5/8/7/6/10 % half-way, mean of {RUNS} runs:\n"
    );
    println!("| strategy | lost | ± |\n|---|---:|---:|");
    let mut lines = Vec::new();
    let mut row = |style: usize, name: &str, curve: Vec<f64>, error: f64| {
        println!("| {name} | {:.0} | {error:.0} |", curve.last().copied().unwrap_or_default());
        lines.push(Line { label: name.to_owned(), points: thin(&curve, 120, false), style });
    };
    for (style, (name, settings)) in adaptive.into_iter().enumerate() {
        let mut sum = vec![0.0; usize::try_from(CONTACTS).unwrap_or(0)];
        let mut ends = Vec::new();
        for run in 0..RUNS {
            let curve = world.run(&mut Adaptive::new(BEFORE.len(), settings), run);
            ends.push(curve.last().copied().unwrap_or_default());
            sum.iter_mut().zip(curve).for_each(|(sum, now)| *sum += now / RUNS as f64);
        }
        let centre = ends.iter().sum::<f64>() / RUNS as f64;
        let variance = ends.iter().map(|end| (end - centre).powi(2)).sum::<f64>() / (RUNS - 1) as f64;
        row(style, name, sum, (variance / RUNS as f64).sqrt());
    }
    for (name, make) in &STRATEGIES[1..5] {
        let (curve, error) = mean(&world, BEFORE.len(), *make, RUNS);
        row(if *name == "Thompson" { 5 } else { 6 }, name, curve, error);
    }
    lines.retain(|line| line.style < 6 && !line.label.contains("10,000"));
    let x = Axis {
        label: "contacts (rates change at 10,000)",
        ticks: vec![(0.0, "0"), (5_000.0, "5,000"), (10_000.0, "10,000"), (15_000.0, "15,000"), (20_000.0, "20,000")],
        log: false,
    };
    let y = Axis {
        label: "conversions lost",
        ticks: vec![(0.0, "0"), (100.0, "100"), (200.0, "200"), (300.0, "300"), (400.0, "400")],
        log: false,
    };
    let subtitle = "The best and the worst of five campaigns change places after 10,000 contacts, mean of 60 runs";
    save("adaptivity-drift.svg", &chart("Forgetting pays when campaigns change", subtitle, &x, &y, &lines));
}
