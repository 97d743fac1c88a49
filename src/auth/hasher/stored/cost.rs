//! What comparing a password with a hash will cost, reckoned from its parameters alone.
//!
//! The nanoseconds stand for one core of an x86-64 server (the machine of `docs/benchmarks.md`),
//! release build, without the processor's instructions for SHA; measured on 2026-11-23 over
//! costs that are in use, and rounded up. With those instructions SHA-1 takes half of it, and
//! SHA-256 a quarter.

use super::Unfit;
use crate::config::{HASH_KIB_NANOS, MAX_HASH_KIB, MAX_HASH_SECONDS};

/// One pass over one KiB.
pub const ARGON2_KIB: u64 = HASH_KIB_NANOS;
/// Filling 128 bytes and mixing them in again: N r p of them, and some for each lane.
pub const SCRYPT_BLOCK: u64 = 350;
/// One iteration.
pub const PBKDF2_SHA1: u64 = 250;
pub const PBKDF2_SHA256: u64 = 500;
pub const PBKDF2_SHA512: u64 = 700;
/// One round, of which there are two to the power of the cost.
pub const BCRYPT_ROUND: u64 = 80_000;
/// 64 bytes, and 128.
pub const SHA256_BLOCK: u64 = 250;
pub const SHA512_BLOCK: u64 = 300;

/// Bytes of a password as most are, where its length counts.
pub const USUAL_PASSWORD: usize = 16;

/// Memory and time of one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    kib: u64,
    nanos: u64,
}

impl Cost {
    pub fn new(kib: u64, units: u64, nanos_of_one: u64) -> Self {
        Self { kib, nanos: units.saturating_mul(nanos_of_one) }
    }

    /// # Errors
    /// [`Unfit::Memory`] above [`MAX_HASH_KIB`], [`Unfit::Slow`] above [`MAX_HASH_SECONDS`].
    pub fn within_limits(self) -> Result<(), Unfit> {
        if self.kib > MAX_HASH_KIB.into() {
            return Err(Unfit::Memory(self.kib.div_ceil(1024)));
        }
        if self.nanos > MAX_HASH_SECONDS * 1_000_000_000 {
            return Err(Unfit::Slow(self.nanos.div_ceil(1_000_000_000)));
        }
        Ok(())
    }

    /// How many slots of so much memory it fills; one at least.
    pub fn slots(self, slot_kib: u32) -> usize {
        let slots = self.kib.div_ceil(u64::from(slot_kib).max(1)).max(1);
        usize::try_from(slots).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
impl Cost {
    /// What a test may compute often.
    pub fn is_below_nanos(self, nanos: u64) -> bool {
        self.nanos < nanos
    }
}
