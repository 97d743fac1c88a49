//! Makes the steps, each through the function that pages and commands use, which also writes
//! the audit record.

use std::collections::BTreeMap;

use super::{SeedError, Step, present::Present};
use crate::{
    app::App,
    auth::{
        By, Error, Refusal, Result, grants, link,
        name::{RoleName, Username},
        permissions::{self, PermissionChange},
        roles::{self, Cycles, DEFAULT_GRANTOR, RoleChange},
        token::Token,
        users,
    },
    db::{
        Tx,
        links::LinkKind,
        login_keys::{self, Kind},
        users::User,
    },
};

/// Makes all steps. Returns the invitations of new users.
pub(super) async fn all(
    app: &App,
    tx: &mut Tx,
    by: &By,
    steps: &[Step],
    present: Present,
) -> std::result::Result<Vec<(String, Token)>, SeedError> {
    let users = present.users.into_iter().map(|(name, found)| (name, found.user)).collect();
    let mut apply = Apply { app, by, users, invitations: Vec::new() };
    // People may swap their e-mails: every old one is let go before a new one is taken.
    for step in steps {
        if let Step::EditUser { profile, fields } = step
            && fields.iter().any(|(field, _)| *field == "email")
            && let Some(user) = apply.users.get(profile.username.as_str())
        {
            login_keys::delete(tx, user.id, Kind::Email).await?;
        }
    }
    for step in steps {
        apply.one(tx, step).await.map_err(|error| match error {
            Error::Refused(refusal) => SeedError::Refused { at: place(step), refusal },
            error => error.into(),
        })?;
    }
    Ok(apply.invitations)
}

/// The entry that a step comes from.
fn place(step: &Step) -> String {
    let view = step.view();
    let names: Vec<_> = view.names.iter().map(|(_, name)| name.as_str()).collect();
    format!("{} {}", view.what, names.join(" "))
}

struct Apply<'a> {
    app: &'a App,
    by: &'a By,
    users: BTreeMap<String, User>,
    invitations: Vec<(String, Token)>,
}

impl Apply<'_> {
    async fn one(&mut self, tx: &mut Tx, step: &Step) -> Result<()> {
        let (app, by) = (self.app, self.by);
        match step {
            Step::Declare { permission, description } => {
                let change = PermissionChange::Declare { description };
                permissions::change_in(app, tx, by, permission, change).await
            }
            Step::DescribePermission { permission, description, .. } => {
                let change = PermissionChange::Describe { description };
                permissions::change_in(app, tx, by, permission, change).await
            }
            Step::RemovePermission { permission } => {
                permissions::change_in(app, tx, by, permission, PermissionChange::Remove).await
            }
            Step::CreateRole { role, description, default_grantor } => {
                let description = description.clone();
                self.role(tx, role, &RoleChange::Create { description }).await?;
                if !default_grantor {
                    let usual = RoleName::parse(DEFAULT_GRANTOR)?;
                    self.role(tx, role, &RoleChange::RemoveGrantor(usual)).await?;
                }
                Ok(())
            }
            Step::DescribeRole { role, description, .. } => {
                let description = description.clone();
                self.role(tx, role, &RoleChange::Describe { description }).await
            }
            Step::LimitRole { role, idle, absolute, .. } => {
                let (idle, absolute) = (*idle, *absolute);
                self.role(tx, role, &RoleChange::Limit { idle, absolute }).await
            }
            Step::Role { role, change, .. } => self.role(tx, role, change).await,
            Step::RemoveUser { username } => {
                users::remove_in(app, tx, by, self.user(username)?).await
            }
            Step::EditUser { profile, .. } => {
                let user = self.user(&profile.username)?;
                users::edit_in(app, tx, by, user, profile).await.map(|_| ())
            }
            Step::CreateUser { profile, password, invite } => {
                let password = password.clone();
                let password =
                    password.map_or((None, None), |set| (Some(set.hash), set.expires_at));
                let user = users::insert_profile(app, tx, by, profile, password).await?;
                if *invite {
                    let kind = LinkKind::Invitation;
                    let token = link::make_in(app, tx, by, kind, Some(&user)).await?;
                    self.invitations.push((user.username.clone(), token));
                }
                self.users.insert(user.username.clone(), user);
                Ok(())
            }
            Step::SetPassword { username, password } => {
                let (user, set) = (self.user(username)?, (&*password.hash, password.expires_at));
                users::set_password_in(app, tx, by, user, set, None).await.map(|_| ())
            }
            Step::SetStatus { username, status, .. } => {
                users::set_status_in(app, tx, by, self.user(username)?, *status).await
            }
            Step::Grant { username, role, until, reason, .. } => {
                let user = self.user(username)?;
                grants::grant_in(app, tx, by, user, role, *until, reason).await
            }
            Step::Revoke { username, role } => {
                grants::revoke_in(app, tx, by, self.user(username)?, role).await
            }
        }
    }

    async fn role(&self, tx: &mut Tx, role: &RoleName, change: &RoleChange) -> Result<()> {
        roles::change_with(self.app, tx, self.by, role, change, Cycles::RuledOut).await
    }

    fn user(&self, name: &Username) -> Result<&User> {
        let found = self.users.get(name.as_str());
        found.ok_or_else(|| Refusal::NoUser(name.as_str().to_owned()).into())
    }
}
