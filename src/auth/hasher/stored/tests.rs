use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::{cost::USUAL_PASSWORD, *};
use crate::config::MAX_HASH_KIB;

/// A hash as a program made it (`scripts/hash-vectors`).
#[derive(serde::Deserialize)]
pub struct Made {
    pub by: String,
    /// What we call it, or why we do not take it.
    pub scheme: Option<String>,
    pub refused: Option<String>,
    pub password: String,
    pub hash: String,
}

pub fn made() -> Vec<Made> {
    let lines = include_str!("../../../../tests/data/hashes.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Made {
    /// Whether the hash was made of what this password is to its program.
    fn is_of(&self, password: &str) -> bool {
        let is_bcrypt = matches!(self.scheme.as_deref(), Some("bcrypt" | "Django bcrypt"));
        let seen = |text: &str| match is_bcrypt {
            true => text.bytes().take(72).collect(),
            false => text.as_bytes().to_vec(),
        };
        let normal: String = password.nfc().collect();
        let may_be_ours = self.scheme.as_deref() == Some("argon2id");
        let is_same = seen(password) == seen(&self.password) && !password.contains('\0');
        is_same || (may_be_ours && normal == self.password)
    }

    fn near_misses(&self) -> Vec<String> {
        let word = &self.password;
        let turned: String = word.chars().rev().collect();
        let mut others = vec![
            format!("{word}x"),
            format!("{word}\0"),
            format!(" {word}"),
            word.nfc().collect(),
            word.nfd().collect(),
            word.to_uppercase(),
            word.chars().skip(1).collect(),
            word.trim_end().to_owned(),
            turned,
            self.hash.clone(),
        ];
        others.retain(|other| other != word);
        others
    }
}

fn opens(stored: &Stored, password: &str) -> bool {
    let password = Password::typed(password).unwrap();
    stored.matches(&password, None, &mut Memory::new()).is_some()
}

/// Nanoseconds of what is compared with many passwords, and of what is compared with any in a
/// build for tests, where some of these functions are slower by far.
const CHEAP: u64 = 5_000_000;
const DEAR: u64 = 100_000_000;

fn assert_opens_for_its_password_alone(made: &Made, stored: &Stored) {
    let (by, hash) = (&made.by, &made.hash);
    assert!(opens(stored, &made.password), "{by} {hash} for {:?}", made.password);
    let is_cheap = stored.cost(USUAL_PASSWORD).is_below_nanos(CHEAP);
    let tried = if is_cheap { usize::MAX } else { 1 };
    for other in made.near_misses().iter().take(tried) {
        assert_eq!(opens(stored, other), made.is_of(other), "{by} {hash} for {other:?}");
    }
}

/// Those that rolecall takes, dear ones or the others.
fn taken(is_dear: bool) -> impl Iterator<Item = (Made, Stored)> {
    made().into_iter().filter_map(move |made| {
        made.scheme.as_ref()?;
        let stored = Stored::read(&made.hash)
            .unwrap_or_else(|error| panic!("{} {}: {error}", made.by, made.hash));
        let fits = stored.cost(USUAL_PASSWORD).is_below_nanos(DEAR) != is_dear;
        fits.then_some((made, stored))
    })
}

#[test]
fn a_hash_of_another_program_opens_for_its_password_alone() {
    let mut names = BTreeSet::new();
    for (made, stored) in taken(false) {
        let name = stored.scheme.to_string();
        assert_eq!(made.scheme.as_ref(), Some(&name), "{} {}", made.by, made.hash);
        names.insert(name);
        assert_opens_for_its_password_alone(&made, &stored);
    }
    let known: BTreeSet<_> = FORMS.iter().map(|(_, scheme, _)| scheme.to_string()).collect();
    assert_eq!(names, known);
}

#[test]
#[ignore = "takes a minute"]
fn a_hash_of_a_program_as_it_makes_them_by_default_opens_for_its_password_alone() {
    let mut count = 0;
    for (made, stored) in taken(true) {
        assert_opens_for_its_password_alone(&made, &stored);
        count += 1;
    }
    assert!(count > 5);
}

#[test]
fn a_hash_that_names_no_iterations_opens_with_the_default_of_its_time() {
    let mut count = 0;
    for (made, stored) in taken(true) {
        if made.hash.split_once('$').unwrap().0.matches(':').count() < 2
            && matches!(made.by.as_str(), "Werkzeug 0.11.15" | "Werkzeug 0.12.2")
        {
            assert!(opens(&stored, &made.password), "{} {}", made.by, made.hash);
            count += 1;
        }
    }
    assert_eq!(count, 2);
}

#[test]
fn what_is_too_weak_or_opens_for_nobody_is_told_from_hashes() {
    let mut count = 0;
    for made in made() {
        let Some(why) = &made.refused else { continue };
        let found = match Stored::read(&made.hash).err() {
            Some(Unfit::Weak(weak)) => weak.to_string(),
            Some(Unfit::Unusable) => "unusable".to_owned(),
            other => panic!("{} {}: {other:?}", made.by, made.hash),
        };
        assert_eq!(found, *why, "{} {}", made.by, made.hash);
        count += 1;
    }
    assert!(count > 10);
}

/// A salt and digests that stand in for any.
const SALT: &str = "c29tZXNhbHRzb21l";
const D32: &str = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

fn refusal(hash: &str) -> Option<Unfit> {
    Stored::read(hash).err()
}

#[test]
fn what_would_cost_too_much_is_refused_by_its_parameters() {
    let argon2 = |m: u64, t: u64| format!("$argon2id$v=19$m={m},t={t},p=1${SALT}${D32}");
    let most = u64::from(MAX_HASH_KIB);
    let scrypt = |cost: &str| format!("scrypt:{cost}$salt${}", "ab".repeat(64));
    let pbkdf2 = |digest: &str, rounds: u64, bytes: usize| {
        format!("pbkdf2:{digest}:{rounds}$salt${}", "ab".repeat(bytes))
    };
    let bcrypt = |cost: u32| format!("$2b${cost:02}${}", "a".repeat(53));
    let sha_crypt = |rounds: u64| format!("$6$rounds={rounds}$salt${}", "/".repeat(86));
    let taken = [
        argon2(most, 20),
        argon2(8, 100_000),
        // OWASP's first choice: 128 MiB.
        scrypt("131072:8:1"),
        format!("$scrypt$ln=17,r=8,p=1${SALT}${D32}"),
        scrypt("65536:8:5"),
        pbkdf2("sha1", 4_000_000, 20),
        pbkdf2("sha256", 4_000_000, 32),
        pbkdf2("sha512", 2_500_000, 64),
        bcrypt(14),
        sha_crypt(3_000_000),
    ];
    for hash in taken {
        assert_eq!(refusal(&hash), None, "{hash}");
    }
    for (hash, mib) in [
        (argon2(most + 1, 1), 129),
        (argon2(u32::MAX.into(), u32::MAX.into()), 4096 * 1024),
        (scrypt("131072:9:1"), 144),
        (scrypt("262144:8:1"), 256),
        (scrypt("2:1:1000000000"), 122_071),
        (format!("$scrypt$ln=40,r=8,p=1${SALT}${D32}"), 1 << 30),
    ] {
        assert_eq!(refusal(&hash), Some(Unfit::Memory(mib)), "{hash}");
    }
    for hash in [
        argon2(most, 22),
        argon2(8, u32::MAX.into()),
        scrypt("65536:8:16"),
        scrypt("2:1:900000"),
        pbkdf2("sha1", 8_100_000, 20),
        pbkdf2("sha256", 4_100_000, 32),
        pbkdf2("sha512", 2_900_000, 64),
        pbkdf2("sha256", u32::MAX.into(), 32),
        bcrypt(15),
        bcrypt(31),
        sha_crypt(3_500_000),
        sha_crypt(999_999_999),
    ] {
        assert!(matches!(refusal(&hash), Some(Unfit::Slow(_))), "{hash} {:?}", refusal(&hash));
    }
}

#[test]
fn a_long_password_costs_more_where_every_round_digests_it() {
    let stored = Stored::read(&format!("$6$rounds=656000$salt${}", "/".repeat(86))).unwrap();
    assert_eq!(stored.cost(300).within_limits(), Ok(()));
    assert_eq!(stored.cost(1024).within_limits(), Err(Unfit::Slow(4)));
}

#[test]
fn what_is_wrong_with_a_hash_is_said_and_not_shown() {
    let hex = "ab".repeat(64);
    let secret = "opensesame";
    for (hash, flaw) in [
        (format!("scrypt:16384:8:1$${hex}"), Flaw::NoSalt),
        (format!("scrypt:16384:8:1$salt${}", &hex[2..]), Flaw::Length),
        (format!("scrypt:16384:8:1$salt${}", &hex[1..]), Flaw::Length),
        (format!("scrypt:16384:8:1$salt${}zz", &hex[2..]), Flaw::Digest),
        (format!("scrypt:16384:8:1$salt$é{}", &hex[2..]), Flaw::Digest),
        ("scrypt:16384:8:1$salt".to_owned(), Flaw::Parts),
        (format!("scrypt:16384:8$salt${hex}"), Flaw::Cost),
        (format!("scrypt:16385:8:1$salt${hex}"), Flaw::Cost),
        (format!("scrypt:1:8:1$salt${hex}"), Flaw::Cost),
        (format!("scrypt:0:8:1$salt${hex}"), Flaw::Cost),
        (format!("scrypt:16384:0:1$salt${hex}"), Flaw::Cost),
        (format!("scrypt:16384:65536:65536$salt${hex}"), Flaw::Cost),
        (format!("scrypt:+16384:8:1$salt${hex}"), Flaw::Cost),
        (format!("scrypt:99999999999999999999:8:1$salt${hex}"), Flaw::Cost),
        (format!("pbkdf2:sha256:0$salt${}", &hex[..64]), Flaw::Cost),
        (format!("pbkdf2:sha256:-1$salt${}", &hex[..64]), Flaw::Cost),
        (format!("pbkdf2:sha256:4294967296$salt${}", &hex[..64]), Flaw::Cost),
        (format!("pbkdf2:sha256:1000$salt${}", &hex[..62]), Flaw::Length),
        ("pbkdf2:sha256:1000$$".to_owned(), Flaw::NoSalt),
        (format!("pbkdf2_sha256$1000$${}", D32), Flaw::NoSalt),
        (format!("pbkdf2_sha256$1000$salt${D32}"), Flaw::Digest),
        ("pbkdf2_sha256$1000$salt$".to_owned(), Flaw::Length),
        (format!("pbkdf2_sha256$1000${D32}="), Flaw::Parts),
        ("scrypt$16384$salt$8$5$".to_owned(), Flaw::Length),
        ("argon2$argon2id".to_owned(), Flaw::Parts),
        (format!("argon2$argon2id$v=19$m=64,t=1,p=1,keyid=x${SALT}${D32}"), Flaw::Cost),
        (format!("$argon2id$v=19$m=64,t=1,p=1$${D32}"), Flaw::NoSalt),
        (format!("$argon2id$v=19$m=64,t=1,p=1${SALT}"), Flaw::Parts),
        (format!("$argon2id$v=18$m=64,t=1,p=1${SALT}${D32}"), Flaw::Cost),
        (format!("$argon2id$v=19$m=64,t=0,p=1${SALT}${D32}"), Flaw::Cost),
        (format!("$argon2id$v=19$m=8,t=1,p=4${SALT}${D32}"), Flaw::Cost),
        (format!("$argon2i$v=19$m=64,t=1,p=1,keyid=x${SALT}${D32}"), Flaw::Cost),
        (format!("$scrypt$ln=14,r=8${SALT}${D32}"), Flaw::Cost),
        (format!("$scrypt$ln=64,r=8,p=1${SALT}${D32}"), Flaw::Cost),
        (format!("$scrypt$ln=14,r=8,p=1,x=1${SALT}${D32}"), Flaw::Cost),
        (format!("$pbkdf2-sha256$i=1000,l=31${SALT}${D32}"), Flaw::Length),
        (format!("$pbkdf2-sha256$1000$${D32}"), Flaw::NoSalt),
        (format!("$pbkdf2-sha256$1000$!!!!${D32}"), Flaw::Salt),
        (format!("$pbkdf2$1000${SALT}${D32}"), Flaw::Length),
        ("$2b$12$".to_owned(), Flaw::Length),
        (format!("$2b$12${}", "a".repeat(52)), Flaw::Length),
        (format!("$2b$12${}", "a".repeat(54)), Flaw::Length),
        (format!("$2b$12${}+", "a".repeat(52)), Flaw::Digest),
        (format!("$2b$03${}", "a".repeat(53)), Flaw::Cost),
        (format!("$2b$32${}", "a".repeat(53)), Flaw::Cost),
        (format!("$2b$4${}", "a".repeat(53)), Flaw::Cost),
        (format!("$2b$12$é{}", "a".repeat(51)), Flaw::Salt),
        (format!("bcrypt_sha256$2b$12${}", "a".repeat(53)), Flaw::Parts),
        (format!("$5$${}", "/".repeat(43)), Flaw::NoSalt),
        (format!("$5$salt${}", "/".repeat(42)), Flaw::Length),
        (format!("$5$salt${}z", "/".repeat(42)), Flaw::Digest),
        (format!("$5$rounds=999$salt${}", "/".repeat(43)), Flaw::Cost),
        (format!("$5$rounds=x$salt${}", "/".repeat(43)), Flaw::Cost),
        (format!("$6$sälz${}", "/".repeat(86)), Flaw::Salt),
        (format!("scrypt:16384:8:1${}${hex}", secret.repeat(60)), Flaw::TooLong),
    ] {
        assert_eq!(refusal(&hash), Some(Unfit::Malformed(flaw)), "{hash}");
        let said = Unfit::Malformed(flaw).to_string();
        assert!(!said.contains(secret) && !said.contains("ab"), "{said}");
    }
}

#[test]
fn what_is_no_hash_is_plain_text_and_what_may_be_one_is_unknown() {
    for text in ["hunter2", "correct horse battery staple", "0123456789abcdef", "pässwörd", " "] {
        assert_eq!(refusal(text), Some(Unfit::Weak(Weak::PlainText)), "{text:?}");
    }
    for text in ["", "$", "$2x$12$abc", "$argon2d$v=19$m=8,t=1,p=1$c$d", "{X-ISO}abc", "$7$abc"] {
        assert_eq!(refusal(text), Some(Unfit::Unknown), "{text:?}");
    }
    let digest = format!("pbkdf2:md5:1000$salt${}", "ab".repeat(16));
    assert_eq!(refusal(&digest), Some(Unfit::Unknown));
}
