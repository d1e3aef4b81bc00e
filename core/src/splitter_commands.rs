//! Managing splitters: every change is a new version, kept with who made it and when.

use std::collections::BTreeSet;

use crate::{
    actor::Actor,
    env::Env,
    id::{AdminId, CampaignId, SplitterId},
    plan::{Effect, Plan, Reply},
    reconcile::ids,
    rejection::Rejection,
    snapshot::{Scope, Snapshot},
    splitter::{
        Overflow, Splitter, SplitterChange, SplitterConfig, SplitterDraft, SplitterState, SplitterStatus,
        SplitterVersion, Strategy,
    },
    violation::Violations,
};

/// What has to be loaded for a draft to be checked: every campaign that it names.
#[must_use]
pub fn scope_of_draft(admin_id: AdminId, draft: &SplitterDraft) -> Scope {
    Scope::of(admin_id).campaigns(draft.campaigns.iter().map(|member| member.campaign_id)).campaigns(fallback(draft))
}

fn fallback(draft: &SplitterDraft) -> Option<CampaignId> {
    match draft.overflow {
        Overflow::FallbackCampaign { campaign_id } => Some(campaign_id),
        Overflow::NextEligible | Overflow::Reject => None,
    }
}

/// A new splitter. Its campaigns exist and belong to the admin.
pub fn create(
    snapshot: &Snapshot,
    admin_id: AdminId,
    draft: &SplitterDraft,
    actor: Actor,
    env: &Env,
) -> Result<Plan, Rejection> {
    let config = checked(snapshot, draft, &BTreeSet::new(), env)?;
    let splitter = Splitter {
        id: env.id(ids::OBJECT),
        admin_id,
        status: SplitterStatus::Active,
        version: 1,
        config,
        state: SplitterState::default(),
        created_at: env.now,
        updated_at: env.now,
        deleted_at: None,
    };
    let effects = vec![
        Effect::CreateSplitter(splitter.clone()),
        Effect::RecordSplitterVersion(version_of(&splitter, SplitterChange::Created, actor)),
    ];
    Ok(Plan { admin_id, effects, reply: Reply::Splitter(Box::new(splitter)) })
}

/// Another configuration. `expected` is the version that the caller had read; campaigns that were listed may stay even if
/// they have been deleted since.
pub fn edit(
    snapshot: &Snapshot,
    id: SplitterId,
    expected: u32,
    change: impl FnOnce(&mut SplitterDraft),
    actor: Actor,
    env: &Env,
) -> Result<Plan, Rejection> {
    let old = snapshot.splitter(id).ok_or(Rejection::SplitterNotFound)?;
    if old.version != expected {
        return Err(Rejection::StaleVersion { expected, current: old.version });
    }
    let mut draft = old.config.to_draft();
    change(&mut draft);
    let mut listed: BTreeSet<CampaignId> = old.config.campaigns.iter().map(|member| member.campaign_id).collect();
    listed.extend(fallback(&old.config));
    keep_seed(&mut draft, &old.config.strategy);
    let config = checked(snapshot, &draft, &listed, env)?;
    let mut splitter = old.clone();
    splitter.state.carry_over(&old.config, &config, env.now.max(old.state.last_at));
    splitter.config = config;
    Ok(next_version(splitter, SplitterChange::Edited, actor, env))
}

/// Pauses, resumes or deletes. What already is as asked stays at its version.
pub fn set_status(
    snapshot: &Snapshot,
    id: SplitterId,
    change: SplitterChange,
    actor: Actor,
    env: &Env,
) -> Result<Plan, Rejection> {
    let mut splitter = snapshot.splitter(id).cloned().ok_or(Rejection::SplitterNotFound)?;
    let before = (splitter.status, splitter.deleted_at);
    match change {
        SplitterChange::Paused => splitter.status = SplitterStatus::Paused,
        SplitterChange::Resumed => splitter.status = SplitterStatus::Active,
        SplitterChange::Deleted => splitter.deleted_at = Some(env.now),
        SplitterChange::Created | SplitterChange::Edited => {}
    }
    if (splitter.status, splitter.deleted_at) == before {
        return Ok(Plan::nothing(splitter.admin_id, Reply::Splitter(Box::new(splitter))));
    }
    Ok(next_version(splitter, change, actor, env))
}

fn next_version(mut splitter: Splitter, change: SplitterChange, actor: Actor, env: &Env) -> Plan {
    splitter.version += 1;
    splitter.updated_at = env.now.max(splitter.updated_at);
    let effects = vec![
        Effect::SaveSplitter(splitter.clone()),
        Effect::SaveSplitterState { id: splitter.id, state: splitter.state.clone() },
        Effect::RecordSplitterVersion(version_of(&splitter, change, actor)),
    ];
    Plan { admin_id: splitter.admin_id, effects, reply: Reply::Splitter(Box::new(splitter)) }
}

fn version_of(splitter: &Splitter, change: SplitterChange, actor: Actor) -> SplitterVersion {
    SplitterVersion {
        splitter_id: splitter.id,
        version: splitter.version,
        at: splitter.updated_at,
        actor,
        change,
        after_seq: splitter.state.seq,
        config: splitter.config.clone(),
    }
}

fn checked(
    snapshot: &Snapshot,
    draft: &SplitterDraft,
    listed: &BTreeSet<CampaignId>,
    env: &Env,
) -> Result<SplitterConfig, Rejection> {
    let mut violations = Violations::new();
    let missing = |id: CampaignId| !listed.contains(&id) && snapshot.campaign(id).is_none();
    for (n, member) in draft.campaigns.iter().enumerate() {
        if missing(member.campaign_id) {
            let message = format!("campaign `{}` does not exist", member.campaign_id);
            violations.push(format!("campaigns.{n}.campaignId"), message);
        }
    }
    if let Some(id) = fallback(draft).filter(|id| missing(*id)) {
        violations.push("overflow.campaignId", format!("campaign `{id}` does not exist"));
    }
    let mut draft = draft.clone();
    if let Strategy::Sticky { seed } = &mut draft.strategy
        && *seed == 0
    {
        // A new splitter gets a seed of its own, so that two splitters do not send the same people the same way.
        *seed = env.draw.max(1);
    }
    match SplitterConfig::new(draft) {
        Ok(config) => violations.or(|| config).map_err(Rejection::Invalid),
        Err(more) => {
            violations.0.extend(more.0);
            Err(Rejection::Invalid(violations))
        }
    }
}

/// A splitter that stays sticky keeps its seed: otherwise an edit of its name would move everybody.
fn keep_seed(draft: &mut SplitterDraft, old: &Strategy) {
    if let (Strategy::Sticky { seed }, Strategy::Sticky { seed: old }) = (&mut draft.strategy, old)
        && *seed == 0
    {
        *seed = *old;
    }
}
