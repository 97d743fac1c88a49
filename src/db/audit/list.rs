//! Records as lists show them, newest first.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::{Db, UserId, sql};

/// A record as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub action: String,
    pub actor: String,
    pub actor_id: Option<Uuid>,
    pub target: String,
    pub target_id: String,
    /// JSON: what changed, without anything personal.
    pub detail: String,
    pub request_id: Option<String>,
    /// JSON: the actor's name and address; gone with the person.
    pub actor_personal: Option<String>,
    /// JSON: the target's name and other personal values; gone with the person.
    pub target_personal: Option<String>,
}

macro_rules! select_records {
    ($db:expr, $from:literal $(, $arg:expr)*) => {
        sql!($db, fetch_all Record:
            r#"select a.id as "id: Uuid", a.at as "at: OffsetDateTime", a.action, a.actor,
                      a.actor_id as "actor_id: Uuid", a.target, a.target_id, a.detail,
                      a.request_id, p.content as "actor_personal?", t.content as "target_personal?"
               from audit a
               left join audit_personal p on p.audit_id = a.id and p.part = 'actor'
               left join audit_personal t on t.audit_id = a.id and t.part = 'target'
               where a.id > $1 and a.id < $2 and "# + $from + " order by a.id desc limit $3"
            $(, $arg)*)
    };
}

/// Which records to list. Ids sort by time, so a time is asked for as the id of its moment.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub actor: Option<ActorIs>,
    pub target: Option<TargetIs>,
    /// Empty: any.
    pub action: String,
}

#[derive(Debug, Clone)]
pub enum ActorIs {
    User(UserId),
    /// A label, such as `cli:root`.
    Label(String),
}

#[derive(Debug, Clone)]
pub enum TargetIs {
    User(UserId),
    Role(String),
    Permission(String),
}

/// The newest records first, between the ids `after` and `before`. One statement for each
/// filter that an index serves; what is left is looked at row by row.
pub async fn list(
    db: &Db,
    filter: &Filter,
    (after, before): (Uuid, Uuid),
    limit: i64,
) -> sqlx::Result<Vec<Record>> {
    let action = filter.action.as_str();
    let (kind, target_id) = match &filter.target {
        Some(TargetIs::User(id)) => ("user", id.to_string()),
        Some(TargetIs::Role(name)) => ("role", name.clone()),
        Some(TargetIs::Permission(name)) => ("permission", name.clone()),
        None => ("", String::new()),
    };
    match &filter.actor {
        actor if filter.target.is_some() => {
            let (label, is_label, id) = match actor {
                Some(ActorIs::User(id)) => ("user", false, id.0),
                Some(ActorIs::Label(label)) => (label.as_str(), true, Uuid::nil()),
                None => ("", true, Uuid::nil()),
            };
            select_records!(
                db,
                "a.target = $4 and a.target_id = $5 and ($6 = '' or a.action = $6)
                 and ($7 = '' or a.actor = $7) and ($8 or a.actor_id = $9)",
                after,
                before,
                limit,
                kind,
                target_id,
                action,
                label,
                is_label,
                id
            )
        }
        Some(ActorIs::User(id)) if action.is_empty() => {
            select_records!(db, "a.actor_id = $4", after, before, limit, id.0)
        }
        Some(ActorIs::User(id)) => select_records!(
            db,
            "a.actor_id = $4 and a.action = $5",
            after,
            before,
            limit,
            id.0,
            action
        ),
        Some(ActorIs::Label(label)) if action.is_empty() => {
            select_records!(db, "a.actor = $4", after, before, limit, label)
        }
        Some(ActorIs::Label(label)) => select_records!(
            db,
            "a.actor = $4 and a.action = $5",
            after,
            before,
            limit,
            label,
            action
        ),
        None if !action.is_empty() => {
            select_records!(db, "a.action = $4", after, before, limit, action)
        }
        None => select_records!(db, "true", after, before, limit),
    }
}

/// The newest records that are about a person, as actor or as target.
pub async fn list_about(
    db: &Db,
    user_id: UserId,
    before: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Record>> {
    let after = Uuid::nil();
    select_records!(
        db,
        "a.id in (select distinct audit_id from audit_personal
                   where user_id = $4 and audit_id > $1 and audit_id < $2
                   order by audit_id desc limit $3)",
        after,
        before,
        limit,
        user_id.0
    )
}

/// The least id of the records of that moment and later.
pub fn id_at(at: OffsetDateTime) -> Uuid {
    let ms = (at.unix_timestamp_nanos() / 1_000_000).clamp(0, (1 << 48) - 1) as u128;
    Uuid::from_u128(ms << 80)
}
