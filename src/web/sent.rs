//! What a form has brought, for an answer that would lose it: an error page shows what was
//! entered, and one for a form of another session holds the form once more.

use axum::{http::request::Parts, response::Response};
use url::form_urlencoded;

use super::{error::Problem, pages::Again};
use crate::text;

/// The fields of a form in their order, without its token and without passwords.
#[derive(Debug, Clone)]
pub struct Sent {
    path: String,
    fields: Vec<(String, String)>,
}

impl Sent {
    /// Whether forms for this address are kept: those of the pages for people who are signed in.
    pub fn is_kept(path: &str) -> bool {
        ["/admin", "/account"].iter().any(|pages| path.starts_with(pages))
    }

    pub fn of(parts: &Parts, body: &[u8]) -> Self {
        let fields = form_urlencoded::parse(body).into_owned();
        let is_open = |(name, _): &(String, String)| {
            name != "form_token" && !name.to_lowercase().contains("password")
        };
        Self { path: parts.uri.path().to_owned(), fields: fields.filter(is_open).collect() }
    }

    /// Leaves it with the answer, if that is an error page.
    pub fn ride_on(self, mut response: Response) -> Response {
        if let Some(problem) = response.extensions_mut().get_mut::<Problem>() {
            problem.sent = Some(self);
        }
        response
    }

    /// What a person has entered, with the label of its field.
    pub fn entered(&self) -> Vec<(&'static str, String)> {
        let filled = self.fields.iter().filter(|(_, value)| !value.trim().is_empty());
        filled.filter_map(|(name, value)| Some((text::form::label(name)?, value.clone()))).collect()
    }

    /// The form once more, if people write into it. A page elsewhere cannot have it filled in for
    /// them: `page::judge` lets no form come here that is not from our own pages.
    pub fn again(&self, back: &str) -> Option<Again> {
        let parts: Vec<&str> = self.path.split('/').skip(1).collect();
        let button = match parts[..] {
            ["account", "password"] => text::account::SUBMIT_PASSWORD,
            ["admin", "users"] => text::users::NEW_SUBMIT,
            ["admin", "roles"] => text::roles::NEW_SUBMIT,
            ["admin", "users" | "roles", _] => text::form::SAVE,
            ["admin", "users", _, "grant"] => text::user::GRANT_SUBMIT,
            ["admin", "roles", _, "allow" | "include" | "grantor"] => text::role::ADD,
            _ => return None,
        };
        Some(Again {
            action: self.path.clone(),
            hidden: self.fields.clone(),
            sets_password: parts[0] == "account",
            button,
            back: back.to_owned(),
        })
    }

    /// The page that asked before the form was sent, where one did.
    pub fn asking(&self) -> Option<String> {
        let parts: Vec<&str> = self.path.split('/').skip(1).collect();
        match parts[..] {
            ["admin", "users", _, "disable" | "remove" | "revoke"]
            | ["admin", "roles", _, "deny" | "exclude" | "ungrantor" | "delete"]
            | ["admin", "users", _, "sessions", "end"]
            | ["admin", "sessions", _, "end"]
            | ["account", "sessions", "end"] => {}
            _ => return None,
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        Some(format!("{}?{}", self.path, query.extend_pairs(&self.fields).finish()))
    }
}
