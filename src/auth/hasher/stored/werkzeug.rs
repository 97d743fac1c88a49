//! How Werkzeug writes hashes: `method$salt$hex`.

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

fn bytes(hex: &str) -> Result<Vec<u8>, Flaw> {
    let digits: Option<Vec<u32>> = hex.chars().map(|char| char.to_digit(16)).collect();
    let digits = digits.ok_or(Flaw::Digest)?;
    let byte = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).map_err(|_| Flaw::Digest),
        _ => Err(Flaw::Length),
    };
    digits.chunks(2).map(byte).collect()
}
