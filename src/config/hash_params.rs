//! What a password hash may cost.

use std::str::FromStr;

/// Cost of a password hash, written `m=19456,t=2,p=1` (memory in KiB, passes, lanes).
#[derive(Debug, Clone)]
pub struct HashParams(pub argon2::Params);

/// Above this a hash is not computed, whoever asks for it: 128 MiB.
pub const MAX_HASH_KIB: u32 = 128 * 1024;
/// The same for how long it takes, reckoned from its parameters.
pub const MAX_HASH_SECONDS: u64 = 2;
/// What argon2 is reckoned to take for one pass over one KiB.
pub const HASH_KIB_NANOS: u64 = 700;
/// Most passes of new hashes.
pub const MAX_HASH_PASSES: u32 = 64;

impl Default for HashParams {
    /// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self(argon2::Params::DEFAULT)
    }
}

impl FromStr for HashParams {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not like m=19456,t=2,p=1 (m in KiB from 8 to {MAX_HASH_KIB}, t up to {MAX_HASH_PASSES}, p up to 16, m times t up to {most})",
                most = MAX_HASH_SECONDS * 1_000_000_000 / HASH_KIB_NANOS
            )
        };
        let mut values = [None::<u32>; 3];
        for part in text.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(wrong)?;
            let index = ["m", "t", "p"].iter().position(|known| *known == name.trim());
            let slot = index.map(|index| &mut values[index]).ok_or_else(wrong)?;
            if slot.replace(value.trim().parse().map_err(|_| wrong())?).is_some() {
                return Err(wrong());
            }
        }
        let [Some(m), Some(t), Some(p)] = values else {
            return Err(wrong());
        };
        // What is made here must be taken here.
        let is_slow =
            u64::from(m) * u64::from(t) * HASH_KIB_NANOS > MAX_HASH_SECONDS * 1_000_000_000;
        if m > MAX_HASH_KIB || t > MAX_HASH_PASSES || p > 16 || is_slow {
            return Err(wrong());
        }
        argon2::Params::new(m, t, p, None).map(Self).map_err(|_| wrong())
    }
}
