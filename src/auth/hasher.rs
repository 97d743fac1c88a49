//! Hashes passwords (argon2id, PHC strings) and compares them with hashes of other programs too,
//! on a bounded number of threads behind a bounded fair queue, so that a flood of logins costs a
//! known amount of memory and never holds up anything else.

mod pool;
mod stored;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use argon2::Params;

pub use self::pool::Load;
pub use self::stored::{Flaw, Scheme, Unfit, Weak};
use self::{
    pool::{Memory, Pool, Task},
    stored::{Argon2, Cost, Form, Stored},
};
use super::{
    By,
    key::{Keys, Pepper},
    password::Password,
    throttle,
};
use crate::{
    config::{OnOff, Settings},
    metrics::Hashing,
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
    /// Right, and the hash is not as new ones are: time to renew it.
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
    nobody: Arc<Stored>,
    metrics: Hashing,
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
        let nobody = Argon2::new(params.clone(), &random.bytes::<16>()?, &random.bytes::<32>()?);
        Ok(Self(Arc::new(Inner {
            params,
            pool: Pool::new(settings.hash_slots, settings.hash_queue, REST_AFTER),
            random,
            keys,
            pepper: settings.pepper,
            nobody: Arc::new(nobody.into()),
            metrics: Hashing::default(),
        })))
    }

    /// Refuses at once whom the queue has no place for, before anything is done for them.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn admit(&self, by: &By) -> Result<(), Busy> {
        match self.0.pool.is_full_for(&throttle::network_of(by)) {
            true => {
                self.0.metrics.turned_away();
                Err(Busy)
            }
            false => Ok(()),
        }
    }

    pub fn metrics(&self) -> &Hashing {
        &self.0.metrics
    }

    /// What it has to do at this moment.
    pub fn load(&self) -> Load {
        self.0.pool.load()
    }

    /// A new hash of `password` with today's parameters, as PHC string.
    ///
    /// # Errors
    /// When the queue is full, or the random source fails.
    pub async fn hash(&self, by: &By, password: &Password) -> super::Result<String> {
        let salt = self.0.random.bytes::<16>()?;
        let empty = Argon2::new(self.0.params.clone(), &salt, &[0; 32]);
        let (pepper, password) = (self.newest_pepper(), password.clone());
        let hash = self.run(by, empty.cost(), move |memory| {
            empty.filled(password.as_bytes(), pepper, memory).map(|hash| hash.to_string())
        });
        Ok(hash.await?.ok_or(RandomFailed)?)
    }

    /// Compares `password` with `hash`. Without a hash, or with one that is not read or would
    /// cost more than the limits, the same work is done as for one of ours, and the answer is
    /// [`Verdict::Wrong`].
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(
        &self,
        by: &By,
        password: &Password,
        hash: Option<&str>,
    ) -> Result<Verdict, Busy> {
        let usable = hash.and_then(|hash| self.usable(password, hash));
        let is_real = usable.is_some();
        let (stored, pepper) = usable.unwrap_or_else(|| (self.0.nobody.clone(), None));
        let is_current = self.is_current(&stored);
        let password = password.clone();
        let found = self.run(by, stored.cost(password.received().len()), move |memory| {
            stored.matches(&password, pepper.as_ref(), memory)
        });
        Ok(match found.await?.filter(|_| is_real) {
            Some(Form::Normal) if is_current => Verdict::Right,
            Some(_) => Verdict::RightButOld,
            None => Verdict::Wrong,
        })
    }

    /// The hash, if this password may be compared with it, and the pepper that it was made with.
    fn usable(&self, password: &Password, hash: &str) -> Option<(Arc<Stored>, Option<Pepper>)> {
        let read = Stored::read(hash).and_then(|stored| {
            stored.cost(password.received().len()).within_limits()?;
            Ok(stored)
        });
        let stored = read
            .inspect_err(|error| tracing::warn!(%error, "a stored password hash opens for nobody"))
            .ok()?;
        let pepper = self.pepper_of(&stored)?;
        Some((Arc::new(stored), pepper))
    }

    /// The pepper that the hash was made with, if any; `None` when its key is not ours.
    fn pepper_of(&self, stored: &Stored) -> Option<Option<Pepper>> {
        let Some(key) = stored.as_argon2id().and_then(|hash| hash.key.as_ref()) else {
            return Some(None);
        };
        let pepper = self.0.keys.pepper(key);
        if pepper.is_none() {
            tracing::error!(key, "a password hash names a key that the key file does not have");
        }
        pepper.map(Some)
    }

    /// Whether passwords can be compared with this hash here: no other key goes into it.
    pub fn has_pepper_of(&self, hash: &str) -> bool {
        Stored::read(hash).map_or(true, |stored| self.pepper_of(&stored).is_some())
    }

    fn newest_pepper(&self) -> Option<(String, Pepper)> {
        match self.0.pepper {
            OnOff::On => Some(self.0.keys.newest_pepper()),
            OnOff::Off => None,
        }
    }

    /// Whether new hashes are like this one.
    fn is_current(&self, stored: &Stored) -> bool {
        let key = self.newest_pepper().map(|(key, _)| key);
        stored.as_argon2id().is_some_and(|hash| hash.is_like(&self.0.params) && hash.key == key)
    }

    /// Works on it when its turn comes among those of other networks, in as many slots as its
    /// memory fills.
    async fn run<T: Send + 'static>(
        &self,
        by: &By,
        cost: Cost,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let slots = cost.slots(self.0.params.m_cost());
        let (metrics, came) = (self.0.metrics.clone(), Instant::now());
        #[cfg(feature = "otlp")]
        let waiting = crate::traces::part("hash wait");
        let measured = move |memory: &mut Memory| {
            let begun = Instant::now();
            metrics.begun(begun.saturating_duration_since(came));
            #[cfg(feature = "otlp")]
            let _hashing = waiting.map(|waiting| waiting.then("hash"));
            let result = work(memory);
            metrics.done(begun.elapsed());
            result
        };
        let task = Task { origin: &throttle::network_of(by), slots };
        self.0.pool.run(task, measured).await.inspect_err(|Busy| self.0.metrics.turned_away())
    }
}

/// Whose hash this is: passwords will be compared with it.
///
/// # Errors
/// Why not; nothing is computed to find out.
pub fn scheme_of(hash: &str) -> Result<Scheme, Unfit> {
    Stored::read(hash).map(|stored| stored.scheme)
}
