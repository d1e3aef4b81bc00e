//! Strategies that learn which campaign converts, ours and others', in a simulated stream of contacts.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use rand_distr::{Beta, Distribution};
use splitter_core::id::CampaignId;
use splitter_core::strategy::adaptive::{Model, Outcome, Settings};
use splitter_core::strategy::quota;
use splitter_core::time::{DAY_MS, Timestamp};
use uuid::Uuid;

/// Chooses a campaign for each contact and hears of the outcomes, possibly later.
pub trait Bandit {
    /// The position of the campaign for contact number `now`.
    fn choose(&mut self, now: u64) -> usize;
    /// The outcome of the contact number `contact`, which had gone to `arm`.
    fn resolved(&mut self, arm: usize, contact: u64, success: bool);
}

/// How many contacts come in a day.
pub const PER_DAY: u64 = 1_000;

/// A contact's time.
fn time(contact: u64) -> Timestamp {
    const APART: i64 = DAY_MS / PER_DAY.cast_signed();
    Timestamp::from_millis(i64::try_from(contact).unwrap_or(i64::MAX).saturating_mul(APART))
}

/// Adaptive shares on the quota rule.
pub struct Adaptive {
    model: Model,
    settings: Settings,
    ids: Vec<CampaignId>,
    base: Vec<(CampaignId, u64)>,
    shares: Vec<i64>,
    credits: Vec<i64>,
}

impl Adaptive {
    /// For `arms` campaigns of equal base weight.
    #[must_use]
    pub fn new(arms: usize, settings: Settings) -> Self {
        let ids: Vec<CampaignId> = (0..arms as u128).map(|id| CampaignId(Uuid::from_u128(id))).collect();
        let base = ids.iter().map(|id| (*id, 1)).collect();
        Self { model: Model::default(), settings, base, ids, shares: Vec::new(), credits: vec![0; arms] }
    }

    /// With outcomes known from the start.
    #[must_use]
    pub fn informed(outcomes: &[(f64, f64)], settings: Settings) -> Self {
        let mut adaptive = Self::new(outcomes.len(), settings);
        for (arm, (successes, failures)) in outcomes.iter().enumerate() {
            for (times, success) in [(*successes, true), (*failures, false)] {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
                for _ in 0..times as u64 {
                    adaptive.model.open_trial(adaptive.ids[arm], time(0));
                    adaptive.resolved(arm, 0, success);
                }
            }
        }
        adaptive
    }

    /// The decision alone: are the cached shares still good, and which campaign is it? The shares are kept in the quota rule's
    /// units until they change.
    #[inline]
    pub fn decide(&mut self, now: u64) -> usize {
        if self.model.needs_recompute(&self.settings, time(now), &self.ids) {
            let shares = self.model.recompute(&self.settings, time(now), &self.base);
            let weights: Vec<u64> = shares.iter().map(|(_, bp)| u64::from(*bp)).collect();
            quota::shares_into(&weights, &mut self.shares);
        }
        quota::pick(&mut self.credits, &self.shares)
    }

    /// The settings of the theory: no floor, no forgetting, no burn-in. The attribution window is the one that a splitter starts
    /// with.
    #[must_use]
    pub fn plain() -> Settings {
        Settings { min_share_bp: 0, half_life: 0, burn_in: 0, ..Settings::default() }
    }
}

impl Bandit for Adaptive {
    fn choose(&mut self, now: u64) -> usize {
        let chosen = self.decide(now);
        self.model.open_trial(self.ids[chosen], time(now));
        chosen
    }

    fn resolved(&mut self, arm: usize, contact: u64, success: bool) {
        let outcome = if success { Outcome::Success } else { Outcome::Failure };
        self.model.close(&self.settings, self.ids[arm], time(contact), outcome);
    }
}

/// Successes and failures of one campaign.
#[derive(Clone, Default)]
struct Tally {
    successes: f64,
    failures: f64,
}

impl Tally {
    fn count(&mut self, success: bool) {
        *(if success { &mut self.successes } else { &mut self.failures }) += 1.0;
    }

    fn n(&self) -> f64 {
        self.successes + self.failures
    }

    /// Unknown rates count as certain, so that everyone is tried once.
    fn rate(&self) -> f64 {
        if self.n() == 0.0 { f64::INFINITY } else { self.successes / self.n() }
    }
}

/// The position of the largest value, the first of equals.
fn largest(values: impl Iterator<Item = f64>) -> usize {
    values.enumerate().fold((0, f64::MIN), |best, (i, v)| if v > best.1 { (i, v) } else { best }).0
}

/// Thompson sampling: a draw from each posterior, the largest wins.
pub struct Thompson {
    arms: Vec<Tally>,
    posteriors: Vec<Beta<f64>>,
    rng: SmallRng,
}

impl Thompson {
    /// For `arms` campaigns.
    #[must_use]
    pub fn new(arms: usize, seed: u64) -> Self {
        let arms = vec![Tally::default(); arms];
        let posteriors = arms.iter().map(posterior).collect();
        Self { arms, posteriors, rng: SmallRng::seed_from_u64(seed) }
    }

