//! Compares the file with what there is. Knows no database: from the same file and the same
//! state come the same steps.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::{
    SeedError, Step,
    file::{Managed, Named, RoleEntry, Seed},
    present::{Present, PresentRole},
    users,
};
use crate::auth::{
    Refusal,
    access::Permission,
    lifetime::Limit,
    name::{PermissionName, RoleName, is_built_in},
    roles::{DEFAULT_GRANTOR, RoleChange},
};

/// The steps from `present` to what the file says, in an order in which each can be made.
pub(super) fn steps(
    seed: &Seed,
    present: &Present,
    prune: bool,
    now: OffsetDateTime,
) -> Result<Vec<Step>, SeedError> {
    let compare = Compare::new(seed, present, prune);
    compare.refuse_unknown()?;
    compare.refuse_cycles()?;
    let mut steps = compare.new_permissions();
    steps.extend(compare.new_roles());
    steps.extend(compare.less_of_roles()?);
    steps.extend(compare.more_of_roles()?);
    steps.extend(compare.limits());
    steps.extend(compare.removed_permissions()?);
    steps.extend(users::steps(&compare, now)?);
    Ok(steps)
}

pub(super) struct Compare<'a> {
    pub seed: &'a Seed,
    pub present: &'a Present,
    pub prune: bool,
    /// Roles of the file, by name.
    listed: BTreeMap<&'a str, &'a RoleEntry>,
    /// Permissions that are left in the end.
    permissions: BTreeSet<&'a str>,
    /// Roles that are left in the end.
    pub roles: BTreeSet<&'a str>,
}

impl<'a> Compare<'a> {
    fn new(seed: &'a Seed, present: &'a Present, prune: bool) -> Self {
        let listed: BTreeMap<_, _> =
            seed.roles.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        let mut permissions: BTreeSet<_> =
            seed.permissions.iter().map(|entry| entry.name.as_str()).collect();
        permissions.extend(Permission::ALL.iter().map(|own| own.name()));
        if !seed.prunes(prune, Managed::Permissions) {
            permissions.extend(present.permissions.keys().map(String::as_str));
        }
        let goes = |role: &str| seed.prunes(prune, Managed::Roles) && !is_built_in(role);
        let kept = present.roles.keys().map(String::as_str).filter(|role| !goes(role));
        let roles = kept.chain(listed.keys().copied()).collect();
        Self { seed, present, prune, listed, permissions, roles }
    }

    /// Whether listed roles have nothing but what is listed.
    fn is_exact(&self) -> bool {
        self.seed.prunes(self.prune, Managed::Roles)
    }

    fn refuse_unknown(&self) -> Result<(), SeedError> {
        for entry in &self.seed.roles {
            let name = entry.name.as_str();
            let unknown = |part: &str, what: String| {
                Err(SeedError::Unknown { at: format!("role {name}, {part}"), what })
            };
            let lost = |other: &&Named<RoleName>| !self.roles.contains(other.0.as_str());
            for Named(permission) in &entry.permissions {
                let permission = permission.as_str();
                if !self.permissions.contains(permission) {
                    return unknown("permissions", format!("permission {permission}"));
                }
            }
            if let Some(Named(other)) = entry.includes.iter().find(lost) {
                return unknown("includes", format!("role {}", other.as_str()));
            }
            if let Some(Named(other)) = entry.grantors.iter().flatten().find(lost) {
                return unknown("grantors", format!("role {}", other.as_str()));
            }
        }
        for entry in &self.seed.users {
            for grant in &entry.roles {
                if !self.roles.contains(grant.role.as_str()) {
                    let at = format!("user {}, roles", entry.username.as_str());
                    let what = format!("role {}", grant.role.as_str());
                    return Err(SeedError::Unknown { at, what });
                }
            }
        }
        Ok(())
    }

