//! Which hosts and origins are ours, by the headers `Host` and `Origin`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::config::PublicUrl;
use rolecall_fuzz::spelled;
use url::Url;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "login.example.com", "LOGIN", ".example.com", "evil.example", "[2001:db8::1]", "[2001:DB8:0::1]",
    "https://", "http://", ":443", ":80", ":8080", ":", "@", "/", "\\", "?", "#", "%2e", "\t", "xn--",
    "\u{ff0e}", "\u{ad}",
];

fuzz_target!(|bytes: &[u8]| {
    let text = spelled(bytes, WORDS);
    for ours in
        ["https://login.example.com", "http://login.example.com:8080", "https://[2001:db8::1]"]
    {
        let ours: PublicUrl = ours.parse().expect("an address");
        let scheme = if ours.is_https() { "https" } else { "http" };
        if ours.is_host(&text) {
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b)));
            let url = Url::parse(&format!("{scheme}://{text}/")).expect("an address");
            assert_eq!(url.origin().ascii_serialization(), ours.origin());
        }
        if ours.is_origin(&text) {
            let url = Url::parse(&text).expect("an address");
            assert_eq!(url.origin().ascii_serialization(), ours.origin());
        }
    }
});
