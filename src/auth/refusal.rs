//! Why an operation did not happen: a rule refused it, or something below failed.

use crate::{
    db::{self, audit::RecordError, is_unavailable},
    random::RandomFailed,
};

use super::{
    grants::REASON_CHARS, hasher::Busy, name::NameError, password::PasswordError,
    roles::DESCRIPTION_CHARS,
};

pub type Result<T> = std::result::Result<T, Error>;

/// What ends an operation early. Nothing of it has happened then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Too many wrong tries came before; seconds to wait.
    #[error("too many wrong tries; try again in {0} s")]
    HeldBack(u64),
    #[error("the database failed: {}", db::plain(.0))]
    Db(#[from] sqlx::Error),
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

impl Error {
    /// Whether the same may go through a little later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Busy(_) | Self::HeldBack(_) => true,
            Self::Db(error) => is_unavailable(error),
            Self::Refused(_) | Self::Random(_) => false,
        }
    }
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Db(error) => Self::Db(error),
            RecordError::Random(error) => Self::Random(error),
        }
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        Self::Refused(error.into())
    }
}

/// A rule said no. The sentence is for whoever asked, and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("the name {0} is taken, as somebody's name or e-mail; choose another")]
    NameTaken(String),
    #[error("the name {0} looks like that of somebody else; choose another")]
    NameLooksTaken(String),
    #[error("the e-mail {0} is taken, as somebody's e-mail or name; choose another")]
    EmailTaken(String),
    #[error("there is no user {0}; see: rolecall user list")]
    NoUser(String),
    #[error("there is no role {0}; see: rolecall role list")]
    NoRole(String),
    #[error("there is no permission {0}; role allow makes it, or see: rolecall role list")]
    NoPermission(String),
    #[error("there is no live session {0}; see: rolecall session list")]
    NoSession(String),
    #[error("the role {0} exists already")]
    RoleExists(String),
    #[error("the role {0} is built in and stays as it is; make a role of your own")]
    BuiltIn(String),
    #[error(
        "the role {0} is built in and is no part of other roles; grant it to the person instead"
    )]
    BuiltInIncluded(String),
    #[error("names that begin with \"rolecall.\" are reserved; choose another")]
    Reserved,
    #[error(
        "{0} cannot include itself, and here it would: {0} -> {1}; take one of these out first"
    )]
    Cycle(String, String),
    #[error(
        "this would leave no active admin who can log in and whose role has no end; make another one first"
    )]
    LastAdmin,
    #[error("the end of the grant lies in the past; name a later one")]
    EndInPast,
    #[error("{0} has the role {1} already; name another end or reason to change the grant")]
    HasRole(String, String),
    #[error("{0} does not have the role {1}; see: rolecall user show {0}")]
    NotGranted(String, String),
    #[error("your own rights do not reach this far; ask an administrator")]
    NotYours,
    #[error("somebody else changed this meanwhile; look at it again and repeat your change")]
    Changed,
    #[error(
        "a description has at most {DESCRIPTION_CHARS} characters, none of them control characters"
    )]
    Description,
    #[error(
        "the reason is longer than {REASON_CHARS} characters or holds control characters; shorten it"
    )]
    Reason,
    #[error("the current password is not right")]
    WrongPassword,
    #[error("nobody makes a link for themselves; change your password on your account page")]
    OwnLink,
    #[error("this link is not valid (any more)")]
    LinkInvalid,
    #[error("there is an admin already")]
    SetupDone,
    #[error("{0} is disabled; enable the account first: rolecall user enable {0}")]
    Disabled(String),
}
