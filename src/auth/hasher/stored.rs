//! A stored password hash, whoever made it: told by its prefix, and read into what comparing a
//! password with it takes. Nothing is computed here that costs more than the limits allow.

mod argon2id;
mod bcrypt;
mod cost;
mod django;
mod pbkdf2;
mod phc;
mod scheme;
mod scrypt;
mod sha_crypt;
mod unfit;
mod weak;
mod werkzeug;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub mod tests;

pub use self::{
    argon2id::Argon2,
    cost::Cost,
    scheme::Scheme,
    unfit::{Flaw, Unfit},
    weak::Weak,
};
use super::pool::Memory;
use crate::auth::{key::Pepper, password::Password};

/// A hash is refused before it is read when it has more bytes than this.
pub const MAX_BYTES: usize = 512;

/// What is computed, and what has to come out of it.
enum Function {
    Argon2(Argon2),
    Scrypt(scrypt::Scrypt),
    Pbkdf2(pbkdf2::Pbkdf2),
    Bcrypt(bcrypt::Bcrypt),
    ShaCrypt(sha_crypt::ShaCrypt),
}

type Read = fn(&str) -> Result<Function, Unfit>;

/// What a hash begins with, whose it is then, and who reads it.
const FORMS: &[(&str, Scheme, Read)] = &[
    ("$argon2id$", Scheme::Argon2id, argon2id::read),
    ("$argon2i$", Scheme::Argon2i, argon2id::read),
    ("$scrypt$", Scheme::Scrypt, scrypt::read),
    ("$pbkdf2$", Scheme::Pbkdf2, pbkdf2::read),
    ("$pbkdf2-sha256$", Scheme::Pbkdf2, pbkdf2::read),
    ("$pbkdf2-sha512$", Scheme::Pbkdf2, pbkdf2::read),
    ("$2a$", Scheme::Bcrypt, bcrypt::read),
    ("$2b$", Scheme::Bcrypt, bcrypt::read),
    ("$2y$", Scheme::Bcrypt, bcrypt::read),
    ("$5$", Scheme::Sha256Crypt, sha_crypt::read),
    ("$6$", Scheme::Sha512Crypt, sha_crypt::read),
    ("scrypt:", Scheme::WerkzeugScrypt, werkzeug::scrypt),
    ("pbkdf2:", Scheme::WerkzeugPbkdf2, werkzeug::pbkdf2),
    ("argon2$", Scheme::DjangoArgon2, django::argon2),
    ("scrypt$", Scheme::DjangoScrypt, django::scrypt),
    ("pbkdf2_sha1$", Scheme::DjangoPbkdf2, django::pbkdf2),
    ("pbkdf2_sha256$", Scheme::DjangoPbkdf2, django::pbkdf2),
    ("bcrypt$", Scheme::DjangoBcrypt, django::bcrypt),
    ("bcrypt_sha256$", Scheme::DjangoBcryptSha256, django::bcrypt_sha256),
];

/// A hash that passwords can be compared with.
pub struct Stored {
    pub scheme: Scheme,
    function: Function,
}

impl Stored {
    /// # Errors
    /// Why no password is compared with it; [`Unfit::Slow`] as for a password of usual length.
    pub fn read(text: &str) -> Result<Self, Unfit> {
        if text.len() > MAX_BYTES {
            return Err(Flaw::TooLong.into());
        }
        if text.starts_with('!') {
            return Err(Unfit::Unusable);
        }
        let form = FORMS.iter().find(|(prefix, ..)| text.starts_with(prefix));
        let Some((_, scheme, read)) = form else {
            return Err(weak::kind_of(text).map_or(Unfit::Unknown, Unfit::Weak));
        };
        let stored = Self { scheme: *scheme, function: read(text)? };
        stored.cost(cost::USUAL_PASSWORD).within_limits()?;
        Ok(stored)
    }

    /// Of comparing a password of so many bytes.
    pub fn cost(&self, password_bytes: usize) -> Cost {
        match &self.function {
            Function::Argon2(hash) => hash.cost(),
            Function::Scrypt(hash) => hash.cost(),
            Function::Pbkdf2(hash) => hash.cost(),
            Function::Bcrypt(hash) => hash.cost(),
            Function::ShaCrypt(hash) => hash.cost(password_bytes),
        }
    }

    /// The argon2id hash as rolecall makes them too, whose cost and pepper may be today's.
    pub fn as_argon2id(&self) -> Option<&Argon2> {
        match (&self.function, self.scheme) {
            (Function::Argon2(hash), Scheme::Argon2id) => Some(hash),
            _ => None,
        }
    }

    /// Compares it with a password. A foreign hash was made of the bytes as they came; one of
    /// argon2id may be ours, made of the form that all spellings share.
    pub fn matches(
        &self,
        password: &Password,
        pepper: Option<&Pepper>,
        memory: &mut Memory,
    ) -> Option<Form> {
        let (normal, received) = (password.as_bytes(), password.received());
        let opens = match &self.function {
            Function::Argon2(hash) if self.scheme == Scheme::Argon2id => {
                if hash.opens_for(normal, pepper, memory) {
                    return Some(Form::Normal);
                }
                received != normal && hash.opens_for(received, pepper, memory)
            }
            Function::Argon2(hash) => hash.opens_for(received, None, memory),
            // HMAC fills up a key with zeros, and a key of bcrypt ends with one and begins again:
            // with zeros in it, another password could be the same key.
            _ if received.contains(&0) => false,
            Function::Scrypt(hash) => hash.opens_for(received, memory),
            Function::Pbkdf2(hash) => hash.opens_for(received),
            Function::Bcrypt(hash) => hash.opens_for(received),
            Function::ShaCrypt(hash) => hash.opens_for(received),
        };
        opens.then_some(Form::Received)
    }
}

/// What of a password a hash was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The one that all spellings share.
    Normal,
    /// The bytes as they came.
    Received,
}

impl From<Argon2> for Stored {
    /// As rolecall makes it.
    fn from(hash: Argon2) -> Self {
        Self { scheme: Scheme::Argon2id, function: Function::Argon2(hash) }
    }
}

/// A number as hashes write it: decimal digits alone.
fn number<T: std::str::FromStr>(text: &str) -> Result<T, Flaw> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map_err(|_| Flaw::Cost),
        false => Err(Flaw::Cost),
    }
}

/// A salt that is used as it is written.
fn salt(text: &str) -> Result<Vec<u8>, Flaw> {
    match text {
        "" => Err(Flaw::NoSalt),
        text => Ok(text.as_bytes().to_vec()),
    }
}

/// The parts between so many dollars, no more and no fewer.
fn parts<const N: usize>(text: &str) -> Result<[&str; N], Flaw> {
    let parts: Vec<&str> = text.split('$').collect();
    parts.try_into().map_err(|_| Flaw::Parts)
}
