//! Whatever stands where a hash should be: nothing panics, and nothing absurd is computed.

use proptest::{prelude::*, sample::Index};

use super::{cost::USUAL_PASSWORD, tests::made, *};
use crate::chance::{config, text_of};

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "$", "$", "$$", ":", ",", "=", "!", "scrypt", "pbkdf2", "pbkdf2_sha256", "pbkdf2_sha1", "sha1",
    "sha256", "argon2", "argon2id", "argon2i", "bcrypt", "bcrypt_sha256", "pbkdf2-sha256",
    "pbkdf2-sha512", "$2b$", "$2a$04$", "$5$", "$6$", "rounds=", "v=19", "v=16", "m=", "t=", "p=",
    "i=", "l=", "ln=", "r=", "keyid=", "data=", "0", "1", "2", "8", "16", "1000", "4096", "31",
    "4294967295", "4294967296", "18446744073709551615", "c29tZXNhbHRzb21l", "salt", "é", "\0",
    "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=",
    "abababababababababababababababababababababababababababababababab",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "///////////////////////////////////////////",
];

/// A real hash with some pieces or letters of it replaced, or cut.
fn mutated() -> impl Strategy<Value = String> {
    let hashes: Vec<String> = made().into_iter().map(|made| made.hash).collect();
    let change = (any::<Index>(), 0..4_usize, text_of(PIECES, 2));
    (proptest::sample::select(hashes), proptest::collection::vec(change, 1..4)).prop_map(
        |(hash, changes)| {
            let mut letters: Vec<char> = hash.chars().collect();
            for (place, length, piece) in changes {
                let from = place.index(letters.len() + 1);
                let to = (from + length).min(letters.len());
                letters.splice(from..to, piece.chars());
            }
            letters.into_iter().collect()
        },
    )
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => mutated(), 2 => text_of(PIECES, 12), 1 => any::<String>()]
}

/// What is computed here costs no more.
const CHEAP: u64 = 200_000;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_hash_that_is_read_is_within_the_limits_and_opens_for_nothing_else(text in text()) {
        let Ok(stored) = Stored::read(&text) else { return Ok(()) };
        prop_assert_eq!(stored.cost(USUAL_PASSWORD).within_limits(), Ok(()));
        prop_assert!(text.len() <= MAX_BYTES);
        if stored.cost(USUAL_PASSWORD).is_below_nanos(CHEAP) {
            let mut memory = Memory::new();
            let wrong = Password::typed("neither this nor that").unwrap();
            prop_assert_eq!(stored.matches(&wrong, None, &mut memory), None);
        }
    }
}
