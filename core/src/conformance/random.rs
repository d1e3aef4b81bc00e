//! Random commands: many small worlds in which nothing may break, and all stores have to agree.

use super::{World, broken_invariants, world::mix};
use crate::{
    campaign::CampaignStatus,
    contact::ContactStatus,
    contact_commands::ContactChange,
    enroll::Target,
    phone::PhoneNumber,
    plan::Reply,
    splitter::SplitterChange,
    store::{Store, TransactError},
};

/// Runs `count` random commands and says which invariants broke. Equal seeds give equal commands, so two stores that ran
/// the same seed must hold the same rows.
pub async fn random_commands(store: &dyn Store, seed: u64, count: u64) -> Vec<String> {
    let mut world = match prepared(store, seed).await {
        Ok(world) => world,
        Err(error) => return vec![format!("the world could not be made: {error}")],
    };
    let mut failures = Vec::new();
    for n in 0..count {
        if let Err(TransactError::Store(error)) = step(&mut world, mix(seed.wrapping_mul(1_000_003) ^ n)).await {
            failures.push(format!("command {n}: {error}"));
        }
    }
    match broken_invariants(store, world.admin).await {
        Ok(broken) => failures.extend(broken),
        Err(error) => failures.push(error.to_string()),
    }
    failures
}

async fn prepared(store: &dyn Store, seed: u64) -> Result<World<'_>, TransactError> {
    let mut world = World::new(store, seed).await?;
    for name in ["A", "B", "C", "D"] {
        world.create_campaign(name, name == "D").await?;
    }
    let members = vec![world.member("A", 5000), world.member("B", 3000), world.member("C", 2000)];
    world.create_splitter("S", members).await?;
    let members = vec![world.member("C", 2500), world.member("D", 7500)];
    world.create_splitter("T", members).await?;
    Ok(world)
}

async fn step(world: &mut World<'_>, draw: u64) -> Result<(), TransactError> {
    // Few numbers, so that most contacts come back.
    let phone = PhoneNumber::from_u64(15_550_100_000 + mix(draw) % 40).unwrap_or_else(|| panic!("a number"));
    let pick = |n: u64| mix(draw ^ 0x4D) % n;
    let name = ["A", "B", "C", "D"][usize::try_from(pick(4)).unwrap_or(0)];
    match draw % 20 {
        0..=9 => {
            let splitter = if draw.is_multiple_of(4) { "T" } else { "S" };
            let mut request = world.request(phone, Target::Splitter(world.splitters[splitter]));
            request.name = (draw.is_multiple_of(3)).then(|| format!("Name {}", draw % 7));
            request.custom_variables =
                (!draw.is_multiple_of(5)).then(|| [("email".to_owned(), "a@b.example".to_owned())].into());
            world.enroll(request).await.map(drop)
        }
        10 => world.enroll(world.request(phone, Target::Campaign(world.campaigns[name]))).await.map(drop),
        11..=13 => {
            let status = ContactStatus::ALL[usize::try_from(pick(9)).unwrap_or(0)];
            let campaign_id = (draw.is_multiple_of(7)).then(|| world.campaigns[name]);
            world.edit_contact(phone, ContactChange::Update { status: Some(status), campaign_id }).await.map(drop)
        }
        14 => world.edit_contact(phone, ContactChange::Delete).await.map(drop),
        15 => world.set_campaign(name, CampaignStatus::Paused).await.map(drop),
        16 => world.set_campaign(name, CampaignStatus::Active).await.map(drop),
        17 => {
            let share = 500 + 100 * u32::try_from(pick(60)).unwrap_or(0);
            let members = vec![world.member("A", share), world.member("B", 10_000 - share)];
            let members = if draw.is_multiple_of(2) { members } else { with_third(world, share) };
            let edited = world.edit_splitter("S", move |draft| draft.campaigns.clone_from(&members)).await;
            edited.map(|plan| debug_assert!(matches!(plan.reply, Reply::Splitter(_))))
        }
        18 => world.set_splitter("S", SplitterChange::Paused).await.map(drop),
        _ => world.set_splitter("S", SplitterChange::Resumed).await.map(drop),
    }
}

fn with_third(world: &World<'_>, share: u32) -> Vec<crate::splitter::Member> {
    vec![world.member("A", share), world.member("C", 3000), world.member("D", 7000 - share)]
}
