//! Many callers at once act as if they had come one after another; callers that go away change nothing.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::pin,
    sync::Arc,
};

use common::{campaign_config, count_contacts, create_campaign, enrol, enrolment, env, phone, run, with_splitter};
use splitter_core::{
    Actor, AdminId, CampaignId, ContactStatus, Rejection, Scope, Splitter, Store, Target, TransactError,
    audit::ChainVerifier,
    conformance::broken_invariants,
    contact_commands::{self, ContactChange, EditContact},
    manage, splitter_commands,
};

const PERCENTAGES: [u32; 4] = [4_000, 3_000, 2_000, 1_000];

/// The whole log is gapless, its chain holds, and after every row the counts of present assignments are within the proven
/// bound 1 − 1/(2k−2) of their targets. Returns the number of rows and of distinct contacts.
async fn check_log(store: &dyn Store, admin: AdminId, splitter: &Splitter) -> (u64, usize) {
    let mut verifier = ChainVerifier::default();
    let mut counts: BTreeMap<CampaignId, i64> = BTreeMap::new();
    let mut contacts = BTreeSet::new();
    let members = &splitter.config.campaigns;
    let d = 2 * i64::try_from(members.len()).expect("few") - 2;
    let mut rows = 0;
    loop {
        let page = store.decisions_after(admin, splitter.id, rows, 1_000).await.expect("a log");
        if page.is_empty() {
            break;
        }
        for row in page {
            verifier.push(&row);
            rows += 1;
            assert_eq!(row.decision.seq, rows);
            contacts.insert(row.decision.contact_id);
            if let Some(returned) = row.decision.returned {
                *counts.entry(returned).or_default() -= 1;
            }
            *counts.entry(row.decision.campaign_id).or_default() += 1;
            let n = i64::try_from(contacts.len()).expect("few");
            for member in members {
                let off = counts.get(&member.campaign_id).unwrap_or(&0) * 10_000 - n * i64::from(member.percentage_bp);
                assert!(off.abs() * d <= (d - 1) * 10_000, "row {rows}: {counts:?}");
            }
        }
    }
    assert!(verifier.report().first_bad_seq.is_none(), "a chain without a gap");
    (rows, contacts.len())
}

