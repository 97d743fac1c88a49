//! PHC strings: `$name$v=…$parameters$salt$hash`, salt and hash in Base64 without padding.

use argon2::password_hash::phc::{Error, Output, PasswordHash, Salt};

use super::Flaw;

/// A PHC string with all its parts.
pub struct Phc {
    pub parts: PasswordHash,
    pub salt: Salt,
    pub output: Output,
}

impl Phc {
    pub fn read(text: &str) -> Result<Self, Flaw> {
        let parts = PasswordHash::new(text).map_err(|error| match error {
            Error::SaltTooShort if text.contains("$$") => Flaw::NoSalt,
            Error::SaltTooShort | Error::SaltTooLong => Flaw::Salt,
            Error::OutputSize { .. } => Flaw::Length,
            Error::Base64(_) => Flaw::Digest,
            Error::MissingField | Error::TrailingData => Flaw::Parts,
            _ => Flaw::Cost,
        })?;
        let (salt, output) = parts.salt.zip(parts.hash).ok_or(Flaw::Parts)?;
        Ok(Self { salt, output, parts })
    }

    /// The values of exactly these parameters; `None` for those that are left out.
    pub fn numbers<const N: usize>(&self, names: [&str; N]) -> Result<[Option<u32>; N], Flaw> {
        let mut numbers = [None; N];
        for (name, value) in self.parts.params.iter() {
            let place = names.iter().position(|known| *known == name.as_str());
            let place = place.and_then(|place| numbers.get_mut(place)).ok_or(Flaw::Cost)?;
            *place = Some(value.decimal().map_err(|_| Flaw::Cost)?);
        }
        Ok(numbers)
    }
}
