//! The audit trail. A record is written in the transaction of the change it tells of, by the
//! function that makes the change. Whatever is personal stands apart, under a salted digest,
//! so that it can be deleted with the person and the record remains.

mod action;
mod list;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Tx, UserId, sql, tallies};
pub use action::Action;
pub use list::{ActorIs, Filter, Record, TargetIs, id_at, list, list_about};

use crate::{
    clock::Clock,
    random::{Random, RandomFailed},
};

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    User {
        id: UserId,
        name: String,
    },
    /// The operator at the terminal, by the name of the OS user.
    Cli(String),
    /// The application that has rolecall in it.
    Application,
    /// Somebody who is not signed in.
    Visitor,
    /// rolecall by itself.
    System,
}

impl Actor {
    /// `user`, `cli:<OS user>`, `application`, `visitor` or `system`.
    pub fn label(&self) -> String {
        match self {
            Self::User { .. } => "user".into(),
            Self::Cli(name) => format!("cli:{name}"),
            Self::Application => "application".into(),
            Self::Visitor => "visitor".into(),
            Self::System => "system".into(),
        }
    }

    pub fn id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            _ => None,
        }
    }
}

/// Who makes a change, and from where. Handed to every function that changes something.
#[derive(Debug, Clone)]
pub struct By {
    pub actor: Actor,
    /// Address of the client; empty for the CLI.
    pub ip: String,
    pub request_id: Option<String>,
}

impl By {
    pub fn new(actor: Actor) -> Self {
        Self { actor, ip: String::new(), request_id: None }
    }
}

/// What a change is made to.
#[derive(Debug, Clone)]
pub enum Target {
    User {
        id: UserId,
        name: String,
    },
    Role(String),
    Permission(String),
    Session {
        id: Uuid,
        user_id: UserId,
        name: String,
    },
    Key(String),
    /// Nobody: a login with a name that does not exist.
    Nobody,
    /// Many users at once.
    Users,
    /// All sessions at once.
    Sessions,
    /// Counters of failed tries that are no single user's.
    Throttles,
    /// The trail itself.
    Audit,
}

impl Target {
    fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Role(_) => "role",
            Self::Permission(_) => "permission",
            Self::Session { .. } => "session",
            Self::Key(_) => "key",
            Self::Nobody => "none",
            Self::Users => "users",
            Self::Sessions => "sessions",
            Self::Throttles => "throttles",
            Self::Audit => "audit",
        }
    }

    fn id(&self) -> String {
        match self {
            Self::User { id, .. } => id.to_string(),
            Self::Role(name) | Self::Permission(name) | Self::Key(name) => name.clone(),
            Self::Session { id, .. } => id.to_string(),
            Self::Nobody | Self::Users | Self::Sessions | Self::Throttles | Self::Audit => {
                String::new()
            }
        }
    }

    fn person(&self) -> Option<(UserId, &str)> {
        match self {
            Self::User { id, name } | Self::Session { user_id: id, name, .. } => Some((*id, name)),
            _ => None,
        }
    }
}

/// One record to write: what was done to whom, and what changed.
#[derive(Debug)]
pub struct Entry {
    pub action: Action,
    pub target: Target,
    /// Before and after, without anything personal.
    pub detail: Value,
    /// Before and after of personal values (names, e-mails).
    pub personal: Map<String, Value>,
}

impl Entry {
    pub fn new(action: Action, target: Target) -> Self {
        Self { action, target, detail: Value::Object(Map::new()), personal: Map::new() }
    }

    pub fn detail(self, detail: Value) -> Self {
        Self { detail, ..self }
    }

