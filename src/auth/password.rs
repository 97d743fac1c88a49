//! Passwords as people type them: what is accepted as a new one, and in which form it is
//! hashed (NFC, NIST SP 800-63B-4 §3.1.1.2).

mod strength;

use std::fmt;

pub use strength::Weakness;
use unicode_normalization::UnicodeNormalization;

use crate::app::App;

/// A password is refused before any work is done on it when it has more bytes than this.
pub const MAX_BYTES: usize = 1024;

/// A password in the form in which it is hashed, and as it came. Shows itself to nobody.
#[derive(Clone)]
pub struct Password {
    normal: String,
    received: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password is too short: use at least {0} characters; a few words make a good one")]
    TooShort(usize),
    #[error("the password is too long: use at most {MAX_BYTES} bytes")]
    TooLong,
    #[error(
        "the password holds a character that does not print, such as a tab or a line break; leave it out"
    )]
    Unprintable,
    #[error("this password is among the first that others would try; choose a less common one")]
    Common,
    #[error(
        "this password is too close to a name or e-mail of the account, or the service's name; choose another"
    )]
    AboutYou,
    #[error(
        "this password is guessed soon ({0}); a few words that do not belong together make a good one"
    )]
    Weak(Weakness),
}

impl Password {
    /// What somebody typed to prove who they are. `None` when nobody's password can be so.
    pub fn typed(text: &str) -> Option<Self> {
        let both = || Self { normal: text.nfc().collect(), received: text.to_owned() };
        (text.len() <= MAX_BYTES).then(both)
    }

    /// A password that somebody chose. Neither trimmed nor cut.
    ///
    /// # Errors
    /// Shorter than `min_length` code points, over [`MAX_BYTES`], with control characters, or
    /// guessed soon, also by how the person and the service are called (`about`).
    pub fn chosen(text: &str, min_length: usize, about: &[&str]) -> Result<Self, PasswordError> {
        let password = Self::typed(text).ok_or(PasswordError::TooLong)?;
        if password.normal.chars().any(char::is_control) {
            return Err(PasswordError::Unprintable);
        }
        if password.normal.chars().count() < min_length {
            return Err(PasswordError::TooShort(min_length));
        }
        // Names and addresses are kept as they were typed.
        let about: Vec<String> = about.iter().map(|name| name.nfc().collect()).collect();
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        strength::check(&password.normal, &about)?;
        Ok(password)
    }

    /// The same under the settings, told how the service is called.
    pub fn chosen_for(app: &App, text: &str, about: &[&str]) -> Result<Self, PasswordError> {
        let ours = ["rolecall", &app.settings.app_name, app.settings.public_url.host()];
        Self::chosen(text, app.settings.password_min_length, &[about, &ours].concat())
    }

    /// The form that all spellings share.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.normal.as_bytes()
    }

    /// As it came: what other programs made their hashes of.
    pub(super) fn received(&self) -> &[u8] {
        self.received.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password made by the program: 125 bits in groups that can be read out, such as
/// `k7mq2-…`, of letters and digits that are not mistaken for one another.
pub fn generate(random: &crate::random::Random) -> Result<String, crate::random::RandomFailed> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = random.bytes::<25>()?.map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_what_a_person_types_and_nothing_is_trimmed() {
        let chosen = |text: &str| Password::chosen(text, 15, &[]).err();
        assert_eq!(chosen("éàüøñßçœæþðêîôû"), None);
        assert_eq!(chosen(" four teen chr "), None);
        assert_eq!(chosen("four teen char"), Some(PasswordError::TooShort(15)));
        let long = "seven geese ".repeat(100);
        assert_eq!(chosen(&long[..1024]), None);
        assert_eq!(chosen(&long[..1025]), Some(PasswordError::TooLong));
    }

    #[test]
    fn both_spellings_of_an_accent_are_one_password() {
        let [composed, decomposed] = ["zoë", "zoe\u{308}"].map(Password::typed);
        assert_eq!(
            composed.map(|password| password.as_bytes().to_vec()),
            decomposed.map(|password| password.as_bytes().to_vec()),
        );
    }

    #[test]
    fn a_name_is_no_password_in_either_spelling_of_its_accents() {
        let spellings = ["Zoë Çelik-Ångström", "Zoe\u{308} C\u{327}elik-A\u{30a}ngstro\u{308}m"];
        for name in spellings {
            for text in spellings {
                let refused = Password::chosen(text, 15, &[name]).err();
                assert_eq!(refused, Some(PasswordError::AboutYou), "{text:?} {name:?}");
            }
        }
    }

    #[test]
    fn a_generated_password_is_long_and_never_twice_the_same() {
        let random = crate::random::Random::system();
        let made: Vec<_> = (0..2).filter_map(|_| generate(&random).ok()).collect();
        assert_eq!(made.iter().map(|text| text.len()).collect::<Vec<_>>(), [29, 29]);
        assert_ne!(made[0], made[1]);
    }
}
