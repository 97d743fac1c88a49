//! Why a line of a file is not taken. No reason shows what stands in the file, where a hash could
//! stand in any column: but names of keys, and names that roles can have.

use super::{
    MAX_LINE_BYTES,
    csv::COLUMNS,
    field::{Field, Use},
};
use crate::auth::{
    hasher::{self, Unfit, Weak},
    name::{NameError, RoleName},
};

/// A line, what of it is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The first line of the file is 1; of a record of several lines the first.
    pub line: u64,
    /// `None`: all of it.
    pub field: Option<Field>,
    pub reason: Reason,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field {
            Some(field) => write!(f, "line {}, {}: {}", self.line, field.name(), self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

/// What is wrong, before the line is known.
pub(super) type Flaw = (Option<Field>, Reason);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error(
        "it has another number of columns than the first line, {found} and not {expected}; perhaps a quote is missing"
    )]
    Columns { found: usize, expected: usize },
    #[error("it has more than {COLUMNS} columns; perhaps a quote is missing")]
    TooManyColumns,
    #[error("it is longer than {} KiB; perhaps a quote is not closed", MAX_LINE_BYTES / 1024)]
    TooLong,
    #[error("it is not written in UTF-8; save the file as UTF-8")]
    Encoding,
    #[error("it is no whole JSON object, from column {0} on; perhaps it was cut")]
    Json(usize),
    #[error(
        "there is no field {0:?}; say what it is with --map {0}=FIELD, or {0}=- to leave it out"
    )]
    Unknown(String),
    #[error("it is there twice; keep one of them")]
    Twice,
    #[error("it is no text")]
    NoText,
    #[error("it is no list of texts")]
    NoList,
    #[error("it is missing")]
    Missing,
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(
        "one of them is no role name: up to 64 of a-z, 0-9, dot, underscore and dash, the first a letter or digit"
    )]
    RoleName,
    #[error("there is no role {0}; make it, or let --create-roles make those that are missing")]
    NoRole(String),
    #[error("one of them is a digest and no role; perhaps columns are mixed up")]
    RoleIsDigest,
    #[error("names that begin with \"rolecall.\" are reserved; choose another")]
    Reserved,
    #[error("it is neither active nor disabled")]
    Status,
    #[error(transparent)]
    Hash(#[from] Unfit),
    #[error("it holds control characters")]
    Control,
    #[error(
        "the password hash needs a key that the key file does not have; add that key's line to it, or leave the hash out"
    )]
    Pepper,
    #[error("an earlier line of the file has it")]
    Earlier,
    #[error(
        "there is a user of this name already, with another e-mail or password; change that one, or take the line out"
    )]
    NameTaken,
    #[error("somebody else has it already; take the line out, or change one of the two")]
    EmailTaken,
    #[error(
        "it looks like the name of somebody else; rename one of the two, or take both with --allow-lookalikes"
    )]
    LooksTaken,
}

impl Reason {
    /// Nobody has made the role. A digest has the form of such a name, and is not shown.
    pub(super) fn no_role(role: &RoleName) -> Self {
        match hasher::scheme_of(role.as_str()) {
            Err(Unfit::Weak(Weak::OneDigest)) => Self::RoleIsDigest,
            _ => Self::NoRole(role.as_str().to_owned()),
        }
    }

    /// A key that nobody knows.
    pub(super) fn unknown(key: &str) -> Self {
        Self::Unknown(shortened(key))
    }
}

/// Why nothing of a file is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("the first line, which names the columns, is missing")]
    Missing,
    #[error(
        "the first line, which names the columns, is longer than {} KiB or has more than {COLUMNS} columns",
        MAX_LINE_BYTES / 1024
    )]
    TooLong,
    #[error("the first line is not written in UTF-8; save the file as UTF-8")]
    Encoding,
    #[error(
        "there is no field {0:?}; say what the column is with --map {0}=FIELD, or {0}=- to leave it out. Fields are {names}",
        names = Field::names()
    )]
    Unknown(String),
    #[error("there is one column, {0:?}; columns are separated by commas")]
    OneColumn(String),
    #[error("two columns are {0}; leave one of them out with --map COLUMN=-")]
    Twice(&'static str),
    #[error("there is no column {0:?} as --map says")]
    NotThere(String),
    #[error("no column is the username; say which one is with --map COLUMN=username")]
    NoUsername,
}

impl HeaderError {
    pub(super) fn unknown(columns: &[String], column: &str) -> Self {
        match columns.len() {
            1 if column.contains([';', '\t', '|']) => Self::OneColumn(shortened(column)),
            _ => Self::Unknown(shortened(column)),
        }
    }
}

/// # Errors
/// When two columns are one field, or none is the name.
pub(super) fn check_uses(uses: &[Use]) -> Result<(), HeaderError> {
    for field in Field::ALL {
        let number = uses.iter().filter(|is| **is == Use::As(*field)).count();
        match (number, field) {
            (0, Field::Username) => return Err(HeaderError::NoUsername),
            (0 | 1, _) => {}
            _ => return Err(HeaderError::Twice(field.name())),
        }
    }
    Ok(())
}

fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}
