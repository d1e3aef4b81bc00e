//! The journals compared with the database.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use splitter_core::{
    Contact, ContactId, ContactStatus, DecisionId, LoggedDecision, PhoneNumber, Queries, SplitterId,
    conformance::broken_invariants,
    store::{ContactQuery, PageRequest},
    strategy::quota::UNIT,
};
use splitter_sqlx::{PostgresOptions, PostgresStore};
use sqlx::{PgConnection, Row as _};

use crate::{
    Result,
    database::Database,
    histories,
    journal::{Journal, Sent},
    limits, logs,
    scene::Scene,
    trouble::Trouble,
};

const PAGE: u32 = 1_000;

/// What is in the database.
pub(crate) struct Facts {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) logs: BTreeMap<SplitterId, Vec<LoggedDecision>>,
}

/// Every rule that was broken.
pub(crate) async fn broken(
    database: &Database,
    scene: &Scene,
    journal: &Journal,
    trouble: &Trouble,
) -> Result<Vec<String>> {
    let store = Arc::new(PostgresStore::open(PostgresOptions::from_url(&database.url)?).await?);
    let mut broken = broken_invariants(&*store, scene.admin).await?;
    let facts = facts(&*store, scene).await?;
    acknowledged(&facts, journal, &mut broken);
    keys(&facts, journal, &mut broken);
    repeats(&facts, journal, &mut broken);
    refusals(&facts, journal, &mut broken);
    let mut far = 0;
    for id in scene.plain().chain(scene.duel) {
        let Some(splitter) = store.splitter(scene.admin, id).await? else {
            broken.push(format!("splitter {id} is not there"));
            continue;
        };
        let contacts = (!scene.duel.contains(&id)).then_some(&*facts.contacts);
        far = far.max(logs::check(&splitter, &facts.logs[&id], contacts, &mut broken));
    }
    println!("largest distance from a percentage: {:.3} contacts", far as f64 / UNIT as f64);
    histories::check(&*store, &facts, scene, journal, &mut broken).await?;
    limits::rate(&journal.admitted, trouble, &mut broken);
    limits::caps(scene, &facts.logs[&scene.capped], &facts.contacts, &mut broken);
    limits::pauses(scene, journal, &mut broken);
    store.close().await;
    let mut connection = database.connect().await?;
    outreach(&mut connection, &mut broken).await?;
    Ok(broken)
}

async fn facts(store: &dyn Queries, scene: &Scene) -> Result<Facts> {
    let mut contacts = Vec::new();
    for page in 1.. {
        let query = ContactQuery::all(PageRequest { page, limit: PAGE });
        let found = store.contacts(scene.admin, &query).await?.rows;
        if found.is_empty() {
            break;
        }
        contacts.extend(found);
    }
    let mut logs = BTreeMap::new();
    for splitter in scene.splitters() {
        let mut log: Vec<LoggedDecision> = Vec::new();
        loop {
            let after = log.last().map_or(0, |row| row.decision.seq);
            let more = store.decisions_after(scene.admin, splitter, after, PAGE).await?;
            if more.is_empty() {
                break;
            }
            log.extend(more);
        }
        logs.insert(splitter, log);
    }
    println!("{} contacts, {} decisions", contacts.len(), logs.values().map(Vec::len).sum::<usize>());
    Ok(Facts { contacts, logs })
}

/// Every acknowledged contact is there, with its acknowledged decision in the log, and no number twice.
fn acknowledged(facts: &Facts, journal: &Journal, broken: &mut Vec<String>) {
    let mut by_phone: BTreeMap<PhoneNumber, ContactId> = BTreeMap::new();
    for contact in &facts.contacts {
        if by_phone.insert(contact.phone_number, contact.id).is_some() {
            broken.push(format!("there are two contacts with the number of {}", contact.id));
        }
    }
    let log = facts.logs.values().flatten().map(|row| (row.decision.id, &row.decision));
    let log: BTreeMap<DecisionId, _> = log.collect();
    let mut created: BTreeMap<u64, BTreeSet<DecisionId>> = BTreeMap::new();
    for sent in &journal.enrolments {
        let Some(answer) = &sent.answer else { continue };
        let stored = PhoneNumber::from_u64(sent.phone).and_then(|phone| by_phone.get(&phone));
        if stored != Some(&answer.contact) {
            broken.push(format!("contact {} was acknowledged; in the database there is {stored:?}", answer.contact));
        }
        match log.get(&answer.decision) {
            None => broken.push(format!("decision {} was acknowledged and is not in the log", answer.decision)),
            Some(row)
                if row.splitter_id == sent.splitter
                    && row.contact_id == answer.contact
                    && row.campaign_id == answer.campaign => {}
            Some(row) => broken.push(format!("decision {} was acknowledged as {answer:?}, logged {row:?}", row.id)),
        }
        if answer.created {
            created.entry(sent.phone).or_default().insert(answer.decision);
        }
    }
    for (phone, decisions) in created.iter().filter(|(_, decisions)| decisions.len() > 1) {
        broken.push(format!("{phone} was created {} times", decisions.len()));
    }
    let mut decided: BTreeMap<DecisionId, usize> = BTreeMap::new();
    for sent in journal.enrolments.iter().filter(|sent| sent.key.is_none()) {
        if let Some(answer) = &sent.answer {
            *decided.entry(answer.decision).or_default() += 1;
        }
    }
    for (decision, answers) in decided.iter().filter(|(_, answers)| **answers > 1) {
        broken.push(format!("decision {decision} was the answer to {answers} requests without a key"));
    }
}

