//! `/admin/audit`: who changed what, as page and as CSV.

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;
use uuid::Uuid;

use super::{
    Error, csv,
    form::Asked,
    page::Page,
    pages::{
        Frame, Room,
        admin::{AuditFilter, AuditPage},
    },
    people,
};
use crate::{
    app::App,
    auth::{
        self,
        name::{self, PermissionName, RoleName},
        users,
    },
    db::{
        UserId,
        audit::{self, Action, ActorIs, Filter, Record, TargetIs},
        roles,
    },
    text,
};

const ROOM: Room = Room { lines: 30, bytes: 12_000 };
/// Most records of a CSV: what fits in memory without doubt.
const MOST_IN_CSV: usize = 50_000;
const BATCH: i64 = 1000;

#[derive(Deserialize)]
pub struct Query {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// Id of the last record of the page before.
    before: Option<Uuid>,
}

impl Query {
    fn address(&self, before: Option<Uuid>) -> String {
        let before = before.map(|id| id.to_string()).unwrap_or_default();
        let fields = [
            ("actor", self.actor.as_str()),
            ("target", &self.target),
            ("action", &self.action),
            ("from", &self.from),
            ("to", &self.to),
            ("before", &before),
        ];
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty())).finish()
    }
}

/// A filter and its range of ids, or what is wrong with it.
async fn parse(app: &App, query: &Query) -> Result<Result<(Filter, (Uuid, Uuid)), String>, Error> {
    let mut filter = Filter { action: query.action.trim().to_owned(), ..Filter::default() };
    let actor = query.actor.trim();
    if let Some(label) = text::audit::label_of_actor(actor) {
        filter.actor = Some(ActorIs::Label(label));
    } else if !actor.is_empty() {
        match once_called(app, actor).await? {
            Some(id) => filter.actor = Some(ActorIs::User(id)),
            None => return Ok(Err(text::audit::NO_SUCH_ACTOR.to_owned())),
        }
    }
    let target = query.target.trim();
    if !target.is_empty() {
        // A role may be called like somebody: `role editor` means the role.
        let only_role = target.strip_prefix("role ").map(str::trim);
        let name = only_role.unwrap_or(target);
        let names = (RoleName::parse(name), PermissionName::parse(name));
        let is_role = roles::list(&app.db).await?.iter().any(|role| role.name == name);
        let found = match only_role {
            Some(_) => None,
            None if is_role => person(app, name).await?,
            None => once_called(app, name).await?,
        };
        filter.target = match (found, names) {
            (Some(id), _) => Some(TargetIs::User(id)),
            (None, (Ok(role), _)) => Some(TargetIs::Role(role.as_str().to_owned())),
            (None, (_, Ok(name))) => Some(TargetIs::Permission(name.as_str().to_owned())),
            (None, _) => return Ok(Err(text::audit::NO_SUCH_TARGET.to_owned())),
        };
    }
    let day = |typed: &str, other: OffsetDateTime| match typed.trim() {
        "" => Some(other),
        typed => people::parse_time(typed),
    };
    let end = app.now() + Duration::days(1);
    let bounds = day(&query.from, OffsetDateTime::UNIX_EPOCH).zip(day(&query.to, end));
    let Some((from, to)) = bounds else { return Ok(Err(text::audit::DAY_INVALID.to_owned())) };
    // No day comes after the last one.
    let upper = audit::id_at(to.checked_add(Duration::days(1)).unwrap_or(to));
    let before = query.before.map_or(upper, |before| before.min(upper));
    Ok(Ok((filter, (audit::id_at(from), before))))
}

/// Whom the name, e-mail or id means. Records of a removed person are found by the id.
async fn person(app: &App, typed: &str) -> Result<Option<UserId>, Error> {
    match users::find(app, typed).await {
        Ok(user) => Ok(Some(user.id)),
        Err(auth::Error::Refused(_)) => Ok(typed.parse().ok().map(UserId)),
        Err(error) => Err(error.into()),
    }
}

/// The same, or else whoever gave up this name last, as far as the newest edits tell: the trail
/// is not searched whole.
async fn once_called(app: &App, typed: &str) -> Result<Option<UserId>, Error> {
    const EDITS: i64 = 1000;
    if let Some(id) = person(app, typed).await? {
        return Ok(Some(id));
    }
    let Some(key) = name::key(typed) else { return Ok(None) };
    let edits = Filter { action: Action::UserEdit.name().to_owned(), ..Filter::default() };
    let edits = audit::list(&app.db, &edits, (Uuid::nil(), Uuid::max()), EDITS).await?;
    let gave_up = |record: &&Record| {
        let personal = record.target_personal.as_deref().unwrap_or_default();
        let personal: Value = serde_json::from_str(personal).unwrap_or_default();
        personal["before"]["username"] == key && personal["after"]["username"] != key
    };
    let found = edits.iter().find(gave_up).and_then(|record| record.target_id.parse().ok());
    Ok(found.map(UserId))
}

pub async fn list(
    State(app): State<App>,
    frame: Frame,
    Asked(query): Asked<Query>,
) -> Result<impl IntoResponse, Error> {
    let most = ROOM.lines as i64 + 1;
    let (records, problem) = match parse(&app, &query).await? {
        Ok((filter, range)) => (audit::list(&app.db, &filter, range, most).await?, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let (records, older) = people::records_fitting(records, ROOM);
    let more = older.map(|last| query.address(Some(last)));
    Ok(Page(AuditPage {
        frame,
        actions: text::audit::actions(),
        problem,
        more,
        first: query.before.map(|_| query.address(None)).map(|search| match search {
            all if all.is_empty() => "action=".to_owned(),
            search => search,
        }),
        csv: query.address(None),
        records,
        filter: AuditFilter {
            actor: query.actor,
            target: query.target,
            action: query.action,
            from: query.from,
            to: query.to,
        },
    }))
}

pub async fn as_csv(
    State(app): State<App>,
    Asked(query): Asked<Query>,
) -> Result<impl IntoResponse, Error> {
    let header = [
        "time",
        "actor",
        "action",
        "what",
        "detail",
        "before and after",
        "actor id",
        "target",
        "target id",
        "address",
        "request",
    ];
    let mut file = csv::File::new(&header);
    let Ok((filter, (after, mut before))) = parse(&app, &query).await? else {
        return Err(Error::BadRequest);
    };
    let mut count = 0;
    while count < MOST_IN_CSV {
        let records = audit::list(&app.db, &filter, (after, before), BATCH).await?;
        let Some(last) = records.last() else { break };
        before = last.id;
        count += records.len();
        for record in records {
            row(&mut file, record);
        }
    }
    if count >= MOST_IN_CSV {
        file.row(&[text::audit::CSV_CUT]);
    }
    Ok(file.into_response("audit.csv"))
}

fn row(file: &mut csv::File, record: Record) {
    let (at, actor_id) = (csv::time(Some(record.at)), record.actor_id);
    let actor_id = actor_id.map(|id| id.to_string()).unwrap_or_default();
    let Record { action, detail, target, target_id, .. } = record.clone();
    let line = people::record_line(record);
    let changes = line.changes.iter();
    let changes: Vec<_> =
        changes.map(|(label, before, after)| format!("{label}: {before:?} -> {after:?}")).collect();
    file.row(&[
        &at,
        &line.actor,
        &action,
        &line.what,
        &detail,
        &changes.join("; "),
        &actor_id,
        &target,
        &target_id,
        &line.address,
        &line.request_id,
    ]);
}
