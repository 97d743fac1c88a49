//! The lines of a batch beside one another and beside what is in the database: who is made, who is
//! there already, and what is refused.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::RangeInclusive,
};

use sha2::{Digest, Sha256};

use super::{
    Options,
    field::Field,
    reader::Batch,
    refused::{Flaw, Reason, Refused},
    report::Report,
    row::{Password, Row},
};
use crate::{
    app::App,
    auth::{
        hasher::{self, Scheme},
        name,
    },
    db::{
        Tx, UserId,
        imports::{self, Holder},
        roles,
    },
};

/// What becomes of a batch.
pub(super) struct Judged<'b> {
    /// Users to make.
    pub made: Vec<(UserId, &'b Row)>,
    /// Users who were there already.
    pub there: Vec<UserId>,
    pub refused: Vec<Refused>,
    pub report: Report,
    /// SHA-256, in hexadecimal, of what became of each line.
    pub digest: String,
}

/// Whom earlier batches of the file named, so that a second line of theirs is told as that, in a
/// first run and in any later one.
#[derive(Default)]
pub(super) struct Taken {
    /// Of each batch the ids of those it made, least and greatest. Nobody else makes users
    /// meanwhile: each batch has the turn of the admins.
    made: Vec<RangeInclusive<UserId>>,
    /// Of each batch the users who were there already, in order: 16 bytes for each of them, where a
    /// set would take three times that while it grows.
    there: Vec<Vec<UserId>>,
}

impl Taken {
    /// Once what was judged is in.
    pub fn add(&mut self, judged: &Judged<'_>) {
        if let (Some((first, _)), Some((last, _))) = (judged.made.first(), judged.made.last()) {
            self.made.push(*first..=*last);
        }
        if !judged.there.is_empty() {
            let mut there = judged.there.clone();
            there.sort_unstable();
            self.there.push(there);
        }
    }

    fn holds(&self, id: UserId) -> bool {
        let after = self.made.partition_point(|ids| *ids.end() < id);
        self.made.get(after).is_some_and(|ids| ids.contains(&id))
            || self.there.iter().any(|ids| is_among(ids, id))
    }
}

/// The ends first: users of a batch were mostly made together.
fn is_among(ids: &[UserId], id: UserId) -> bool {
    let is_within = ids.first() <= Some(&id) && Some(&id) <= ids.last();
    is_within && ids.binary_search(&id).is_ok()
}

/// What is there that lines of the batch name, and what earlier lines of the file took.
#[derive(Default)]
pub(super) struct Present {
    holders: HashMap<Vec<u8>, Holder>,
    looks: HashSet<Vec<u8>>,
    /// Of roles that lines name, those that nobody has made.
    missing_roles: BTreeSet<String>,
    /// Of a plan: keys and looks of users whom it would have made.
    planned: HashSet<Vec<u8>>,
}

impl Present {
    /// `roles`: of earlier batches, which a plan only would have made.
    pub async fn load(
        tx: &mut Tx,
        batch: &Batch,
        roles: &BTreeSet<String>,
        options: &Options,
    ) -> sqlx::Result<Self> {
        let rows = || batch.lines.iter().filter_map(|(_, row)| row.as_ref().ok());
        let (mut keys, mut looks) = (Vec::new(), Vec::new());
        for row in rows() {
            keys.extend(row.keys().map(|key| key.as_bytes().to_vec()));
            looks.push(row.look.as_bytes().to_vec());
        }
        let mut present = Self::default();
        if options.plan {
            let planned = rows().flat_map(Row::planned).collect();
            present.planned = imports::list_planned(tx, planned).await?;
        }
        present.holders = imports::list_holders(tx, keys).await?;
        if !options.allow_lookalikes {
            present.looks = imports::list_looks(tx, looks).await?;
        }
        let named: BTreeSet<&str> =
            rows().flat_map(|row| &row.roles).map(|role| role.as_str()).collect();
        for role in named {
            if !roles.contains(role) && !self::roles::exists(tx, role).await? {
                present.missing_roles.insert(role.to_owned());
            }
        }
        Ok(present)
    }
}

enum Verdict {
    Make,
    AlreadyThere(UserId),
}

/// Judges lines one after the other.
pub(super) struct Judge<'p, 'b> {
    options: &'p Options,
    present: &'p Present,
    taken: &'p Taken,
    /// What lines of this batch took.
    keys: HashSet<&'b str>,
    looks: HashSet<&'b str>,
}

impl<'p, 'b> Judge<'p, 'b> {
    pub fn new(options: &'p Options, present: &'p Present, taken: &'p Taken) -> Self {
        let (keys, looks) = (HashSet::new(), HashSet::new());
        Self { options, present, taken, keys, looks }
    }

