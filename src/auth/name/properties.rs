//! What holds for every name, however it is typed.

use proptest::{collection::vec, prelude::*, sample::select};
use unicode_normalization::UnicodeNormalization;

use super::{Email, PermissionName, RoleName, Username, key, look, parse_display_name};
use crate::chance::{config, text_of};

/// What people write names with, what looks like it, and what does not show.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "k", "K", "i", "I", "ı", "İ", "l", "0", "o", "rn", "m", "ß", "ẞ", "ﬁ", "ſ", "K", "Å",
    "Å", "å", "é", "e\u{301}", "ö", "Σ", "σ", "ς", "ά", "а", "е", "о", "ӏ", "р", "ｋ", "Ｋ", "ﾊ",
    "ﾟ", "ハ", "パ", "ー", "김", "\u{1100}\u{1161}", "字", "𐐀", "𝐚", "ⅷ", "①", "²", "٣", "۳", "3", "א",
    "ל", "ب", "न", "\u{94d}", "\u{200c}", "\u{200d}", "\u{200b}", "\u{202e}", "\u{2060}",
    "\u{feff}", "\u{ad}", "\u{34f}", "\u{115f}", "\u{3164}", "\u{fe0f}", "\u{e0061}", "\u{0}",
    "\u{7f}", "\u{85}", "\t", "\n", " ", "\u{a0}", "\u{3000}", "\u{2028}", ".", "_", "-", "·",
    "'", "’", "@", "＠", "﹫", ".", "。", "example", ".com", "☃", "😀", "\u{fdd0}", "\u{e000}",
    "cli:", "system",
];

fn typed() -> impl Strategy<Value = String> {
    prop_oneof![8 => text_of(PIECES, 8), 1 => text_of(PIECES, 90), 2 => any::<String>()]
}

/// Letters whose two cases are one to one.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzéüñøåçžščćđłğабвгджзйклмнαβγδλω0123456789._-";

/// A name, and the same name as another keyboard writes it.
fn two_spellings() -> impl Strategy<Value = (String, String)> {
    let letters: Vec<char> = LETTERS.chars().collect();
    let letter = (select(letters), any::<bool>(), any::<bool>());
    let around = (text_of(&[" ", "\t", "\u{a0}", "\u{3000}"], 3), any::<bool>());
    (vec(letter, 1..40), around).prop_map(|(letters, (space, is_decomposed))| {
        let plain: String = letters.iter().map(|(letter, ..)| *letter).collect();
        let spelled: String = letters.into_iter().map(spelled).collect();
        let spelled = if is_decomposed { spelled.nfd().collect() } else { spelled };
        (plain, format!("{space}{spelled}{space}"))
    })
}

fn spelled((letter, is_upper, is_wide): (char, bool, bool)) -> char {
    let letter = if is_upper { letter.to_uppercase().next().unwrap() } else { letter };
    let wide = char::from_u32(letter as u32 + 0xfee0);
    if is_wide && letter.is_ascii_alphanumeric() { wide.unwrap() } else { letter }
}

/// What Indic scripts join letters with, and RFC 5892 allows there alone.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Unicode's Default_Ignorable_Code_Point, white space and control characters.
fn is_invisible(c: char) -> bool {
    let is_ignorable = matches!(c as u32,
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfff8 | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff);
    is_ignorable || c.is_whitespace() || c.is_control()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_key_is_its_own_key(typed in typed()) {
        if let Some(found) = key(&typed) {
            prop_assert_eq!(key(&found), Some(found));
        }
    }

    #[test]
    fn a_name_is_the_same_on_every_keyboard((plain, other) in two_spellings()) {
        prop_assert_eq!(key(&plain), Some(plain.clone()));
        prop_assert_eq!(key(&other), Some(plain));
    }

    #[test]
    fn a_user_name_is_short_visible_and_no_address(typed in typed()) {
        if let Ok(name) = Username::parse(&typed) {
            let name = name.as_str();
            prop_assert!(!name.contains('@') && name.chars().count() <= 64);
            let shown = name.replace(JOINERS, "");
            prop_assert!(!shown.chars().any(is_invisible), "{:?}", name);
            prop_assert_eq!(look(&shown), look(name));
            let again = Username::parse(name);
            prop_assert_eq!(again.as_ref().map(Username::as_str), Ok(name));
        }
    }

    #[test]
    fn a_look_is_one_in_any_form_and_stays(typed in typed()) {
        let composed: String = typed.nfc().collect();
        let decomposed: String = typed.nfd().collect();
        prop_assert_eq!(look(&composed), look(&decomposed));
        let once = look(&typed);
        prop_assert_eq!(look(&once), once);
    }

    #[test]
    fn an_email_is_read_back_as_it_was(typed in typed(), at in "[@＠]?", domain in "[a-z.]{0,9}") {
        if let Ok(email) = Email::parse(&format!("{typed}{at}{domain}")) {
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            let again = Email::parse(email.key());
            prop_assert_eq!(again.as_ref().map(Email::key), Ok(email.key()));
            prop_assert_eq!(email.key().matches('@').count(), 1);
            let is_plain = !email.as_str().chars().any(|c| c.is_control() || c.is_whitespace());
            prop_assert!(is_plain && email.as_str().len() <= 254);
        }
    }

    #[test]
    fn a_displayed_name_stays_and_breaks_no_line(typed in typed()) {
        if let Ok(name) = parse_display_name(&typed) {
            prop_assert!(!name.chars().any(char::is_control));
            prop_assert_eq!(parse_display_name(&name), Ok(name));
        }
    }

    #[test]
    fn roles_and_permissions_are_as_they_are_typed(
        typed in prop_oneof!["[a-zA-Z0-9._:é -]{0,8}", "[a-z:]{60,130}", any::<String>()],
    ) {
        if let Ok(role) = RoleName::parse(&typed) {
            prop_assert_eq!(role.as_str(), &typed);
            prop_assert!(typed.len() <= 64 && !typed.contains([',', ':', ' ']) && typed.is_ascii());
        }
        if let Ok(permission) = PermissionName::parse(&typed) {
            prop_assert_eq!(permission.as_str(), &typed);
            prop_assert!(typed.len() <= 128 && !typed.contains([',', ' ']) && typed.is_ascii());
        }
    }
}
