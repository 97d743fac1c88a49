//! A route that cannot be made without saying, for each method, what it requires.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter},
};

use super::guard::Guarded;
use crate::{app::App, auth::access::Access};

/// Who asks: a person with a browser, or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTML. Anonymous visitors are led to the login; Host, Origin and form token are judged.
    Page,
    /// A status and headers. Anonymous gets 401.
    Check,
}

/// One path with its methods.
pub struct Route {
    pub path: &'static str,
    pub kind: Kind,
    pub methods: Vec<(Method, Access)>,
    handlers: MethodRouter<App>,
}

impl Route {
    pub fn page(path: &'static str) -> Self {
        Self::new(path, Kind::Page)
    }

    pub fn check(path: &'static str) -> Self {
        Self::new(path, Kind::Check)
    }

    fn new(path: &'static str, kind: Kind) -> Self {
        Self { path, kind, methods: Vec::new(), handlers: MethodRouter::new() }
    }

    pub fn get<H, T>(self, access: impl Into<Access>, handler: H) -> Self
    where
        H: Handler<T, App> + Sync,
        T: 'static,
    {
        self.on(Method::GET, MethodFilter::GET, access.into(), handler)
    }

    pub fn post<H, T>(self, access: impl Into<Access>, handler: H) -> Self
    where
        H: Handler<T, App> + Sync,
        T: 'static,
    {
        self.on(Method::POST, MethodFilter::POST, access.into(), handler)
    }

    /// Every method, also those that nobody has heard of; listed as `ANY`.
    pub fn any<H, T>(mut self, access: impl Into<Access>, handler: H) -> Self
    where
        H: Handler<T, App> + Sync,
        T: 'static,
    {
        let access = access.into();
        let guarded = Guarded { access: access.clone(), kind: self.kind, handler };
        self.handlers = self.handlers.fallback(guarded);
        self.methods.push((Method::from_bytes(b"ANY").unwrap_or_default(), access));
        self
    }

    fn on<H, T>(mut self, method: Method, filter: MethodFilter, access: Access, handler: H) -> Self
    where
        H: Handler<T, App> + Sync,
        T: 'static,
    {
        let guarded = Guarded { access: access.clone(), kind: self.kind, handler };
        self.handlers = self.handlers.on(filter, guarded);
        self.methods.push((method, access));
        self
    }

    pub(super) fn into_router(self) -> Router<App> {
        Router::new().route(self.path, self.handlers)
    }
}
