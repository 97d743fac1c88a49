//! Writes what there is as a seed file: the same state always the same text, so that a
//! difference of two files is one of two states. Ids and times of creation are not in it.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Format, SeedError, present};
use crate::{
    app::App,
    auth::{lifetime::Limit, name::is_built_in, roles::DEFAULT_GRANTOR},
    db::{
        Tx,
        grants::{self, Grant},
        lifetimes::Limits,
        users::{self, Status, User},
    },
};

/// Gives `write` the file piece by piece: one state of the database, however long that takes.
/// Grants that have ended are left out. It holds password hashes.
pub async fn export(
    app: &App,
    format: Format,
    mut write: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), SeedError> {
    let mut tx = app.db.begin_read().await?;
    let (permissions, roles) = present::load_roles(&mut tx, app.now()).await?;
    let mut file = Writer { format, write: &mut write, table: None };
    file.begin()?;
    for (name, description) in permissions {
        if !name.starts_with("rolecall.") {
            let fields = vec![("name", Item::Text(name)), ("description", Item::Text(description))];
            file.entry("permission", fields)?;
        }
    }
    file.end("permission")?;
    for (name, role) in roles {
        if !is_built_in(&name) {
            file.entry("role", role_fields(name, role))?;
        } else if !role.limits.are_none() {
            let name = [("name", Item::Text(name))];
            file.entry("role", name.into_iter().chain(limit_fields(role.limits)).collect())?;
        }
    }
    file.end("role")?;
    let mut after = Vec::new();
    loop {
        let (batch, grants) = batch(&mut tx, &after).await?;
        let Some(last) = batch.last() else { break };
        after = last.username.clone().into_bytes();
        let mut grants = grants.into_iter().filter(|grant| grant.holds_at(app.now())).collect();
        for user in batch {
            file.entry("user", user_fields(user, &mut grants))?;
        }
    }
    file.end("user")?;
    Ok(file.finish()?)
}

/// Users after this name, with the grants of all of them.
async fn batch(tx: &mut Tx, after: &[u8]) -> sqlx::Result<(Vec<User>, Vec<Grant>)> {
    let users = users::list_in(tx, after, 500).await?;
    let last = users.last().map(|user| user.username.clone().into_bytes());
    let grants = match last {
        Some(last) => grants::list_of_users_in(tx, after, &last).await?,
        None => Vec::new(),
    };
    Ok((users, grants))
}

