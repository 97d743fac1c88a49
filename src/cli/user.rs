//! `user`: make, show, change and remove users.

mod invite;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    Outcome, Place, operator,
    output::{self, List},
    password::Source,
    tell_assumed_address,
};
use crate::{
    app::App,
    auth::{
        explain,
        graph::Graph,
        link,
        name::{Email, RoleName, Username, parse_display_name},
        users::{self, FirstPassword, NewUser},
    },
    db::{
        grants::{self, Grant},
        permissions,
        users::{self as rows, User},
    },
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a user
    Add(Add),
    /// List the users
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show one user with roles and permissions
    Show {
        name: String,
        #[arg(long)]
        json: bool,
    },
    /// Close an account: no login, sessions end now
    Disable { name: String },
    /// Open a closed account again
    Enable { name: String },
    /// Give a user another name
    Rename { name: String, new_name: String },
    /// Delete a user; the id is kept and never given out again
    Remove { name: String },
    /// Set a user's password; their sessions end
    Password {
        name: String,
        #[command(flatten)]
        source: Source,
    },
    /// Print a one-time link with which the user sets a password
    Link { name: String },
    /// Print an invitation for each user who has no password, as CSV: username, email, link
    Invite {
        /// Everybody who is active and has none, such as after an import; earlier invitations of
        /// theirs are void
        #[arg(long, required = true)]
        without_password: bool,
    },
}

#[derive(clap::Args)]
pub struct Add {
    name: String,
    #[arg(long)]
    email: Option<String>,
    /// How the user is shown
    #[arg(long, default_value = "")]
    display_name: String,
    /// A role to grant; may be repeated
    #[arg(long)]
    role: Vec<String>,
    #[command(flatten)]
    source: Source,
    /// Print a link with which the user chooses the password
    #[arg(long, conflicts_with_all = ["password_stdin", "generate_password"])]
    invite: bool,
}

pub async fn run(place: &Place, command: Command) -> Outcome {
    let app = place.open().await?;
    let by = operator();
    match command {
        Command::Add(add) => self::add(&app, add).await,
        Command::List { json } => list(&app, json).await,
        Command::Show { name, json } => show(&app, &name, json).await,
        Command::Disable { name } => {
            let user = users::find(&app, &name).await?;
            users::disable(&app, &by, user.id).await?;
            output::line(&format!("{} is disabled", user.username))
        }
        Command::Enable { name } => {
            let user = users::find(&app, &name).await?;
            users::enable(&app, &by, user.id).await?;
            output::line(&format!("{} is enabled", user.username))
        }
        Command::Rename { name, new_name } => {
            let user = users::find(&app, &name).await?;
            let new = Username::parse(&new_name)?;
            users::rename(&app, &by, user.id, &new).await?;
            output::line(&format!("{} is now {}", user.username, new.as_str()))
        }
        Command::Remove { name } => {
            let user = users::find(&app, &name).await?;
            users::remove(&app, &by, user.id).await?;
            output::line(&format!("{} is removed", user.username))
        }
        Command::Password { name, source } => {
            let user = users::find(&app, &name).await?;
            let given = source.get(&app, &user.names())?;
            match &given.generated {
                Some(_) => {
                    users::set_generated_password(&app, &by, user.id, &given.password).await?
                }
                None => users::set_password(&app, &by, user.id, &given.password, None).await?,
            };
            told(&user, "has a new password", given.generated)
        }
        Command::Link { name } => {
            let user = users::find(&app, &name).await?;
            let token = link::make(&app, &by, user.id).await?;
            tell_assumed_address(&app);
            eprintln!("Good once, within an hour, for {}:", user.username);
            output::line(&link::url(&app, token))
        }
        Command::Invite { without_password: _ } => invite::run(&app, &by).await,
    }
}

async fn add(app: &App, add: Add) -> Outcome {
    let roles: Result<Vec<_>, _> = add.role.iter().map(|role| RoleName::parse(role)).collect();
    let username = Username::parse(&add.name)?;
    let email = add.email.as_deref().map(Email::parse).transpose()?;
    let display_name = parse_display_name(&add.display_name)?;
    let names = [add.name.as_str(), add.email.as_deref().unwrap_or_default(), &add.display_name];
    let given = if add.invite { None } else { Some(add.source.get(app, &names)?) };
    let password = match &given {
        Some(given) if given.generated.is_some() => FirstPassword::Generated(&given.password),
        Some(given) => FirstPassword::Chosen(&given.password),
        None => FirstPassword::Invite,
    };
    let new = NewUser { username, email, display_name, roles: &roles?, password };
    let created = users::create(app, &operator(), new).await?;
    if let Some(token) = created.invitation {
        tell_assumed_address(app);
        eprintln!("{} is made. Good once, within 7 days:", created.user.username);
        return output::line(&link::url(app, token));
    }
    told(&created.user, "is made", given.and_then(|given| given.generated))
}

