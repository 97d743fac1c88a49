//! Why no password is compared with a hash.

use super::Weak;
use crate::config::{MAX_HASH_KIB, MAX_HASH_SECONDS};

/// What keeps a stored hash from being taken. Names nothing of the hash itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error(
        "the password hash is of no kind that rolecall reads, such as $argon2id$v=19$m=19456,t=2,p=1$…"
    )]
    Unknown,
    #[error("the password hash cannot be read: {0}")]
    Malformed(#[from] Flaw),
    #[error(
        "the password hash is too weak to keep ({0}); leave it out and give the user an invitation"
    )]
    Weak(Weak),
    #[error(
        "the password hash needs too much memory, {0} MiB; it may need {most} MiB",
        most = MAX_HASH_KIB / 1024
    )]
    Memory(u64),
    #[error(
        "the password hash takes too long, by its cost {0} s; it may take {MAX_HASH_SECONDS} s"
    )]
    Slow(u64),
    /// Django's `!…`: a user without a password.
    #[error("the password hash opens for no password; leave it out")]
    Unusable,
}

/// What is wrong with a hash whose prefix is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("it has more than {} bytes", super::MAX_BYTES)]
    TooLong,
    #[error("it has not the parts that it should have; perhaps it was cut")]
    Parts,
    #[error("its salt is empty")]
    NoSalt,
    #[error("its salt is not written as it should be")]
    Salt,
    #[error("its cost is not written as it should be")]
    Cost,
    #[error("its digest has the wrong length")]
    Length,
    #[error("its digest is not written as it should be")]
    Digest,
}
