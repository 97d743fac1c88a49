//! Chosen passwords: none is taken that cannot be typed again, or is what its owner is called.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::auth::password::{MAX_BYTES, Password};
use rolecall_fuzz::spelled;

const WORDS: &[&str] = &[
    "password",
    "correct",
    "horse",
    "battery",
    "staple",
    "qwertz",
    "qwerty",
    "asdf",
    "abcdef",
    "123456",
    "987654",
    "1999",
    "2026-11-23",
    "23.11.2026",
    "11/23/99",
    "31/2/1",
    "Kim",
    "example",
    "@",
    " ",
    "!",
    "1",
    "3",
    "$",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "字",
    "😀",
    "\u{0}",
    "aaaa",
    "abcabc",
    "zzz",
    "0000000000",
    "zxcvbn",
    "19991231",
];

fuzz_target!(|input: (&[u8], &[u8])| {
    let (text, name) = (spelled(input.0, WORDS), spelled(input.1, WORDS));
    if Password::chosen(&text, 8, &[&name, "kim@example.com"]).is_ok() {
        assert!(text.len() <= MAX_BYTES);
        assert!(!text.contains(char::is_control));
        assert_ne!(text.to_lowercase(), name.to_lowercase());
    }
    assert!(Password::chosen(&text, 8, &[&text]).is_err());
});
