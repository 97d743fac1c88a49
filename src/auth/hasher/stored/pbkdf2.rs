//! PBKDF2 (RFC 8018 §5.2), and how PHC strings and passlib write it.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::{Cost, Flaw, Function, Unfit, cost, number, parts, phc::Phc};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    pub fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

pub struct Pbkdf2 {
    digest: Digest,
    /// Any of these, where the hash does not say how many there were.
    iterations: Vec<u32>,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// `$pbkdf2-sha256$i=…,l=…$salt$hash`, or as passlib writes it, `$pbkdf2-sha256$…$salt$hash`.
pub fn read(text: &str) -> Result<Function, Unfit> {
    let [_, name, cost, salt, output] = parts(text)?;
    let digest = match name {
        "pbkdf2" => Digest::Sha1,
        "pbkdf2-sha256" => Digest::Sha256,
        "pbkdf2-sha512" => Digest::Sha512,
        _ => return Err(Unfit::Unknown),
    };
    let hash = match cost.contains('=') {
        true => from_phc(text, digest)?,
        false => {
            let salt = match passlib_base64(salt).ok_or(Flaw::Salt)? {
                salt if salt.is_empty() => return Err(Flaw::NoSalt.into()),
                salt => salt,
            };
            let output = passlib_base64(output).ok_or(Flaw::Digest)?;
            Pbkdf2::new(digest, vec![number(cost)?], salt, output)?
        }
    };
    Ok(Function::Pbkdf2(hash))
}

fn from_phc(text: &str, digest: Digest) -> Result<Pbkdf2, Flaw> {
    let hash = Phc::read(text)?;
    let [Some(iterations), length] = hash.numbers(["i", "l"])? else {
        return Err(Flaw::Cost);
    };
    let output = hash.output.as_bytes().to_vec();
    match length.is_none_or(|length| usize::try_from(length) == Ok(output.len())) {
        true => Pbkdf2::new(digest, vec![iterations], hash.salt.to_vec(), output),
        false => Err(Flaw::Length),
    }
}

/// Its own Base64: a dot for the plus, and no padding.
fn passlib_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('.', "+")).ok()
}

impl Pbkdf2 {
    /// # Errors
    /// [`Flaw::Length`] unless the hash is a whole digest, as all of these programs make it, and
    /// [`Flaw::Cost`] without iterations.
    pub fn new(
        digest: Digest,
        iterations: Vec<u32>,
        salt: Vec<u8>,
        output: Vec<u8>,
    ) -> Result<Self, Flaw> {
        if output.len() != digest.bytes() {
            return Err(Flaw::Length);
        }
        match iterations.contains(&0) {
            true => Err(Flaw::Cost),
            false => Ok(Self { digest, iterations, salt, output }),
        }
    }

    pub fn cost(&self) -> Cost {
        let iterations = self.iterations.iter().map(|count| u64::from(*count)).sum();
        Cost::new(
            0,
            iterations,
            match self.digest {
                Digest::Sha1 => cost::PBKDF2_SHA1,
                Digest::Sha256 => cost::PBKDF2_SHA256,
                Digest::Sha512 => cost::PBKDF2_SHA512,
            },
        )
    }

    pub fn opens_for(&self, password: &[u8]) -> bool {
        self.iterations.iter().any(|iterations| {
            let mut output = vec![0; self.output.len()];
            match self.digest {
                Digest::Sha1 => {
                    pbkdf2_hmac::<Sha1>(password, &self.salt, *iterations, &mut output);
                }
                Digest::Sha256 => {
                    pbkdf2_hmac::<Sha256>(password, &self.salt, *iterations, &mut output);
                }
                Digest::Sha512 => {
                    pbkdf2_hmac::<Sha512>(password, &self.salt, *iterations, &mut output);
                }
            }
            output.ct_eq(&self.output).into()
        })
    }
}