/// 32 callers send 5,000 contacts, every fifth of them twice.
async fn hammer(store: Arc<dyn Store>) {
    const CALLERS: usize = 32;
    const CONTACTS: u64 = 5_000;
    let (admin, splitter) = with_splitter(&store, &PERCENTAGES, 1).await;
    let id = splitter.id;
    let callers: Vec<_> = (0..CALLERS as u64)
        .map(|caller| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut done = 0;
                // The repeats come from other callers than the first ones.
                let first = (caller..CONTACTS).step_by(CALLERS);
                let again = (0..CONTACTS).step_by(5).filter(|n| (n / 5) % CALLERS as u64 == caller);
                for n in first.chain(again) {
                    let work = enrol(enrolment(admin, Target::Splitter(id), phone(n)), env());
                    store.transact(work).await.expect("committed");
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut acknowledged = 0;
    for caller in callers {
        acknowledged += caller.await.expect("no panic");
    }
    assert_eq!(acknowledged, CONTACTS + CONTACTS / 5);
    let (rows, contacts) = check_log(&*store, admin, &splitter).await;
    assert_eq!((rows, contacts as u64), (acknowledged, CONTACTS));
    assert_eq!(count_contacts(&*store, admin).await, CONTACTS);
}

/// Polls a future a few times and then drops it. `None`: dropped.
async fn impatient<F: Future>(future: F, patience: u64) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..patience {
        let once = std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context)));
        if let std::task::Poll::Ready(output) = once.await {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// Callers drop their requests after between no and some hundreds of looks at them. What was acknowledged is committed, and
/// nothing is half done.
async fn cancelled(store: Arc<dyn Store>) {
    let (admin, splitter) = with_splitter(&store, &PERCENTAGES, 2).await;
    let id = splitter.id;
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0..60 {
                    let number = phone(caller * 1_000 + n);
                    let work = enrol(enrolment(admin, Target::Splitter(id), number), env());
                    let patience = (caller * 7 + n * 13) % 40;
                    let patience = if patience < 30 { patience } else { 100_000 };
                    if let Some(answer) = impatient(store.transact(work), patience).await {
                        answer.expect("committed");
                        acknowledged.push(number);
                    }
                }
                acknowledged
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for caller in callers {
        acknowledged.extend(caller.await.expect("no panic"));
    }
    // Whoever comes last is answered after all that was accepted before; one for every writer.
    let last: Vec<_> = (0..64)
        .map(|n| {
            let (store, campaign) = (Arc::clone(&store), splitter.config.campaigns[0].campaign_id);
            let number = phone(900_000 + n);
            let requests =
                [Target::Splitter(id), Target::Campaign(campaign)].map(|target| enrolment(admin, target, number));
            tokio::spawn(async move {
                for request in requests {
                    store.transact(enrol(request, env())).await.expect("committed");
                }
            })
        })
        .collect();
    for last in last {
        last.await.expect("no panic");
    }
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    for number in &acknowledged {
        let number = format!("+{number}").parse().expect("a number");
        assert!(store.contact_by_phone(admin, number).await.expect("an answer").is_some());
    }
    let (rows, contacts) = check_log(&*store, admin, &splitter).await;
    assert_eq!(rows, contacts as u64, "every contact was sent to the splitter once");
    assert_eq!(count_contacts(&*store, admin).await, rows);
    assert_eq!(broken_invariants(&*store, admin).await.expect("answers"), Vec::<String>::new());
}

/// Enrolments, direct ones, changes of contacts, campaigns and splitters, all at once: no deadlock, no lost change.
async fn everything_at_once(servers: Vec<Arc<dyn Store>>) {
    let store = Arc::clone(&servers[0]);
    let (admin, splitter) = with_splitter(&store, &PERCENTAGES, 2).await;
    let extra = create_campaign(&*store, admin, campaign_config("extra", 1)).await.id;
    let campaigns: Vec<CampaignId> = splitter.config.campaigns.iter().map(|m| m.campaign_id).chain([extra]).collect();
    let callers: Vec<_> = (0..24_u64)
        .map(|caller| {
            let store = Arc::clone(&servers[usize::try_from(caller).expect("small") % servers.len()]);
            let (campaigns, splitter) = (campaigns.clone(), splitter.clone());
            tokio::spawn(async move {
                for n in 0..40_u64 {
                    let number = phone((caller * 31 + n * 17) % 50);
                    let campaign = campaigns[usize::try_from(caller + n).expect("small") % campaigns.len()];
                    let result = match (caller + n) % 6 {
                        0 | 1 => {
                            let request = enrolment(admin, Target::Splitter(splitter.id), number);
                            store.transact(enrol(request, env())).await
                        }
                        2 => store.transact(enrol(enrolment(admin, Target::Campaign(campaign), number), env())).await,
                        3 => edit_contact(&*store, admin, number, n, campaign).await,
                        4 => edit_campaign(&*store, admin, campaign, n).await,
                        _ => edit_splitter(&*store, admin, &splitter, campaign).await,
                    };
                    match result {
                        Ok(_)
                        | Err(TransactError::Rejected(Rejection::ContactNotFound | Rejection::NoActiveCampaigns)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no panic");
    }
    assert_eq!(broken_invariants(&*store, admin).await.expect("answers"), Vec::<String>::new());
}

type Answer = Result<splitter_core::Plan, TransactError>;

async fn edit_contact(store: &dyn Store, admin: AdminId, number: u64, n: u64, campaign: CampaignId) -> Answer {
    let change = match n % 4 {
        0 => ContactChange::Update { status: Some(ContactStatus::Active), campaign_id: None },
        1 => ContactChange::Update { status: Some(ContactStatus::Fulfilled), campaign_id: None },
        2 => ContactChange::Update { status: None, campaign_id: Some(campaign) },
        _ => ContactChange::Delete,
    };
    let phone_number = format!("+{number}").parse().expect("a number");
    let request = EditContact { admin_id: admin, phone_number, change, actor: Actor::Admin };
    let env = env();
    run(store, request.scope(), move |snapshot| contact_commands::plan(snapshot, &request, &env)).await
}

async fn edit_campaign(store: &dyn Store, admin: AdminId, id: CampaignId, n: u64) -> Answer {
    let env = env();
    let status =
        if n.is_multiple_of(2) { splitter_core::CampaignStatus::Paused } else { splitter_core::CampaignStatus::Active };
    let plan = move |snapshot: &splitter_core::Snapshot| {
        manage::save_campaign(snapshot, id, |config| config.status = status, &env).into()
    };
    run(store, Scope::of(admin).edited_campaign(id), plan).await
}

/// Puts a campaign into the splitter's first place, or takes the extra one out again.
async fn edit_splitter(store: &dyn Store, admin: AdminId, splitter: &Splitter, campaign: CampaignId) -> Answer {
    let (env, id) = (env(), splitter.id);
    let mut draft = splitter.config.to_draft();
    if draft.campaigns.iter().all(|member| member.campaign_id != campaign) {
        draft.campaigns[0].campaign_id = campaign;
    }
    let scope = splitter_commands::scope_of_draft(admin, &draft).splitter(id);
    run(store, scope, move |snapshot| {
        let version = snapshot.splitter(id).map_or(0, |splitter| splitter.version);
        let change = |old: &mut splitter_core::SplitterDraft| old.clone_from(&draft);
        splitter_commands::edit(snapshot, id, version, change, Actor::Admin, &env).into()
    })
    .await
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use splitter_sqlx::{SqliteOptions, SqliteStore};

    async fn store() -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(SqliteOptions::temporary()).await.expect("a store"))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_callers_on_one_splitter() {
        hammer(store().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn callers_that_go_away() {
        cancelled(store().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everything_at_once() {
        super::everything_at_once(vec![store().await]).await;
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;
    use common::database::Database;
    use splitter_sqlx::PostgresStore;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_callers_on_one_splitter() {
        let database = Database::new().await;
        let store = Arc::new(database.open().await);
        hammer(Arc::clone(&store) as Arc<dyn Store>).await;
        store.close().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn callers_that_go_away_leave_no_transaction_open() {
        let database = Database::new().await;
        let store = Arc::new(database.open().await);
        cancelled(Arc::clone(&store) as Arc<dyn Store>).await;
        let resting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'",
        )
        .fetch_one(&mut database.connect().await)
        .await
        .expect("an answer");
        assert_eq!(resting, 0);
        store.close().await;
    }

    /// Two servers on one database.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everything_at_once_from_two_servers() {
        let database = Database::new().await;
        let (a, b) = tokio::join!(database.open(), database.open());
        super::everything_at_once(vec![Arc::new(a), Arc::new(b)]).await;
    }

    /// An operator ends the writers' connections again and again. Every answer is true all the same.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn killed_connections_lose_and_double_nothing() {
        let database = Database::new().await;
        let store: Arc<PostgresStore> = Arc::new(database.open().await);
        let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let (admin, splitter) = with_splitter(&shared, &PERCENTAGES, 1).await;
        let id = splitter.id;
        let (progress, mut done) = tokio::sync::mpsc::unbounded_channel();
        let callers: Vec<_> = (0..16)
            .map(|caller| {
                let (store, progress) = (Arc::clone(&shared), progress.clone());
                tokio::spawn(async move {
                    let mut good = 0;
                    for n in 0..100 {
                        let work = enrol(enrolment(admin, Target::Splitter(id), phone(caller * 1_000 + n)), env());
                        match store.transact(work).await {
                            Ok(_) => good += 1,
                            Err(error) => eprintln!("{error:?}"),
                        }
                        let _ = progress.send(());
                    }
                    good
                })
            })
            .collect();
        drop(progress);
        let mut killer = database.connect().await;
        let mut answers = 0;
        while done.recv().await.is_some() {
            answers += 1;
            if answers % 60 == 0 {
                sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
                .execute(&mut killer)
                .await
                .expect("a superuser");
            }
        }
        let mut acknowledged = 0;
        for caller in callers {
            acknowledged += caller.await.expect("no panic");
        }
        let (rows, contacts) = check_log(&*shared, admin, &splitter).await;
        assert_eq!((rows, contacts as u64), (acknowledged, acknowledged), "acknowledged is committed, once");
        assert!(acknowledged > 1_500, "{acknowledged} of 1,600");
        store.close().await;
    }
}
