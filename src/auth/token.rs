//! What is handed out and comes back: cookie values, link tokens, form tokens.
//!
//! A cookie is `<128 random bits>.<key id>.<MAC>`: a forged one is refused before memory and
//! database. The database knows the bits by their digest alone.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use tower_sessions::session::Id;
use uuid::Uuid;

use super::{
    key::{Keys, MAC_BYTES, Use},
    name,
};
use crate::{
    db::session_store::{digest, digest_text},
    random::{Random, RandomFailed},
};

/// 128 random bits that somebody holds as proof. Shows itself to nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token(Id);

impl Token {
    pub fn new(random: &Random) -> Result<Self, RandomFailed> {
        random.bytes().map(|bytes| Self(Id(i128::from_le_bytes(bytes))))
    }

    /// What memory knows it by.
    pub fn key(self) -> i128 {
        digest(self.0).0
    }

    /// What the database knows it by.
    pub fn digest(self) -> String {
        digest_text(self.0)
    }

    /// The id that tower-sessions knows the session by.
    pub fn session_id(self) -> Id {
        self.0
    }

    /// The token in clear, 22 characters of base64url, for a link.
    pub fn reveal(self) -> String {
        self.0.to_string()
    }

    /// Reads what [`Token::reveal`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 16] = BASE64.decode(text).ok()?.try_into().ok()?;
        Some(Self(Id(i128::from_le_bytes(bytes))))
    }

    /// The value of a cookie.
    pub fn to_cookie(self, keys: &Keys, purpose: Use) -> String {
        let text = self.reveal();
        let (key, mac) = keys.sign(purpose, text.as_bytes());
        format!("{text}.{key}.{}", BASE64.encode(mac))
    }

    /// Reads a cookie's value. `None` when we did not make it.
    pub fn from_cookie(keys: &Keys, purpose: Use, value: &str) -> Option<Self> {
        let (text, rest) = value.split_once('.')?;
        let (key, mac) = rest.split_once('.')?;
        let mac = decode_mac(mac)?;
        if text.len() != 22 || !keys.verify(purpose, key, text.as_bytes(), &mac) {
            return None;
        }
        Self::parse(text)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The token that forms of a session carry. Bound to the session's row and not to its cookie,
/// so that a renewed cookie breaks no form in another tab.
pub fn form_token(keys: &Keys, session: Uuid) -> String {
    let (key, mac) = keys.sign(Use::FormToken, session.as_bytes());
    format!("{key}.{}", BASE64.encode(mac))
}

pub fn is_form_token(keys: &Keys, session: Uuid, token: &str) -> bool {
    let parts = token.split_once('.').and_then(|(key, mac)| Some((key, decode_mac(mac)?)));
    parts.is_some_and(|(key, mac)| keys.verify(Use::FormToken, key, session.as_bytes(), &mac))
}

/// What is kept of a name that nobody has, however it is spelled: people type passwords into
/// that field.
pub fn unknown_name(keys: &Keys, typed: &str) -> String {
    let key = name::key(typed).unwrap_or_default();
    let (_, mac) = keys.sign(Use::LoggedName, key.as_bytes());
    BASE64.encode(&mac[..9])
}

pub(super) fn decode_mac(text: &str) -> Option<[u8; MAC_BYTES]> {
    if text.len() != 22 {
        return None;
    }
    BASE64.decode(text).ok()?.try_into().ok()
}