/// An attempt with a key is one decision, whoever asks, and all are told the same.
fn keys(facts: &Facts, journal: &Journal, broken: &mut Vec<String>) {
    let mut logged: BTreeMap<&str, usize> = BTreeMap::new();
    for row in facts.logs.values().flatten() {
        if let Some(key) = &row.decision.idempotency_key {
            *logged.entry(key).or_default() += 1;
        }
    }
    for (key, rows) in logged.iter().filter(|(_, rows)| **rows > 1) {
        broken.push(format!("{key} was decided {rows} times"));
    }
    let mut told: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
    let mut answers = 0;
    for sent in &journal.enrolments {
        if let (Some(key), Some(answer)) = (&sent.key, &sent.answer) {
            answers += 1;
            told.entry(key).or_default().insert((answer.decision, answer.contact, answer.campaign, answer.created));
        }
    }
    for (key, different) in &told {
        if different.len() > 1 || !logged.contains_key(key) {
            broken.push(format!("{key} has {} different answers", different.len()));
        }
    }
    println!("{} idempotency keys with {answers} answers", told.len());
}

/// Nobody was distributed more often than sent, and whoever was sent and answered each time exactly as often.
fn repeats(facts: &Facts, journal: &Journal, broken: &mut Vec<String>) {
    let phones: BTreeMap<ContactId, u64> = facts.contacts.iter().map(|c| (c.id, c.phone_number.as_u64())).collect();
    let mut rows: BTreeMap<(SplitterId, u64), u64> = BTreeMap::new();
    for row in facts.logs.values().flatten().filter(|row| row.decision.idempotency_key.is_none()) {
        let phone = phones.get(&row.decision.contact_id).copied().unwrap_or(0);
        *rows.entry((row.decision.splitter_id, phone)).or_default() += 1;
    }
    let mut sent: BTreeMap<(SplitterId, u64), (u64, u64)> = BTreeMap::new();
    for Sent { splitter, phone, answer, .. } in journal.enrolments.iter().filter(|sent| sent.key.is_none()) {
        let counts = sent.entry((*splitter, *phone)).or_default();
        counts.0 += 1;
        counts.1 += u64::from(answer.is_some());
    }
    for (at, rows) in &rows {
        let (most, least) = sent.get(at).copied().unwrap_or_default();
        if *rows > most || *rows < least {
            broken.push(format!("{} was sent {most} times, {least} acknowledged, {rows} logged", at.1));
        }
    }
}

/// Whoever is acknowledged not to be contacted stays so.
fn refusals(facts: &Facts, journal: &Journal, broken: &mut Vec<String>) {
    let statuses: BTreeMap<u64, ContactStatus> =
        facts.contacts.iter().map(|contact| (contact.phone_number.as_u64(), contact.status)).collect();
    for change in journal.statuses.iter().filter(|change| change.status == "DNC" && change.acknowledged) {
        let now = statuses.get(&change.phone);
        if now != Some(&ContactStatus::Dnc) {
            broken.push(format!("{} said no and is {now:?}", change.phone));
        }
    }
}

/// Whoever can be reached has every step of the campaign scheduled, once; nobody else has anything.
async fn outreach(connection: &mut PgConnection, broken: &mut Vec<String>) -> Result<()> {
    let sql = "SELECT c.phone, c.status, count(o.id), count(o.id) FILTER (WHERE o.campaign_id <> c.campaign_id), \
                      count(DISTINCT o.channel), \
                      CASE WHEN c.status = 'active' THEN jsonb_array_length(k.outreach) ELSE 0 END::bigint AS due \
               FROM contacts c JOIN campaigns k ON k.admin_id = c.admin_id AND k.id = c.campaign_id \
               LEFT JOIN outreach o ON o.admin_id = c.admin_id AND o.contact_id = c.id AND o.status = 'scheduled' \
               GROUP BY c.phone, c.status, k.outreach \
               HAVING count(o.id) <> CASE WHEN c.status = 'active' THEN jsonb_array_length(k.outreach) ELSE 0 END \
                   OR count(o.id) <> count(DISTINCT o.channel) \
                   OR count(o.id) FILTER (WHERE o.campaign_id <> c.campaign_id) > 0";
    for row in sqlx::query(sql).fetch_all(&mut *connection).await? {
        let (phone, status): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let [scheduled, foreign, steps, due]: [i64; 4] =
            [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?];
        broken.push(format!(
            "{phone} ({status}) has {scheduled} messages scheduled for {steps} steps, {foreign} of another campaign; \
             {due} are due"
        ));
    }
    let sql = "SELECT count(*) FROM outreach o WHERE NOT EXISTS \
               (SELECT 1 FROM contacts c WHERE c.admin_id = o.admin_id AND c.id = o.contact_id)";
    let orphans: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    if orphans > 0 {
        broken.push(format!("{orphans} messages belong to no contact"));
    }
    Ok(())
}
