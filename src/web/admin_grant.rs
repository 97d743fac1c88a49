//! `/admin/users/{id}/grant`: granting a role, and changing the end or the reason of a grant.

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Error,
    acting::Acting,
    admin_user::{Query, page, path, profile},
    form::Form,
    page::Page,
    pages::{Frame, admin::GrantFields},
    people,
};
use crate::{
    auth::{
        self, Refusal,
        grants::{self, Seen, Typed, Until},
        name::RoleName,
        users,
    },
    db::{
        grants::{self as rows, Grant, Named},
        users::User,
    },
    text,
};

#[derive(Deserialize)]
pub struct Granted {
    #[serde(default)]
    role: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    reason: String,
    /// What the page showed of the grants.
    seen: Option<String>,
}

pub async fn grant(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
    Form(Granted { role, until, reason, seen }): Form<Granted>,
) -> Result<Response, Error> {
    let Acting { app, by, .. } = &acting;
    let user = users::find(app, &id.to_string()).await?;
    let mut fields = GrantFields { role, until, reason, ..GrantFields::default() };
    let mut seen = seen.as_deref().map(Seen::parse);
    if let Some((role, ends_at)) = parse_grant(&mut fields) {
        let typed = Typed { role: &role, ends_at, reason: &fields.reason, seen: seen.as_ref() };
        match grants::grant_as_typed(app, by, user.id, &typed).await {
            Ok(until) => {
                let end = match until {
                    Until::At(end) => Some(text::time(end)),
                    Until::Always => None,
                };
                let notice = text::notice::granted(end.as_deref());
                return Ok(acting.done(&notice, &path(id)).await?.into_response());
            }
            Err(auth::Error::Refused(Refusal::Changed)) => {
                let now = held(&acting, &user, &role).await?;
                let grant = now.as_ref().map(Grant::from);
                seen = Some(seen.unwrap_or_default().with(role.as_str(), grant.as_ref()));
                fields.meanwhile = Some(facts(&role, now.as_ref()));
            }
            Err(error) => take_grant_problem(&mut fields, error)?,
        }
    }
    let mut page = page(&acting, frame, &user, profile(&user), &Query::default()).await?;
    if page.grantable.is_empty() {
        return Err(auth::Error::from(Refusal::NotYours).into());
    }
    // As it was before the mistake, or what changed since would not be noticed.
    fields.seen = seen.map_or(page.grant.seen, |seen| seen.to_string());
    let status = match fields.meanwhile {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    page.grant = fields;
    Ok((status, Page(page)).into_response())
}

/// The grant that the user has of this role.
async fn held(acting: &Acting, user: &User, role: &RoleName) -> Result<Option<Named>, Error> {
    let Acting { app, .. } = acting;
    let named = rows::list_named(&app.db, user.id).await?;
    let holds = |grant: &Named| grant.ends_at.is_none_or(|end| end > app.now());
    Ok(named.into_iter().find(|grant| grant.role_name == role.as_str() && holds(grant)))
}

/// What there is of a role's grant, as label and value.
fn facts(role: &RoleName, grant: Option<&Named>) -> Vec<(&'static str, String)> {
    let mut facts = vec![(text::users::ROLE, role.as_str().to_owned())];
    match grant {
        None => facts.push((text::user::GRANTED, text::form::NOT_GRANTED.to_owned())),
        Some(grant) => {
            let end = grant.ends_at.map_or_else(|| text::account::NO_END.to_owned(), text::time);
            facts.extend([
                (
                    text::user::GRANTED,
                    text::user::granted(grant.granted_at, &people::granter(grant)),
                ),
                (text::user::UNTIL, end),
                (text::user::REASON, grant.reason.clone()),
            ]);
        }
    }
    facts
}

fn parse_grant(fields: &mut GrantFields) -> Option<(RoleName, Option<OffsetDateTime>)> {
    let role = RoleName::parse(&fields.role).ok();
    let until = match fields.until.trim() {
        "" => Some(None),
        typed => people::parse_time(typed).map(Some),
    };
    let problem = |is_wrong: bool, text: &str| is_wrong.then(|| text.to_owned());
    let is_missing = fields.role.trim().is_empty();
    let unknown = if is_missing { text::form::ROLE_MISSING } else { text::form::ROLE_UNKNOWN };
    fields.role_problem = problem(role.is_none(), unknown);
    fields.until_problem = problem(until.is_none(), text::form::UNTIL_INVALID);
    role.zip(until)
}

fn take_grant_problem(fields: &mut GrantFields, error: auth::Error) -> Result<(), Error> {
    let auth::Error::Refused(refusal) = error else { return Err(error.into()) };
    let own = |text: &str| Some(text.to_owned());
    match refusal {
        Refusal::HasRole(..) => fields.role_problem = own(text::form::ROLE_HELD),
        Refusal::NoRole(_) => fields.role_problem = own(text::form::ROLE_UNKNOWN),
        Refusal::NotYours => fields.role_problem = own(text::form::NOT_YOURS),
        Refusal::LastAdmin => fields.until_problem = own(text::form::LAST_ADMIN),
        Refusal::EndInPast => fields.until_problem = own(text::form::UNTIL_PAST),
        Refusal::Reason => fields.reason_problem = own(text::form::REASON_INVALID),
        other => return Err(auth::Error::from(other).into()),
    }
    Ok(())
}
