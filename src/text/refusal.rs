//! What a refusal says on a page that has no field for it. The commands say it in their own
//! words, with the command that helps.

use super::{form, whole};
use crate::auth::Refusal;

/// A long way by its two ends.
fn shortened(path: &str) -> String {
    const ENDS: usize = 4;
    let steps: Vec<&str> = path.split(" -> ").collect();
    match steps.len() {
        0..=9 => path.to_owned(),
        many => {
            let (first, last) = (&steps[..ENDS], &steps[many - ENDS..]);
            format!("{} -> … -> {}", first.join(" -> "), last.join(" -> "))
        }
    }
}

pub fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Name(_) => form::USERNAME_INVALID.to_owned(),
        Refusal::Password(error) => form::password_problem(*error),
        Refusal::NameTaken(_) => form::USERNAME_TAKEN.to_owned(),
        Refusal::OwnLink => "Nobody makes a link for themselves. Change your password on your \
                             account page."
            .to_owned(),
        Refusal::NameLooksTaken(_) => form::USERNAME_LOOKS_TAKEN.to_owned(),
        Refusal::EmailTaken(_) => form::EMAIL_TAKEN.to_owned(),
        Refusal::NoUser(name) => format!("There is no user {}. Check the name.", whole(name)),
        Refusal::NoRole(name) => format!("There is no role {name}. Check its name."),
        Refusal::NoPermission(name) => {
            format!("There is no permission {name}. Check its name, or add it to a role first.")
        }
        Refusal::NoSession(_) => "This session has ended already.".to_owned(),
        Refusal::RoleExists(_) => form::ROLE_EXISTS.to_owned(),
        Refusal::BuiltIn(name) => {
            format!("The role {name} is built in and stays as it is. Make a role of your own.")
        }
        Refusal::BuiltInIncluded(name) => format!(
            "The role {name} is built in and is no part of other roles. Grant it to the person \
             instead."
        ),
        Refusal::Reserved => form::ROLE_NAME_INVALID.to_owned(),
        Refusal::Cycle(role, path) => format!(
            "A role cannot include itself, and {role} would: {role} -> {}. Take one of these \
             out first.",
            shortened(path)
        ),
        Refusal::LastAdmin => form::LAST_ADMIN.to_owned(),
        Refusal::EndInPast => form::UNTIL_PAST.to_owned(),
        Refusal::HasRole(..) => form::ROLE_HELD.to_owned(),
        Refusal::NotGranted(user, role) => {
            format!("{} does not have the role {role} (any more).", whole(user))
        }
        Refusal::NotYours => form::NOT_YOURS.to_owned(),
        Refusal::Changed => form::MEANWHILE.to_owned(),
        Refusal::Description => form::DESCRIPTION_INVALID.to_owned(),
        Refusal::Reason => form::REASON_INVALID.to_owned(),
        Refusal::WrongPassword => form::CURRENT_PASSWORD_WRONG.to_owned(),
        Refusal::LinkInvalid => super::error::LINK_INVALID.to_owned(),
        Refusal::SetupDone => super::error::SETUP_DONE.to_owned(),
        Refusal::Disabled(name) => {
            format!("{} is disabled. Enable the account first.", whole(name))
        }
    }
}

/// The role has no such permission, include or grantor, or no longer has it.
pub fn not_carried(role: &str, permission: &str) -> String {
    format!("The role {role} does not carry the permission {permission} (any more).")
}

pub fn not_included(role: &str, other: &str) -> String {
    format!("The role {role} does not include the role {other} (any more).")
}

pub fn no_grantor(role: &str, other: &str) -> String {
    format!("The role {other} is no grantor of the role {role} (any more).")
}