    /// With outcomes known from the start.
    #[must_use]
    pub fn informed(outcomes: &[(f64, f64)], seed: u64) -> Self {
        let arms: Vec<Tally> = outcomes.iter().map(|&(successes, failures)| Tally { successes, failures }).collect();
        let posteriors = arms.iter().map(posterior).collect();
        Self { arms, posteriors, rng: SmallRng::seed_from_u64(seed) }
    }
}

fn posterior(arm: &Tally) -> Beta<f64> {
    Beta::new(1.0 + arm.successes, 1.0 + arm.failures).expect("parameters above 0")
}

impl Bandit for Thompson {
    #[inline]
    fn choose(&mut self, _now: u64) -> usize {
        largest(self.posteriors.iter().map(|posterior| posterior.sample(&mut self.rng)))
    }

    fn resolved(&mut self, arm: usize, _contact: u64, success: bool) {
        self.arms[arm].count(success);
        self.posteriors[arm] = posterior(&self.arms[arm]);
    }
}

/// UCB1: the rate plus `√(2·ln t / n)`.
pub struct Ucb1(Vec<Tally>);

impl Ucb1 {
    /// For `arms` campaigns.
    #[must_use]
    pub fn new(arms: usize) -> Self {
        Self(vec![Tally::default(); arms])
    }
}

impl Bandit for Ucb1 {
    fn choose(&mut self, _now: u64) -> usize {
        let log = self.0.iter().map(Tally::n).sum::<f64>().max(1.0).ln();
        largest(self.0.iter().map(|arm| arm.rate() + (2.0 * log / arm.n().max(1e-9)).sqrt()))
    }

    fn resolved(&mut self, arm: usize, _contact: u64, success: bool) {
        self.0[arm].count(success);
    }
}

/// ε-greedy: one contact in ten at random, the others to the best rate.
pub struct EpsilonGreedy {
    arms: Vec<Tally>,
    rng: SmallRng,
}

impl EpsilonGreedy {
    /// For `arms` campaigns.
    #[must_use]
    pub fn new(arms: usize, seed: u64) -> Self {
        Self { arms: vec![Tally::default(); arms], rng: SmallRng::seed_from_u64(seed) }
    }
}

impl Bandit for EpsilonGreedy {
    fn choose(&mut self, _now: u64) -> usize {
        if self.rng.random_bool(0.1) {
            return self.rng.random_range(0..self.arms.len());
        }
        largest(self.arms.iter().map(Tally::rate))
    }

    fn resolved(&mut self, arm: usize, _contact: u64, success: bool) {
        self.arms[arm].count(success);
    }
}

/// Everyone in turn.
pub struct Uniform(pub usize);

impl Bandit for Uniform {
    fn choose(&mut self, now: u64) -> usize {
        usize::try_from(now).unwrap_or(0) % self.0
    }

    fn resolved(&mut self, _arm: usize, _contact: u64, _success: bool) {}
}

/// A stream of contacts.
pub struct World<'a> {
    /// The campaigns' rates, and from which contact on they hold, in order.
    pub rates: &'a [(u64, &'a [f64])],
    /// How many contacts come.
    pub contacts: u64,
    /// How many contacts later an outcome is known.
    pub delay: u64,
}

impl World<'_> {
    /// Conversions lost, in expectation, against always choosing the best: after each contact.
    pub fn run(&self, bandit: &mut dyn Bandit, seed: u64) -> Vec<f64> {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut waiting: VecDeque<(usize, u64, bool)> = VecDeque::new();
        let mut lost = 0.0;
        let mut curve = Vec::with_capacity(usize::try_from(self.contacts).unwrap_or(0));
        for now in 0..self.contacts {
            while let Some(&(arm, contact, success)) =
                waiting.front().filter(|(_, contact, _)| contact + self.delay <= now)
            {
                bandit.resolved(arm, contact, success);
                waiting.pop_front();
            }
            let rates = self.rates.iter().rev().find(|(from, _)| *from <= now).map_or(&[][..], |(_, rates)| rates);
            let arm = bandit.choose(now);
            lost += rates.iter().copied().fold(0.0, f64::max) - rates[arm];
            curve.push(lost);
            let success = rng.random_bool(rates[arm]);
            if self.delay == 0 {
                bandit.resolved(arm, now, success);
            } else {
                waiting.push_back((arm, now, success));
            }
        }
        curve
    }
}

/// The constant of Lai and Robbins for conversion rates: no strategy that is good everywhere loses less than `C·ln T`
/// conversions of `T` contacts in the long run.
#[must_use]
pub fn lai_robbins(rates: &[f64]) -> f64 {
    let best = rates.iter().copied().fold(0.0, f64::max);
    let divergence = |p: f64| p * (p / best).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - best)).ln();
    rates.iter().filter(|p| **p < best).map(|p| (best - p) / divergence(*p)).sum()
}
