//! `/admin/users`: finding users, and making one.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use time::Duration;
use url::form_urlencoded;

use super::{
    Error, Me,
    acting::Acting,
    admin_user,
    form::{Asked, Form},
    page::Page,
    pages::{
        Cut, Frame, Room,
        admin::{LinkShownPage, NewUserPage, ProfileFields, UserLine, UserSearch, UsersPage},
    },
};
use crate::{
    app::App,
    auth::{
        self, Refusal,
        access::Permission,
        authority::Change,
        link,
        name::{self, Email, RoleName, Username, parse_display_name},
        users::{self, FirstPassword, NewUser, Profile},
    },
    db::{
        UserId, grants, roles,
        user_search::{self, Found, LastLogin, Search},
        users::Status,
    },
    text,
};

const ROOM: Room = Room { lines: 25, bytes: 12_000 };

#[derive(Deserialize)]
pub struct Query {
    #[serde(default)]
    q: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    login: String,
    /// Key of the last user of the page before.
    #[serde(default)]
    after: String,
}

pub async fn list(
    State(app): State<App>,
    Me(user): Me,
    frame: Frame,
    Asked(query): Asked<Query>,
) -> Result<impl IntoResponse, Error> {
    let now = app.now();
    let days_ago = |days| now - Duration::days(days);
    let search = Search {
        // What nobody can be called finds nobody.
        prefix: match query.q.trim() {
            "" => String::new(),
            typed => name::key(typed).unwrap_or_else(|| typed.to_lowercase()),
        },
        role: query.role.clone(),
        // What is none of those offered is no filter, as the form then shows.
        status: match query.status.as_str() {
            status @ ("active" | "disabled") => status.to_owned(),
            _ => String::new(),
        },
        login: match query.login.as_str() {
            "never" => LastLogin::Never,
            "30d" => LastLogin::Since(days_ago(30)),
            "not30d" => LastLogin::NotSince(days_ago(30)),
            "not365d" => LastLogin::NotSince(days_ago(365)),
            _ => LastLogin::Any,
        },
    };
    let found =
        user_search::list(&app.db, &search, query.after.as_bytes(), ROOM.lines, now).await?;
    let address = |after: &str| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let fields = [
            ("q", query.q.as_str()),
            ("role", &query.role),
            ("status", &query.status),
            ("login", &query.login),
            ("after", after),
        ];
        pairs.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty())).finish()
    };
    let all_roles = roles::list(&app.db).await?;
    let mut users = lines(&app, &found.users).await?;
    let next = match ROOM.cut(&mut users) {
        true => found.users.get(users.len() - 1).map(|last| last.key.clone()),
        false => found.next,
    };
    let (more, first) = (
        next.map(|last| address(&String::from_utf8_lossy(&last))),
        (!query.after.is_empty()).then(|| match address("") {
            all if all.is_empty() => "q=".to_owned(),
            search => search,
        }),
    );
    Ok(Page(UsersPage {
        frame,
        users,
        search: UserSearch {
            q: query.q,
            role: query.role,
            status: query.status,
            login: query.login,
        },
        roles: all_roles.into_iter().map(|role| role.name).collect(),
        more,
        first,
        can_create: user.may(Permission::UsersWrite),
    }))
}

async fn lines(app: &App, found: &[Found]) -> Result<Vec<UserLine>, Error> {
    let ids: Vec<UserId> = found.iter().map(|user| user.id).collect();
    let mut tx = app.db.begin_read().await?;
    let mut lines = Vec::with_capacity(found.len());
    for (user, id) in found.iter().zip(ids) {
        let grants = grants::list_of_user_in(&mut tx, id).await?;
        let holding = grants.into_iter().filter(|grant| grant.holds_at(app.now()));
        lines.push(UserLine {
            id: id.to_string(),
            username: user.username.clone(),
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            active: user.status == Status::Active,
            roles: Cut::first(holding.map(|grant| grant.role_name), 5),
            last_login: user.last_login_at.map(text::time),
        });
    }
    Ok(lines)
}

#[derive(Deserialize, Default)]
pub struct NewFields {
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    display_name: String,
    /// Ticked roles.
    #[serde(default)]
    role: Vec<String>,
}

pub async fn show_new(acting: Acting, frame: Frame) -> Result<impl IntoResponse, Error> {
    Ok(Page(new_page(&acting, frame, ProfileFields::default(), &[]).await?))
}

