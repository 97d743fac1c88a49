//! Argon2 (RFC 9106): what rolecall makes itself, and what others made, argon2i too.

use argon2::{Algorithm, Block, Params, Version};
use subtle::ConstantTimeEq;

use super::{Cost, Flaw, Function, Unfit, cost, phc::Phc};
use crate::auth::{hasher::pool::Memory, key::Pepper};

/// The parts of an argon2 hash.
pub struct Argon2 {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    /// Id of the key whose pepper went into it.
    pub key: Option<String>,
    salt: Vec<u8>,
    output: Vec<u8>,
}

pub fn read(text: &str) -> Result<Function, Unfit> {
    let hash = Argon2::read(text)?;
    // Only argon2id is made with our keys.
    match hash.key.is_some() && hash.algorithm != Algorithm::Argon2id {
        true => Err(Flaw::Cost.into()),
        false => Ok(Function::Argon2(hash)),
    }
}

impl Argon2 {
    pub fn read(text: &str) -> Result<Self, Flaw> {
        let hash = Phc::read(text)?;
        let algorithm = hash.parts.algorithm.as_str();
        Ok(Self {
            algorithm: Algorithm::new(algorithm).map_err(|_| Flaw::Parts)?,
            // As the reference implementation reads it.
            version: match hash.parts.version {
                None => Version::V0x10,
                Some(version) => version.try_into().map_err(|_| Flaw::Cost)?,
            },
            params: Params::try_from(&hash.parts).map_err(|_| Flaw::Cost)?,
            key: hash.parts.params.get("keyid").map(|id| id.as_str().to_owned()),
            salt: hash.salt.to_vec(),
            output: hash.output.as_bytes().to_vec(),
        })
    }

    /// An argon2id hash of today, still without its output, or with one of no password.
    pub fn new(params: Params, salt: &[u8], output: &[u8]) -> Self {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let (salt, output) = (salt.to_vec(), output.to_vec());
        Self { algorithm, version, params, key: None, salt, output }
    }

    /// The hash of a password; with a pepper, it names the key. `None` when it cannot be
    /// computed.
    pub fn filled(
        mut self,
        password: &[u8],
        pepper: Option<(String, Pepper)>,
        memory: &mut Memory,
    ) -> Option<Self> {
        let (key, pepper) = pepper.unzip();
        self.output = self.compute(password, pepper.as_ref(), memory)?;
        self.key = key;
        Some(self)
    }

    pub fn cost(&self) -> Cost {
        let kib = u64::from(self.params.m_cost());
        Cost::new(kib, kib.saturating_mul(self.params.t_cost().into()), cost::ARGON2_KIB)
    }

    /// Whether a new hash has this version and cost.
    pub fn is_like(&self, params: &Params) -> bool {
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        self.version == Version::V0x13 && cost(&self.params) == cost(params)
    }

    pub fn opens_for(&self, password: &[u8], pepper: Option<&Pepper>, memory: &mut Memory) -> bool {
        // What cannot be computed opens nothing.
        self.compute(password, pepper, memory)
            .is_some_and(|output| output.ct_eq(&self.output).into())
    }

    fn compute(
        &self,
        password: &[u8],
        pepper: Option<&Pepper>,
        memory: &mut Memory,
    ) -> Option<Vec<u8>> {
        let (algorithm, version, params) = (self.algorithm, self.version, self.params.clone());
        let argon2 = match pepper {
            Some(pepper) => {
                let secret = pepper.as_bytes();
                argon2::Argon2::new_with_secret(secret, algorithm, version, params).ok()?
            }
            None => argon2::Argon2::new(algorithm, version, params),
        };
        let mut output = vec![0; self.output.len()];
        let memory = allocate(memory, self.params.block_count());
        argon2.hash_password_into_with_memory(password, &self.salt, &mut output, memory).ok()?;
        Some(output)
    }
}

/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; with a pepper, `keyid` names its key.
impl std::fmt::Display for Argon2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
        let (name, version) = (self.algorithm, u32::from(self.version));
        let (m, t, p) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        write!(f, "${name}$v={version}$m={m},t={t},p={p}")?;
        if let Some(key) = &self.key {
            write!(f, ",keyid={key}")?;
        }
        write!(f, "${}${}", BASE64.encode(&self.salt), BASE64.encode(&self.output))
    }
}

/// Blocks of 1 KiB from which the allocator gives a piece back to the system when it is freed.
/// Smaller ones it keeps, and a burst of logins would leave its memory behind for good; what
/// lies beyond the blocks in use is never touched, and so costs nothing.
const ALONE: usize = 33 * 1024;

/// So many blocks, those that are there if they are enough.
fn allocate(kept: &mut Memory, blocks: usize) -> &mut [Block] {
    if kept.capacity() < blocks {
        // Given back first, so that there are never both.
        *kept = Memory::new();
        kept.reserve_exact(blocks.max(ALONE));
    }
    if kept.len() < blocks {
        kept.resize(blocks, Block::default());
    }
    &mut kept[..blocks]
}
