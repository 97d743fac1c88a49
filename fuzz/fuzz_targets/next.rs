//! Where a login leads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::auth::next::Next;
use rolecall_fuzz::{ALLOWED, ORIGIN, shared_settings, spelled};
use url::Url;

const WORDS: &[&str] = &[
    "https://app.example.com",
    "https://login.example.com",
    "https://evil.example",
    "http://",
    "https:",
    "javascript:",
    "//",
    "/",
    "\\",
    "..",
    ".",
    "@",
    ":443",
    ":8443",
    "?",
    "#",
    "%2f",
    "%5C",
    "%2e",
    "%0d%0a",
    "%25",
    "\t",
    "\u{ff0f}",
    "\"",
    "|",
];

fuzz_target!(|bytes: &[u8]| {
    let settings = shared_settings();
    let next = Next::parse(&spelled(bytes, WORDS), settings);
    let page = Url::parse(ORIGIN).and_then(|base| base.join("/login")).expect("our page");
    let arrived = page.join(next.location()).expect("an address").origin().ascii_serialization();
    assert_eq!(arrived, next.origin().unwrap_or(ORIGIN));
    assert!([ORIGIN, ALLOWED].contains(&arrived.as_str()));
    assert!(next.location().bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(Next::checked(next.location(), settings), Some(next));
});
