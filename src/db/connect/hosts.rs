//! A Postgres URL that names several hosts, as libpq reads it: `postgres://one:5432,two:5433/name`.
//! The driver reads one host, so that each gets a URL of its own here.

use std::{borrow::Cow, net::Ipv6Addr, str::FromStr};

use sqlx::postgres::PgConnectOptions;
use url::{Position, Url};

use super::{ConnectError, unreadable};

/// How to connect to each host that the URL names, in its order; never none.
///
/// # Errors
/// What cannot be read. Hosts are told by their number: what was taken for one may be a part of a
/// password.
pub(super) fn read(url: &str) -> Result<Vec<PgConnectOptions>, ConnectError> {
    read_but(url, |_| false)
}

/// The same without what the URL sets for a connection, such as the schema.
pub(super) fn read_without_options(url: &str) -> Result<Vec<PgConnectOptions>, ConnectError> {
    read_but(url, |key| key.starts_with("options"))
}

fn read_but(
    url: &str,
    is_left_out: impl Fn(&str) -> bool,
) -> Result<Vec<PgConnectOptions>, ConnectError> {
    let parts = Parts::of(url);
    let hosts = parts.hosts()?;
    let rest = rest_for_the_driver(parts.rest, hosts.len(), is_left_out)?;
    let one = |host: &&str| {
        let url = format!("{}{host}{rest}", parts.before);
        PgConnectOptions::from_str(&url).map_err(unreadable)
    };
    hosts.iter().map(one).collect()
}

/// The URL as a person may see it: without its password, and without what names the schema.
pub fn without_password(url: &str) -> Option<String> {
    let parts = Parts::of(url);
    // Such a list is no host to whoever reads URLs.
    let mut one = Url::parse(&format!("{}host{}", parts.before, parts.rest)).ok()?;
    let _ = one.set_password(None);
    let is_shown = |key: &str| key != "password" && !key.starts_with("options");
    let others = one.query_pairs().filter(|(key, _)| is_shown(key));
    let others: Vec<_> =
        others.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    one.set_query(None);
    if !others.is_empty() {
        one.query_pairs_mut().extend_pairs(others);
    }
    Some(format!("{}{}{}", &one[..Position::BeforeHost], parts.list, &one[Position::AfterHost..]))
}

struct Parts<'a> {
    /// Scheme, name and password.
    before: &'a str,
    list: &'a str,
    /// Path and query.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Self {
        let start = url.find("://").map_or(0, |at| at + 3);
        let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
        let start = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
        Self { before: &url[..start], list: &url[start..end], rest: &url[end..] }
    }

    /// One host is left to the driver, as it is.
    fn hosts(&self) -> Result<Vec<&'a str>, ConnectError> {
        let hosts: Vec<_> = self.list.split(',').collect();
        if hosts.len() > 1 {
            for (place, host) in hosts.iter().enumerate() {
                require_host(host).map_err(|reason| {
                    let number = place + 1;
                    ConnectError::Url(format!("host {number} of {} {reason}", hosts.len()))
                })?;
            }
        }
        Ok(hosts)
    }
}

fn require_host(text: &str) -> Result<(), &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(inside) => {
            let (host, after) = inside.split_once(']').ok_or("has no ] after its [")?;
            host.parse::<Ipv6Addr>().map_err(|_| "is no IPv6 address in its brackets")?;
            (host, after)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if host.is_empty() {
        return Err("is empty");
    }
    match port.strip_prefix(':').map(u16::from_str) {
        None if port.is_empty() => Ok(()),
        Some(Ok(1..)) => Ok(()),
        _ => Err("has no valid port after it; an IPv6 address stands in brackets"),
    }
}