/// The password stands alone on standard output, for a pipe; the sentence beside it.
fn told(user: &User, what: &str, generated: Option<String>) -> Outcome {
    match generated {
        Some(password) => {
            eprintln!(
                "{} {what}. The password, shown this once; good for one login within 7 days, \
                 which sets a new one:",
                user.username
            );
            output::line(&password)
        }
        None => output::line(&format!("{} {what}", user.username)),
    }
}

async fn list(app: &App, json: bool) -> Outcome {
    const BATCH: i64 = 500;
    let mut list = List::new(json, ["NAME", "STATUS", "ROLES", "E-MAIL", "LAST LOGIN"]);
    let mut after = Vec::new();
    loop {
        let users = rows::list(&app.db, &after, BATCH).await?;
        let Some(last) = users.last() else {
            return list.finish();
        };
        let last = last.username.clone().into_bytes();
        let grants = grants::list_of_users(&app.db, &after, &last).await?;
        after = last;
        for user in users {
            let holding = grants.iter().filter(|grant| grant.user_id == user.id);
            let holding = holding.filter(|grant| grant.holds_at(app.now()));
            let roles: Vec<&str> = holding.map(|grant| grant.role_name.as_str()).collect();
            let row = [
                user.username.clone(),
                user.status.to_string(),
                roles.join(" "),
                user.email.clone().unwrap_or_default(),
                user.last_login_at.map(output::time).unwrap_or_default(),
            ];
            list.push(row, || as_json(&user, json!(roles)))?;
        }
    }
}

async fn show(app: &App, name: &str, json: bool) -> Outcome {
    let user = users::find(app, name).await?;
    let grants = grants::list_of_user(&app.db, user.id).await?;
    let graph = Graph::load(&app.db).await?;
    let all = permissions::list(&app.db).await?.into_iter().collect();
    let (roles, permissions) = explain::effective(&graph, &all, &grants, app.now());
    if json {
        let holding = grants.iter().filter(|grant| grant.holds_at(app.now()));
        let names: Vec<&str> = holding.map(|grant| grant.role_name.as_str()).collect();
        let mut value = as_json(&user, json!(names));
        value["grants"] = grants.iter().map(grant_json).collect();
        value["effective_roles"] = json!(roles);
        value["permissions"] = json!(permissions);
        return output::json(&value);
    }
    let or = |value: Option<String>, none: &str| value.unwrap_or_else(|| none.to_owned());
    let mut text = format!(
        "user         {}\nid           {}\nstatus       {}\ne-mail       {}\nshown as     {}\npassword     {}\ncreated      {}\nlast login   {}\nroles        {}\npermissions  {}",
        user.username,
        user.id,
        user.status,
        or(user.email.clone(), "none"),
        output::clean(if user.display_name.is_empty() {
            &user.username
        } else {
            &user.display_name
        }),
        password(&user, app.now()),
        output::time(user.created_at),
        or(user.last_login_at.map(output::time), "never"),
        joined(&roles),
        joined(&permissions),
    );
    for grant in &grants {
        text.push_str(&format!("\ngrant        {}", granted(grant, app.now())));
    }
    output::line(&text)
}

fn password(user: &User, now: OffsetDateTime) -> String {
    match (&user.password_hash, user.password_expires_at) {
        (None, _) => "none".to_owned(),
        (Some(_), None) => "set".to_owned(),
        (Some(_), Some(end)) if end > now => {
            format!("one-time, good for one login until {}", output::time(end))
        }
        (Some(_), Some(_)) => "one-time, used or over; a new one is due".to_owned(),
    }
}

fn joined(names: &std::collections::BTreeSet<String>) -> String {
    match names.iter().map(String::as_str).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "none".to_owned(),
        names => names,
    }
}

fn granted(grant: &Grant, now: OffsetDateTime) -> String {
    let end = match grant.ends_at {
        Some(end) if end <= now => format!(", ended {}", output::time(end)),
        Some(end) => format!(", until {}", output::time(end)),
        None => String::new(),
    };
    let reason = match grant.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({})", output::clean(reason)),
    };
    let (role, by, at) = (&grant.role_name, &grant.granted_by, output::time(grant.granted_at));
    format!("{role} by {by} at {at}{end}{reason}")
}

fn grant_json(grant: &Grant) -> Value {
    json!({
        "role": grant.role_name,
        "granted_at": output::time(grant.granted_at),
        "granted_by": grant.granted_by,
        "granted_by_id": grant.granted_by_id,
        "reason": grant.reason,
        "until": grant.ends_at.map(output::time),
    })
}

fn as_json(user: &User, roles: Value) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "status": user.status,
        "has_password": user.password_hash.is_some(),
        "password_expires_at": user.password_expires_at.map(output::time),
        "roles": roles,
        "created_at": output::time(user.created_at),
        "last_login_at": user.last_login_at.map(output::time),
    })
}