/// A value as both formats write it. Empty texts and lists are left out.
enum Item {
    Text(String),
    Time(OffsetDateTime),
    List(Vec<Item>),
    Table(Vec<(&'static str, Item)>),
    /// A list that says something by being empty.
    Nothing,
}

impl Item {
    fn texts(all: impl IntoIterator<Item = String>) -> Self {
        Self::List(all.into_iter().map(Self::Text).collect())
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Time(_) | Self::Table(_) | Self::Nothing => false,
        }
    }

    fn write(&self, format: Format) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Time(at) => {
                let text = at.format(&Rfc3339).unwrap_or_default();
                if format == Format::Toml { text } else { quoted(&text) }
            }
            Self::Nothing => "[]".to_owned(),
            Self::List(list) => {
                let items: Vec<_> = list.iter().map(|item| item.write(format)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(fields) => {
                let fields: Vec<_> = fields.iter().filter(|(_, item)| !item.is_empty()).collect();
                let written = fields.into_iter().map(|(name, item)| match format {
                    Format::Toml => format!("{name} = {}", item.write(format)),
                    Format::Json => format!("{}: {}", quoted(name), item.write(format)),
                });
                format!("{{ {} }}", written.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A string that TOML and JSON read alike.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn limit_fields(limits: Limits) -> [(&'static str, Item); 2] {
    [("idle_timeout", limits.idle), ("absolute_timeout", limits.absolute)]
        .map(|(field, limit)| (field, Item::Text(Limit(limit).to_string())))
}

fn role_fields(name: String, role: present::PresentRole) -> Vec<(&'static str, Item)> {
    let is_usual = role.grantors.iter().eq([DEFAULT_GRANTOR]);
    let grantors = match role.grantors {
        _ if is_usual => Item::List(Vec::new()),
        none if none.is_empty() => Item::Nothing,
        grantors => Item::texts(grantors),
    };
    let [idle, absolute] = limit_fields(role.limits);
    vec![
        ("name", Item::Text(name)),
        ("description", Item::Text(role.description)),
        idle,
        absolute,
        ("permissions", Item::texts(role.permissions)),
        ("includes", Item::texts(role.includes)),
        ("grantors", grantors),
    ]
}

/// Takes the user's grants out of `grants`.
fn user_fields(user: User, grants: &mut Vec<Grant>) -> Vec<(&'static str, Item)> {
    let mut own: Vec<_> = grants.extract_if(.., |grant| grant.user_id == user.id).collect();
    own.sort_by(|a, b| a.role_name.cmp(&b.role_name));
    let roles = own.into_iter().map(|grant| match (grant.ends_at, grant.reason) {
        (None, reason) if reason.is_empty() => Item::Text(grant.role_name),
        (end, reason) => {
            let mut fields = vec![("role", Item::Text(grant.role_name))];
            fields.extend(end.map(|end| ("until", Item::Time(end))));
            fields.push(("reason", Item::Text(reason)));
            Item::Table(fields)
        }
    });
    let status = if user.status == Status::Active { "" } else { "disabled" };
    let mut fields = vec![
        ("username", Item::Text(user.username)),
        ("email", Item::Text(user.email.unwrap_or_default())),
        ("display_name", Item::Text(user.display_name)),
        ("status", Item::Text(status.to_owned())),
    ];
    if let Some(hash) = user.password_hash {
        fields.push(("password_hash", Item::Text(hash)));
        fields.extend(user.password_expires_at.map(|end| ("password_expires_at", Item::Time(end))));
    }
    fields.push(("roles", Item::List(roles.collect())));
    fields
}

/// Puts entries into the form of the file.
struct Writer<'a> {
    format: Format,
    write: &'a mut dyn FnMut(&str) -> std::io::Result<()>,
    /// The table of the entry before.
    table: Option<&'static str>,
}

impl Writer<'_> {
    fn begin(&mut self) -> std::io::Result<()> {
        (self.write)(match self.format {
            Format::Toml => "# Written by rolecall seed --export. Password hashes are secrets.\n",
            Format::Json => "{",
        })
    }

    fn entry(
        &mut self,
        table: &'static str,
        fields: Vec<(&'static str, Item)>,
    ) -> std::io::Result<()> {
        let is_first = self.table != Some(table);
        self.table = Some(table);
        let text = match self.format {
            Format::Toml => {
                let fields = fields.iter().filter(|(_, item)| !item.is_empty());
                let lines =
                    fields.map(|(name, item)| format!("{name} = {}\n", item.write(self.format)));
                format!("\n[[{table}]]\n{}", lines.collect::<String>())
            }
            Format::Json => {
                let start = if is_first { format!("\n\"{table}\": [") } else { ",".to_owned() };
                format!("{start}\n  {}", Item::Table(fields).write(self.format))
            }
        };
        (self.write)(&text)
    }

    /// Ends the list of a table, which may have had no entry.
    fn end(&mut self, table: &'static str) -> std::io::Result<()> {
        if self.format == Format::Toml {
            return Ok(());
        }
        let start = if self.table == Some(table) { "" } else { &*format!("\n\"{table}\": [") };
        let comma = if table == "user" { "" } else { "," };
        (self.write)(&format!("{start}]{comma}"))
    }

    fn finish(&mut self) -> std::io::Result<()> {
        (self.write)(if self.format == Format::Json { "\n}\n" } else { "" })
    }
}
