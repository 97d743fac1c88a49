//! What holds for every return address, whatever somebody writes.

use percent_encoding::percent_decode_str;
use proptest::{prelude::*, sample::select};
use url::Url;

use super::Next;
use crate::{
    chance::{config, text_of},
    config::{Chosen, Settings},
};

const ALLOWED: [&str; 2] = ["https://app.example.com", "https://b.example.com:8443"];
const OURS: [&str; 2] = ["http://127.0.0.1:8000", "https://login.example.com"];

/// What browsers, proxies and servers read in different ways.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "/", "//", "\\", "/\\", "\t", "\n", "\r", "\0", "\u{b}", "\u{1b}", "\u{7f}", " ", "\u{a0}",
    "\u{200b}", "\u{feff}", "%2f", "%2F", "%5c", "%2e", "%2E%2E", "%00", "%09", "%0a", "%0D",
    "%1f", "%25", "%252f", "%7f", "%20", "%3f", "%23", "%40", "%", "%e3%80%82", "@", ":", ":pw@",
    "?", "#", "&", "=", ";", "|", "\"", "<", "'", "{", "^", "[", "]", ".", "..", "/./", "/../",
    "。", "．", "｡", "／", "＼", "／／", "é", "xn--", "http:", "http://", "https:", "https:/",
    "https://", "HTTPS://", "ftp://", "javascript:", "data:text/html,", "blob:", "file:///",
    "view-source:", "app.example.com", "APP.example.com", "b.example.com:8443", "b.example.com",
    "evil.example", ".evil.example", "127.0.0.1:8000", "2130706433", "0x7f.1", "[::1]",
    "localhost", "user@", "login.example.com", "account", "admin", "a",
];

/// Rare by chance, and where the ways part.
const BEGINNINGS: &[&str] =
    &["", "", "/", "/", "/a", "https://app.example.com", "https://b.example.com:8443/"];

fn written() -> impl Strategy<Value = String> {
    let long = (text_of(PIECES, 1), 300..2100_usize).prop_map(|(text, times)| text.repeat(times));
    let tail = prop_oneof![4 => text_of(PIECES, 7), 1 => long];
    (select(BEGINNINGS), tail).prop_map(|(begin, tail)| format!("{begin}{tail}"))
}

fn settings(ours: &str) -> Settings {
    let allowed_return_origins = ALLOWED.join(",").parse().ok();
    let public_url = ours.parse().ok();
    let chosen = Chosen { allowed_return_origins, public_url, ..Chosen::default() };
    Settings::resolve(chosen).unwrap()
}

/// The origin that a browser arrives at from our login page.
fn arrives_at(ours: &str, location: &str) -> String {
    let page = Url::parse(&format!("{ours}/login?next=x")).unwrap();
    page.join(location).map_or("nowhere".into(), |url| url.origin().ascii_serialization())
}

fn decoded_path(location: &str) -> String {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_browser_stays_with_us_or_goes_where_it_may(
        text in prop_oneof![9 => written(), 1 => any::<String>()],
        ours in select(&OURS[..]),
    ) {
        let next = Next::parse(&text, &settings(ours));
        let origin = arrives_at(ours, next.location());
        match next.origin() {
            None => {
                prop_assert_eq!(&origin, ours);
                // Nor does one that a proxy has decoded lead away.
                prop_assert_eq!(arrives_at(ours, &decoded_path(next.location())), ours);
            }
            Some(said) => {
                prop_assert_eq!(&origin, said);
                prop_assert!(ALLOWED.contains(&said));
            }
        }
        prop_assert!(next.location().bytes().all(|byte| (0x21..0x7f).contains(&byte)));
    }

    #[test]
    fn what_was_checked_is_checked_the_same_again(text in written()) {
        let settings = settings(OURS[0]);
        let next = Next::parse(&text, &settings);
        prop_assert_eq!(Next::checked(next.location(), &settings), Some(next));
    }

    #[test]
    fn a_plain_path_is_followed_as_it_is(
        text in r"(/[A-Za-z0-9_~-]{1,8}){1,5}(\?[!-Z_-~^\[\]]{0,30})?(#[a-z]{0,5})?",
    ) {
        let next = Next::parse(&text, &settings(OURS[1]));
        prop_assert_eq!(next.location(), text);
    }

    #[test]
    fn any_other_origin_leads_to_the_account(host in "[a-z0-9.:@-]{1,20}", path in "/?[a-z]{0,5}") {
        let text = format!("https://{host}{path}");
        prop_assume!(!ALLOWED.iter().any(|allowed| text.starts_with(allowed)));
        let next = Next::parse(&text, &settings(OURS[0]));
        prop_assert_eq!(next.location(), "/account");
    }
}
