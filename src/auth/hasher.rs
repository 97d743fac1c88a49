//! Hashes and verifies passwords (argon2id, PHC strings) on a bounded number of threads behind a
//! bounded fair queue, so that a flood of logins costs a known amount of memory and never holds
//! up anything else.

mod pool;

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, PasswordHash, Salt},
};
use subtle::ConstantTimeEq;

use self::pool::{Memory, Pool, Task};
use super::{
    By,
    key::{Keys, Pepper},
    password::Password,
    throttle,
};
use crate::{
    config::{MAX_HASH_KIB, MAX_HASH_PASSES, OnOff, Settings},
    random::{Random, RandomFailed},
};

/// Memory is freed when nothing was hashed for so long.
const REST_AFTER: Duration = Duration::from_secs(10);

/// More passwords wait than the queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many logins at once; try again in a moment")]
pub struct Busy;

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, and the hash has other parameters than new ones get: time to renew it.
    RightButOld,
}

#[derive(Clone, Debug)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    params: Params,
    pool: Pool,
    random: Random,
    /// Whose peppers hashes name; new ones take the newest when that is wanted.
    keys: Keys,
    pepper: OnOff,
    /// Stands in for the hash that an account does not have.
    nobody: String,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

impl Hasher {
    /// As the settings have it: so many passwords at once, so many more may wait.
    pub fn new(settings: &Settings, keys: Keys, random: Random) -> Result<Self, RandomFailed> {
        let params = settings.argon2.clone();
        let salt = random.bytes::<16>()?;
        let nobody = phc(&params, None, &salt, &random.bytes::<32>()?);
        Ok(Self(Arc::new(Inner {
            params,
            pool: Pool::new(settings.hash_slots, settings.hash_queue, REST_AFTER),
            random,
            keys,
            pepper: settings.pepper,
            nobody,
        })))
    }

    /// Refuses at once whom the queue has no place for, before anything is done for them.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn admit(&self, by: &By) -> Result<(), Busy> {
        match self.0.pool.is_full_for(&throttle::network_of(by)) {
            true => Err(Busy),
            false => Ok(()),
        }
    }

    /// A new hash of `password` with today's parameters, as PHC string.
    ///
    /// # Errors
    /// When the queue is full, or the random source fails.
    pub async fn hash(&self, by: &By, password: &Password) -> super::Result<String> {
        let salt = self.0.random.bytes::<16>()?;
        let (params, password) = (self.0.params.clone(), password.clone());
        let (key, pepper) = match self.0.pepper {
            OnOff::On => Some(self.0.keys.newest_pepper()),
            OnOff::Off => None,
        }
        .unzip();
        let hash = self.run(by, (params, pepper), move |argon2, memory| {
            let output = compute(argon2, &password, &salt, 32, memory);
            output.map(|output| phc(argon2.params(), key.as_deref(), &salt, &output))
        });
        Ok(hash.await?.ok_or(RandomFailed)?)
    }

    /// Compares `password` with `hash`. Without a hash, or with one that cannot be read, the
    /// same work is done and the answer is [`Verdict::Wrong`].
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(
        &self,
        by: &By,
        password: &Password,
        hash: Option<&str>,
    ) -> Result<Verdict, Busy> {
        let usable = hash.and_then(read).and_then(|hash| Some((self.pepper_of(&hash)?, hash)));
        let nobody = || Some((None, read(&self.0.nobody)?));
        let is_real = usable.is_some();
        let Some((pepper, hash)) = usable.or_else(nobody) else {
            return Ok(Verdict::Wrong);
        };
        let is_old = !self.is_current(&hash);
        let (password, params) = (password.clone(), hash.params);
        let found = self.run(by, (params, pepper), move |argon2, memory| {
            let output = compute(argon2, &password, &hash.salt, hash.output.len(), memory);
            output.map(|output| bool::from(output.ct_eq(hash.output.as_bytes())))
        });
        // What cannot be computed opens nothing.
        let is_same = found.await?.unwrap_or(false);
        Ok(match is_same && is_real {
            true if is_old => Verdict::RightButOld,
            true => Verdict::Right,
            false => Verdict::Wrong,
        })
    }

    /// The pepper that the hash was made with, if any; `None` when its key is not ours.
    fn pepper_of(&self, hash: &Hash) -> Option<Option<Pepper>> {
        let Some(key) = &hash.key else { return Some(None) };
        let pepper = self.0.keys.pepper(key);
        if pepper.is_none() {
            tracing::error!(key, "a password hash names a key that the key file does not have");
        }
        pepper.map(Some)
    }

    /// Whether passwords can be compared with this hash here: no other key goes into it.
    pub fn has_pepper_of(&self, hash: &str) -> bool {
        read(hash).is_none_or(|hash| self.pepper_of(&hash).is_some())
    }

    fn is_current(&self, hash: &Hash) -> bool {
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let key = match self.0.pepper {
            OnOff::On => Some(self.0.keys.newest_pepper().0),
            OnOff::Off => None,
        };
        cost(&hash.params) == cost(&self.0.params) && hash.key == key
    }

    /// Works on it when its turn comes among those of other networks.
    async fn run<T: Send + 'static>(
        &self,
        by: &By,
        (params, pepper): (Params, Option<Pepper>),
        work: impl FnOnce(&Argon2<'_>, &mut [Block]) -> Option<T> + Send + 'static,
    ) -> Result<Option<T>, Busy> {
        let (blocks, usual) = (params.block_count(), self.0.params.block_count());
        let is_large = blocks > usual;
        let origin = &throttle::network_of(by);
        let done = self.0.pool.run(Task { origin, is_large }, move |kept| {
            let (kind, version) = (Algorithm::Argon2id, Version::V0x13);
            let argon2 = match &pepper {
                Some(pepper) => {
                    Argon2::new_with_secret(pepper.as_bytes(), kind, version, params).ok()
                }
                None => Some(Argon2::new(kind, version, params)),
            };
            let memory = allocate(kept, if is_large { blocks } else { usual });
            let result = argon2.and_then(|argon2| work(&argon2, &mut memory[..blocks]));
            if is_large {
                *kept = Memory::new();
            }
            result
        });
        done.await
    }
}

