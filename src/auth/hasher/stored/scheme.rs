//! What a kind of hash is called.

use std::fmt;

/// By which program's rules a hash is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    Argon2id,
    Argon2i,
    Scrypt,
    Pbkdf2,
    Bcrypt,
    Sha256Crypt,
    Sha512Crypt,
    WerkzeugScrypt,
    WerkzeugPbkdf2,
    DjangoArgon2,
    DjangoScrypt,
    DjangoPbkdf2,
    DjangoBcrypt,
    DjangoBcryptSha256,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argon2id => "argon2id",
            Self::Argon2i => "argon2i",
            Self::Scrypt => "scrypt",
            Self::Pbkdf2 => "PBKDF2",
            Self::Bcrypt => "bcrypt",
            Self::Sha256Crypt => "sha256-crypt",
            Self::Sha512Crypt => "sha512-crypt",
            Self::WerkzeugScrypt => "Werkzeug scrypt",
            Self::WerkzeugPbkdf2 => "Werkzeug PBKDF2",
            Self::DjangoArgon2 => "Django argon2",
            Self::DjangoScrypt => "Django scrypt",
            Self::DjangoPbkdf2 => "Django PBKDF2",
            Self::DjangoBcrypt => "Django bcrypt",
            Self::DjangoBcryptSha256 => "Django bcrypt_sha256",
        })
    }
}
