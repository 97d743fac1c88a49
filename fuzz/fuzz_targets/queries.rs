//! The queries of pages and of `/auth/check`, with and without a session.
#![no_main]

use axum::http::{Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use rolecall_fuzz::{HOST, HOUSE, spelled};

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "&q=", "&role=", "&permission=", "&status=", "&login=", "&after=", "&before=", "&actor=",
    "&target=", "&action=", "&from=", "&to=", "&user=", "&next=", "&done=", "&token=", "&redirect=1",
    "user", "kim", "admin", "active", "disabled", "never", "user.create", "2026-11-23", "0000-01-01",
    "9999-12-31", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "%00", "%ff", "%F0%9F%98%80", "%25", "%", "_", "+", ",", "=", "&", "a%CC%81", "%EF%BF%BF",
    "%F4%8F%BF%BF",
];

const PATHS: [&str; 9] = [
    "/auth/check",
    "/login",
    "/link",
    "/admin/users",
    "/admin/roles",
    "/admin/roles/user",
    "/admin/sessions",
    "/admin/audit",
    "/admin/audit.csv",
];

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (path, is_signed_in, query) = input;
    let path = PATHS[usize::from(path) % PATHS.len()];
    let query = spelled(query, WORDS);
    let builder = Request::get(format!("{path}?{query}")).header(header::HOST, HOST);
    let builder = match is_signed_in {
        true => builder.header(header::COOKIE, &HOUSE.cookie),
        false => builder,
    };
    if let Some(answer) = HOUSE.ask(builder, "") {
        let is_open = is_signed_in || path == "/login" || path == "/link";
        assert!(is_open || answer.status != StatusCode::OK);
    }
});
