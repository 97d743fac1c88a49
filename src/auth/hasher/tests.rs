use super::*;

fn hasher(params: &str, slots: usize, queue: usize) -> Hasher {
    peppered(params, slots, queue, (Keys::in_memory(&["00000001"]), OnOff::Off))
}

fn peppered(params: &str, slots: usize, queue: usize, pepper: (Keys, OnOff)) -> Hasher {
    let chosen = crate::config::Chosen {
        argon2: params.parse().ok(),
        hash_slots: Some(slots),
        hash_queue: Some(queue),
        pepper: Some(pepper.1),
        ..Default::default()
    };
    Hasher::new(&Settings::resolve(chosen).unwrap(), pepper.0, Random::system()).unwrap()
}

fn here() -> By {
    By::new(crate::auth::Actor::Visitor)
}

fn password(text: &str) -> Password {
    Password::typed(text).unwrap()
}

#[tokio::test]
async fn a_hash_opens_for_its_password_alone_and_says_when_it_is_old() {
    let old = hasher("m=64,t=1,p=1", 1, 1);
    let new = hasher("m=128,t=1,p=1", 1, 1);
    let hash = old.hash(&here(), &password("correct")).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
    assert_eq!(old.verify(&here(), &password("correct"), Some(&hash)).await, Ok(Verdict::Right));
    assert_eq!(
        new.verify(&here(), &password("correct"), Some(&hash)).await,
        Ok(Verdict::RightButOld)
    );
    assert_eq!(old.verify(&here(), &password("wrong"), Some(&hash)).await, Ok(Verdict::Wrong));
    assert_eq!(old.verify(&here(), &password("correct"), None).await, Ok(Verdict::Wrong));
    assert_eq!(old.verify(&here(), &password("correct"), Some("$x$y")).await, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn a_pepper_goes_into_new_hashes_follows_the_newest_key_and_can_be_given_up() {
    let (one, two) = (&["00000001"][..], &["00000001", "00000002"][..]);
    let with =
        |keys: &[&str], pepper| peppered("m=64,t=1,p=1", 1, 1, (Keys::in_memory(keys), pepper));
    let word = password("correct");
    let hash = with(one, OnOff::On).hash(&here(), &word).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1,keyid=00000001$"), "{hash}");
    let plain = with(one, OnOff::Off).hash(&here(), &word).await.unwrap();
    for (keys, pepper, hash, expected) in [
        (one, OnOff::On, &hash, Verdict::Right),
        (two, OnOff::On, &hash, Verdict::RightButOld),
        (one, OnOff::Off, &hash, Verdict::RightButOld),
        (one, OnOff::On, &plain, Verdict::RightButOld),
        (&["00000002"], OnOff::On, &hash, Verdict::Wrong),
        (one, OnOff::On, &hash.replace(",keyid=00000001", ""), Verdict::Wrong),
        (two, OnOff::On, &hash.replace("=00000001", "=00000002"), Verdict::Wrong),
    ] {
        let found = with(keys, pepper).verify(&here(), &word, Some(hash)).await;
        assert_eq!(found, Ok(expected), "{keys:?} {hash}");
    }
}

#[tokio::test]
async fn a_hash_made_elsewhere_is_read() {
    // From the reference implementation's own tests (argon2id, m=65536, t=2, p=1).
    let hash =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hasher = hasher("m=64,t=1,p=1", 1, 0);
    let verdict = hasher.verify(&here(), &password("password"), Some(hash)).await;
    assert_eq!(verdict, Ok(Verdict::RightButOld));
}

/// Not in NFC, and in it.
const DECOMPOSED: &str = "zoe\u{308} n\u{303}";
const COMPOSED: &str = "zo\u{eb} \u{f1}";

/// A hash of [`DECOMPOSED`] that a program made, which begins so.
fn made(prefix: &str) -> String {
    let mut made = stored::tests::made().into_iter();
    made.find(|made| made.password == DECOMPOSED && made.hash.starts_with(prefix)).unwrap().hash
}

#[tokio::test]
async fn a_hash_of_another_program_opens_for_the_bytes_as_they_came_and_is_old() {
    let hasher = hasher("m=64,t=1,p=1", 2, 4);
    for prefix in ["scrypt:1024:8:1$", "pbkdf2_sha256$", "$2b$", "$6$", "$argon2i$"] {
        let hash = made(prefix);
        for (typed, expected) in [
            (DECOMPOSED, Verdict::RightButOld),
            (COMPOSED, Verdict::Wrong),
            ("zoe n", Verdict::Wrong),
            ("", Verdict::Wrong),
        ] {
            let found = hasher.verify(&here(), &password(typed), Some(&hash)).await;
            assert_eq!(found, Ok(expected), "{hash} {typed:?}");
        }
    }
}

#[tokio::test]
async fn an_argon2id_hash_opens_for_what_it_was_made_of_and_stays_when_that_was_nfc() {
    let hasher = hasher("m=64,t=1,p=1", 1, 1);
    // Ours are of the form that all spellings share, those of others of what was typed there.
    let ours = hasher.hash(&here(), &password(DECOMPOSED)).await.unwrap();
    let today = made("$argon2id$v=19$m=64,t=1,p=1$");
    let version_16 = made("$argon2id$v=16$");
    for (hash, typed, expected) in [
        (&ours, DECOMPOSED, Verdict::Right),
        (&ours, COMPOSED, Verdict::Right),
        (&today, DECOMPOSED, Verdict::RightButOld),
        (&today, COMPOSED, Verdict::Wrong),
        (&version_16, DECOMPOSED, Verdict::RightButOld),
    ] {
        let found = hasher.verify(&here(), &password(typed), Some(hash)).await;
        assert_eq!(found, Ok(expected), "{hash} {typed:?}");
    }
}

#[tokio::test]
async fn a_hash_beyond_the_limits_opens_for_nobody_even_when_it_was_put_there_by_hand() {
    let hasher = hasher("m=64,t=1,p=1", 1, 1);
    let (scrypt, argon2) = (made("scrypt:1024:8"), made("$argon2id$v=19$m=64,"));
    let dear = [
        scrypt.replace("scrypt:1024:8", "scrypt:1048576:64"),
        argon2.replace("$m=64,", &format!("$m={},", crate::config::MAX_HASH_KIB + 1)),
        made("$6$rounds=1000$").replace("$rounds=1000$", "$rounds=999999999$"),
        made("$2b$04$").replace("$2b$04$", "$2b$31$"),
    ];
    for hash in dear {
        assert!(matches!(scheme_of(&hash), Err(Unfit::Memory(_) | Unfit::Slow(_))), "{hash}");
        let found = hasher.verify(&here(), &password(DECOMPOSED), Some(&hash)).await;
        assert_eq!(found, Ok(Verdict::Wrong), "{hash}");
    }
    // Within them for most passwords, and not for the longest.
    let hash = made("$6$rounds=1000$").replace("$rounds=1000$", "$rounds=1000000$");
    let long = "x".repeat(crate::auth::password::MAX_BYTES);
    assert!(scheme_of(&hash).is_ok());
    assert_eq!(hasher.verify(&here(), &password(&long), Some(&hash)).await, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn what_exceeds_the_queue_is_told_so_and_nothing_is_lost_after() {
    let hasher = hasher("m=4096,t=1,p=1", 1, 2);
    let word = password("x");
    let by = here();
    let tries = (0..8).map(|_| hasher.verify(&by, &word, None));
    let answers = futures(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Busy)).count(), 5);
    assert_eq!(hasher.verify(&here(), &word, None).await, Ok(Verdict::Wrong));
}

async fn futures<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut results = Vec::new();
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(result) => {
                results.push(result);
                false
            }
            std::task::Poll::Pending => true,
        });
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    results
}
