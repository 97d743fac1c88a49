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
    pages::{Frame, admin::SessionsPage},
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

const PAGE: usize = 25;

#[derive(Deserialize)]
pub struct Query {
    /// Name or e-mail.
    #[serde(default)]
    user: String,
    /// Id of the last session of the page before.
    #[serde(default)]
    after: Uuid,
}

pub async fn list(
    acting: Acting,
    frame: Frame,
    Asked(query): Asked<Query>,
) -> Result<impl IntoResponse, Error> {
    let Acting { app, user: reader, by, .. } = &acting;
    let now = app.now();
    let mut user_problem = None;
    let mut live = match query.user.trim() {
        "" => sessions::list(&app.db, query.after, PAGE as i64 + 1, now).await?,
        typed => match users::find(app, typed).await {
            Ok(user) => {
                let live = sessions::list_of_user(&app.db, user.id, now).await?;
                live.into_iter().filter(|one| one.id > query.after).take(PAGE + 1).collect()
            }
            Err(auth::Error::Refused(Refusal::NoUser(_))) => {
                user_problem = Some(text::sessions::NO_SUCH_USER);
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        },
    };
    let has_more = live.len() > PAGE;
    live.truncate(PAGE);
    let address = |after: Uuid| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("user", &query.user).append_pair("after", &after.to_string()).finish()
    };
    let more = live.last().filter(|_| has_more).map(|last| address(last.id));
    let first = (!query.after.is_nil()).then(|| address(Uuid::nil()));
    let mut tx = app.db.begin_read().await?;
    let authority = Authority::of(app, &mut tx, by).await?;
    let mut lines = Vec::with_capacity(live.len());
    for one in live {
        let held = grants::list_of_user_in(&mut tx, one.user_id).await?;
        let held = held.into_iter().filter(|grant| grant.holds_at(now));
        let roles: Vec<String> = held.map(|grant| grant.role_name).collect();
        let can_end = authority.may(Change::Sessions { id: one.user_id, roles: &roles });
        lines.push(people::session_line(one, reader.session.id, can_end));
    }
    let user = query.user;
    Ok(Page(SessionsPage { frame, user, user_problem, sessions: lines, more, first }))
}
