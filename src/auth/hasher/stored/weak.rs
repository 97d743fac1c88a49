//! What has to be told from hashes, and is guessed as fast as it is tried.

use std::fmt;

/// How a password is kept that is nearly lost with its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weak {
    PlainText,
    DesCrypt,
    Md5Crypt,
    /// MD5, SHA-1, SHA-2 or the like, once, salted or not.
    OneDigest,
}

impl fmt::Display for Weak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PlainText => "plain text",
            Self::DesCrypt => "DES crypt",
            Self::Md5Crypt => "MD5 crypt",
            Self::OneDigest => "a digest without iterations",
        })
    }
}

/// Of Django (its `crypt` too), Werkzeug, LDAP and MySQL.
const PREFIXES: &[(&str, Weak)] = &[
    ("$1$", Weak::Md5Crypt),
    ("$apr1$", Weak::Md5Crypt),
    ("$md5$", Weak::Md5Crypt),
    ("$md5,", Weak::Md5Crypt),
    ("crypt$", Weak::DesCrypt),
    ("plain$", Weak::PlainText),
    ("{CLEARTEXT}", Weak::PlainText),
    ("{PLAIN}", Weak::PlainText),
    ("md5$", Weak::OneDigest),
    ("sha1$", Weak::OneDigest),
    ("sha224$", Weak::OneDigest),
    ("sha256$", Weak::OneDigest),
    ("sha384$", Weak::OneDigest),
    ("sha512$", Weak::OneDigest),
    ("unsalted_", Weak::OneDigest),
    ("{MD5}", Weak::OneDigest),
    ("{SMD5}", Weak::OneDigest),
    ("{SHA}", Weak::OneDigest),
    ("{SSHA", Weak::OneDigest),
    ("$3$", Weak::OneDigest),
];

/// Hexadecimal digits of MD5, SHA-1 and the sizes of SHA-2.
const HEX_LENGTHS: &[usize] = &[32, 40, 56, 64, 96, 128];

/// What `text` is, which no form of a hash was found for; `None` when it may be a hash that is
/// not known here.
pub fn kind_of(text: &str) -> Option<Weak> {
    if let Some((_, weak)) = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix)) {
        return Some(*weak);
    }
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = text.strip_prefix('*').unwrap_or(text);
    if HEX_LENGTHS.contains(&digits.len()) && is_hex(digits) {
        return Some(Weak::OneDigest);
    }
    let is_crypt = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
    };
    let is_des = text.len() == 13 && is_crypt(text);
    let is_extended_des = text.len() == 20 && text.strip_prefix('_').is_some_and(is_crypt);
    if is_des || is_extended_des {
        return Some(Weak::DesCrypt);
    }
    let looks_like_a_hash = text.is_empty() || text.contains(['$', '{', ':']);
    (!looks_like_a_hash).then_some(Weak::PlainText)
}
