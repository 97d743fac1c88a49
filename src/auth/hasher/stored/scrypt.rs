//! scrypt (RFC 7914), and how PHC strings write it: `$scrypt$ln=…,r=…,p=…$salt$hash`.

use scrypt::Params;
use subtle::ConstantTimeEq;

use super::{Cost, Flaw, Function, Unfit, cost, phc::Phc};
use crate::auth::hasher::pool::Memory;

pub struct Scrypt {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

pub fn read(text: &str) -> Result<Function, Unfit> {
    let hash = Phc::read(text)?;
    let [Some(ln), Some(r), Some(p)] = hash.numbers(["ln", "r", "p"])? else {
        return Err(Flaw::Cost.into());
    };
    let n = 1_u64.checked_shl(ln).ok_or(Flaw::Cost)?;
    let (salt, output) = (hash.salt.to_vec(), hash.output.as_bytes().to_vec());
    Ok(Function::Scrypt(Scrypt::new([n, r.into(), p.into()], salt, output)?))
}

/// Working blocks of up to so much are not counted beside the large one: 128 MiB are 128 MiB.
const BESIDE_KIB: u64 = 16;

/// To make a lane and to read it at the end, with PBKDF2, takes as long as so many of its blocks.
const LANE: u64 = 8;

impl Scrypt {
    /// # Errors
    /// [`Flaw::Cost`] for parameters that RFC 7914 §2 does not allow.
    pub fn new([n, r, p]: [u64; 3], salt: Vec<u8>, output: Vec<u8>) -> Result<Self, Flaw> {
        let is_allowed = n > 1 && n.is_power_of_two() && r.saturating_mul(p) < 1 << 30;
        let (Ok(ln), Ok(r), Ok(p), true) =
            (u8::try_from(n.trailing_zeros()), r.try_into(), p.try_into(), is_allowed)
        else {
            return Err(Flaw::Cost);
        };
        let params = Params::new(ln, r, p).map_err(|_| Flaw::Cost)?;
        Ok(Self { params, salt, output })
    }

    pub fn cost(&self) -> Cost {
        let (n, r, p) = (self.params.n(), self.params.r().into(), self.params.p().into());
        // The large one, one for each lane, and one to mix in; each of 128 r bytes.
        let blocks = n.saturating_add(p).saturating_add(1).saturating_mul(r);
        let kib = blocks.div_ceil(8).saturating_sub(BESIDE_KIB);
        let passes = n.saturating_add(LANE).saturating_mul(r).saturating_mul(p);
        Cost::new(kib, passes, cost::SCRYPT_BLOCK)
    }

    pub fn opens_for(&self, password: &[u8], memory: &mut Memory) -> bool {
        // It allocates by itself, and its slot has room for one of both.
        *memory = Memory::new();
        let mut output = vec![0; self.output.len()];
        let done = scrypt::scrypt(password, &self.salt, &self.params, &mut output);
        done.is_ok() && output.ct_eq(&self.output).into()
    }
}