/// Blocks of 1 KiB from which the allocator gives a piece back to the system when it is freed.
/// Smaller ones it keeps, and a burst of logins would leave its memory behind for good; what
/// lies beyond the blocks in use is never touched, and so costs nothing.
const ALONE: usize = 33 * 1024;

/// So many blocks, those that are there if they are enough.
fn allocate(kept: &mut Memory, blocks: usize) -> &mut Memory {
    if kept.len() < blocks {
        // Given back first, so that there are never both.
        *kept = Memory::new();
        kept.reserve_exact(blocks.max(ALONE));
        kept.resize(blocks, Block::default());
    }
    kept
}

fn compute(
    argon2: &Argon2<'_>,
    password: &Password,
    salt: &[u8],
    length: usize,
    memory: &mut [Block],
) -> Option<Vec<u8>> {
    let mut output = vec![0; length];
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, memory).ok()?;
    Some(output)
}

/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; with a pepper, `keyid` names its key.
fn phc(params: &Params, key: Option<&str>, salt: &[u8], output: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let key = key.map(|key| format!(",keyid={key}")).unwrap_or_default();
    let (salt, output) = (BASE64.encode(salt), BASE64.encode(output));
    format!("$argon2id$v=19$m={m},t={t},p={p}{key}${salt}${output}")
}

/// Whether passwords can be compared with this hash: an argon2id PHC string of at most
/// 128 MiB ([`MAX_HASH_KIB`]) and 64 passes ([`MAX_HASH_PASSES`]).
pub fn is_readable(hash: &str) -> bool {
    read(hash).is_some()
}

/// The parts of an argon2id hash that is cheap enough to be computed.
struct Hash {
    params: Params,
    /// Id of the key whose pepper went into it.
    key: Option<String>,
    salt: Salt,
    output: Output,
}

fn read(hash: &str) -> Option<Hash> {
    let hash = PasswordHash::new(hash).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let is_cheap = params.m_cost() <= MAX_HASH_KIB && params.t_cost() <= MAX_HASH_PASSES;
    let fits = hash.algorithm.as_str() == "argon2id" && is_cheap;
    let is_current_version = hash.version.is_none_or(|version| version == 0x13);
    if !fits || !is_current_version {
        return None;
    }
    let key = hash.params.get("keyid").map(|id| id.as_str().to_owned());
    Some(Hash { params, key, salt: hash.salt?, output: hash.hash? })
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            old.verify(&here(), &password("correct"), Some(&hash)).await,
            Ok(Verdict::Right)
        );
        assert_eq!(
            new.verify(&here(), &password("correct"), Some(&hash)).await,
            Ok(Verdict::RightButOld)
        );
        assert_eq!(old.verify(&here(), &password("wrong"), Some(&hash)).await, Ok(Verdict::Wrong));
        assert_eq!(old.verify(&here(), &password("correct"), None).await, Ok(Verdict::Wrong));
        assert_eq!(
            old.verify(&here(), &password("correct"), Some("$x$y")).await,
            Ok(Verdict::Wrong)
        );
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
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hasher = hasher("m=64,t=1,p=1", 1, 0);
        let verdict = hasher.verify(&here(), &password("password"), Some(hash)).await;
        assert_eq!(verdict, Ok(Verdict::RightButOld));
    }

    #[test]
    fn a_hash_that_would_hold_a_slot_for_long_is_not_read() {
        let hash = |m: u32, t: u32| {
            format!(
                "$argon2id$v=19$m={m},t={t},p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
            )
        };
        assert!(is_readable(&hash(MAX_HASH_KIB, 1)) && is_readable(&hash(8, MAX_HASH_PASSES)));
        for (m, t) in [(MAX_HASH_KIB + 1, 1), (8, MAX_HASH_PASSES + 1), (8, u32::MAX)] {
            assert!(!is_readable(&hash(m, t)), "m={m}, t={t}");
        }
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

    async fn futures<T: Send + 'static>(
        all: impl Iterator<Item = impl Future<Output = T>>,
    ) -> Vec<T> {
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
}
