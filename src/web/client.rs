//! Who is at the other end of the connection, and what the proxies before us say about it.
//! They are believed only when `trusted_proxies` names them.

#[cfg(test)]
mod properties;

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, Method, header, request::Parts},
};

use crate::{
    app::App,
    auth::{Actor, By, access::CurrentUser},
    config::Settings,
    telemetry::RequestId,
};

/// The other end of the connection; `None` on a unix socket. Whoever serves the router puts
/// it into each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub Option<IpAddr>);

/// The client as far as it can be known.
#[derive(Debug, Clone)]
pub struct Client {
    pub ip: Option<IpAddr>,
    pub user_agent: String,
    request_id: String,
}

impl Client {
    /// For the audit trail: a visitor from this address.
    pub fn visitor(&self) -> By {
        self.by(Actor::Visitor)
    }

    /// For the audit trail: this user from this address.
    pub fn user(&self, user: &CurrentUser) -> By {
        self.by(Actor::User { id: user.id, name: user.username.clone() })
    }

    fn by(&self, actor: Actor) -> By {
        let ip = self.ip.map(|ip| ip.to_string()).unwrap_or_default();
        By { actor, ip, request_id: Some(self.request_id.clone()) }
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let user_agent = parts.headers.get(header::USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let peer = peer(&parts.extensions).and_then(|peer| peer.0);
        Ok(Self {
            ip: address(&app.settings, peer, &parts.headers),
            user_agent: user_agent.to_owned(),
            request_id: parts
                .extensions
                .get::<RequestId>()
                .map(ToString::to_string)
                .unwrap_or_default(),
        })
    }
}

/// As our own server says it, or that of an application.
fn peer(extensions: &Extensions) -> Option<Peer> {
    let theirs = || extensions.get::<ConnectInfo<SocketAddr>>().map(|info| Peer(Some(info.ip())));
    extensions.get::<Peer>().copied().or_else(theirs)
}

/// Whether the peer of this request is a proxy whose headers are believed.
fn is_trusted(settings: &Settings, extensions: &Extensions) -> bool {
    peer(extensions).is_some_and(|peer| settings.trusts(peer.0))
}

/// The rightmost address that is not one of our proxies. What stands left of it was written by
/// somebody we have no reason to believe.
fn address(settings: &Settings, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = peer.map(|ip| ip.to_canonical());
    if !settings.trusts(peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<&str> =
        lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        let Some(ip) = parse_hop(hop) else {
            return nearest;
        };
        nearest = Some(ip);
        if !settings.trusts(nearest) {
            break;
        }
    }
    nearest
}

/// An address as proxies write it, with or without port and brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let ip = bare.parse::<IpAddr>().ok();
    ip.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|ip| ip.to_canonical())
}

/// The request that a proxy asks about, as it describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    pub method: Method,
    /// Scheme, host and path with query; `None` when the proxy does not say, or is not ours.
    pub url: Option<String>,
}

impl Forwarded {
    /// Reads `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`. One that is repeated is none.
    pub fn read(settings: &Settings, parts: &Parts) -> Self {
        if !is_trusted(settings, &parts.extensions) {
            return Self { method: parts.method.clone(), url: None };
        }
        let single = |name: &str| single(&parts.headers, name);
        let method = single("x-forwarded-method").and_then(|method| method.parse().ok());
        let url = || {
            let (scheme, host) = (single("x-forwarded-proto")?, single("x-forwarded-host")?);
            whole(scheme, host, single("x-forwarded-uri")?)
        };
        Self { method: method.unwrap_or_else(|| parts.method.clone()), url: url() }
    }

    /// As Envoy forwards it: the request itself, with its method and Host, and `path` of its
    /// address. Only the scheme stands in a header, `X-Forwarded-Proto`.
    pub fn by_envoy(settings: &Settings, parts: &Parts, path: &str) -> Self {
        let url = || {
            let scheme = single(&parts.headers, "x-forwarded-proto")?;
            whole(scheme, single(&parts.headers, "host")?, path)
        };
        let url = is_trusted(settings, &parts.extensions).then(url).flatten();
        Self { method: parts.method.clone(), url }
    }
}

/// The span of a proxy that this request is part of (W3C Trace Context, `traceparent`).
#[cfg(feature = "otlp")]
pub fn traceparent<'a, B>(
    settings: &Settings,
    request: &'a axum::http::Request<B>,
) -> Option<&'a str> {
    let is_trusted = is_trusted(settings, request.extensions());
    is_trusted.then(|| single(request.headers(), "traceparent")).flatten()
}

/// The value of a header that is there once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn whole(scheme: &str, host: &str, path: &str) -> Option<String> {
    path.starts_with('/').then(|| format!("{scheme}://{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Chosen;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted_proxies = "10.0.0.0/8,::1,unix".parse().ok();
        let settings = Settings::resolve(Chosen { trusted_proxies, ..Chosen::default() }).unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let ip = address(&settings, peer.parse().ok(), &headers);
        ip.map(|ip| ip.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_stranger_is_who_they_are_whatever_they_forward() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("::ffff:203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn behind_our_proxies_the_rightmost_stranger_counts() {
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4", "198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client("::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client("", &["[2001:db8::7]:99"]), "2001:db8::7");
    }

    #[test]
    fn what_is_no_address_ends_the_search_at_the_last_proxy() {
        assert_eq!(client("10.0.0.1", &["198.51.100.1, garbage, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, \u{fc}"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["[[198.51.100.1]"]), "10.0.0.1");
        for odd in
            ["", " ", "unknown", "fe80::1%eth0", "198.51.100.1:99999", "[::1]x", "1.2.3", "_x"]
        {
            assert_eq!(client("10.0.0.1", &["198.51.100.1", odd]), "10.0.0.1", "{odd:?}");
        }
        let many = vec!["10.0.0.2"; 5000].join(",");
        assert_eq!(client("10.0.0.1", &["198.51.100.1", &many]), "198.51.100.1");
    }

    #[test]
    fn what_a_proxy_says_twice_it_does_not_say() {
        let trusted_proxies = "10.0.0.0/8".parse().ok();
        let settings = Settings::resolve(Chosen { trusted_proxies, ..Chosen::default() }).unwrap();
        let said = [
            ("x-forwarded-method", "POST"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "app.example.com"),
            ("x-forwarded-uri", "/a"),
        ];
        let read = |twice: &str| {
            let mut request = axum::http::Request::get("/auth/check");
            for (name, value) in said.into_iter().chain(said.into_iter().filter(|it| it.0 == twice))
            {
                request = request.header(name, value);
            }
            let peer = Peer("10.1.2.3".parse().ok());
            let (parts, ()) = request.extension(peer).body(()).unwrap().into_parts();
            Forwarded::read(&settings, &parts)
        };
        let url = Some("https://app.example.com/a".to_owned());
        assert_eq!(read("nothing"), Forwarded { method: Method::POST, url: url.clone() });
        assert_eq!(read("x-forwarded-method"), Forwarded { method: Method::GET, url });
        for twice in ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri"] {
            assert_eq!(read(twice), Forwarded { method: Method::POST, url: None }, "{twice}");
        }
    }
}
