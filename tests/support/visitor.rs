//! Somebody with a browser, and the answers they get.

use std::{collections::BTreeMap, sync::Mutex};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use cookie::{Cookie, time::Duration};

/// A browser: it keeps cookies as they are set.
#[derive(Default)]
pub struct Visitor {
    jar: Mutex<BTreeMap<String, String>>,
}

impl Visitor {
    /// Somebody who has not been here before.
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody whose browser sends just this cookie.
    pub fn with_cookie(name: &str, value: &str) -> Self {
        let visitor = Self::new();
        visitor.set_cookie(name, value);
        visitor
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut jar = self.jar.lock().unwrap();
        jar.insert(name.to_owned(), value.to_owned());
    }

    /// The value of the session cookie, on http or https.
    pub fn session(&self) -> Option<String> {
        self.cookie("rolecall").or_else(|| self.cookie("__Host-rolecall"))
    }

    /// A browser with the same cookies.
    pub fn copy(&self) -> Self {
        Self { jar: Mutex::new(self.jar.lock().unwrap().clone()) }
    }

    /// What the browser sends as `Cookie`.
    pub fn cookie_header(&self) -> Option<String> {
        let jar = self.jar.lock().unwrap();
        let pairs = jar.iter().map(|(name, value)| format!("{name}={value}"));
        let pairs: Vec<_> = pairs.collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub fn take_cookies(&self, answer: &Answer) {
        let mut jar = self.jar.lock().unwrap();
        for cookie in answer.cookies() {
            if cookie.max_age() == Some(Duration::ZERO) {
                jar.remove(cookie.name());
            } else {
                jar.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
    }
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Whether the answer is to ask again soon.
    pub fn is_busy(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a page is UTF-8")
    }

    /// The value of a header that is there at most once; "" when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        first.map_or("", |value| std::str::from_utf8(value.as_bytes()).expect("a header is UTF-8"))
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// Status and, for a redirect, where to: `303 /login`.
    pub fn outcome(&self) -> String {
        format!("{} {}", self.status(), self.location()).trim_end().to_owned()
    }

    pub fn cookies(&self) -> Vec<Cookie<'static>> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        let lines = lines.map(|line| line.to_str().expect("ASCII").to_owned());
        lines.map(|line| Cookie::parse(line).expect("a cookie")).collect()
    }

    /// The lines that set cookies, as they are.
    pub fn set_cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines.map(|line| line.to_str().expect("ASCII")).collect()
    }

    /// The value of a form's hidden field, if the page has one of that name.
    pub fn hidden_field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.text().split_once(&format!("name=\"{name}\" value=\""))?;
        let (value, _) = rest.split_once('"')?;
        let unescaped = value.replace("&#38;", "&").replace("&amp;", "&");
        Some(unescaped)
    }
}
