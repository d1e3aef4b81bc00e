//! From posteriors to probabilities of being the best, and from those to shares.

use serde::{Deserialize, Serialize};

use super::{Settings, WHOLE_BP};
use crate::strategy::quota::apportion;

/// A Beta distribution: what is known of one campaign's conversion rate. Both parameters are above 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Beta {
    /// One more than the successes.
    pub alpha: f64,
    /// One more than the failures.
    pub beta: f64,
}

impl Beta {
    /// The expected rate.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }
}

/// How far below its peak a log density is cut off: what is left out is some 10^-11 of the mass.
const CUT_OFF: f64 = 26.0;

/// The width of a panel of the grid, in standard deviations at the peak of the narrowest bell around. Simpson's rule
/// then errs by less than 10^-6 in a probability, which the tests check against reference values.
const PANEL: f64 = 0.2;

/// From how many standard deviations off its peak a bell's panels grow in proportion to the distance.
const CORE: f64 = 3.0;

/// One campaign's density over the log-odds `y = ln(x/(1−x))` of its rate, relative to its peak. There it is a smooth
/// bell for any parameters, with exponential tails, whereas over the rate itself it may have poles at the ends.
struct Bell {
    alpha: f64,
    beta: f64,
    peak: f64,
    at_peak: f64,
    deviation: f64,
    low: f64,
    high: f64,
}

impl Bell {
    fn new(Beta { alpha, beta }: Beta) -> Self {
        let peak = libm::log(alpha / beta);
        let deviation = libm::sqrt(1.0 / alpha + 1.0 / beta);
        let mut bell = Self { alpha, beta, peak, at_peak: 0.0, deviation, low: peak, high: peak };
        bell.at_peak = bell.log_density(peak, soft(peak));
        bell.low = bell.edge(-1.0);
        bell.high = bell.edge(1.0);
        bell
    }

    /// The log density, less that at the peak. It is `α·y − (α+β)·ln(1+e^y)`, in a form that keeps the smaller parameter's
    /// digits beside the larger.
    fn log_density(&self, y: f64, soft_y: f64) -> f64 {
        self.alpha * y.min(0.0) - self.beta * y.max(0.0) - (self.alpha + self.beta) * soft_y - self.at_peak
    }

    /// Where, in the given direction, the density falls below the cut-off (or a little further out).
    fn edge(&self, direction: f64) -> f64 {
        // Where a normal bell would end. Exponential tails are longer: at most CUT_OFF over the smaller parameter.
        let normal = self.deviation * libm::sqrt(2.0 * CUT_OFF);
        let end = self.peak + direction * (normal + 2.0 * CUT_OFF / self.alpha.min(self.beta));
        let mut distance = normal;
        loop {
            let y = self.peak + direction * distance;
            if (end - y) * direction < 0.0 || self.log_density(y, soft(y)) < -CUT_OFF {
                return y;
            }
            distance *= 1.2;
        }
    }

    /// The widest panel that starts at `y` and is still fine enough for this bell.
    fn panel(&self, y: f64) -> f64 {
        let sigmas = (y - self.peak).abs() / self.deviation;
        PANEL * self.deviation * (sigmas / CORE).max(1.0)
    }

    fn density(&self, y: f64, soft_y: f64) -> f64 {
        if y < self.low || y > self.high { 0.0 } else { libm::exp(self.log_density(y, soft_y)) }
    }
}

/// `ln(1 + e^−|y|)`: what is left of `ln(1 + e^y)` without its straight part.
fn soft(y: f64) -> f64 {
    libm::log1p(libm::exp(-y.abs()))
}

/// The probability, for each campaign, that its rate is the highest. They sum to 1.
///
/// One grid serves all campaigns: its panels are as fine as the narrowest bell at each place wants. Simpson's rule gives
/// the distribution functions and then `∫ fᵢ·∏ Fⱼ`. Correct to six digits. Takes some microseconds for two campaigns
/// and some hundreds for fifty. Parameters are clamped to 10^-3 to 10^12, where the grid is sound; one that is no number
/// counts as 1.
#[must_use]
pub fn p_best(arms: &[Beta]) -> Vec<f64> {
    let k = arms.len();
    if k < 2 {
        return vec![1.0; k];
    }
    let sound = |x: f64| if x.is_nan() { 1.0 } else { x.clamp(1e-3, 1e12) };
    let bells: Vec<Bell> =
        arms.iter().map(|arm| Bell::new(Beta { alpha: sound(arm.alpha), beta: sound(arm.beta) })).collect();
    let grid = grid(&bells);
    // Per campaign, in columns of the grid: densities at nodes and midpoints, and their integrals up to there.
    let columns: Vec<Vec<Point>> = bells.iter().map(|bell| integrate(bell, &grid)).collect();
    let mut best = vec![0.0; k];
    let mut above = vec![1.0; k + 1];
    for n in 0..grid.len() {
        // Products over the others from running products below and above each campaign.
        for i in (0..k).rev() {
            above[i] = above[i + 1] * columns[i][n].below;
        }
        let mut product = grid[n].weight;
        for i in 0..k {
            best[i] += columns[i][n].density * product * above[i + 1];
            product *= columns[i][n].below;
        }
    }
    let sum: f64 = best.iter().sum();
    best.iter().map(|p| p / sum).collect()
}

