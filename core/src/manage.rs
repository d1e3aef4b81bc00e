//! Managing: admins, settings, API keys and campaigns. Each command is a pure plan; splitters have [`crate::splitter_commands`].

use crate::{
    access::ApiKey,
    admin::{Admin, Settings},
    campaign::{Campaign, CampaignConfig},
    env::Env,
    id::{AdminId, ApiKeyId, CampaignId},
    plan::{Effect, Plan, Reply},
    reconcile::ids,
    rejection::Rejection,
    snapshot::Snapshot,
};

/// A new admin. `email` has been trimmed and put into lower case by the caller; the store refuses one that is taken.
#[must_use]
pub fn create_admin(email: String, password_hash: Option<String>, settings: Settings, env: &Env) -> Plan {
    let admin =
        Admin { id: env.id(ids::OBJECT), email, password_hash, settings, created_at: env.now, updated_at: env.now };
    let reply = Reply::Admin(Box::new(admin.clone()));
    Plan { admin_id: admin.id, effects: vec![Effect::CreateAdmin(admin)], reply }
}

/// Changed settings. `None` from `change` says that nothing changes.
pub fn save_settings(snapshot: &Snapshot, change: impl FnOnce(&mut Settings), env: &Env) -> Result<Plan, Rejection> {
    let mut admin = snapshot.admin.clone().ok_or(Rejection::ContactNotFound)?;
    change(&mut admin.settings);
    admin.updated_at = env.now.max(admin.updated_at);
    let reply = Reply::Admin(Box::new(admin.clone()));
    Ok(Plan { admin_id: admin.id, effects: vec![Effect::SaveAdmin(admin)], reply })
}

/// A new API key, of which only `lookup` and `hash` are kept.
#[must_use]
pub fn create_api_key(admin_id: AdminId, name: String, lookup: String, hash: [u8; 32], env: &Env) -> Plan {
    let key = ApiKey { id: env.id(ids::OBJECT), admin_id, name, lookup, hash, created_at: env.now, revoked_at: None };
    let reply = Reply::ApiKey(Box::new(key.clone()));
    Plan { admin_id, effects: vec![Effect::CreateApiKey(key)], reply }
}

/// Revokes a key for good. A revoked key behaves as a missing one.
pub fn revoke_api_key(snapshot: &Snapshot, admin_id: AdminId, id: ApiKeyId, env: &Env) -> Result<Plan, Rejection> {
    let key = snapshot.api_keys.get(&id).filter(|key| key.revoked_at.is_none()).ok_or(Rejection::ApiKeyNotFound)?;
    let revoked = ApiKey { revoked_at: Some(env.now), ..key.clone() };
    let effects = vec![Effect::RevokeApiKey { id, at: env.now }];
    Ok(Plan { admin_id, effects, reply: Reply::ApiKey(Box::new(revoked)) })
}

/// A new campaign.
pub fn create_campaign(admin_id: AdminId, config: CampaignConfig, env: &Env) -> Result<Plan, Rejection> {
    config.check().map_err(Rejection::Invalid)?;
    let campaign = Campaign {
        id: env.id(ids::OBJECT),
        admin_id,
        config,
        created_at: env.now,
        updated_at: env.now,
        deleted_at: None,
    };
    let reply = Reply::Campaign(Box::new(campaign.clone()));
    Ok(Plan { admin_id, effects: vec![Effect::CreateCampaign(campaign)], reply })
}

/// A changed campaign. Outreach that is already scheduled keeps its text and its time.
pub fn save_campaign(
    snapshot: &Snapshot,
    id: CampaignId,
    change: impl FnOnce(&mut CampaignConfig),
    env: &Env,
) -> Result<Plan, Rejection> {
    let mut campaign = snapshot.campaign(id).cloned().ok_or(Rejection::CampaignNotFound)?;
    change(&mut campaign.config);
    campaign.config.check().map_err(Rejection::Invalid)?;
    campaign.updated_at = env.now.max(campaign.updated_at);
    let reply = Reply::Campaign(Box::new(campaign.clone()));
    Ok(Plan { admin_id: campaign.admin_id, effects: vec![Effect::SaveCampaign(campaign)], reply })
}

/// Soft-deletes a campaign and cancels its scheduled outreach. Splitters go on listing it, as one that is not there.
pub fn delete_campaign(snapshot: &Snapshot, id: CampaignId, env: &Env) -> Result<Plan, Rejection> {
    let mut campaign = snapshot.campaign(id).cloned().ok_or(Rejection::CampaignNotFound)?;
    campaign.deleted_at = Some(env.now);
    campaign.updated_at = env.now.max(campaign.updated_at);
    let effects =
        vec![Effect::SaveCampaign(campaign.clone()), Effect::CancelCampaignOutreach { campaign_id: id, at: env.now }];
    Ok(Plan { admin_id: campaign.admin_id, effects, reply: Reply::Campaign(Box::new(campaign)) })
}
