//! Takes users with the password hashes that another program made, from a file of any length: read
//! in batches, each of which is judged as a whole and written in one transaction with one audit
//! record. Run again, it goes on where it stopped: who is there as their line says is left alone.

mod csv;
mod field;
mod jsonl;
mod judge;
#[cfg(test)]
mod properties;
mod reader;
mod refused;
mod report;
mod row;
mod source;

use std::{collections::BTreeSet, io};

use serde_json::json;
use tokio::sync::mpsc::Receiver;

use self::judge::{Judge, Judged, Present, Taken, by_status};
use super::{
    By, Error, admins,
    name::RoleName,
    roles::{self, RoleChange},
};
use crate::{
    app::App,
    db::{
        Tx, UserId,
        audit::{Action, Entry, Target},
        imports::{self, Lookalikes, NewUser},
        is_unavailable, tallies,
    },
};

pub use self::{
    field::{Field, Mapping, MappingError, Mappings},
    reader::Batch,
    refused::{HeaderError, Reason, Refused},
    report::Report,
    source::Input,
};

/// Most bytes of a line, or of a record of several lines.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// A batch is tried so often when somebody else takes one of its names meanwhile.
const TRIES: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180; the first line names the columns.
    Csv,
    /// An object on each line.
    Jsonl,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Say what would happen; change nothing.
    pub plan: bool,
    /// Make roles that lines name and nobody has made.
    pub create_roles: bool,
    /// End at the first line that is refused.
    pub strict: bool,
    /// Take names that look like those of others.
    pub allow_lookalikes: bool,
}

/// Why an import ends before the file does. Whole batches are in or not.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    #[error("reading it ended early, which is a mistake of rolecall")]
    Reader,
    /// With [`Options::strict`]: the line, and the first one of its batch.
    #[error("{0}")]
    Strict(Refused, u64),
    #[error(transparent)]
    Auth(#[from] Error),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Auth(error.into())
    }
}

/// A file that is being taken. For the operator: nobody's rights are asked.
pub struct Import<'a> {
    app: &'a App,
    by: &'a By,
    options: Options,
    batches: Receiver<reader::Read>,
    /// Of a plan: what it sees, and where it notes what it would have made.
    scratch: Option<Tx>,
    taken: Taken,
    report: Report,
}

impl<'a> Import<'a> {
    pub async fn begin(
        app: &'a App,
        by: &'a By,
        (input, format, mappings): (Input, Format, Mappings),
        options: Options,
    ) -> Result<Self, ImportError> {
        imports::prepare(&app.db).await?;
        let mut scratch = None;
        if options.plan {
            let mut tx = app.db.begin_scratch().await?;
            imports::create_planned(&mut tx).await?;
            scratch = Some(tx);
        }
        let batches = reader::start(input, format, mappings, app.hasher.clone())?;
        let (taken, report) = (Taken::default(), Report::default());
        Ok(Self { app, by, options, batches, scratch, taken, report })
    }

    /// What became of the batches so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Waits for the next batch; `None` at the end of the file. Nothing is lost when the waiting
    /// ends early.
    pub async fn next(&mut self) -> Result<Option<Batch>, ImportError> {
        self.batches.recv().await.unwrap_or(Err(ImportError::Reader))
    }

    /// Takes all of a batch that is to be taken. Returns which lines are refused.
    ///
    /// # Errors
    /// Nothing of the batch is taken then, unless the database failed at the commit.
    pub async fn take(&mut self, batch: &Batch) -> Result<Vec<Refused>, ImportError> {
        let mut tries = 1;
        loop {
            match self.take_once(batch).await {
                Err(ImportError::Auth(Error::Db(error))) if tries < TRIES && is_clash(&error) => {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn take_once(&mut self, batch: &Batch) -> Result<Vec<Refused>, ImportError> {
        let judged = match &mut self.scratch {
            Some(tx) => {
                let known = (&self.options, &self.report.roles, &self.taken);
                let judged = judge(self.app, tx, batch, known).await?;
                let planned = judged.made.iter().flat_map(|(_, row)| row.planned());
                imports::add_planned(tx, planned.collect()).await?;
                judged
            }
            None => {
                let mut tx = self.app.db.begin_aside().await?;
                let watch = admins::watch(&mut tx).await?;
                let known = (&self.options, &BTreeSet::new(), &self.taken);
                let judged = judge(self.app, &mut tx, batch, known).await?;
                // Where nobody is made, nothing is to be recorded.
                if !judged.made.is_empty() {
                    write(self.app, &mut tx, self.by, batch, (&judged, self.lookalikes())).await?;
                    watch.settle(&mut tx).await?;
                    tx.commit().await?;
                }
                judged
            }
        };
        self.taken.add(&judged);
        self.report.add(judged.report);
        Ok(judged.refused)
    }

    fn lookalikes(&self) -> Lookalikes {
        if self.options.allow_lookalikes { Lookalikes::Take } else { Lookalikes::Refuse }
    }
}

async fn judge<'b>(
    app: &App,
    tx: &mut Tx,
    batch: &'b Batch,
    (options, roles, taken): (&Options, &BTreeSet<String>, &Taken),
) -> Result<Judged<'b>, ImportError> {
    let present = Present::load(tx, batch, roles, options).await?;
    let judged = Judge::new(options, &present, taken).all(app, batch);
    judged.map_err(|refused| ImportError::Strict(refused, batch.span().0))
}

async fn write(
    app: &App,
    tx: &mut Tx,
    by: &By,
    batch: &Batch,
    (judged, lookalikes): (&Judged<'_>, Lookalikes),
) -> Result<(), Error> {
    for name in &judged.report.roles {
        let change = RoleChange::Create { description: String::new() };
        roles::change_in(app, tx, by, &RoleName::parse(name)?, &change).await?;
        // New users take nothing from anybody; what is there of a role that is new may.
        tx.takes_away();
    }
    let users: Vec<_> = judged.made.iter().map(|(id, row)| new_user(*id, row)).collect();
    imports::create(tx, &users, app.now(), lookalikes).await?;
    let grants =
        judged.made.iter().flat_map(|(id, row)| row.roles.iter().map(|role| (id.0, role.as_str())));
    imports::create_grants(tx, &grants.collect::<Vec<_>>(), app.now(), &by.actor).await?;
    for (tally, number) in by_status(&judged.made) {
        tallies::add(tx, tally, number).await?;
    }
    let (first, last) = batch.span();
    let report = &judged.report;
    let entry = Entry::new(Action::UsersImport, Target::Users).detail(json!({
        "lines": [first, last],
        "made": report.made,
        "without_password": report.without_password,
        "already_there": report.already_there,
        "refused": report.refused,
        "digest": judged.digest,
    }));
    Ok(app.pen.record(tx, by, entry).await?)
}

fn new_user(id: UserId, row: &row::Row) -> NewUser<'_> {
    NewUser {
        id: id.0,
        status: row.status,
        username: row.username.as_str(),
        look: &row.look,
        email: row.email.as_ref().map(|email| (email.as_str(), email.key())),
        display_name: &row.display_name,
        password_hash: row.password.hash(),
    }
}

/// Somebody took a name, or deleted a role, after we had looked.
fn is_clash(error: &sqlx::Error) -> bool {
    let of_rule = |error: &dyn sqlx::error::DatabaseError| {
        error.is_unique_violation() || error.is_foreign_key_violation()
    };
    !is_unavailable(error) && error.as_database_error().is_some_and(of_rule)
}
