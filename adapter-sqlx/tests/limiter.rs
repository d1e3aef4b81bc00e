//! The rate limiter on PostgreSQL, against the one in memory and across servers.
#![cfg(feature = "postgres")]

mod common;

mod postgres {
    use std::sync::Arc;

    use super::common::{START, database::Database, env};
    use splitter_core::{ApiKeyId, Limiter, MemoryLimiter, RateClass};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_sixty_at_once_on_two_servers_thirty_pass() {
        let database = Database::new().await;
        let (a, b) = (database.open().await, database.open().await);
        let limiters = [Arc::new(a.limiter()), Arc::new(b.limiter())];
        for window in 0..3 {
            let now = START.plus_millis(window * 60_000);
            let key: ApiKeyId = env().id(0);
            let hits: Vec<_> = (0..60)
                .map(|n| {
                    let limiter = Arc::clone(&limiters[n % 2]);
                    tokio::spawn(async move { limiter.hit(key, RateClass::Write, 30, now).await.expect("an answer") })
                })
                .collect();
            let mut remaining = Vec::new();
            for hit in hits {
                let verdict = hit.await.expect("no panic");
                assert_eq!(verdict.resets_at, now.plus_millis(60_000));
                if verdict.allowed {
                    remaining.push(verdict.remaining);
                }
            }
            remaining.sort_unstable();
            assert_eq!(remaining, (0..30).collect::<Vec<u32>>());
        }
    }

    #[tokio::test]
    async fn it_says_what_the_one_in_memory_says() {
        let database = Database::new().await;
        let store = database.open().await;
        let (limiter, oracle) = (store.limiter(), MemoryLimiter::new());
        let keys: [ApiKeyId; 3] = [env().id(0), env().id(0), env().id(0)];
        let mut now = START;
        for n in 0..600_u64 {
            let step = [0, 40, 3_000, 17_000, -2_000, 59_999];
            now = now.plus_millis(step[usize::try_from(n * 7 / 3 % 6).expect("small")]);
            let key = keys[usize::try_from(n % 3).expect("small")];
            let class = if n % 5 == 0 { RateClass::Read } else { RateClass::Write };
            let limit = if n % 97 == 0 { 0 } else { 4 };
            let (a, b) = (limiter.hit(key, class, limit, now).await, oracle.hit(key, class, limit, now).await);
            assert_eq!(a.expect("an answer"), b.expect("an answer"), "request {n}");
        }
    }

    #[tokio::test]
    async fn a_refusal_costs_the_database_nothing() {
        let database = Database::new().await;
        let store = database.open().await;
        let (limiter, key) = (store.limiter(), env().id(0));
        for n in 0..3 {
            let verdict = limiter.hit(key, RateClass::Read, 2, START).await.expect("an answer");
            assert_eq!(verdict.allowed, n < 2);
        }
        store.close().await;
        let verdict = limiter.hit(key, RateClass::Read, 2, START.plus_millis(59_999)).await.expect("no database");
        assert!(!verdict.allowed);
        assert!(limiter.hit(key, RateClass::Read, 2, START.plus_millis(60_000)).await.is_err(), "a new window asks it");
    }
}