    /// Adds a personal value, kept only as long as the person is.
    pub fn personal(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.personal.insert(name.into(), value.into());
        self
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Db(#[from] sqlx::Error),
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

/// What a record needs besides itself.
#[derive(Debug, Clone)]
pub struct Pen {
    pub clock: Clock,
    pub random: Random,
    has_recorded: Arc<AtomicBool>,
}

impl Pen {
    pub fn new(clock: Clock, random: Random) -> Self {
        Self { clock, random, has_recorded: Arc::default() }
    }

    /// Whether this process wrote a record, committed or not.
    pub fn has_recorded(&self) -> bool {
        self.has_recorded.load(Ordering::Relaxed)
    }

    /// Writes the record, and counts what is counted by day; both are in `tx` with the change, or
    /// neither is.
    pub async fn record(&self, tx: &mut Tx, by: &By, entry: Entry) -> Result<(), RecordError> {
        let id = self.clock.new_id();
        let actor = self.actor_part(by)?;
        let target = self.target_part(&entry)?;
        let (at, label, actor_id) =
            (self.clock.now(), by.actor.label(), by.actor.id().map(|id| id.0));
        let (kind, target_id) = (entry.target.kind(), entry.target.id());
        let (action, detail) = (entry.action.name(), entry.detail.to_string());
        let actor_digest = actor.as_ref().map(|part| part.digest());
        let target_digest = target.as_ref().map(|part| part.digest());
        self.has_recorded.store(true, Ordering::Relaxed);
        let [(actor_user, actor_text), (target_user, target_text)] = [actor, target].map(parts);
        let tally = tallies::of(entry.action);
        let day = tallies::day(at);
        // All in one go, since each costs a round trip. Postgres takes several with values as one
        // statement only; SQLite does not know that one, and counts values over all of its own.
        sql!(in tx, execute one of:
            ["insert into audit (id, at, action, actor, actor_id, target, target_id, detail,
                                 request_id, actor_digest, target_digest)
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
              insert into audit_unsealed (audit_id) values ($12);
              insert into audit_personal (audit_id, part, user_id, content)
              select $13, 'actor', $14, $15 where $15 is not null
              union all select $13, 'target', $16, $17 where $17 is not null;
              insert into tallies (name, day, n) select $18, $19, 1 where $18 is not null
              on conflict (name, day) do update set n = tallies.n + 1",
             id, at, action, label, actor_id, kind, target_id, detail,
             by.request_id, actor_digest, target_digest,
             id, id, actor_user, actor_text, target_user, target_text, tally, day],
            ["with record as (
                  insert into audit (id, at, action, actor, actor_id, target, target_id, detail,
                                     request_id, actor_digest, target_digest)
                  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
              ), line as (
                  insert into audit_unsealed (audit_id) values ($1)
              ), tally as (
                  insert into tallies (name, day, n)
                  select $16::text, $17::text, 1 where $16::text is not null
                  on conflict (name, day) do update set n = tallies.n + 1
              )
              insert into audit_personal (audit_id, part, user_id, content)
              select $1, part, user_id, content
              from (values ('actor', $12::uuid, $13::text), ('target', $14::uuid, $15::text))
                   parts (part, user_id, content)
              where content is not null",
             id, at, action, label, actor_id, kind, target_id, detail,
             by.request_id, actor_digest, target_digest,
             actor_user, actor_text, target_user, target_text, tally, day])?;
        Ok(())
    }

    fn actor_part(&self, by: &By) -> Result<Option<Personal>, RandomFailed> {
        let mut values = Map::new();
        if let Actor::User { name, .. } = &by.actor {
            values.insert("name".into(), name.as_str().into());
        }
        if !by.ip.is_empty() {
            values.insert("ip".into(), by.ip.as_str().into());
        }
        self.personal(by.actor.id(), values)
    }

    fn target_part(&self, entry: &Entry) -> Result<Option<Personal>, RandomFailed> {
        let mut values = entry.personal.clone();
        let person = entry.target.person();
        if let Some((_, name)) = person {
            values.insert("name".into(), name.into());
        }
        self.personal(person.map(|(id, _)| id), values)
    }

    fn personal(
        &self,
        user_id: Option<UserId>,
        mut values: Map<String, Value>,
    ) -> Result<Option<Personal>, RandomFailed> {
        if values.is_empty() {
            return Ok(None);
        }
        let salt = BASE64_URL_SAFE_NO_PAD.encode(self.random.bytes::<16>()?);
        values.insert("salt".into(), salt.into());
        Ok(Some(Personal { user_id, content: Value::Object(values).to_string() }))
    }
}

struct Personal {
    user_id: Option<UserId>,
    content: String,
}

impl Personal {
    fn digest(&self) -> String {
        personal_digest(&self.content)
    }
}

/// Whose, and what.
fn parts(personal: Option<Personal>) -> (Option<Uuid>, Option<String>) {
    match personal {
        Some(Personal { user_id, content }) => (user_id.map(|id| id.0), Some(content)),
        None => (None, None),
    }
}

/// What the record keeps of a personal part.
pub fn personal_digest(content: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(content.as_bytes()))
}

/// Deletes what the trail holds of a person beyond their id.
pub async fn forget(tx: &mut Tx, user_id: UserId) -> sqlx::Result<u64> {
    // Addresses of those who tried to log in to the account are most likely the person's own.
    sql!(in tx, execute:
        "delete from audit_personal where part = 'actor' and user_id is null and audit_id in
             (select audit_id from audit_personal where user_id = $1)", user_id.0)?;
    sql!(in tx, execute: "delete from audit_personal where user_id = $1", user_id.0)
}
