//! The users' part of the comparison: who is made, edited and removed, and which roles they get
//! and lose.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::{
    SeedError, Step,
    compare::Compare,
    file::{GrantEntry, Managed, UserEntry},
    present::PresentUser,
    step::Secret,
};
use crate::{
    auth::{
        Error,
        grants::Until,
        name::{Email, RoleName, Username},
        users::Profile,
    },
    db::users::{Status, User},
};

pub(super) fn steps(compare: &Compare<'_>, now: OffsetDateTime) -> Result<Vec<Step>, SeedError> {
    let mut steps = removed(compare)?;
    let (mut edited, mut after) = (Vec::new(), Vec::new());
    for entry in &compare.seed.users {
        let found = compare.present.users.get(entry.username.as_str());
        match found {
            None => after.extend(made(entry)),
            Some(found) => {
                edited.extend(edit(entry, &found.user)?.map(|step| (&found.user, step)));
                after.extend(account(entry, &found.user));
            }
        }
        after.extend(grants(compare, entry, found, now)?);
    }
    // Names and e-mails that are given up are free for those who come after.
    steps.extend(in_turn(edited));
    steps.extend(after);
    Ok(steps)
}

fn removed(compare: &Compare<'_>) -> Result<Vec<Step>, SeedError> {
    if !compare.seed.prunes(compare.prune, Managed::Users) {
        return Ok(Vec::new());
    }
    let listed: BTreeSet<_> =
        compare.seed.users.iter().map(|entry| entry.username.as_str()).collect();
    let gone = compare.present.users.keys().filter(|name| !listed.contains(name.as_str()));
    let gone = gone.map(|name| Username::parse(name).map_err(|error| Error::from(error).into()));
    gone.map(|username| username.map(|username| Step::RemoveUser { username })).collect()
}

fn made(entry: &UserEntry) -> Vec<Step> {
    let profile = Box::new(Profile {
        username: entry.username.clone(),
        email: entry.email.clone().flatten(),
        display_name: entry.display_name.clone().unwrap_or_default(),
    });
    let mut steps =
        vec![Step::CreateUser { profile, password: secret(entry), invite: entry.invite }];
    let status = entry.status.map(Status::from);
    if let Some(status) = status.filter(|status| *status != Status::Active) {
        steps.push(Step::SetStatus { username: entry.username.clone(), before: None, status });
    }
    steps
}

fn secret(entry: &UserEntry) -> Option<Secret> {
    let expires_at = entry.password_expires_at.map(|moment| moment.0);
    entry.password_hash.clone().map(|hash| Secret { hash, expires_at })
}

fn edit(entry: &UserEntry, user: &User) -> Result<Option<Step>, SeedError> {
    let mut fields = Vec::new();
    let email = user.email.as_deref().map(Email::parse).transpose().map_err(Error::from)?;
    let mut profile = Profile {
        username: entry.username.clone(),
        email,
        display_name: user.display_name.clone(),
    };
    if let Some(email) = entry.email.as_ref().filter(|email| **email != profile.email) {
        profile.email.clone_from(email);
        fields.push(("email", user.email.clone().unwrap_or_default()));
    }
    if let Some(name) = entry.display_name.as_ref().filter(|name| **name != user.display_name) {
        profile.display_name.clone_from(name);
        fields.push(("display_name", user.display_name.clone()));
    }
    let step = Step::EditUser { profile: Box::new(profile), fields };
    Ok(matches!(&step, Step::EditUser { fields, .. } if !fields.is_empty()).then_some(step))
}

fn account(entry: &UserEntry, user: &User) -> Vec<Step> {
    let mut steps = Vec::new();
    let differs = |secret: &Secret| user.password_hash.as_ref() != Some(&secret.hash);
    if let Some(password) = secret(entry).filter(differs) {
        steps.push(Step::SetPassword { username: entry.username.clone(), password });
    }
    let status = entry.status.map(Status::from);
    if let Some(status) = status.filter(|status| *status != user.status) {
        let (username, before) = (entry.username.clone(), Some(user.status));
        steps.push(Step::SetStatus { username, before, status });
    }
    steps
}

fn grants(
    compare: &Compare<'_>,
    entry: &UserEntry,
    found: Option<&PresentUser>,
    now: OffsetDateTime,
) -> Result<Vec<Step>, SeedError> {
    let mut steps = Vec::new();
    for grant in &entry.roles {
        steps.extend(granted(entry, grant, found, now)?);
    }
    let Some(found) = found.filter(|_| compare.seed.prunes(compare.prune, Managed::Grants)) else {
        return Ok(steps);
    };
    let listed: BTreeSet<_> = entry.roles.iter().map(|grant| grant.role.as_str()).collect();
    for (name, grant) in &found.grants {
        let role = name.as_str();
        // What has ended is as good as gone, and what a role was goes with it.
        let is_there = grant.holds_at(now) && compare.roles.contains(role);
        if is_there && !listed.contains(role) {
            let role = RoleName::parse(role).map_err(Error::from)?;
            steps.push(Step::Revoke { username: entry.username.clone(), role });
        }
    }
    Ok(steps)
}

fn granted(
    entry: &UserEntry,
    wanted: &GrantEntry,
    found: Option<&PresentUser>,
    now: OffsetDateTime,
) -> Result<Option<Step>, SeedError> {
    let role = wanted.role.as_str();
    let grant = found.and_then(|found| found.grants.get(role));
    let held = grant.filter(|grant| grant.holds_at(now));
    let is_over = wanted.until.is_some_and(|end| end <= now);
    if is_over && grant.is_some() && held.is_none() {
        return Ok(None);
    }
    if is_over {
        return Err(SeedError::Wrong {
            at: format!("user {}, role {role}", entry.username.as_str()),
            what: "the end of the grant lies in the past; name a later one, or take the role out",
        });
    }
    let kept = held.map(|grant| grant.reason.as_str()).unwrap_or_default();
    let reason = wanted.reason.as_deref().map_or(kept, str::trim);
    if held.is_some_and(|grant| grant.ends_at == wanted.until && grant.reason == reason) {
        return Ok(None);
    }
    Ok(Some(Step::Grant {
        username: entry.username.clone(),
        role: wanted.role.clone(),
        until: wanted.until.map_or(Until::Always, Until::At),
        reason: reason.to_owned(),
        held: held
            .map(|grant| (grant.ends_at.map_or(Until::Always, Until::At), grant.reason.clone())),
    }))
}

/// The edits in an order in which an e-mail that one gives up is free when another takes it.
/// Two who swap theirs stay as they are, and are refused.
fn in_turn(edits: Vec<(&User, Step)>) -> Vec<Step> {
    let taken = |user: &User| {
        let email = user.email.as_deref().and_then(|email| Email::parse(email).ok());
        email.map(|email| email.key().to_owned())
    };
    let (mut ordered, mut left) = (Vec::new(), edits);
    loop {
        let held: BTreeSet<String> = left.iter().filter_map(|(user, _)| taken(user)).collect();
        let waits = |user: &User, step: &Step| match step {
            Step::EditUser { profile, .. } => {
                let wanted = profile.email.as_ref().map(Email::key);
                wanted.is_some_and(|key| held.contains(key) && taken(user).as_deref() != Some(key))
            }
            _ => false,
        };
        let before = left.len();
        let (waiting, free): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(user, step)| waits(user, step));
        ordered.extend(free.into_iter().map(|(_, step)| step));
        left = waiting;
        if left.is_empty() || left.len() == before {
            ordered.extend(left.into_iter().map(|(_, step)| step));
            return ordered;
        }
    }
}