    /// # Errors
    /// The first refused line, where that ends the import.
    pub fn all(mut self, app: &App, batch: &'b Batch) -> Result<Judged<'b>, Refused> {
        let mut digest = Sha256::new();
        let (mut made, mut there, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut report = Report::default();
        for (line, row) in &batch.lines {
            let verdict = match row {
                Ok(row) => self
                    .one(row)
                    .map(|verdict| (row, verdict))
                    .map_err(|(field, reason)| Refused { line: *line, field, reason }),
                Err(refused) => Err(refused.clone()),
            };
            match verdict {
                Ok((row, Verdict::Make)) => {
                    let id = UserId(app.pen.clock.new_id());
                    digest.update(format!("{line} made {id}\n"));
                    report.count_made(row);
                    report.roles.extend(self.new_roles(row));
                    made.push((id, row));
                }
                Ok((_, Verdict::AlreadyThere(id))) => {
                    digest.update(format!("{line} there\n"));
                    report.already_there += 1;
                    there.push(id);
                }
                Err(why) if self.options.strict => return Err(why),
                Err(why) => {
                    let field = why.field.map_or("line", Field::name);
                    digest.update(format!("{line} refused {field}\n"));
                    report.refused += 1;
                    refused.push(why);
                }
            }
        }
        report.through_line = batch.span().1;
        Ok(Judged { made, there, refused, report, digest: hex::encode(digest.finalize()) })
    }

    fn one(&mut self, row: &'b Row) -> Result<Verdict, Flaw> {
        if self.keys.contains(row.username.as_str()) {
            return Err((Some(Field::Username), Reason::Earlier));
        }
        if let Some(id) = self.who_is_there(row)? {
            self.keys.extend(row.keys());
            return Ok(Verdict::AlreadyThere(id));
        }
        if let Some(email) = &row.email {
            self.free(email.key(), Field::Email, Reason::EmailTaken)?;
        }
        if !self.options.allow_lookalikes {
            let look = row.look.as_bytes();
            let is_taken = self.looks.contains(row.look.as_str())
                || self.present.looks.contains(look)
                || self.present.planned.contains(&row.planned_look());
            if is_taken {
                return Err((Some(Field::Username), Reason::LooksTaken));
            }
        }
        for role in &row.roles {
            if self.present.missing_roles.contains(role.as_str()) {
                let reason = match self.options.create_roles {
                    true if role.as_str().starts_with("rolecall.") => Reason::Reserved,
                    true => continue,
                    false => Reason::no_role(role),
                };
                return Err((Some(Field::Roles), reason));
            }
        }
        self.keys.extend(row.keys());
        self.looks.insert(&row.look);
        Ok(Verdict::Make)
    }

    /// The user, if they are there as an earlier run of the import made them, whatever became of
    /// them since.
    fn who_is_there(&self, row: &Row) -> Result<Option<UserId>, Flaw> {
        let name = row.username.as_str();
        match self.present.holders.get(name.as_bytes()) {
            Some(holder) if !self.taken.holds(holder.user_id) => match is_as_made(holder, row) {
                true => Ok(Some(holder.user_id)),
                false => Err((Some(Field::Username), Reason::NameTaken)),
            },
            _ => self.free(name, Field::Username, Reason::NameTaken).map(|()| None),
        }
    }

    /// # Errors
    /// An earlier line has the key, or somebody else.
    fn free(&self, key: &str, field: Field, taken: Reason) -> Result<(), Flaw> {
        let holder = self.present.holders.get(key.as_bytes());
        let is_earlier = self.keys.contains(key)
            || self.present.planned.contains(&planned_key(key))
            || holder.is_some_and(|holder| self.taken.holds(holder.user_id));
        match (is_earlier, holder) {
            (true, _) => Err((Some(field), Reason::Earlier)),
            (false, Some(_)) => Err((Some(field), taken)),
            (false, None) => Ok(()),
        }
    }

    fn new_roles<'r>(&'r self, row: &'r Row) -> impl Iterator<Item = String> + 'r {
        let names = row.roles.iter().map(|role| role.as_str().to_owned());
        names.filter(|name| self.present.missing_roles.contains(name))
    }
}

/// The same name and e-mail; and the hash of the line, or one that rolecall put in its place at a
/// login. A line without a hash says nothing of it.
fn is_as_made(holder: &Holder, row: &Row) -> bool {
    let email = holder.email.as_deref().and_then(name::key);
    if email.as_deref() != row.email.as_ref().map(name::Email::key) {
        return false;
    }
    match (&row.password, &holder.password_hash) {
        (Password::None | Password::Weak(_), _) => true,
        (Password::Hash(hash, _), Some(held)) => {
            hash == held || hasher::scheme_of(held) == Ok(Scheme::Argon2id)
        }
        (Password::Hash(..), None) => false,
    }
}

impl Row {
    /// What nobody else may have as name or e-mail.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let email = self.email.as_ref().map(name::Email::key);
        std::iter::once(self.username.as_str()).chain(email)
    }

    /// Keys and look as a plan remembers them.
    pub(super) fn planned(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.keys().map(planned_key).chain(std::iter::once(self.planned_look()))
    }

    fn planned_look(&self) -> Vec<u8> {
        [b"look ", self.look.as_bytes()].concat()
    }
}

fn planned_key(key: &str) -> Vec<u8> {
    [b"key ", key.as_bytes()].concat()
}

/// Counts by status, for the tallies.
pub(super) fn by_status(made: &[(UserId, &Row)]) -> BTreeMap<&'static str, i64> {
    use crate::db::{tallies, users::Status};
    let mut numbers = BTreeMap::new();
    for (_, row) in made {
        let tally = if row.status == Status::Active { tallies::ACTIVE } else { tallies::DISABLED };
        *numbers.entry(tally).or_default() += 1;
    }
    numbers
}
