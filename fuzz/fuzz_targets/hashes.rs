//! Stored hashes, as seed files bring them from elsewhere (PHC strings): none that can be read
//! is dear to compute, and none opens for a password that it was not made of.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::{
    auth::{
        Actor, By,
        hasher::{Verdict, is_readable},
        password::Password,
    },
    config::{MAX_HASH_KIB, MAX_HASH_PASSES},
};
use rolecall_fuzz::{HOUSE, spelled};

const WORDS: &[&str] = &[
    "$argon2id",
    "$argon2i",
    "$v=19",
    "$v=16",
    "$m=8",
    "$m=",
    "$",
    ",",
    "m=16",
    ",t=1",
    ",t=",
    ",p=1",
    ",p=2",
    ",keyid=",
    ",data=",
    "4294967295",
    "131073",
    "00000001",
    "$c29tZXNhbHQ",
    "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
];

fuzz_target!(|bytes: &[u8]| {
    let hash = spelled(bytes, WORDS);
    let is_known = HOUSE.app.hasher.has_pepper_of(&hash);
    if !is_readable(&hash) {
        assert!(is_known);
        return;
    }
    let (kib, passes) = (number(&hash, "m="), number(&hash, "t="));
    assert!(hash.starts_with("$argon2id$"));
    assert!(kib.is_none_or(|kib| kib <= MAX_HASH_KIB));
    assert!(passes.is_none_or(|passes| passes <= MAX_HASH_PASSES));
    if let (Some(..=64), Some(..=2)) = (kib, passes) {
        let password = Password::typed("wrong").expect("a password");
        let by = By::new(Actor::Visitor);
        let verdict = HOUSE.app.hasher.verify(&by, &password, Some(&hash));
        assert_eq!(HOUSE.runtime.block_on(verdict), Ok(Verdict::Wrong));
    }
});

fn number(hash: &str, name: &str) -> Option<u32> {
    let found = hash.split(['$', ',']).find_map(|part| part.strip_prefix(name))?;
    Some(found.parse().expect("a number"))
}
