//! What several pages show of people: sessions, records, grants, times.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::pages::{Record as Line, Room, SessionLine};
use crate::{
    app::App,
    db::{
        UserId,
        audit::{self, Action, Record},
        grants::Named,
        sessions::Session,
    },
    text::{self, confirm::Open},
};

/// `Firefox on Linux`, as far as the browser says.
pub fn device(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        let known = names.iter().find(|(sign, _)| user_agent.contains(sign));
        known.map(|(_, name)| *name)
    };
    // Browsers name those they descend from, so the youngest come first.
    let browser = find(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => text::sessions::device(browser, system),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => text::sessions::UNKNOWN_DEVICE.to_owned(),
    }
}

pub fn session_line(session: &Session, this: uuid::Uuid, can_end: bool) -> SessionLine {
    SessionLine {
        id: session.id.to_string(),
        user_id: session.user_id.to_string(),
        username: session.username.clone(),
        device: device(&session.user_agent),
        address: session.ip.clone(),
        created: text::time(session.created_at),
        last_seen: text::time(session.last_seen_at),
        is_this: session.id == this,
        can_end,
    }
}

/// The same for the page that asks before it ends.
pub fn open(line: &SessionLine) -> Open<'_> {
    Open {
        device: &line.device,
        address: &line.address,
        created: &line.created,
        last_seen: &line.last_seen,
        is_this: line.is_this,
    }
}

/// Who granted it, as people know them.
pub fn granter(grant: &Named) -> String {
    match (&grant.granted_by_name, grant.granted_by_id) {
        (Some(name), _) if !name.is_empty() => name.clone(),
        (_, id) => actor_name(&grant.granted_by, id),
    }
}

/// The same for a file, with the whole id of a removed person.
pub fn granter_in_full(grant: &Named) -> String {
    let has_name = grant.granted_by_name.as_ref().is_some_and(|name| !name.is_empty());
    match grant.granted_by_id.filter(|_| !has_name) {
        Some(id) => format!("{} ({id})", text::audit::REMOVED_PERSON),
        None => granter(grant),
    }
}

/// Somebody who has no name of their own, or no longer.
fn actor_name(label: &str, id: Option<Uuid>) -> String {
    match (label.split_once(':'), id) {
        (_, Some(id)) => text::audit::removed_person(&id.to_string()),
        (Some(("cli", name)), _) => text::audit::operator(name),
        _ if label == "visitor" => text::audit::VISITOR.to_owned(),
        _ if label == "application" => text::audit::APPLICATION.to_owned(),
        _ if label == "user" => text::audit::REMOVED_PERSON.to_owned(),
        _ => text::audit::SYSTEM.to_owned(),
    }
}

/// A record in plain words.
pub fn record_line(record: Record) -> Line {
    let parse = |text: Option<&str>| -> Value {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
    };
    let actor = parse(record.actor_personal.as_deref());
    let target = parse(record.target_personal.as_deref());
    let detail = parse(Some(&record.detail));
    let string = |value: &Value, key: &str| {
        let found = key.split('.').try_fold(value, |value, key| value.get(key));
        match found {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    };
    let actor_name = match string(&actor, "name") {
        name if name.is_empty() => actor_name(&record.actor, record.actor_id),
        name => name,
    };
    let target_name = match (string(&target, "name"), record.target.as_str()) {
        (name, _) if !name.is_empty() => name,
        (_, "user") => text::audit::removed_person(&record.target_id),
        // Whose session it was went with them.
        (_, "session") => text::audit::REMOVED_PERSON.to_owned(),
        (_, _) => record.target_id.clone(),
    };
    let mut changes = Vec::new();
    for source in [&detail, &target] {
        changes.extend(differences(source));
    }
    Line {
        at: text::time(record.at),
        actor: actor_name,
        what: match Action::parse(&record.action) {
            Some(action) => {
                text::audit::sentence(action, &target_name, &|key| string(&detail, key))
            }
            None => format!("{} {target_name}", record.action),
        },
        changes,
        address: string(&actor, "ip"),
        request_id: record.request_id.unwrap_or_default(),
    }
}

/// A page of what the trail says about somebody, and the query string of the next page.
pub async fn records_about(
    app: &App,
    id: UserId,
    before: Option<Uuid>,
) -> sqlx::Result<(Vec<Line>, Option<String>)> {
    const ROOM: Room = Room { lines: 10, bytes: 6000 };
    let before = before.unwrap_or(Uuid::max());
    let records = audit::list_about(&app.db, id, before, ROOM.lines as i64 + 1).await?;
    let (lines, older) = records_fitting(records, ROOM);
    Ok((lines, older.map(|last| format!("before={last}"))))
}

/// As many of the records as there is room for, and the id of the last when there are more.
pub fn records_fitting(records: Vec<Record>, room: Room) -> (Vec<Line>, Option<Uuid>) {
    let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    let mut lines = records.into_iter().map(record_line).collect();
    let has_more = room.cut(&mut lines);
    let last = if has_more { ids.get(lines.len() - 1).copied() } else { None };
    (lines, last)
}

/// What differs between `before` and `after`: label, before, after.
fn differences(source: &Value) -> Vec<(String, String, String)> {
    let shown = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let (before, after) = (source.get("before"), source.get("after"));
    if let (Some(Value::String(before)), Some(Value::String(after))) = (before, after) {
        let label = text::audit::label("description").to_owned();
        return vec![(label, before.clone(), after.clone())];
    }
    let keys = [before, after].into_iter().flatten().filter_map(Value::as_object);
    let keys: std::collections::BTreeSet<&String> = keys.flat_map(|map| map.keys()).collect();
    let value = |side: Option<&Value>, key: &str| {
        text::audit::value(key, &shown(side.and_then(|side| side.get(key))))
    };
    let rows = keys
        .into_iter()
        .map(|key| (text::audit::label(key).to_owned(), value(before, key), value(after, key)));
    rows.filter(|(_, before, after)| before != after).collect()
}

/// A number that was counted up to `most`.
pub fn counted(number: i64, most: i64) -> String {
    if number < most {
        return text::number(number);
    }
    format!("{}+", text::number(most - 1))
}

/// The time of a `datetime-local` or `date` field, UTC.
pub fn parse_time(typed: &str) -> Option<OffsetDateTime> {
    use time::macros::format_description as format;
    // A person writes a space where a browser sends a T.
    let typed = &typed.trim().replacen(' ', "T", 1);
    let minutes = format!("[year]-[month]-[day]T[hour]:[minute]");
    let seconds = format!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let days = format!("[year]-[month]-[day]");
    let with_time = time::PrimitiveDateTime::parse(typed, minutes)
        .or_else(|_| time::PrimitiveDateTime::parse(typed, seconds));
    let day = || time::Date::parse(typed, days).map(|day| day.midnight());
    with_time.or_else(|_| day()).ok().map(time::PrimitiveDateTime::assume_utc)
}
