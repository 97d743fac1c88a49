//! What holds for everything that stands in `X-Forwarded-For`.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue};
use proptest::{collection::vec, prelude::*};

use super::address;
use crate::{
    chance::{config, text_of},
    config::{Chosen, Settings},
};

fn settings() -> Settings {
    let trusted_proxies = "10.0.0.0/8,fd00::/8,::1,unix".parse().ok();
    Settings::resolve(Chosen { trusted_proxies, ..Chosen::default() }).unwrap()
}

/// What nobody could take for an address, and what only looks like one.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "10.0.0.9", "203.0.113.5", "::1", "fd00::7", "2001:db8::5", "::ffff:10.0.0.9", "[", "]", "[[",
    "]]", ":", ":80", ":65536", "%", "%eth0", "%25eth0", "%3", "fe80::1", "unknown", "_hidden",
    "\"", "for=", ";", "/8", ".", "010.0.0.9", "0x7f.1", "256.1.1.1", "-1", " ", "\t", ",", ", ",
    "garbage",
];

fn garbage() -> impl Strategy<Value = HeaderValue> {
    let bytes = vec(any::<u8>(), 0..40).prop_map(|bytes| HeaderValue::from_bytes(&bytes));
    let any = bytes.prop_filter_map("no header", Result::ok);
    let alike = text_of(PIECES, 8).prop_map(|text| text.parse().unwrap());
    prop_oneof![1 => any, 4 => alike]
}

/// An address as proxies write it.
fn written(ip: impl Strategy<Value = IpAddr>) -> impl Strategy<Value = (IpAddr, String)> {
    (ip, 0..5_u8, any::<u16>()).prop_map(|(ip, form, port)| {
        let text = match (ip, form) {
            (_, 0) => ip.to_string(),
            (IpAddr::V4(ip), 1) => format!("{ip}:{port}"),
            (IpAddr::V6(ip), 1) => format!("[{ip}]:{port}"),
            (IpAddr::V4(ip), 2) => ip.to_ipv6_mapped().to_string(),
            (IpAddr::V4(ip), _) => format!("[{}]:{port}", ip.to_ipv6_mapped()),
            (IpAddr::V6(ip), 2) => format!("[{ip}]"),
            (IpAddr::V6(ip), 3) => format!("[{ip}%{port}]:{port}"),
            (IpAddr::V6(ip), _) => ip.to_string().to_uppercase(),
        };
        (ip, text)
    })
}

fn ip() -> impl Strategy<Value = IpAddr> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from)
    ];
    ip.prop_map(|ip| ip.to_canonical())
}

fn stranger() -> impl Strategy<Value = IpAddr> {
    let ours = settings();
    ip().prop_filter("one of ours", move |ip| !ours.trusts(Some(*ip)))
}

fn proxy() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c]));
    let v6 = any::<u16>().prop_map(|last| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last]));
    prop_oneof![v4, v6, Just(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]))]
}

/// Our own proxies, from the outermost on, each in the same line as the one before or not.
fn proxies(least: usize) -> impl Strategy<Value = Vec<((IpAddr, String), bool)>> {
    vec((written(proxy()), any::<bool>()), least..4)
}

/// Lines as they come; an empty list of `first` is none.
fn lines(first: &[HeaderValue], hops: &[(&str, bool)]) -> HeaderMap {
    let mut lines: Vec<Vec<u8>> = first.iter().map(|line| line.as_bytes().to_vec()).collect();
    for (hop, is_same_line) in hops {
        match lines.last_mut() {
            Some(line) if *is_same_line => line.extend_from_slice(format!(", {hop}").as_bytes()),
            _ => lines.push(hop.as_bytes().to_vec()),
        }
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append("x-forwarded-for", HeaderValue::from_bytes(&line).unwrap());
    }
    headers
}

/// Whom the request comes from: one of ours, or our unix socket.
fn our_peer() -> impl Strategy<Value = Option<IpAddr>> {
    prop::option::of(proxy())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_rightmost_stranger_counts_whatever_stands_left(
        peer in our_peer(),
        left in vec(garbage(), 0..3),
        (client, text) in written(stranger()),
        // A line that holds what is not ASCII is unreadable as a whole.
        beyond in proxies(0),
    ) {
        let mut hops = vec![(text.as_str(), false)];
        hops.extend(beyond.iter().map(|((_, text), same)| (text.as_str(), *same)));
        let found = address(&settings(), peer, &lines(&left, &hops));
        prop_assert_eq!(found, Some(client));
    }

    #[test]
    fn within_one_line_what_stands_left_changes_nothing(
        peer in our_peer(),
        left in text_of(PIECES, 8),
        (client, text) in written(stranger()),
    ) {
        let left = left.parse().unwrap();
        let found = address(&settings(), peer, &lines(&[left], &[(&text, true)]));
        prop_assert_eq!(found, Some(client));
    }

    #[test]
    fn a_stranger_is_who_they_are_whatever_they_write(
        peer in stranger(),
        is_mapped: bool,
        left in vec(garbage(), 0..3),
    ) {
        let sent = match peer {
            IpAddr::V4(ip) if is_mapped => ip.to_ipv6_mapped().into(),
            ip => ip,
        };
        prop_assert_eq!(address(&settings(), Some(sent), &lines(&left, &[])), Some(peer));
    }

    #[test]
    fn what_is_no_address_leaves_the_last_proxy(
        peer in our_peer(),
        left in vec(garbage(), 0..3),
        nobody in "(unknown|_[a-z]{1,9}|[g-z ]{0,9}|10\\.0\\.0|fe80::1%eth0|[0-9]{4,12}|::1:x)",
        beyond in proxies(0),
    ) {
        let mut hops = vec![(nobody.as_str(), false)];
        hops.extend(beyond.iter().map(|((_, text), same)| (text.as_str(), *same)));
        let last = beyond.first().map(|((ip, _), _)| *ip).or(peer);
        prop_assert_eq!(address(&settings(), peer, &lines(&left, &hops)), last);
    }

    #[test]
    fn among_our_proxies_alone_the_outermost_counts(peer in our_peer(), all in proxies(1)) {
        let hops: Vec<_> = all.iter().map(|((_, text), same)| (text.as_str(), *same)).collect();
        let outermost = all.first().map(|((ip, _), _)| *ip);
        prop_assert_eq!(address(&settings(), peer, &lines(&[], &hops)), outermost);
    }

    #[test]
    fn an_address_is_always_in_its_shortest_form(peer in our_peer(), any in vec(garbage(), 0..4)) {
        let found = address(&settings(), peer, &lines(&any, &[]));
        prop_assert_eq!(found, found.map(|ip| ip.to_canonical()));
        prop_assert!(peer.is_none() || found.is_some());
    }
}
