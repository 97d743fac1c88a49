//! Where people reach rolecall: the one place that makes addresses, and that knows ours.

use std::{fmt, net::SocketAddr, str::FromStr};

use url::Url;

/// What programs ask for at the root of the host, whatever the prefix; so no prefix can be there.
const PROGRAMS: [&str; 5] = ["/auth/check", "/auth/envoy", "/healthz", "/readyz", "/.well-known"];

/// Scheme, host and port under which people reach rolecall, and the path that the pages stand
/// below, where the host is shared with others.
///
/// A *route* is a path as the list of routes has it, `/login`; in an address the prefix stands
/// before it, `/people/login`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    /// As a browser sends it: `https://login.example.com`.
    origin: String,
    /// Begins with a slash and ends without one, `/people`; empty: the whole host is ours.
    prefix: String,
}

impl PublicUrl {
    pub fn loopback(address: SocketAddr) -> Self {
        let origin = format!("http://{address}");
        origin.parse().unwrap_or_else(|_| unreachable!("an address makes a URL"))
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it leads nowhere but to this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// The host without port; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub fn port(&self) -> Option<u16> {
        self.url.port_or_known_default()
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The path of a route on this host: `/people/login` of `/login`.
    pub fn path(&self, route: &str) -> String {
        format!("{}{route}", self.prefix)
    }

    /// The whole address of a route: `https://example.com/people/login` of `/login`.
    pub fn join(&self, route: &str) -> String {
        format!("{self}{route}")
    }

    /// Whether `host` (as in a Host header, with its port) is ours. On loopback the three
    /// names of the machine itself are one.
    pub fn is_host(&self, host: &str) -> bool {
        // What the URL standard leaves out or decodes is no part of a host.
        let is_alone =
            host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\?#@%".contains(&byte));
        let other = Url::parse(&format!("{}://{host}/", self.url.scheme()));
        is_alone && other.is_ok_and(|other| self.is_same(&other))
    }

    /// Whether `origin` (as in an Origin header) is ours.
    pub fn is_origin(&self, origin: &str) -> bool {
        let Some((scheme, host)) = origin.split_once("://") else {
            return false;
        };
        scheme == self.url.scheme() && self.is_host(host)
    }

    fn is_same(&self, other: &Url) -> bool {
        let same_port = other.port_or_known_default() == self.port();
        let host = other.host_str().unwrap_or_default();
        same_port && (host == self.host() || (is_loopback(self.host()) && is_loopback(host)))
    }
}

fn is_loopback(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not scheme and host, with a plain path or without one, such as \
                 https://login.example.com or https://example.com/people"
            )
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let alone = url.query().is_none() && url.fragment().is_none();
        let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
        let prefix = url.path().strip_suffix('/').unwrap_or(url.path());
        if !["http", "https"].contains(&url.scheme()) || !alone || !plain || !is_path(prefix) {
            return Err(wrong());
        }
        if let Some(taken) = PROGRAMS.iter().find(|taken| is_below(prefix, taken)) {
            return Err(format!("{text:?}: pages cannot stand at {taken}, which programs ask for"));
        }
        let prefix = prefix.to_owned();
        let origin = url.origin().ascii_serialization();
        Ok(Self { url, origin, prefix })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix)
    }
}

/// Nothing, or `/a/b` of characters that nobody encodes or reads in another way.
fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_segment = |segment: &str| !segment.is_empty() && segment.bytes().all(is_plain);
    text.is_empty() || text.split('/').skip(1).all(is_segment)
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An https origin that a login may return to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub String);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<PublicUrl>() {
            Ok(url) if url.is_https() && url.prefix.is_empty() => Ok(Self(url.origin)),
            _ => Err(format!("{text:?} is no https origin, such as https://app.example.com")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_address_with_its_port_and_nothing_else() {
        let ours: PublicUrl = "https://login.example.com".parse().unwrap();
        for host in ["login.example.com", "LOGIN.Example.com", "login.example.com:443"] {
            assert!(ours.is_host(host) && ours.is_origin(&format!("https://{host}")), "{host:?}");
        }
        let before = ["@", "kim@", "/", "\\", " "].map(|text| format!("{text}login.example.com"));
        let after = [":444", ".", "/", "/a", "?a", "#a", "\t"];
        let after = after.map(|text| format!("login.example.com{text}"));
        let inside =
            ["%2e", "\u{3002}", "\t.", "..", ""].map(|dot| format!("login{dot}example.com"));
        for host in before.iter().chain(&after).chain(&inside) {
            assert!(!ours.is_host(host) && !ours.is_origin(&format!("https://{host}")), "{host:?}");
        }
    }

    #[test]
    fn a_prefix_is_a_plain_path_without_a_slash_at_its_end() {
        for (text, prefix) in [
            ("https://example.com", ""),
            ("https://example.com/", ""),
            ("https://example.com/people", "/people"),
            ("https://example.com/people/", "/people"),
            ("https://example.com/a/B-2._~/", "/a/B-2._~"),
            ("https://example.com/x/../people", "/people"),
            ("https://example.com/auth", "/auth"),
            ("https://example.com/healthz-of-people", "/healthz-of-people"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.prefix(), prefix, "{text}");
            assert_eq!(url.path("/login"), format!("{prefix}/login"));
            assert_eq!(url.join("/login"), format!("https://example.com{prefix}/login"));
            assert_eq!(url.to_string(), format!("https://example.com{prefix}"));
            assert_eq!(url.origin(), "https://example.com");
        }
        for path in ["//", "/a//b", "/a//", "/%70", "/{a}", "/a b", "/é", "/a;b", "/a?b", "/a#b"] {
            let refused = format!("https://example.com{path}").parse::<PublicUrl>();
            assert!(refused.unwrap_err().contains("plain path"), "{path}");
        }
        for taken in ["/healthz", "/readyz/", "/auth/check", "/auth/envoy/a", "/.well-known"] {
            let refused = format!("https://example.com{taken}").parse::<PublicUrl>();
            assert!(refused.unwrap_err().contains("programs"), "{taken}");
        }
    }
}
