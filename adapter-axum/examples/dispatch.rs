//! A campaign that is sent to the terminal, with a clock that runs 600 times as fast:
//! `cargo run -p splitter-axum --example dispatch`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use splitter_axum::{ConsoleSender, Dispatcher, DispatcherOptions};
use splitter_core::{
    CampaignConfig, EnrollContact, Env, MemoryStore, Planned, Scope, Target, Timestamp, Transact as _, Work,
    actor::Actor, admin::Settings, enroll, manage, plan::Reply,
};

const SPEED: u32 = 600;

const CAMPAIGN: &str = r#"{"name":"Spring","status":"active","requiresEmail":false,
    "callingWindow":{"days":["mon","tue","wed","thu","fri"],"from":"09:00","to":"20:00"},
    "outreach":[{"channel":"sms","delayMinutes":0,"template":"Hi {{name}}, this is {{company|our team}}."},
                {"channel":"call","delayMinutes":60,"template":"You call {{name}} about {{product}}."}]}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The one place where time and chance enter. 2026-05-13T12:30:00.000Z is 08:30 in New York: half an hour too early.
    let (started, count) = (Instant::now(), AtomicU64::new(1));
    let world = Arc::new(move || {
        let elapsed = i64::try_from((started.elapsed() * SPEED).as_millis()).unwrap_or(i64::MAX);
        let count = count.fetch_add(1, Relaxed);
        Env::new(Timestamp::from_millis(1_778_675_400_000 + elapsed), count, count << 32)
    });

    let store = Arc::new(MemoryStore::new());
    let plan = manage::create_admin("demo@example.com".into(), None, Settings::default(), &world());
    let admin = plan.admin_id;
    store.transact(Work::new(Scope::of(admin), move |_| Planned::Commit(plan.clone()))).await?;
    let (config, env): (CampaignConfig, Env) = (serde_json::from_str(CAMPAIGN)?, world());
    let work = Work::new(Scope::of(admin), move |_| manage::create_campaign(admin, config.clone(), &env).into());
    let Reply::Campaign(campaign) = store.transact(work).await?.reply else { return Err("no campaign".into()) };
    for (phone, name, product) in [("+12025550101", "Jane", Some("solar")), ("+12025550102", "Ann", None)] {
        let request = EnrollContact {
            admin_id: admin,
            target: Target::Campaign(campaign.id),
            phone_number: phone.parse()?,
            name: Some(name.into()),
            timezone: None,
            custom_variables: product.map(|product| [("product".to_owned(), product.to_owned())].into()),
            actor: Actor::Admin,
            idempotency_key: None,
            max_variables: 100,
        };
        let env = world();
        store.transact(Work::new(request.scope(), move |s| enroll::plan(s, &request, &env).into())).await?;
    }

    println!("The clock runs {SPEED} times as fast. It is {}.", world().now);
    let options = DispatcherOptions { poll: Duration::from_millis(50), ..DispatcherOptions::default() };
    let dispatcher = Dispatcher::new(store, Arc::new(ConsoleSender::stdout()), world, options);
    let metrics = dispatcher.metrics();
    dispatcher.run(tokio::time::sleep(Duration::from_secs(10))).await;
    // The second contact has no `product`: its call is not made half-filled.
    println!("{} sent, {} failed.", metrics.counts().sent, metrics.counts().failed);
    Ok(())
}
