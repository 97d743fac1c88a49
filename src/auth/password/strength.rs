//! Whether a password is among the first that somebody would try (NIST SP 800-63B-4 §3.1.1.2):
//! it stands in a list of common ones, or the zxcvbn estimator finds it guessable.

use std::{fmt, sync::LazyLock};

use zxcvbn::{Score, feedback::Warning};

use super::PasswordError;

/// What makes a password easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    Repeats,
    Sequence,
    Keyboard,
    Dates,
    /// Few words or names, or common ones.
    Words,
    Guessable,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeats => "it repeats itself",
            Self::Sequence => "it follows the alphabet or counts",
            Self::Keyboard => "it follows the keys of a keyboard",
            Self::Dates => "it is made of dates or years",
            Self::Words => "it is made of few or common words and names",
            Self::Guessable => "it has few parts that a program would not try",
        })
    }
}

static COMMON: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../../data/common-passwords.txt").lines();
    lines.skip_while(|line| line.starts_with("# ")).collect()
});

/// Refuses a password that others would guess soon. `about`: how the person and the service are
/// called.
pub(super) fn check(password: &str, about: &[&str]) -> Result<(), PasswordError> {
    if COMMON.binary_search(&password.to_lowercase().as_str()).is_ok() {
        return Err(PasswordError::Common);
    }
    let words = words(about);
    if apart_from(password, &words).chars().count() < LEFT_OVER {
        return Err(PasswordError::AboutYou);
    }
    let found = zxcvbn::zxcvbn(password, &words);
    if found.score() >= Score::Three {
        return Ok(());
    }
    // Without those names it would have been strong enough.
    if zxcvbn::zxcvbn(password, &[]).score() >= Score::Three {
        return Err(PasswordError::AboutYou);
    }
    let warning = found.feedback().and_then(|feedback| feedback.warning());
    Err(PasswordError::Weak(warning.map_or(Weakness::Guessable, weakness)))
}

/// Least characters of a password besides the names in it: to the estimator each name in a row
/// is one more word to guess, but these are the first that somebody would try.
const LEFT_OVER: usize = 6;

/// The letters and digits of the password that belong to none of the words, if it holds one.
fn apart_from(password: &str, words: &[&str]) -> String {
    let mut words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let password = password.to_lowercase();
    let rest = words.iter().filter(|word| !word.is_empty());
    let rest = rest.fold(password.clone(), |rest, word| rest.replace(word.as_str(), " "));
    if rest == password {
        return rest;
    }
    rest.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Each name whole, and its parts: those of an e-mail, those of a displayed name.
fn words<'a>(about: &[&'a str]) -> Vec<&'a str> {
    let parts = about.iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    let parts = parts.filter(|part| part.chars().count() > 2);
    about.iter().copied().chain(parts).collect()
}

fn weakness(warning: Warning) -> Weakness {
    use Warning as W;
    match warning {
        W::RepeatsLikeAaaAreEasyToGuess | W::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            Weakness::Repeats
        }
        W::SequencesLikeAbcAreEasyToGuess => Weakness::Sequence,
        W::StraightRowsOfKeysAreEasyToGuess | W::ShortKeyboardPatternsAreEasyToGuess => {
            Weakness::Keyboard
        }
        W::RecentYearsAreEasyToGuess | W::DatesAreOftenEasyToGuess => Weakness::Dates,
        W::ThisIsATop10Password
        | W::ThisIsATop100Password
        | W::ThisIsACommonPassword
        | W::ThisIsSimilarToACommonlyUsedPassword
        | W::AWordByItselfIsEasyToGuess
        | W::NamesAndSurnamesByThemselvesAreEasyToGuess
        | W::CommonNamesAndSurnamesAreEasyToGuess => Weakness::Words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: [&str; 4] = ["kim", "kim.nguyen@example.com", "Kim Nguyen", "rolecall"];

    #[test]
    fn every_common_password_is_refused_in_any_case() {
        assert!(COMMON.is_sorted());
        let long = COMMON.iter().filter(|word| word.chars().count() >= 15);
        assert!(long.clone().count() >= 3_000);
        for word in COMMON.iter() {
            assert_eq!(check(word, &[]), Err(PasswordError::Common), "{word}");
            assert_eq!(check(&word.to_uppercase(), &[]), Err(PasswordError::Common), "{word}");
        }
    }

    #[test]
    fn a_phrase_that_merely_contains_one_is_taken() {
        for word in COMMON.iter().step_by(97) {
            let phrase = format!("{word} over the cold lake at dawn");
            assert_eq!(check(&phrase, &ABOUT), Ok(()), "{phrase}");
        }
    }

    #[test]
    fn what_is_soon_guessed_is_refused_with_the_reason() {
        use PasswordError::{AboutYou, Weak};
        for (password, expected) in [
            ("zzzzzzzzzzzzzzzzzz", Weak(Weakness::Repeats)),
            ("abcabcabcabcabcabc", Weak(Weakness::Repeats)),
            ("abcdefghijklmnopq", Weak(Weakness::Sequence)),
            ("rolecall rolecall kim", AboutYou),
            ("kim.nguyen@example.com", AboutYou),
            ("KimNguyen2026!", AboutYou),
            ("nguyenrolecall1", AboutYou),
            ("kim-nguyen-kim-12345", AboutYou),
            ("rolecall-rolecall", AboutYou),
        ] {
            assert_eq!(check(password, &ABOUT), Err(expected), "{password}");
        }
        for good in [
            "kim sees seven geese",
            "seven geese over the water",
            "Zöe trinkt 7 blaue Kaffees",
            "k7mq2-x9vb4-hh3kd",
        ] {
            assert_eq!(check(good, &ABOUT), Ok(()), "{good}");
        }
    }
}
