//! The cookies: how they are called, read and set.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use cookie::{Cookie, SameSite};

use super::limits;
use crate::{
    app::App,
    auth::{
        self,
        device::{self, Claims},
        key::Use,
        sessions::Opened,
        token::Token,
    },
    config::Settings,
    db::users::User,
};

/// The cookie that shared subdomains send; it opens `/auth/check` alone.
const CHECK: &str = "__Secure-rolecall-check";

/// `__Host-` ties the cookie to this host and https; plain http cannot have it.
fn session_name(settings: &Settings) -> &'static str {
    if settings.public_url.is_https() { "__Host-rolecall" } else { "rolecall" }
}

/// The token of the session cookie, if we made it.
pub fn session_token(app: &App, headers: &HeaderMap) -> Option<Token> {
    let value = value(headers, session_name(&app.settings))?;
    Token::from_cookie(&app.keys, Use::SessionCookie, value)
}

/// The token of the check cookie, if we made it.
pub fn check_token(app: &App, headers: &HeaderMap) -> Option<Token> {
    app.settings.cookie_domain.as_ref()?;
    Token::from_cookie(&app.keys, Use::CheckCookie, value(headers, CHECK)?)
}

/// The value of the cookie `name`. Of two with one name, which is right is anybody's guess, so
/// neither counts. Cookies of others may hold any bytes.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let rest = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b"=")
    });
    let first = values.next()?;
    let is_single = values.next().is_none();
    std::str::from_utf8(first.trim_ascii_end()).ok().filter(|_| is_single)
}

pub type SetCookies = Vec<(HeaderName, HeaderValue)>;

/// Sets the cookies of a session.
pub fn set(app: &App, opened: &Opened) -> SetCookies {
    let settings = &app.settings;
    let session = opened.session.to_cookie(&app.keys, Use::SessionCookie);
    let mut cookies =
        vec![with_age(base(settings, session_name(settings), session), opened.max_age)];
    if let Some(check) = opened.check {
        let value = check.to_cookie(&app.keys, Use::CheckCookie);
        cookies.push(with_age(shared(settings, value), opened.max_age));
    }
    to_headers(cookies)
}

/// What the browser says of the accounts it knows.
pub fn device_claims(app: &App, headers: &HeaderMap) -> Claims {
    let prefix = device_prefix(&app.settings);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (account, value) = pair.trim().strip_prefix(&prefix)?.split_once('=')?;
        Some((account.to_owned(), value.to_owned()))
    });
    Claims(pairs.take(limits::DEVICE_COOKIES).collect())
}

/// Lets the browser know the account for a year.
pub fn set_device(app: &App, user: &User) -> auth::Result<SetCookies> {
    let name = format!("{}{}", device_prefix(&app.settings), device::account_digest(user));
    let cookie = base(&app.settings, name, device::introduce(app, user)?);
    Ok(to_headers(vec![with_age(cookie, Some(device::LIFETIME))]))
}

fn device_prefix(settings: &Settings) -> String {
    let host = if settings.public_url.is_https() { "__Host-" } else { "" };
    format!("{host}{}", device::COOKIE_PREFIX)
}

/// Takes the session's cookies from the browser, by name.
pub fn clear(settings: &Settings) -> SetCookies {
    let none = Some(time::Duration::ZERO);
    let mut cookies = vec![with_age(base(settings, session_name(settings), String::new()), none)];
    if settings.cookie_domain.is_some() {
        cookies.push(with_age(shared(settings, String::new()), none));
    }
    to_headers(cookies)
}

fn base(settings: &Settings, name: impl Into<Cow<'static, str>>, value: String) -> Cookie<'static> {
    Cookie::build((name.into(), value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(settings.public_url.is_https())
        .build()
}

fn shared(settings: &Settings, value: String) -> Cookie<'static> {
    let mut cookie = base(settings, CHECK, value);
    if let Some(domain) = &settings.cookie_domain {
        cookie.set_domain(domain.clone());
    }
    cookie
}

fn with_age(mut cookie: Cookie<'static>, age: Option<time::Duration>) -> Cookie<'static> {
    cookie.set_max_age(age);
    cookie
}

fn to_headers(cookies: Vec<Cookie<'static>>) -> SetCookies {
    let values = cookies.into_iter().filter_map(|cookie| cookie.to_string().parse().ok());
    values.map(|value| (header::SET_COOKIE, value)).collect()
}
