//! How Werkzeug writes hashes: `method$salt$hex`.

use hex::FromHexError;

use super::{
    Flaw, Function, Unfit, number, parts,
    pbkdf2::{Digest, Pbkdf2},
    salt,
    scrypt::Scrypt,
};

/// Iterations where a hash names none: every version reads it with its own default, and any
/// version may have made it. Of 0.9, 0.12, 0.15, 2.0, 2.3 and 3.1.
const DEFAULTS: [u32; 6] = [1_000, 50_000, 150_000, 260_000, 600_000, 1_000_000];

const SCRYPT_BYTES: usize = 64;

/// `scrypt:N:r:p$salt$hex`
pub fn scrypt(text: &str) -> Result<Function, Unfit> {
    let [method, salt_text, hex] = parts(text)?;
    let numbers: Vec<&str> = method.split(':').skip(1).collect();
    let [n, r, p] = numbers[..] else {
        return Err(Flaw::Cost.into());
    };
    let (salt, output) = (salt(salt_text)?, bytes(hex)?);
    if output.len() != SCRYPT_BYTES {
        return Err(Flaw::Length.into());
    }
    let hash = Scrypt::new([number(n)?, number(r)?, number(p)?], salt, output)?;
    Ok(Function::Scrypt(hash))
}

/// `pbkdf2:sha256:iterations$salt$hex`, or without the iterations.
pub fn pbkdf2(text: &str) -> Result<Function, Unfit> {
    let [method, salt_text, hex] = parts(text)?;
    let method: Vec<&str> = method.split(':').skip(1).collect();
    let (digest, iterations) = match method[..] {
        [digest] => (digest, DEFAULTS.to_vec()),
        [digest, iterations] => (digest, vec![number(iterations)?]),
        _ => return Err(Flaw::Cost.into()),
    };
    let digest = match digest {
        "sha1" => Digest::Sha1,
        "sha256" => Digest::Sha256,
        "sha512" => Digest::Sha512,
        _ => return Err(Unfit::Unknown),
    };
    let hash = Pbkdf2::new(digest, iterations, salt(salt_text)?, bytes(hex)?)?;
    Ok(Function::Pbkdf2(hash))
}

fn bytes(text: &str) -> Result<Vec<u8>, Flaw> {
    hex::decode(text).map_err(|error| match error {
        FromHexError::InvalidHexCharacter { .. } => Flaw::Digest,
        FromHexError::OddLength | FromHexError::InvalidStringLength => Flaw::Length,
    })
}