pub async fn create(
    acting: Acting,
    frame: Frame,
    Form(fields): Form<NewFields>,
) -> Result<Response, Error> {
    let mut shown = ProfileFields {
        username: fields.username,
        email: fields.email,
        display_name: fields.display_name,
        ..ProfileFields::default()
    };
    let typed: Vec<&str> = fields.role.iter().flat_map(|typed| typed.split_whitespace()).collect();
    let roles: Result<Vec<_>, _> = typed.iter().map(|role| RoleName::parse(role)).collect();
    let mut role_problem = None;
    match (parse_profile(&mut shown), roles) {
        (Some(Profile { username, email, display_name }), Ok(roles)) => {
            let password = FirstPassword::Invite;
            let new = NewUser { username, email, display_name, roles: &roles, password };
            match users::create(&acting.app, &acting.by, new).await {
                Ok(created) => return Ok(link_page(&acting.app, frame, created).into_response()),
                Err(auth::Error::Refused(Refusal::NoRole(_))) => {
                    role_problem = Some(text::form::ROLE_UNKNOWN);
                }
                Err(auth::Error::Refused(Refusal::NotYours)) => {
                    role_problem = Some(text::form::NOT_YOURS);
                }
                Err(error) => take_problem(&mut shown, error)?,
            }
        }
        (_, Err(_)) => role_problem = Some(text::form::ROLE_UNKNOWN),
        (None, Ok(_)) => {}
    }
    let mut page = new_page(&acting, frame, shown, &typed).await?;
    page.role_problem = role_problem;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
}

fn link_page(app: &App, frame: Frame, created: users::Created) -> impl IntoResponse + use<> {
    let url = created.invitation.map(|token| link::url(app, token));
    Page(LinkShownPage {
        back: frame.reachable(&admin_user::path(created.user.id.0)).to_owned(),
        frame,
        username: created.user.username,
        url: url.unwrap_or_default(),
        good_for: text::link::GOOD_FOR_INVITATION,
    })
}

async fn new_page(
    acting: &Acting,
    frame: Frame,
    fields: ProfileFields,
    typed: &[&str],
) -> Result<NewUserPage, Error> {
    let Acting { app, .. } = acting;
    let authority = acting.authority().await?;
    // Nobody yet: an id that no user has.
    let to = UserId(uuid::Uuid::nil());
    let roles = roles::list(&app.db).await?.into_iter().map(|role| role.name);
    let grantable = roles.filter(|role| authority.may(Change::Grant { to, role }));
    let roles = grantable.map(|role| (typed.contains(&role.as_str()), role));
    Ok(NewUserPage {
        frame,
        fields,
        can_set_email: authority.may(Change::Email),
        roles: roles.map(|(ticked, role)| (role, ticked)).collect(),
        typed_role: typed.join(" "),
        role_problem: None,
    })
}

/// The profile that the fields describe; `None`, with the problems beside the fields, when they
/// describe none.
pub fn parse_profile(fields: &mut ProfileFields) -> Option<Profile> {
    let username = Username::parse(&fields.username);
    let email = match fields.email.trim() {
        "" => Ok(None),
        typed => Email::parse(typed).map(Some),
    };
    let display_name = parse_display_name(&fields.display_name);
    let problem = |is_wrong: bool, text: &str| is_wrong.then(|| text.to_owned());
    fields.username_problem = problem(username.is_err(), text::form::USERNAME_INVALID);
    fields.email_problem = problem(email.is_err(), text::form::EMAIL_INVALID);
    fields.display_name_problem = problem(display_name.is_err(), text::form::DISPLAY_NAME_INVALID);
    Some(Profile { username: username.ok()?, email: email.ok()?, display_name: display_name.ok()? })
}

/// Puts a refusal beside the field that it is about; what is about none is an error page.
pub fn take_problem(fields: &mut ProfileFields, error: auth::Error) -> Result<(), Error> {
    match error {
        auth::Error::Refused(taken @ (Refusal::NameTaken(_) | Refusal::NameLooksTaken(_))) => {
            fields.username_problem = Some(text::refusal::sentence(&taken));
        }
        auth::Error::Refused(Refusal::EmailTaken(_)) => {
            fields.email_problem = Some(text::form::EMAIL_TAKEN.to_owned());
        }
        error => return Err(error.into()),
    }
    Ok(())
}
