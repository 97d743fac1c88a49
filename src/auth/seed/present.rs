//! What there is, as far as the file has to do with it.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::file::{Managed, Seed};
use crate::db::{
    Tx,
    grants::{self, Grant},
    lifetimes::Limits,
    permissions,
    roles::{self, Pair},
    users::{self, User},
};

#[derive(Debug, Default)]
pub(super) struct Present {
    /// Descriptions by name.
    pub permissions: BTreeMap<String, String>,
    pub roles: BTreeMap<String, PresentRole>,
    /// The users that the file names; all, if it decides which there are.
    pub users: BTreeMap<String, PresentUser>,
}

#[derive(Debug, Default)]
pub(super) struct PresentRole {
    pub description: String,
    pub limits: Limits,
    pub holders: i64,
    pub permissions: BTreeSet<String>,
    pub includes: BTreeSet<String>,
    pub grantors: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct PresentUser {
    pub user: User,
    /// By role. Only of users that the file names.
    pub grants: BTreeMap<String, Grant>,
}

pub(super) async fn load(
    tx: &mut Tx,
    seed: &Seed,
    prune: bool,
    now: OffsetDateTime,
) -> sqlx::Result<Present> {
    let (permissions, roles) = load_roles(tx, now).await?;
    let mut present = Present { permissions, roles, users: BTreeMap::new() };
    if seed.prunes(prune, Managed::Users) {
        let mut after = Vec::new();
        loop {
            let batch = users::list_in(tx, &after, 1000).await?;
            let Some(last) = batch.last() else { break };
            after = last.username.clone().into_bytes();
            for user in batch {
                let found = PresentUser { user, grants: BTreeMap::new() };
                present.users.insert(found.user.username.clone(), found);
            }
        }
    }
    for entry in &seed.users {
        let name = entry.username.as_str();
        let found = match present.users.remove(name) {
            Some(found) => Some(found.user),
            None => users::find_by_key_in(tx, name).await?,
        };
        let Some(user) = found else { continue };
        let grants = grants::list_of_user_in(tx, user.id).await?;
        let grants = grants.into_iter().map(|grant| (grant.role_name.clone(), grant)).collect();
        present.users.insert(name.to_owned(), PresentUser { user, grants });
    }
    Ok(present)
}

/// Permissions with their descriptions, and roles with all that belongs to them.
pub(super) async fn load_roles(
    tx: &mut Tx,
    now: OffsetDateTime,
) -> sqlx::Result<(BTreeMap<String, String>, BTreeMap<String, PresentRole>)> {
    let permissions = permissions::list_described_in(tx).await?;
    let permissions = permissions.into_iter().map(|one| (one.name, one.description)).collect();
    let mut found = BTreeMap::<String, PresentRole>::new();
    for role in roles::list_counted_in(tx, now).await? {
        let limits = role.limits();
        let roles::Counted { name, description, holders, .. } = role;
        found.insert(name, PresentRole { description, limits, holders, ..PresentRole::default() });
    }
    let mut each = |pairs: Vec<Pair>, of: fn(&mut PresentRole) -> &mut BTreeSet<String>| {
        for pair in pairs {
            if let Some(role) = found.get_mut(&pair.role) {
                of(role).insert(pair.other);
            }
        }
    };
    each(roles::list_permissions_in(tx).await?, |role| &mut role.permissions);
    each(roles::list_includes_in(tx).await?, |role| &mut role.includes);
    each(roles::list_grantors_in(tx).await?, |role| &mut role.grantors);
    Ok((permissions, found))
}
