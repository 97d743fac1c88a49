//! What browsers say of themselves, as it is kept and as the page of sessions shows it.
#![no_main]

use axum::http::{Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use rolecall::{
    auth::{Actor, By, sessions},
    db::sessions::list_of_user,
};
use rolecall_fuzz::{HOST, HOUSE, sign_in, spelled};

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "Mozilla/5.0 (", ")", "Firefox/", "Chrome/", "Safari/", "Edg", "OPR/", "Linux", "Windows",
    "Mac OS X", "iPhone", "\0", "\r\n", "\u{85}", "\u{202e}", "&lt;", "\"", "'", "{{", "😀",
];

/// That of the session of the house.
const OTHER: &str = "fuzz";

fuzz_target!(|bytes: &[u8]| {
    let marked = format!("<i>{}", spelled(bytes, WORDS));
    let (app, admin) = (&HOUSE.app, &HOUSE.admin);
    let (cookie, _) = HOUSE.runtime.block_on(sign_in(app, admin, &marked));
    let open = HOUSE.runtime.block_on(list_of_user(&app.db, admin.id, app.now()));
    let open = open.expect("a database").into_iter().find(|one| one.user_agent != OTHER);
    let open = open.expect("the session of now");
    assert!(open.user_agent.starts_with("<i>") && open.user_agent.chars().count() <= 300);
    assert!(!open.user_agent.contains(char::is_control));
    let builder =
        Request::get("/account").header(header::HOST, HOST).header(header::COOKIE, cookie);
    let answer = HOUSE.ask(builder, "").expect("a request");
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.body.windows(3).any(|three| three == b"<i>"));
    let by = By::new(Actor::System);
    // Ending all would leave `admin` as it is known here behind.
    HOUSE.runtime.block_on(sessions::end(app, &by, open.id)).expect("its end");
});
