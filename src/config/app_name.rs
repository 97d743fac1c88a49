//! What the pages call the application.

use std::{ops::Deref, str::FromStr};

use crate::text;

/// The name of the application that people sign in to, as the pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppName(String);

impl AppName {
    /// Longest name, in characters.
    pub const MOST: usize = 40;
}

impl Default for AppName {
    fn default() -> Self {
        Self(text::PRODUCT.to_owned())
    }
}

impl FromStr for AppName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim();
        let is_fit = (1..=Self::MOST).contains(&name.chars().count());
        if is_fit && !name.contains(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            let most = Self::MOST;
            Err(format!("{text:?} is no name of 1 to {most} characters on one line"))
        }
    }
}

impl Deref for AppName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_to_forty_characters_on_one_line() {
        for (text, name) in [("News", "News"), ("  Two words ", "Two words"), ("編集室", "編集室")]
        {
            assert_eq!(&*text.parse::<AppName>().unwrap(), name);
        }
        assert!("é".repeat(40).parse::<AppName>().is_ok());
        let long = "é".repeat(41);
        for text in ["", " ", "a\nb", "a\u{7f}b", "\u{85}a\u{85}b", &long] {
            assert!(text.parse::<AppName>().is_err(), "{text:?}");
        }
    }
}
