//! Forwarding headers: whoever stands left of the address that our proxy wrote changes nothing,
//! and no check leads anywhere but to our login, and from there to where a login may lead.
#![no_main]

use axum::http::{Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use rolecall::{
    auth::next::Next,
    db::audit::{self, Filter, id_at},
};
use rolecall_fuzz::{HOST, HOUSE, ORIGIN, shared_settings, spelled};
use url::Url;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "10.0.0.9", "203.0.113.5", "::1", "::ffff:10.0.0.9", "[", "]", ":", ":80", "%eth0", "unknown",
    "\"", "for=", ",", ", ", "https", "http", "app.example.com", "login.example.com", "evil.example",
    "@", "/", "//", "\\", "?", "#", "GET", "POST", "..", "%2f", "\u{e9}",
];

fuzz_target!(|input: (bool, &[u8], &[u8], &[u8], &[u8], &[u8])| {
    let (is_same_line, left, method, scheme, host, path) = input;
    let left = spelled(left, WORDS);
    let near = "203.0.113.7, 10.0.0.2";
    // A line with what is not ASCII cannot be read at all.
    let lines = match is_same_line && left.is_ascii() {
        true => ["10.0.0.3".to_owned(), format!("{left}, {near}")],
        false => [left, near.to_owned()],
    };
    let login = Request::post("/login")
        .header(header::HOST, HOST)
        .header(header::ORIGIN, ORIGIN)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("x-forwarded-for", &lines[0])
        .header("x-forwarded-for", &lines[1]);
    if let Some(answer) = HOUSE.ask(login, "username=nobody&password=wrong") {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(newest_actor().contains("203.0.113.7"));
    }
    let [method, scheme, host, path] =
        [method, scheme, host, path].map(|bytes| spelled(bytes, WORDS));
    let check = Request::get("/auth/check?redirect=1")
        .header(header::ACCEPT, "text/html")
        .header("x-forwarded-method", method)
        .header("x-forwarded-proto", scheme)
        .header("x-forwarded-host", host)
        .header("x-forwarded-uri", path);
    let Some(answer) = HOUSE.ask(check, "") else { return };
    assert!([StatusCode::UNAUTHORIZED, StatusCode::FOUND].contains(&answer.status));
    let Some(to) = answer.location() else { return };
    let to = Url::parse(to).expect("an address");
    assert_eq!((to.origin().ascii_serialization().as_str(), to.path()), (ORIGIN, "/login"));
    for (name, value) in to.query_pairs() {
        assert_eq!(name, "next");
        assert!(Next::checked(&value, shared_settings()).is_some());
    }
});

/// Who the newest record says it was.
fn newest_actor() -> String {
    let far = HOUSE.app.now() + time::Duration::days(1);
    let places = (Default::default(), id_at(far));
    let filter = Filter::default();
    let newest = HOUSE.runtime.block_on(audit::list(&HOUSE.app.db, &filter, places, 1));
    newest.expect("records")[0].actor_personal.clone().unwrap_or_default()
}
