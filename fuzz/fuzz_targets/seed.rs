//! Seed files, in TOML and JSON: what is wrong with one is told, and what can be read can be
//! compared with the database.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::auth::{
    Actor, By, Error,
    seed::{Format, SeedError, parse, plan},
};
use rolecall_fuzz::{HOUSE, spelled};

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "[[permission]]\n", "[[role]]\n", "[[user]]\n", "[[user.roles]]\n", "managed = [\"roles\"]\n",
    "name = \"reports:read\"\n", "name = \"team\"\n", "name = \"user\"\n", "username = \"kim\"\n",
    "username = \"admin\"\n", "username = \"new\"\n", "invite = true\n", "email = \"\"\n",
    "email = \"kim@example.com\"\n", "status = \"disabled\"\n", "roles = [\"team\"]\n",
    "permissions = [\"reports:read\"]\n", "includes = [\"team\", \"user\"]\n", "grantors = []\n",
    "role = \"user\"\n", "until = 2099-01-01T00:00:00Z\n", "reason = \"\"\n", "display_name = \"K\"\n",
    "password_hash = \"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\"\n",
    "password_expires_at = 2099-01-01T00:00:00Z\n", "description = \"\\u0000\"\n",
    "{\"role\":[{\"name\":\"team\",\"includes\":[\"user\"]}]}", "{\"user\":[{\"username\":\"kim\",",
    "\"roles\":[{\"role\":\"user\",\"until\":\"2099-01-01T00:00:00Z\"}]", "}]}", "\"", "{", "}", "[",
    "]", ",", ":", "\n", "\u{feff}", "\\ud800", "1e999", "9999-12-31T23:59:59-23:59",
];

fuzz_target!(|input: (bool, &[u8])| {
    let (prune, bytes) = input;
    let text = spelled(bytes, WORDS);
    let by = By::new(Actor::System);
    for format in [Format::Toml, Format::Json] {
        let seed = match parse(&text, format) {
            Ok(seed) => seed,
            Err(SeedError::Line { line, message }) => {
                assert!(!message.is_empty() && line <= text.split('\n').count());
                continue;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        let planned = HOUSE.runtime.block_on(plan(&HOUSE.app, &by, &seed, prune));
        assert!(!matches!(planned, Err(SeedError::Auth(Error::Db(_)))), "{planned:?}");
    }
});
