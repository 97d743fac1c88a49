//! What an application may rely on, as `docs/api.txt` lists it: a change of it is seen in review.
//! `UPDATE_API=1` writes the list anew.

use std::fmt::Write;

/// The files whose public items the crate's root names.
const FILES: [&str; 9] = [
    "lib.rs",
    "app/layout.rs",
    "embed.rs",
    "embed/builder.rs",
    "embed/guard.rs",
    "embed/permission.rs",
    "embed/settings.rs",
    "embed/user.rs",
    "embed/verbs.rs",
];

/// The items of a file, one a line: signatures without bodies, fields and variants.
fn items(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap();
    let (mut items, mut open, mut holder) = (String::new(), String::new(), String::new());
    for line in source.lines() {
        let code = line.trim();
        let depth = line.len() - line.trim_start().len();
        if code.starts_with("//") || code.starts_with("#[") || code.is_empty() {
            continue;
        }
        if open.is_empty() {
            if depth == 0 {
                let is_holder = ["impl", "pub trait", "pub enum", "pub struct", "pub mod"]
                    .iter()
                    .any(|kind| code.starts_with(kind));
                holder = if is_holder { code.to_owned() } else { String::new() };
            }
            let is_public = code.starts_with("pub ");
            // What stands in a trait, in an enum, or in an impl of a trait is as public as that.
            let of_trait = holder.starts_with("pub trait") || holder.contains(" for ");
            let is_item =
                depth == 4 && of_trait && (code.contains("fn ") || code.contains("type "));
            let is_variant = depth == 4 && holder.starts_with("pub enum") && code != "}";
            let is_impl = depth == 0 && code.starts_with("impl");
            if !(is_public || is_item || is_variant || is_impl) {
                continue;
            }
            open = " ".repeat(depth);
        } else {
            open.push(' ');
        }
        open.push_str(code);
        let is_field = !open.contains("fn ") && open.starts_with(' ');
        let is_whole = match open.starts_with("pub use") {
            true => code.ends_with(';'),
            false => code.ends_with(['{', ';', '}']) || (is_field && code.ends_with(',')),
        };
        if is_whole {
            writeln!(items, "{}", open.trim_end_matches(['{', ' '])).unwrap();
            open.clear();
        }
    }
    items
}

#[test]
fn the_surface_is_what_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut listed = String::from(
        "What an application may rely on: items of the crate's root. Made by the tests; a change \
         here is a change for those who use the crate.\n",
    );
    for file in FILES {
        let source = std::fs::read_to_string(folder.join("src").join(file)).unwrap();
        let source = match file {
            "lib.rs" => source.split("// The code in reading order").next().unwrap().to_owned(),
            _ => source,
        };
        write!(listed, "\n# {file}\n{}", items(&source)).unwrap();
    }
    let place = folder.join("docs/api.txt");
    if std::env::var_os("UPDATE_API").is_some() {
        std::fs::write(&place, &listed).unwrap();
    }
    let before = std::fs::read_to_string(&place).unwrap_or_default();
    assert_eq!(before, listed, "the surface changed; see it with UPDATE_API=1 and git diff");
}