    /// What each role includes in the end.
    fn includes(&self) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let mut all = BTreeMap::<_, BTreeSet<_>>::new();
        for role in &self.roles {
            let listed = self.listed.get(role).copied();
            let mut of_role = BTreeSet::new();
            let present = self.present.roles.get(*role);
            if let Some(present) = present.filter(|_| listed.is_none() || !self.is_exact()) {
                of_role.extend(present.includes.iter().map(String::as_str));
            }
            of_role.extend(names(listed.map(|entry| entry.includes.as_slice())));
            all.insert(*role, of_role);
        }
        all
    }

    /// Walks all includes at once, without recursion: a chain may be as long as the file.
    fn refuse_cycles(&self) -> Result<(), SeedError> {
        let includes = self.includes();
        let mut done = BTreeSet::new();
        for start in includes.keys().copied() {
            if done.contains(start) {
                continue;
            }
            let mut path = vec![start];
            let mut on_path = BTreeSet::from([start]);
            // Per role on the path, those of its includes that are still to be looked at.
            let mut open = vec![includes.get(start).into_iter().flatten()];
            while let Some(rest) = open.last_mut() {
                match rest.next().copied() {
                    Some(role) if on_path.contains(role) => return Err(cycle(&path, role)),
                    Some(role) if done.contains(role) => {}
                    Some(role) => {
                        path.push(role);
                        on_path.insert(role);
                        open.push(includes.get(role).into_iter().flatten());
                    }
                    None => {
                        open.pop();
                        if let Some(role) = path.pop() {
                            on_path.remove(role);
                            done.insert(role);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn new_permissions(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for entry in &self.seed.permissions {
            let (permission, wanted) = (entry.name.clone(), entry.description.clone());
            match (self.present.permissions.get(entry.name.as_str()), wanted) {
                (None, wanted) => {
                    let description = wanted.unwrap_or_default();
                    steps.push(Step::Declare { permission, description });
                }
                (Some(found), Some(description)) if *found != description => {
                    let before = found.clone();
                    steps.push(Step::DescribePermission { permission, before, description });
                }
                _ => {}
            }
        }
        steps
    }

    fn new_roles(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for entry in &self.seed.roles {
            let (role, wanted) = (entry.name.clone(), entry.description.clone());
            match (self.present.roles.get(role.as_str()), wanted) {
                (None, wanted) => {
                    let default_grantor = entry.grantors.as_ref().is_none_or(|grantors| {
                        grantors.iter().any(|one| one.0.as_str() == DEFAULT_GRANTOR)
                    });
                    let description = wanted.unwrap_or_default();
                    steps.push(Step::CreateRole { role, description, default_grantor });
                }
                (Some(found), Some(description)) if found.description != description => {
                    let before = found.description.clone();
                    steps.push(Step::DescribeRole { role, before, description });
                }
                _ => {}
            }
        }
        steps
    }

    /// Deletes roles, and takes from those that stay what is not listed or goes.
    fn less_of_roles(&self) -> Result<Vec<Step>, SeedError> {
        let mut steps = Vec::new();
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.present.roles.iter().partition(|(name, _)| !self.roles.contains(name.as_str()));
        for (name, found) in gone {
            let (role, holders) = (parsed(name)?, found.holders);
            steps.push(Step::Role { role, change: RoleChange::Delete, holders });
        }
        for (name, found) in kept {
            if !is_built_in(name) {
                self.less_of_role(&mut steps, name, found)?;
            }
        }
        Ok(steps)
    }

    fn less_of_role(
        &self,
        steps: &mut Vec<Step>,
        name: &str,
        found: &PresentRole,
    ) -> Result<(), SeedError> {
        let role = parsed(name)?;
        let exact = self.listed.get(name).copied().filter(|_| self.is_exact());
        let listed: BTreeSet<_> = names(exact.map(|entry| entry.permissions.as_slice())).collect();
        for permission in &found.permissions {
            let goes = !self.permissions.contains(permission.as_str());
            if goes || (exact.is_some() && !listed.contains(permission.as_str())) {
                steps.push(change(&role, RoleChange::Deny(permission_name(permission)?)));
            }
        }
        let Some(entry) = exact else { return Ok(()) };
        // What a deleted role was to this one has gone with it.
        let is_left = |other: &&String| self.roles.contains(other.as_str());
        let listed: BTreeSet<_> = names(Some(&entry.includes)).collect();
        for other in found.includes.iter().filter(is_left) {
            if !listed.contains(other.as_str()) {
                steps.push(change(&role, RoleChange::Exclude(parsed(other)?)));
            }
        }
        let listed = wanted_grantors(entry);
        for other in found.grantors.iter().filter(is_left) {
            if !listed.contains(other.as_str()) {
                steps.push(change(&role, RoleChange::RemoveGrantor(parsed(other)?)));
            }
        }
        Ok(())
    }

    /// Gives listed roles what they lack.
    fn more_of_roles(&self) -> Result<Vec<Step>, SeedError> {
        let (mut steps, nothing) = (Vec::new(), PresentRole::default());
        for entry in &self.seed.roles {
            let role = &entry.name;
            let found = self.present.roles.get(role.as_str());
            let has = found.unwrap_or(&nothing);
            for Named(permission) in &entry.permissions {
                if !has.permissions.contains(permission.as_str()) {
                    steps.push(change(role, RoleChange::Allow(permission.clone())));
                }
            }
            for Named(other) in &entry.includes {
                if !has.includes.contains(other.as_str()) {
                    steps.push(change(role, RoleChange::Include(other.clone())));
                }
            }
            for Named(other) in entry.grantors.iter().flatten() {
                // A new role is made with the usual one.
                let is_made = found.is_none() && other.as_str() == DEFAULT_GRANTOR;
                if !is_made && !has.grantors.contains(other.as_str()) {
                    steps.push(change(role, RoleChange::AddGrantor(other.clone())));
                }
            }
            let lacks_usual =
                found.is_some() && !role.is_built_in() && !has.grantors.contains(DEFAULT_GRANTOR);
            if self.is_exact() && entry.grantors.is_none() && lacks_usual {
                steps.push(change(role, RoleChange::AddGrantor(parsed(DEFAULT_GRANTOR)?)));
            }
        }
        Ok(steps)
    }

    /// How long sessions live by the listed roles.
    fn limits(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for entry in &self.seed.roles {
            let found = self.present.roles.get(entry.name.as_str());
            let has = found.map(|found| found.limits).unwrap_or_default();
            let differs = |wanted: Option<Limit>, has| wanted.filter(|limit| limit.0 != has);
            let idle = differs(entry.idle_timeout, has.idle);
            let absolute = differs(entry.absolute_timeout, has.absolute);
            if idle.is_some() || absolute.is_some() {
                let (role, before) = (entry.name.clone(), found.map(|found| found.limits));
                steps.push(Step::LimitRole { role, before, idle, absolute });
            }
        }
        steps
    }

    fn removed_permissions(&self) -> Result<Vec<Step>, SeedError> {
        let all = self.present.permissions.keys();
        let gone = all.filter(|name| !self.permissions.contains(name.as_str()));
        let gone = gone.map(|name| permission_name(name)).filter(|name| {
            // rolecall's own, also those of a later version.
            name.as_ref().map_or(true, |name| !name.is_reserved())
        });
        gone.map(|name| Ok(Step::RemovePermission { permission: name? })).collect()
    }
}

fn change(role: &RoleName, change: RoleChange) -> Step {
    Step::Role { role: role.clone(), change, holders: 0 }
}

fn cycle(path: &[&str], role: &str) -> SeedError {
    let from = path.iter().position(|one| *one == role).unwrap_or_default();
    let through: Vec<_> = path[from..].iter().skip(1).copied().chain([role]).collect();
    let refusal = Refusal::Cycle(role.to_owned(), through.join(" -> "));
    SeedError::Refused { at: format!("role {role}, includes"), refusal }
}

/// The listed grantors, by default the usual one.
fn wanted_grantors(entry: &RoleEntry) -> BTreeSet<&str> {
    match &entry.grantors {
        Some(grantors) => names(Some(grantors)).collect(),
        None => BTreeSet::from([DEFAULT_GRANTOR]),
    }
}

trait AsName {
    fn as_name(&self) -> &str;
}

impl AsName for RoleName {
    fn as_name(&self) -> &str {
        self.as_str()
    }
}

impl AsName for PermissionName {
    fn as_name(&self) -> &str {
        self.as_str()
    }
}

fn names<'n, T: AsName + 'n>(list: Option<&'n [Named<T>]>) -> impl Iterator<Item = &'n str> {
    list.unwrap_or_default().iter().map(|one| one.0.as_name())
}

/// A name from the database, where it went as one.
fn parsed(name: &str) -> Result<RoleName, SeedError> {
    Ok(RoleName::parse(name).map_err(crate::auth::Error::from)?)
}

fn permission_name(name: &str) -> Result<PermissionName, SeedError> {
    Ok(PermissionName::parse(name).map_err(crate::auth::Error::from)?)
}
