//! Files for `audit verify --checkpoint`: what can be read is written as it was, and none is
//! ours but the one that we signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::{
    auth::trail::checkpoint::{is_signed, line, parse_all, sign},
    db::{
        checkpoints::{Checkpoint, Kind},
        seals::End,
    },
};
use rolecall_fuzz::{HOUSE, altered, spelled};
use std::sync::LazyLock;

const WORDS: &[&str] = &[
    "rolecall-checkpoint 1 ",
    "rolecall-checkpoint",
    " 0",
    " 9223372036854775807",
    " -9223372036854775808",
    " 00ff",
    " 2026-11-23T08:00:00Z",
    " 9999-12-31T23:59:60Z",
    " 1970-01-01T00:00:00-00:01",
    " end",
    " pruned",
    "\n",
    "\r\n",
    "\"",
    "{\"checkpoint\":\"",
];

static GENUINE: LazyLock<Checkpoint> = LazyLock::new(|| {
    sign(&HOUSE.app, Kind::End, &End { number: 1000, chain_digest: vec![0xab; 32] })
});

fuzz_target!(|input: (&[u8], u8, u8)| {
    let (bytes, place, byte) = input;
    let keys = &HOUSE.app.keys;
    let text = spelled(bytes, WORDS);
    match parse_all(&text) {
        Ok(found) => {
            for one in found {
                assert_ne!(is_signed(keys, &one), Some(true));
                assert_eq!(parse_all(&line(&one)), Ok(vec![one]));
            }
        }
        Err(number) => {
            let wrong = text.lines().nth(number - 1).expect("a line");
            assert!(wrong.contains("rolecall-checkpoint 1 "));
        }
    }
    let genuine = line(&GENUINE);
    for found in parse_all(&altered(&genuine, place, byte)).unwrap_or_default() {
        assert!(found == *GENUINE || is_signed(keys, &found) != Some(true));
    }
    let logged = format!("{}\n {{\"checkpoint\":\"{genuine}\"}}", text.replace("rolecall-", ""));
    assert_eq!(parse_all(&logged), Ok(vec![GENUINE.clone()]));
});
