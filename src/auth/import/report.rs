//! What becomes of the lines of a file, in numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::row::{Password, Row};
use crate::auth::hasher::{Scheme, Weak};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Users who were made.
    pub made: u64,
    /// Of these, whose hashes were taken.
    pub schemes: BTreeMap<Scheme, u64>,
    /// Of these, without a password: they need a link to choose one.
    pub without_password: u64,
    /// Of these, whose password was kept too weakly to take it.
    pub weak: BTreeMap<Weak, u64>,
    /// Users who were there as the line has them.
    pub already_there: u64,
    /// Lines of which nothing was taken.
    pub refused: u64,
    /// Roles that were made for them.
    pub roles: BTreeSet<String>,
    /// The last line that all this tells of; 0: none.
    pub through_line: u64,
}

impl Report {
    pub(super) fn count_made(&mut self, row: &Row) {
        self.made += 1;
        match &row.password {
            Password::Hash(_, scheme) => *self.schemes.entry(*scheme).or_default() += 1,
            Password::None => self.without_password += 1,
            Password::Weak(weak) => {
                self.without_password += 1;
                *self.weak.entry(*weak).or_default() += 1;
            }
        }
    }

    pub(super) fn add(&mut self, more: Self) {
        self.made += more.made;
        for (scheme, number) in more.schemes {
            *self.schemes.entry(scheme).or_default() += number;
        }
        self.without_password += more.without_password;
        for (weak, number) in more.weak {
            *self.weak.entry(weak).or_default() += number;
        }
        self.already_there += more.already_there;
        self.refused += more.refused;
        self.roles.extend(more.roles);
        self.through_line = more.through_line;
    }
}
