//! bcrypt: `$2b$cost$`, then 22 characters of salt and 31 of the hash. `$2a$` and `$2y$` are
//! the same function.

use base64::{
    Engine,
    alphabet::BCRYPT,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Cost, Flaw, Function, Unfit, cost, number, parts};

/// Some programs leave bits behind the last whole byte.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

const SALT_CHARS: usize = 22;
/// Of the 24 bytes that come out, all programs leave the last away.
const OUTPUT_BYTES: usize = 23;
/// What lies beyond is not seen.
const PASSWORD_BYTES: usize = 72;

pub struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    output: Vec<u8>,
    pub first: First,
}

/// What becomes of the password before.
pub enum First {
    Nothing,
    /// Its SHA-256 in hexadecimal digits, as Django has it for long passwords.
    Sha256Hex,
}

pub fn read(text: &str) -> Result<Function, Unfit> {
    Ok(Function::Bcrypt(Bcrypt::read(text, First::Nothing)?))
}

impl Bcrypt {
    pub fn read(text: &str, first: First) -> Result<Self, Flaw> {
        let [_, _, cost, rest] = parts(text)?;
        let cost = match (cost.len(), number(cost)?) {
            (2, cost @ 4..=31) => cost,
            _ => return Err(Flaw::Cost),
        };
        let (salt, output) = rest.split_at_checked(SALT_CHARS).ok_or(Flaw::Length)?;
        let salt = BASE64.decode(salt).map_err(|_| Flaw::Salt)?;
        let output = BASE64.decode(output).map_err(|_| Flaw::Digest)?;
        if output.len() != OUTPUT_BYTES {
            return Err(Flaw::Length);
        }
        let salt = salt.try_into().map_err(|_| Flaw::Salt)?;
        Ok(Self { cost, salt, output, first })
    }

    pub fn cost(&self) -> Cost {
        Cost::new(0, 1 << self.cost, cost::BCRYPT_ROUND)
    }

    pub fn opens_for(&self, password: &[u8]) -> bool {
        let mut key = match self.first {
            First::Nothing => password.to_vec(),
            First::Sha256Hex => hex::encode(Sha256::digest(password)).into_bytes(),
        };
        key.push(0);
        key.truncate(PASSWORD_BYTES);
        let output = bcrypt::bcrypt(self.cost, self.salt, &key);
        output[..OUTPUT_BYTES].ct_eq(&self.output).into()
    }
}
