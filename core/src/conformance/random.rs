//! Random commands: many small worlds in which nothing may break, and all stores have to agree.

use super::{World, broken_invariants_of_one_caller, world::mix};
use crate::{
    campaign::CampaignStatus,
    contact::ContactStatus,
    contact_commands::ContactChange,
    enroll::Target,
    phone::PhoneNumber,
    splitter::{Caps, Overflow, ReturningContacts, ShareWindow, SplitterChange, SplitterDraft, Strategy},
    store::{Store, TransactError},
    strategy::adaptive,
    time::{MINUTE_MS, TimeOfDay, Weekdays},
    window::WeeklyWindow,
};

/// Runs `count` random commands and says which invariants broke. Equal seeds give equal commands, so two stores that ran
/// the same seed must hold the same rows.
pub async fn random_commands(store: &dyn Store, seed: u64, count: u64) -> Vec<String> {
    let mut world = match random_world(store, seed).await {
        Ok(world) => world,
        Err(error) => return vec![format!("the world could not be made: {error}")],
    };
    // Few numbers, so that most contacts come back.
    let mut failures = random_steps(&mut world, seed, count, 40).await;
    match broken_invariants_of_one_caller(store, world.admin).await {
        Ok(broken) => failures.extend(broken),
        Err(error) => failures.push(error.to_string()),
    }
    failures
}

/// A world for [`random_steps`]: four campaigns and two splitters of a new admin.
pub async fn random_world(store: &dyn Store, seed: u64) -> Result<World<'_>, TransactError> {
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

/// Runs `count` random commands on contacts of `numbers` different numbers. Several callers may do so at the same time, each
/// with a world of its own made by [`World::another`]. Returns failures of the store; refusals are none.
pub async fn random_steps(world: &mut World<'_>, seed: u64, count: u64, numbers: u64) -> Vec<String> {
    let mut failures = Vec::new();
    for n in 0..count {
        let draw = mix(seed.wrapping_mul(1_000_003) ^ n);
        if let Err(TransactError::Store(error)) = step(world, draw, numbers).await {
            failures.push(format!("command {n}: {error}"));
        }
    }
    failures
}

async fn step(world: &mut World<'_>, draw: u64, numbers: u64) -> Result<(), TransactError> {
    // Some minutes pass now and then, so that hours, days and windows change.
    world.now = world.now.plus_millis(i64::try_from(mix(draw ^ 3) % 20).unwrap_or(0) * MINUTE_MS);
    let phone = PhoneNumber::from_u64(15_550_100_000 + mix(draw) % numbers).unwrap_or_else(|| panic!("a number"));
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
            let change = edit(world, draw);
            world.edit_splitter("S", change).await.map(drop)
        }
        18 => world.set_splitter("S", SplitterChange::Paused).await.map(drop),
        _ => world.set_splitter("S", SplitterChange::Resumed).await.map(drop),
    }
}

/// Other campaigns, another strategy, other caps: whatever an admin may do to a splitter in the middle of its work.
fn edit(world: &World<'_>, draw: u64) -> impl Fn(&mut SplitterDraft) + Send + Sync + 'static {
    let share = 500 + 100 * u32::try_from(mix(draw ^ 1) % 60).unwrap_or(0);
    let mut members = if draw.is_multiple_of(2) {
        vec![world.member("A", share), world.member("B", 10_000 - share)]
    } else {
        vec![world.member("A", share), world.member("C", 3000), world.member("D", 7000 - share)]
    };
    let small =
        |salt: u64| mix(draw ^ salt).is_multiple_of(3).then(|| u32::try_from(mix(draw ^ salt) % 7).unwrap_or(0));
    members[0].caps = Caps {
        per_hour: small(2),
        per_day: small(3).map(|cap| cap * 2),
        total: small(4).map(|cap| u64::from(cap) * 20),
        active: small(5),
    };
    members[1].enabled = !mix(draw ^ 6).is_multiple_of(5);
    let fallback = world.campaigns["B"];
    let strategy = match mix(draw ^ 7) % 6 {
        0 | 1 => Strategy::Percentage,
        2 => Strategy::Random,
        3 => Strategy::Sticky { seed: 0 },
        4 => {
            let (from, to) = (TimeOfDay::from_minutes(600), TimeOfDay::from_minutes(660));
            let window = from.zip(to).and_then(|(from, to)| WeeklyWindow::new(Weekdays::ALL, from, to).ok());
            let percentages_bp = vec![(members[1].campaign_id, 10_000)];
            let windows = window.map(|window| ShareWindow { window, percentages_bp });
            Strategy::TimeWeighted { windows: windows.into_iter().collect() }
        }
        _ => Strategy::Adaptive(adaptive::Settings { burn_in: 5, half_life: 50, ..adaptive::Settings::default() }),
    };
    let overflow = match mix(draw ^ 8) % 3 {
        0 => Overflow::NextEligible,
        1 => Overflow::Reject,
        _ => Overflow::FallbackCampaign { campaign_id: fallback },
    };
    let returning =
        if mix(draw ^ 9).is_multiple_of(3) { ReturningContacts::Keep } else { ReturningContacts::Redistribute };
    move |draft| {
        draft.campaigns.clone_from(&members);
        draft.strategy.clone_from(&strategy);
        draft.overflow = overflow;
        draft.returning_contacts = returning;
    }
}
