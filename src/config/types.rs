//! The kinds of values that settings have: how they are written, and what is refused.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};
use time::Duration;

use super::{AppName, Endpoint, HashParams, Origin, PublicUrl};

/// Reads a value from the settings file as it is read from a flag; numbers need no quotes.
macro_rules! from_text {
    ($($type:ty),+) => { $(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+ };
}

from_text!(
    AppName,
    Listen,
    PublicUrl,
    TrustedProxy,
    Origin,
    HashParams,
    Span,
    Domain,
    LogFormat,
    OnOff,
    Pooler,
    Endpoint
);

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp(SocketAddr::from(([127, 0, 0, 1], 8000)))
    }
}

impl Listen {
    /// Whether each asking gets another port.
    pub(super) fn is_any_port(&self) -> bool {
        matches!(self, Self::Tcp(address) if address.port() == 0)
    }

    /// Whether other machines may reach it.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Tcp(address) if !address.ip().to_canonical().is_loopback())
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: needs a path, such as unix:/run/rolecall.sock".into()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!("{text:?} is no address with port; for example 127.0.0.1:8000 or unix:/run/rolecall.sock")
            }),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Whose forwarding headers are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedProxy {
    Net(IpNet),
    /// Whoever can write to the unix socket.
    Unix,
}

impl TrustedProxy {
    /// `None` is a peer on a unix socket.
    pub fn covers(&self, peer: Option<IpAddr>) -> bool {
        match (self, peer) {
            (Self::Net(net), Some(peer)) => net.contains(&peer.to_canonical()),
            (Self::Unix, None) => true,
            _ => false,
        }
    }
}

impl FromStr for TrustedProxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(|net| Self::Net(canonical(net))).map_err(|_| {
            format!("{text:?} is no address or network, such as 10.0.0.0/8, and not `unix`")
        })
    }
}

/// IPv4 written as IPv6 (`::ffff:10.0.0.0/104`) as IPv4, as addresses are when they are compared.
fn canonical(net: IpNet) -> IpNet {
    let prefix = net.prefix_len().checked_sub(96).filter(|_| net.addr().is_ipv6());
    let mapped = prefix.and_then(|prefix| IpNet::new(net.addr().to_canonical(), prefix).ok());
    mapped.filter(|net| net.addr().is_ipv4()).unwrap_or(net)
}

/// Values separated by commas; in the settings file also an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: FromStr<Err = String>> FromStr for List<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl<'de, T: FromStr<Err = String>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        let items = match Written::deserialize(deserializer)? {
            Written::One(text) => return text.parse().map_err(de::Error::custom),
            Written::Many(items) => items,
        };
        let parsed = items.iter().map(|item| item.parse().map_err(de::Error::custom));
        parsed.collect::<Result<_, _>>().map(Self)
    }
}

/// A domain name, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain(pub String);

impl FromStr for Domain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim_start_matches('.').to_ascii_lowercase();
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        // An address has no neighbours.
        let is_name = matches!(url::Host::parse(&name), Ok(url::Host::Domain(_)));
        if is_name && name.contains('.') && name.split('.').all(is_label) {
            Ok(Self(name))
        } else {
            Err(format!("{text:?} is no domain, such as example.com"))
        }
    }
}

/// A length of time in settings has at most so many days.
pub const LONGEST_DAYS: u64 = 3650;

/// A length of time, written `15m`, `12h`, `30d`; from one second to ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = humantime::parse_duration(text).map(|span| span.as_secs()).unwrap_or(0);
        if (1..=LONGEST_DAYS * 86_400).contains(&seconds) {
            Ok(Self(Duration::seconds(seconds as i64)))
        } else {
            Err(format!("{text:?} is no length of time up to ten years, such as 15m, 12h or 30d"))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOff {
    On,
    Off,
}

impl FromStr for OnOff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(format!("{text:?} is neither on nor off")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is neither pretty nor json")),
        }
    }
}

/// Whether connections to Postgres go through a pooler that gives its own to one transaction after
/// the other, as PgBouncer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    Off,
    Transaction,
}

impl FromStr for Pooler {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "transaction" => Ok(Self::Transaction),
            _ => Err(format!("{text:?} is neither off nor transaction")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_open_when_other_machines_may_reach_it() {
        for (text, is_open) in [
            ("127.0.0.1:9464", false),
            ("[::1]:9464", false),
            ("[::ffff:127.0.0.1]:9464", false),
            ("unix:/run/metrics.sock", false),
            ("0.0.0.0:9464", true),
            ("[::]:9464", true),
            ("10.0.0.1:9464", true),
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().is_open(), is_open, "{text}");
        }
    }

    #[test]
    fn a_proxy_covers_its_address_however_that_is_written() {
        for (proxy, peer) in [
            ("10.0.0.1", "::ffff:10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.1.2.3"),
            ("::ffff:0:0/96", "192.0.2.1"),
            ("2001:db8::/120", "2001:db8::7"),
        ] {
            let proxy: TrustedProxy = proxy.parse().unwrap();
            assert!(proxy.covers(peer.parse().ok()), "{proxy:?} {peer}");
        }
        let near: TrustedProxy = "::ffff:10.0.0.0/104".parse().unwrap();
        assert!(!near.covers("11.0.0.1".parse().ok()) && !near.covers("::1".parse().ok()));
    }
}
