//! What a seed file must be by itself: nothing twice, nothing built in, no entry that
//! contradicts itself.

use std::collections::BTreeSet;

use super::{
    SeedError,
    file::{RoleEntry, Seed, Status, UserEntry},
};
use crate::auth::Refusal;

pub(super) fn check(seed: &Seed) -> Result<(), SeedError> {
    let mut permissions = Once::new();
    for entry in &seed.permissions {
        let name = entry.name.as_str();
        permissions.see(name, || format!("permission {name}"))?;
        if entry.name.is_reserved() {
            let at = format!("permission {name}");
            return Err(SeedError::Refused { at, refusal: Refusal::Reserved });
        }
    }
    let mut roles = Once::new();
    for entry in &seed.roles {
        let name = entry.name.as_str();
        roles.see(name, || format!("role {name}"))?;
        check_role(entry)?;
    }
    let (mut users, mut emails) = (Once::new(), Once::new());
    for entry in &seed.users {
        let name = entry.username.as_str();
        users.see(name, || format!("user {name}"))?;
        if let Some(email) = entry.email.as_ref().and_then(Option::as_ref) {
            emails.see(email.key(), || format!("user {name}: the e-mail {}", email.as_str()))?;
        }
        check_user(entry)?;
    }
    Ok(())
}

fn check_role(entry: &RoleEntry) -> Result<(), SeedError> {
    let name = entry.name.as_str();
    let refused = |refusal| Err(SeedError::Refused { at: format!("role {name}"), refusal });
    if entry.name.is_built_in() && !entry.only_limits() {
        return refused(Refusal::BuiltIn(name.to_owned()));
    }
    if name.starts_with("rolecall.") {
        return refused(Refusal::Reserved);
    }
    if let Some(other) = entry.includes.iter().find(|other| other.0.is_built_in()) {
        return refused(Refusal::BuiltInIncluded(other.0.as_str().to_owned()));
    }
    let permissions = entry.permissions.iter().map(|one| one.0.as_str());
    let includes = entry.includes.iter().map(|one| one.0.as_str());
    let grantors = entry.grantors.iter().flatten().map(|one| one.0.as_str());
    let mut seen = Once::new();
    for permission in permissions {
        seen.see(permission, || format!("role {name}: the permission {permission}"))?;
    }
    let mut seen = Once::new();
    for included in includes {
        seen.see(included, || format!("role {name}: the included role {included}"))?;
    }
    let mut seen = Once::new();
    for grantor in grantors {
        seen.see(grantor, || format!("role {name}: the grantor {grantor}"))?;
    }
    Ok(())
}

fn check_user(entry: &UserEntry) -> Result<(), SeedError> {
    let name = entry.username.as_str();
    let wrong = |what| Err(SeedError::Wrong { at: format!("user {name}"), what });
    if entry.invite && entry.password_hash.is_some() {
        return wrong("give either password_hash or invite = true");
    }
    if entry.invite && entry.status == Some(Status::Disabled) {
        return wrong("who is disabled cannot be invited; take out invite or status");
    }
    if entry.password_expires_at.is_some() && entry.password_hash.is_none() {
        return wrong("password_expires_at needs a password_hash");
    }
    let mut seen = Once::new();
    for grant in &entry.roles {
        let role = grant.role.as_str();
        seen.see(role, || format!("user {name}: the role {role}"))?;
    }
    Ok(())
}

/// Finds what comes a second time.
struct Once<'a>(BTreeSet<&'a str>);

impl<'a> Once<'a> {
    fn new() -> Self {
        Self(BTreeSet::new())
    }

    fn see(&mut self, name: &'a str, what: impl FnOnce() -> String) -> Result<(), SeedError> {
        if self.0.insert(name) { Ok(()) } else { Err(SeedError::Twice(what())) }
    }
}
