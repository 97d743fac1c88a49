//! The `Cookie` header: nobody is signed in by what we did not make, and what others put beside
//! our cookie changes nothing.
#![no_main]

use axum::http::{Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use rolecall_fuzz::{HOST, HOUSE, altered, spelled};

const NAME: &str = "__Host-rolecall=";
#[rustfmt::skip]
const WORDS: &[&str] = &[
    NAME, "__Secure-rolecall-check=", "__Host-rolecall-device-", "AAAAAAAAAAAAAAAAAAAAAA.", ".", "=",
    ";", "; ", "\"", " ", "\t", "$Version=1", ",",
];

fuzz_target!(|input: (&[u8], &[u8], u8, u8)| {
    let others = spelled(input.0, WORDS);
    let forged = altered(&HOUSE.cookie[NAME.len()..], input.2, input.3);
    for path in ["/account", "/auth/check"] {
        let ask = |cookies: [&[u8]; 2]| {
            let builder = Request::get(path).header(header::HOST, HOST);
            let builder = builder.header(header::COOKIE, cookies[0]);
            HOUSE.ask(builder.header(header::COOKIE, cookies[1]), "")
        };
        for forged in [input.1, format!("{NAME}{forged}").as_bytes()] {
            if let Some(answer) = ask([others.as_bytes(), forged]) {
                assert_ne!(answer.status, StatusCode::OK);
            }
        }
        if let Some(answer) = ask([others.as_bytes(), HOUSE.cookie.as_bytes()]) {
            let is_ours = answer.status == StatusCode::OK;
            assert_ne!(is_ours, others.split(';').any(|one| one.trim_start().starts_with(NAME)));
        }
    }
});
