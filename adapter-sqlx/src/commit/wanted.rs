//! What a batch has to lock and load: the scopes of its members put together, in the order of locking.

use std::collections::{BTreeMap, BTreeSet};

use splitter_core::{AdminId, ApiKeyId, CampaignId, PhoneNumber, Scope, SplitterId, idempotency::IdempotencyKey};

/// Everything that the members of a batch want to see. The sets are sorted as locks are taken.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) admins: BTreeSet<AdminId>,
    pub(crate) edited_admins: BTreeSet<AdminId>,
    pub(crate) api_keys: BTreeSet<(AdminId, ApiKeyId)>,
    /// With the number of members that want it.
    pub(crate) splitters: BTreeMap<(AdminId, SplitterId), usize>,
    pub(crate) campaigns: BTreeSet<(AdminId, CampaignId)>,
    pub(crate) edited_campaigns: BTreeSet<(AdminId, CampaignId)>,
    pub(crate) phones: BTreeSet<(AdminId, PhoneNumber)>,
    pub(crate) idempotency: BTreeSet<IdempotencyKey>,
}

impl Wanted {
    pub(crate) fn of<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> Self {
        let mut wanted = Self::default();
        for scope in scopes {
            wanted.add(scope);
        }
        wanted
    }

    fn add(&mut self, scope: &Scope) {
        let admin = scope.admin_id;
        self.admins.insert(admin);
        if scope.edits_admin {
            self.edited_admins.insert(admin);
        }
        self.api_keys.extend(scope.api_keys.iter().map(|id| (admin, *id)));
        for id in &scope.splitters {
            *self.splitters.entry((admin, *id)).or_default() += 1;
        }
        self.campaigns.extend(scope.campaigns.iter().map(|id| (admin, *id)));
        self.edited_campaigns.extend(scope.edited_campaigns.iter().map(|id| (admin, *id)));
        self.phones.extend(scope.phones.iter().map(|phone| (admin, *phone)));
        // A key carries its admin; one of somebody else's must not be seen.
        self.idempotency.extend(scope.idempotency.iter().filter(|key| key.admin_id == admin).cloned());
    }
}
