//! Durable enrolments per second against plain transactions: `cargo bench -p splitter-benches --bench store`, with
//! PostgreSQL too: `cargo xtask pg --durable -- cargo bench -p splitter-benches --bench store`.
//!
//! 32 callers, each with one request at a time; every contact is new, chosen among five campaigns, three messages each.
//! What was acknowledged is compared with what is stored. All contenders take turns, the median of the rounds counts.

mod load;
mod postgres;
mod scene;
mod sqlite;

const ROUNDS: usize = 3;

fn main() {
    let requests = std::env::var("REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if std::env::var_os("ONLY_POSTGRES").is_none() {
            sqlite::compare(requests).await;
        }
        match std::env::var("TEST_DATABASE_URL") {
            Ok(url) => {
                if std::env::var_os("ONLY_100").is_none() {
                    postgres::compare(&url, 1, requests).await;
                }
                postgres::compare(&url, 100, requests).await;
            }
            Err(_) => println!("PostgreSQL: left out, TEST_DATABASE_URL is not set"),
        }
    });
}
