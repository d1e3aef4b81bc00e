//! What is locked by hash, and which writer a request goes to.

use std::collections::BTreeSet;

use splitter_core::{AdminId, PhoneNumber, Scope, idempotency::IdempotencyKey};
use sqlx::PgConnection;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

#[cfg(feature = "plant")]
use crate::options::Plant;
use crate::{commit::Wanted, options::CommitOptions, rows::Result};

/// The keys of the advisory locks, ascending, without repeats. Equal in every version of this program: servers of several
/// versions run side by side.
fn hashes(wanted: &Wanted) -> Vec<i64> {
    let phones = wanted.phones.iter().map(|(admin, phone)| contact(*admin, *phone));
    let keys = wanted.idempotency.iter().map(idempotency);
    let sorted: BTreeSet<i64> = phones.chain(keys).collect();
    sorted.into_iter().collect()
}

fn contact(admin: AdminId, phone: PhoneNumber) -> i64 {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend(b"contact\0");
    bytes.extend(admin.0.as_bytes());
    bytes.extend(phone.as_u64().to_be_bytes());
    xxh3_64(&bytes).cast_signed()
}

fn idempotency(key: &IdempotencyKey) -> i64 {
    let mut bytes = Vec::with_capacity(32 + key.route.len() + key.key.len());
    bytes.extend(b"attempt\0");
    bytes.extend(key.admin_id.0.as_bytes());
    bytes.extend(key.route.as_bytes());
    bytes.push(0);
    bytes.extend(key.key.as_bytes());
    xxh3_64(&bytes).cast_signed()
}

/// Which writer: by the splitter, so that a busy one's requests meet in one batch; else by the contact.
pub(super) fn route(scope: &Scope) -> u64 {
    if let Some(splitter) = scope.splitters.first() {
        xxh3_64(splitter.0.as_bytes())
    } else if let Some(phone) = scope.phones.first() {
        contact(scope.admin_id, *phone).cast_unsigned()
    } else {
        xxh3_64(scope.admin_id.0.as_bytes())
    }
}

/// Takes all locks of a batch. False: begin again.
#[cfg_attr(not(feature = "plant"), expect(unused_variables, reason = "only a planted bug is an option of locking"))]
pub(super) async fn lock(connection: &mut PgConnection, options: &CommitOptions, wanted: &Wanted) -> Result<bool> {
    let hashes = hashes(wanted);
    let splitters = wanted.splitters.keys().map(|(_, id)| id.0).collect::<Vec<Uuid>>();
    #[cfg(feature = "plant")]
    let (hashes, splitters) = match options.plant {
        Some(Plant::SkipLock) => (hashes, Vec::new()),
        Some(Plant::SkipContactLock) => (Vec::new(), splitters),
        Some(Plant::EarlyAnswer) | None => (hashes, splitters),
    };
    let nothing = wanted.edited_admins.is_empty()
        && wanted.api_keys.is_empty()
        && wanted.splitters.is_empty()
        && wanted.campaigns.is_empty()
        && wanted.edited_campaigns.is_empty()
        && hashes.is_empty();
    if nothing {
        return Ok(true);
    }
    let campaigns: BTreeSet<_> = wanted.campaigns.union(&wanted.edited_campaigns).collect();
    let query = sqlx::query_scalar("SELECT lock_batch($1, $2, $3, $4, $5, $6, $7)")
        .bind(wanted.edited_admins.iter().map(|id| id.0).collect::<Vec<Uuid>>())
        .bind(wanted.api_keys.iter().map(|(_, id)| id.0).collect::<Vec<Uuid>>())
        .bind(splitters)
        .bind(campaigns.iter().map(|(admin, _)| admin.0).collect::<Vec<Uuid>>())
        .bind(campaigns.iter().map(|(_, id)| id.0).collect::<Vec<Uuid>>())
        .bind(wanted.edited_campaigns.iter().map(|(_, id)| id.0).collect::<Vec<Uuid>>())
        .bind(hashes);
    query.fetch_one(connection).await
}
