//! How Django writes hashes: `algorithm$…`, what belongs to the algorithm between dollars.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};

use super::{
    Argon2, Flaw, Function, Unfit,
    bcrypt::{Bcrypt, First},
    number, parts,
    pbkdf2::{Digest, Pbkdf2},
    salt,
    scrypt::Scrypt,
};

const SCRYPT_BYTES: usize = 64;

/// `argon2$argon2id$…`: a PHC string after `argon2`.
pub fn argon2(text: &str) -> Result<Function, Unfit> {
    let hash = Argon2::read(text.strip_prefix("argon2").ok_or(Flaw::Parts)?)?;
    match hash.key {
        Some(_) => Err(Flaw::Cost.into()),
        None => Ok(Function::Argon2(hash)),
    }
}

/// `scrypt$N$salt$r$p$hash`
pub fn scrypt(text: &str) -> Result<Function, Unfit> {
    let [_, n, salt_text, r, p, output] = parts(text)?;
    let (salt, output) = (salt(salt_text)?, bytes(output)?);
    if output.len() != SCRYPT_BYTES {
        return Err(Flaw::Length.into());
    }
    let hash = Scrypt::new([number(n)?, number(r)?, number(p)?], salt, output)?;
    Ok(Function::Scrypt(hash))
}

/// `pbkdf2_sha256$iterations$salt$hash`
pub fn pbkdf2(text: &str) -> Result<Function, Unfit> {
    let [name, iterations, salt_text, output] = parts(text)?;
    let digest = match name {
        "pbkdf2_sha1" => Digest::Sha1,
        _ => Digest::Sha256,
    };
    let (salt, output) = (salt(salt_text)?, bytes(output)?);
    Ok(Function::Pbkdf2(Pbkdf2::new(digest, vec![number(iterations)?], salt, output)?))
}

/// `bcrypt$$2b$…`
pub fn bcrypt(text: &str) -> Result<Function, Unfit> {
    modular(text, "bcrypt$", First::Nothing)
}

/// `bcrypt_sha256$$2b$…`
pub fn bcrypt_sha256(text: &str) -> Result<Function, Unfit> {
    modular(text, "bcrypt_sha256$", First::Sha256Hex)
}

fn modular(text: &str, before: &str, first: First) -> Result<Function, Unfit> {
    let hash = text.strip_prefix(before).ok_or(Flaw::Parts)?;
    match ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix)) {
        true => Ok(Function::Bcrypt(Bcrypt::read(hash, first)?)),
        false => Err(Flaw::Parts.into()),
    }
}

fn bytes(output: &str) -> Result<Vec<u8>, Flaw> {
    BASE64.decode(output).map_err(|_| Flaw::Digest)
}