/// A place of the grid: every second one is the middle of a panel.
struct Place {
    y: f64,
    /// Common to the densities of all campaigns here.
    soft: f64,
    /// Simpson's weight for an integral over the whole grid.
    weight: f64,
}

fn grid(bells: &[Bell]) -> Vec<Place> {
    let least = |of: fn(&Bell) -> f64| bells.iter().map(of).fold(f64::INFINITY, f64::min);
    let end = -least(|bell| -bell.high);
    let mut y = least(|bell| bell.low);
    let place = |y: f64| Place { y, soft: soft(y), weight: 0.0 };
    let mut places = vec![place(y)];
    while y < end {
        // As far as the finest bell around allows, and no further than to where another begins.
        let mut next = f64::INFINITY;
        for bell in bells {
            if y < bell.low {
                next = next.min(bell.low);
            } else if y < bell.high {
                next = next.min(y + bell.panel(y));
            }
        }
        let width = next - y;
        if let Some(last) = places.last_mut() {
            last.weight += width / 6.0;
        }
        places.push(Place { weight: width * (4.0 / 6.0), ..place(y + width / 2.0) });
        places.push(Place { weight: width / 6.0, ..place(next) });
        y = next;
    }
    places
}

struct Point {
    density: f64,
    /// The integral of the density up to here.
    below: f64,
}

/// One campaign's density and distribution function over the grid.
fn integrate(bell: &Bell, grid: &[Place]) -> Vec<Point> {
    let mut points: Vec<Point> =
        grid.iter().map(|place| Point { density: bell.density(place.y, place.soft), below: 0.0 }).collect();
    let mut below = 0.0;
    for panel in (0..grid.len() - 1).step_by(2) {
        let width = grid[panel + 2].y - grid[panel].y;
        let [a, middle, b] = [0, 1, 2].map(|n| points[panel + n].density);
        // The parabola through three densities, up to the middle and to the end.
        points[panel + 1].below = below + width / 24.0 * (5.0 * a + 8.0 * middle - b);
        below += width / 6.0 * (a + 4.0 * middle + b);
        points[panel + 2].below = below;
    }
    for point in &mut points {
        point.density /= below;
        point.below /= below;
    }
    points
}

/// The floor that takes effect among `campaigns`, in basis points: the minimum share, but never more than a fifth of all contacts for
/// all floors together.
#[must_use]
pub fn floor_bp(min_share_bp: u32, campaigns: usize) -> u32 {
    let most = u32::try_from(campaigns).map_or(0, |k| Settings::MAX_FLOOR_BP / k.max(1));
    min_share_bp.min(most)
}

/// Shares in basis points, summing to 10,000: a floor for everyone, and the rest in proportion to `p`.
///
/// `min_share_bp` is cut to [`floor_bp`]. The rest is rounded by largest remainder, ties to the lower position. Values of `p`
/// that are negative or no numbers count as 0; if none is above 0 the shares are equal. Empty for no campaign.
#[must_use]
pub fn shares_bp(p: &[f64], min_share_bp: u32) -> Vec<u32> {
    /// Probabilities as integers, fine enough that rounding them never shows in a basis point.
    const FINE: f64 = (1_u64 << 52) as f64;
    let floor = floor_bp(min_share_bp, p.len());
    let rest = u64::from(WHOLE_BP) - u64::from(floor) * p.len() as u64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped; no number becomes 0")]
    let mut weights: Vec<u64> = p.iter().map(|p| (p.clamp(0.0, 1.0) * FINE) as u64).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    let mut shares = Vec::new();
    apportion(&weights, rest, &mut shares);
    shares.iter().map(|share| floor + u32::try_from(*share).unwrap_or(WHOLE_BP)).collect()
}

/// What the floor costs, in conversions per contact: `floor·Σ(best mean − mean)`, from the posterior means. A floor buys
/// certainty that every campaign goes on being measured; this is its price.
#[must_use]
pub fn floor_cost(arms: &[Beta], min_share_bp: u32) -> f64 {
    let best = arms.iter().map(Beta::mean).fold(0.0, f64::max);
    let gaps: f64 = arms.iter().map(|arm| best - arm.mean()).sum();
    f64::from(floor_bp(min_share_bp, arms.len())) / f64::from(WHOLE_BP) * gaps
}
