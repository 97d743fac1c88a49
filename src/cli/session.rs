//! `session`: who is signed in, and how that ends.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::{
    Outcome, Place, operator,
    output::{self, List},
};
use crate::{
    app::App,
    auth::{Refusal, sessions as rules, users},
    db::sessions::{self, Session},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the open sessions, of one user or of all, the newest first
    List {
        user: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// End one session, those of a user, or all
    End(End),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct End {
    /// The session's id, as `session list` shows it
    id: Option<String>,
    /// All sessions of this user
    #[arg(long)]
    user: Option<String>,
    /// All sessions of everybody
    #[arg(long)]
    all: bool,
}

pub async fn run(place: &Place, command: Command) -> Outcome {
    let app = place.open().await?;
    match command {
        Command::List { user, json } => list(&app, user, json).await,
        Command::End(end) => end_some(&app, end).await,
    }
}

async fn list(app: &App, user: Option<String>, json: bool) -> Outcome {
    let header = ["ID", "USER", "CREATED", "LAST SEEN", "ENDS", "ADDRESS", "BROWSER"];
    let mut list = List::new(json, header);
    let now = app.now();
    if let Some(user) = user {
        let user = users::find(app, &user).await?;
        for session in sessions::list_of_user(&app.db, user.id, now).await? {
            push(&mut list, session)?;
        }
        return list.finish();
    }
    let mut after = Uuid::max();
    loop {
        let batch = sessions::list(&app.db, after, 500, now).await?;
        let Some(last) = batch.last() else {
            return list.finish();
        };
        after = last.id;
        for session in batch {
            push(&mut list, session)?;
        }
    }
}

fn push(list: &mut List<7>, session: Session) -> Outcome {
    let ends = session.idle_expires_at.min(session.absolute_expires_at);
    let row = [
        session.id.to_string(),
        session.username.clone(),
        output::time(session.created_at),
        output::time(session.last_seen_at),
        output::time(ends),
        session.ip.clone(),
        session.user_agent.chars().take(60).collect(),
    ];
    list.push(row, || {
        json!({
            "id": session.id,
            "user_id": session.user_id,
            "username": session.username,
            "remember": session.remember,
            "created_at": output::time(session.created_at),
            "last_seen_at": output::time(session.last_seen_at),
            "idle_expires_at": output::time(session.idle_expires_at),
            "absolute_expires_at": output::time(session.absolute_expires_at),
            "ip": session.ip,
            "user_agent": session.user_agent,
        })
    })
}

async fn end_some(app: &App, end: End) -> Outcome {
    let by = operator();
    let ended = match (end.id, end.user) {
        (Some(id), _) => {
            let parsed = id.parse().map_err(|_| Refusal::NoSession(id))?;
            rules::end(app, &by, parsed).await?;
            1
        }
        (None, Some(user)) => {
            let user = users::find(app, &user).await?;
            rules::end_of_user(app, &by, user.id).await?
        }
        (None, None) => rules::end_all(app, &by).await?,
    };
    output::line(&format!("{ended} session{} ended", if ended == 1 { "" } else { "s" }))
}
