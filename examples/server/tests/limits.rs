//! The rate limit of an API key, as the clients of several servers on one database see it.

mod common;

mod postgres {
    use std::{
        collections::BTreeSet,
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
    };

    use serde_json::json;
    use splitter_axum::{Api, SystemWorld, TokenVerifier, World};
    use splitter_core::{
        AdminId, Env, Queries as _, Reply, Scope, Settings, Timestamp, Transact as _, Work, manage,
        store::{ContactQuery, PageRequest, Planned},
    };
    use splitter_sqlx::PostgresStore;
    use tokio::{
        net::{TcpListener, TcpStream},
        task::JoinSet,
    };

    use super::common::{Manager, SECRET, database::Database, exchange, request};

    /// 2026-05-13T14:30:00.000Z
    const START: i64 = 1_778_682_600_000;
    const SERVERS: usize = 3;

    /// The clock stands still until it is moved, so no window ends while requests are under way.
    struct Standing(AtomicI64);

    impl World for Standing {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::SeqCst))
        }

        fn fill_random(&self, bytes: &mut [u8]) {
            SystemWorld.fill_random(bytes);
        }
    }

    async fn admin(store: &PostgresStore, env: Env) -> AdminId {
        let plan = move |_: &_| {
            Planned::Commit(manage::create_admin("admin@example.com".into(), None, Settings::default(), &env))
        };
        let work = Work::new(Scope::of(AdminId(uuid::Uuid::nil())), plan);
        match store.transact(work).await.expect("created").reply {
            Reply::Admin(admin) => admin.id,
            other => panic!("{other:?}"),
        }
    }

    async fn stored(store: &PostgresStore, admin: AdminId) -> BTreeSet<String> {
        let query = ContactQuery::all(PageRequest { page: 1, limit: 1_000 });
        let rows = store.contacts(admin, &query).await.expect("contacts").rows;
        rows.into_iter().map(|contact| contact.phone_number.to_string()).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_sixty_writes_at_once_to_three_servers_thirty_pass() {
        let database = Database::new().await;
        let world = Arc::new(Standing(AtomicI64::new(START)));
        let (mut stores, mut addresses, mut serving) = (Vec::new(), Vec::new(), JoinSet::new());
        for _ in 0..SERVERS {
            let store = Arc::new(database.open().await);
            let tokens = TokenVerifier::hs256(SECRET.as_bytes()).expect("long enough");
            let api = Api::new(store.clone(), Arc::new(store.limiter())).tokens(tokens).world(world.clone());
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            addresses.push(listener.local_addr().expect("an address"));
            serving.spawn(axum::serve(listener, api.router()).into_future());
            stores.push(store);
        }
        let admin = admin(&stores[0], world.env()).await;
        let claims = json!({ "sub": admin.to_string(), "exp": START / 1000 + 3600 });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("a token");
        let manager = Manager { address: addresses[0], token };
        let splitter = manager.splitter().await;
        let key = manager.make("/api-keys", json!({ "name": "crm" })).await["key"].as_str().expect("a key").to_owned();

        let mut acknowledged = BTreeSet::new();
        for window in 0..3 {
            let mut clients = JoinSet::new();
            for n in 0..60 {
                let stream = TcpStream::connect(addresses[n % SERVERS]).await.expect("connected");
                let phone = format!("+1555{window:03}{n:04}");
                let body = json!({ "phoneNumber": phone, "splitterId": splitter });
                let request = request("/contacts", &format!("x-api-key: {key}"), &body);
                clients.spawn(async move { (phone, exchange(stream, &request).await) });
            }
            let (mut remaining, mut refused) = (Vec::new(), 0);
            let reset = (START / 1000 + 60 * (window + 1)).to_string();
            for (phone, answer) in clients.join_all().await {
                assert_eq!(answer.header("x-ratelimit-limit"), Some("30"));
                assert_eq!(answer.header("x-ratelimit-reset"), Some(reset.as_str()));
                let left: u32 = answer.header("x-ratelimit-remaining").expect("a number").parse().expect("a number");
                match answer.status {
                    201 => {
                        acknowledged.insert(phone);
                        remaining.push(left);
                    }
                    429 => {
                        assert_eq!((&answer.body["code"], left), (&json!("rate_limit_exceeded"), 0));
                        refused += 1;
                    }
                    _ => panic!("{}", answer.body),
                }
            }
            remaining.sort_unstable();
            assert_eq!((remaining, refused), ((0..30).collect(), 30), "window {window}");
            assert_eq!(stored(&stores[1], admin).await, acknowledged);
            world.0.fetch_add(60_000, Ordering::SeqCst);
        }
        serving.shutdown().await;
        for store in stores {
            store.close().await;
        }
    }
}
