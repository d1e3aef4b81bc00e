//! Closed-loop load: callers with one request at a time, and what came of it.

use std::{future::Future, time::Instant};

use splitter_benches::rounds::median;

/// As many callers as the goals speak of connections.
pub(crate) const CALLERS: u64 = 32;

/// Requests per second of `requests` requests by [`CALLERS`] callers, the median wait and the 99th percentile in
/// milliseconds, and how many succeeded.
pub(crate) async fn load<F, Fut>(requests: u64, request: F) -> (f64, f64, f64, u64)
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = bool> + Send,
{
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let request = request.clone();
            tokio::spawn(async move {
                let (mut good, mut waits) = (0, Vec::new());
                for n in (caller..requests).step_by(usize::try_from(CALLERS).unwrap_or(1)) {
                    let start = Instant::now();
                    good += u64::from(request(n).await);
                    waits.push(start.elapsed().as_secs_f64() * 1000.0);
                }
                (good, waits)
            })
        })
        .collect();
    let (mut good, mut waits) = (0, Vec::new());
    for caller in callers {
        let (g, w) = caller.await.expect("no panic");
        good += g;
        waits.extend(w);
    }
    let rate = requests as f64 / start.elapsed().as_secs_f64();
    waits.sort_by(f64::total_cmp);
    (rate, waits[waits.len() / 2], waits[waits.len() * 99 / 100], good)
}

pub(crate) struct Measured {
    name: &'static str,
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    failed: u64,
}

impl Measured {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, rates: Vec::new(), p50: Vec::new(), p99: Vec::new(), failed: 0 }
    }

    pub(crate) fn add(&mut self, requests: u64, (rate, p50, p99, good): (f64, f64, f64, u64)) {
        self.rates.push(rate);
        self.p50.push(p50);
        self.p99.push(p99);
        self.failed += requests - good;
    }

    /// Of a peer that tells nothing about single requests.
    pub(crate) fn add_rate(&mut self, rate: f64, failed: u64) {
        self.rates.push(rate);
        self.failed += failed;
    }
}

pub(crate) fn print(title: &str, mut measured: Vec<Measured>) {
    println!(
        "\n{title}\n{:<44} {:>10} {:>7} {:>9} {:>9} {:>7}",
        "", "requests/s", "ratio", "p50 ms", "p99 ms", "failed"
    );
    let base = median(&mut measured[0].rates);
    for m in &mut measured {
        let rate = median(&mut m.rates);
        let (p50, p99) = (median(&mut m.p50), median(&mut m.p99));
        println!("{:<44} {rate:>10.0} {:>7.2} {p50:>9.2} {p99:>9.2} {:>7}", m.name, rate / base, m.failed);
    }
}