/// What libpq knows and the driver does not, taken out or refused.
fn rest_for_the_driver(
    rest: &str,
    hosts: usize,
    is_left_out: impl Fn(&str) -> bool,
) -> Result<Cow<'_, str>, ConnectError> {
    let wrong = |reason: &str| Err(ConnectError::Url(reason.to_owned()));
    let Some((path, query)) = rest.split_once('?') else { return Ok(rest.into()) };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("target_session_attrs", "read-write" | "primary") => continue,
            ("target_session_attrs", _) => {
                return wrong(
                    "target_session_attrs can be read-write or primary alone, which it is",
                );
            }
            ("host" | "hostaddr" | "port", value)
                if hosts > 1
                    || value.contains(',')
                    || value.to_ascii_lowercase().contains("%2c") =>
            {
                return wrong(
                    "several hosts stand before the path: postgres://one:5432,two:5432/…",
                );
            }
            (key, _) if is_left_out(key) => continue,
            _ => kept.push(pair),
        }
    }
    let mark = if kept.is_empty() { "" } else { "?" };
    Ok(format!("{path}{mark}{}", kept.join("&")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(url: &str) -> Vec<(String, u16)> {
        let hosts = read(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        hosts.iter().map(|host| (host.get_host().to_owned(), host.get_port())).collect()
    }

    #[test]
    fn each_host_comes_with_its_port_in_the_order_of_the_url() {
        let default = read("postgres://kim@x/db").unwrap()[0].get_port();
        for (list, expected) in [
            ("one", vec![("one", default)]),
            ("one:5433", vec![("one", 5433)]),
            ("one:5433,two:5434", vec![("one", 5433), ("two", 5434)]),
            ("one,two:5434,three", vec![("one", default), ("two", 5434), ("three", default)]),
            (
                "[::1]:5433,[fe80::2],10.0.0.3",
                vec![("[::1]", 5433), ("[fe80::2]", default), ("10.0.0.3", default)],
            ),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(host, port)| (host.to_owned(), port)).collect();
            for scheme in ["postgres", "postgresql"] {
                let url = format!("{scheme}://kim@{list}/db?sslmode=disable");
                assert_eq!(places(&url), expected, "{url}");
            }
        }
    }

    #[test]
    fn name_password_database_and_query_are_those_of_all_hosts() {
        let url = "postgres://k%2Cim:p%2Cw%40x@one:5433,two/my%2Cdb?options=-c%20search_path%3Ds&target_session_attrs=read-write";
        let hosts = read(url).unwrap();
        assert_eq!(hosts.len(), 2);
        for host in hosts {
            assert_eq!(host.get_username(), "k,im");
            assert_eq!(host.get_database(), Some("my,db"));
            assert_eq!(host.get_options(), Some("-c search_path=s"));
            let driver = "postgres://k%2Cim:p%2Cw%40x@one/my%2Cdb";
            let password = |options: &PgConnectOptions| {
                let shown = format!("{options:?}");
                let after = shown.split_once("password: ").unwrap().1;
                after.split_once(", database").unwrap().0.to_owned()
            };
            assert_eq!(password(&host), password(&driver.parse().unwrap()));
        }
        // With the comma as it is, too: only what is after the last @ is a list.
        assert_eq!(places("postgres://kim:p,w@one:1,two:2/db").len(), 2);
        assert_eq!(places("postgres://kim:p,w@one:1/db"), [("one".to_owned(), 1)]);
    }

    #[test]
    fn what_is_no_list_of_hosts_is_refused_and_shows_no_password() {
        for (url, reason) in [
            ("postgres://kim:hunter2@one,/db", "host 2 of 2 is empty"),
            ("postgres://kim:hunter2@,two/db", "host 1 of 2 is empty"),
            ("postgres://kim:hunter2@one,,two/db", "host 2 of 3 is empty"),
            ("postgres://kim:hunter2@:5432,two/db", "host 1 of 2 is empty"),
            ("postgres://kim:hunter2@one:,two/db", "host 1 of 2 has no valid port"),
            ("postgres://kim:hunter2@one:0,two/db", "host 1 of 2 has no valid port"),
            ("postgres://kim:hunter2@one,two:65536/db", "host 2 of 2 has no valid port"),
            ("postgres://kim:hunter2@one,two:54x/db", "host 2 of 2 has no valid port"),
            ("postgres://kim:hunter2@one,::1/db", "host 2 of 2"),
            ("postgres://kim:hunter2@one,[::1/db", "no ] after"),
            ("postgres://kim:hunter2@one,[::g]:1/db", "no IPv6 address"),
            ("postgres://kim:hunter2@one,[::1]5432/db", "no valid port"),
            ("postgres://kim:a,hunter2/x@one/db", "host 1 of 2 has no valid port"),
            ("postgres://kim:hunter2@one,two/db?port=5432", "before the path"),
            ("postgres://kim:hunter2@one/db?host=one,two", "before the path"),
            ("postgres://kim:hunter2@/db?host=one%2Ctwo", "before the path"),
            ("postgres://kim:hunter2@one,two/db?target_session_attrs=any", "read-write or primary"),
        ] {
            let error = read(url).expect_err(url).to_string();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn a_url_is_shown_with_its_hosts_and_without_its_password() {
        for (url, shown) in [
            ("postgres://kim:hunter2@one:5433/db", "postgres://kim@one:5433/db"),
            (
                "postgres://kim:hun,ter2@one:5433,[::1]:1/db?sslmode=require&options=-c%20a",
                "postgres://kim@one:5433,[::1]:1/db?sslmode=require",
            ),
            ("postgres:///db?host=%2Frun", "postgres:///db?host=%2Frun"),
            ("postgres://kim@one/db?password=hunter2&a=b", "postgres://kim@one/db?a=b"),
        ] {
            assert_eq!(without_password(url).as_deref(), Some(shown), "{url}");
        }
    }
}
