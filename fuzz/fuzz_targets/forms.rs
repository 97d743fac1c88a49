//! The bodies of forms, from somebody who may do everything: fields, names, times, versions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall_fuzz::{HOUSE, spelled};
use std::sync::LazyLock;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "&username=", "&email=", "&display_name=", "&role=", "&version=1", "&version=", "&until=",
    "&reason=", "&name=", "&description=", "&permission=", "&other=", "&back=", "&password=",
    "&new=", "&current=", "&token=", "&next=", "&remember=on", "&form_token=", "kim", "user", "admin",
    "auditor", "reports:read", "team", "2099-01-01T00:00", "9999-12-31T23:59", "0000-00-00",
    "%00", "%ff", "%F0%9F%98%80", "%", "+", "=", "&", ";", "[]", "kim%40example.com",
    "-9223372036854775808", "99999999999999999999",
];

/// None of them ends the session that asks.
static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let kim = rolecall::auth::users::find(&HOUSE.app, "kim");
    let id = HOUSE.runtime.block_on(kim).expect("kim").id;
    let role = |path: &str| format!("/admin/roles/user{path}");
    vec![
        "/login".into(),
        "/link".into(),
        "/account/password".into(),
        "/admin/users".into(),
        format!("/admin/users/{id}"),
        format!("/admin/users/{id}/grant"),
        format!("/admin/users/{id}/revoke"),
        format!("/admin/users/{id}/link"),
        "/admin/roles".into(),
        role(""),
        role("/allow"),
        role("/deny"),
        role("/include"),
        role("/exclude"),
        role("/grantor"),
        "/admin/sessions/none/end".into(),
    ]
});

fuzz_target!(|input: (u8, &[u8])| {
    let (path, body) = input;
    let path = &PATHS[usize::from(path) % PATHS.len()];
    let answer = HOUSE.post(path, spelled(body, WORDS).into_bytes());
    let answer = answer.expect("a request");
    assert!(!answer.status.is_server_error());
    assert!(answer.location().is_none_or(|to| !to.starts_with("/login")));
});
