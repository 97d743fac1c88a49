//! Stored hashes, as seed files and imports bring them from elsewhere: none that can be read is
//! dear to compute, and none opens for a password that it was not made of.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::{
    auth::{
        Actor, By,
        hasher::{Verdict, scheme_of},
        password::Password,
    },
    config::MAX_HASH_KIB,
};
use rolecall_fuzz::{HOUSE, spelled};

const WORDS: &[&str] = &[
    "$argon2id",
    "$argon2i",
    "argon2$argon2id",
    "$scrypt$ln=4,r=8,p=1",
    "scrypt:16:8:1",
    "scrypt$16$salt$8$5",
    "pbkdf2:sha256:9",
    "pbkdf2:sha1",
    "pbkdf2_sha256$9",
    "$pbkdf2-sha256",
    "$pbkdf2-sha512",
    "$pbkdf2$9",
    "$i=9,l=32",
    "$2b$04$",
    "bcrypt$$2a$04$",
    "bcrypt_sha256$$2b$04$",
    "$5$rounds=1000$salt$",
    "$6$salt$",
    "$salt$",
    "md5$",
    "!",
    "abababababababababababababababababababababababababababababababab",
    "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
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
    if scheme_of(&hash).is_err() {
        assert!(is_known);
        return;
    }
    assert!(number(&hash, "m=").is_none_or(|kib| kib <= MAX_HASH_KIB.into()));
    if is_quick(&hash) {
        let password = Password::typed("wrong").expect("a password");
        let by = By::new(Actor::Visitor);
        let verdict = HOUSE.app.hasher.verify(&by, &password, Some(&hash));
        assert_eq!(HOUSE.runtime.block_on(verdict), Ok(Verdict::Wrong));
    }
});

/// Whether all costs in it are small; what names none has those of its program.
fn is_quick(hash: &str) -> bool {
    let names_none = hash.starts_with("pbkdf2:") && hash.matches(':').count() < 2;
    let is_dear_bcrypt = hash.contains("$2") && !hash.contains("$04$");
    let mut numbers = hash.split(|letter: char| !letter.is_ascii_digit());
    !names_none && !is_dear_bcrypt && numbers.all(|digits| digits.len() <= 2 || digits == "1000")
}

fn number(hash: &str, name: &str) -> Option<u64> {
    let found = hash.split(['$', ',']).find_map(|part| part.strip_prefix(name))?;
    found.parse().ok()
}
