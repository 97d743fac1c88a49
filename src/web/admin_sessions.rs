//! `/admin/sessions`: who is signed in.

use axum::response::IntoResponse;
use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

use super::{
    Error,
    acting::Acting,
    form::Asked,
    page::Page,
    pages::{Frame, Room, admin::SessionsPage},
    people,
};
use crate::{
    auth::{
        self, Refusal,
        authority::{Authority, Change},
        users,
    },
    db::{grants, sessions},
    text,
};

const ROOM: Room = Room { lines: 25, bytes: 8000 };

#[derive(Deserialize)]
pub struct Query {
    /// Name or e-mail.
    #[serde(default)]
    user: String,
    /// Id of the last session of the page before.
    after: Option<Uuid>,
}

pub async fn list(
    acting: Acting,
    frame: Frame,
    Asked(query): Asked<Query>,
) -> Result<impl IntoResponse, Error> {
    let Acting { app, user: reader, by, .. } = &acting;
    let now = app.now();
    let mut user_problem = None;
    let after = query.after.unwrap_or(Uuid::max());
    let mut live = match query.user.trim() {
        "" => sessions::list(&app.db, after, ROOM.lines as i64 + 1, now).await?,
        typed => match users::find(app, typed).await {
            Ok(user) => {
                let live = sessions::list_of_user(&app.db, user.id, now).await?;
                live.into_iter().filter(|one| one.id < after).collect()
            }
            Err(auth::Error::Refused(Refusal::NoUser(_))) => {
                user_problem = Some(text::sessions::NO_SUCH_USER);
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        },
    };
    let is_longer = live.len() > ROOM.lines;
    live.truncate(ROOM.lines);
    let mut tx = app.db.begin_read().await?;
    let authority = Authority::of(app, &mut tx, by).await?;
    let mut lines = Vec::with_capacity(live.len());
    for one in live {
        let held = grants::list_of_user_in(&mut tx, one.user_id).await?;
        let held = held.into_iter().filter(|grant| grant.holds_at(now));
        let roles: Vec<String> = held.map(|grant| grant.role_name).collect();
        let can_end = authority.may(Change::Sessions { id: one.user_id, roles: &roles });
        lines.push(people::session_line(&one, reader.session.id, can_end));
    }
    let has_more = ROOM.cut(&mut lines) || is_longer;
    let address = |after: &str| {
        let fields = [("user", query.user.as_str()), ("after", after)];
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        // The user stands there even if empty, since a link to the first page needs a query.
        pairs.extend_pairs(
            fields.iter().filter(|(name, value)| *name == "user" || !value.is_empty()),
        );
        pairs.finish()
    };
    let more = lines.last().filter(|_| has_more).map(|last| address(&last.id));
    let first = query.after.map(|_| address(""));
    let user = query.user;
    Ok(Page(SessionsPage { frame, user, user_problem, sessions: lines, more, first }))
}
