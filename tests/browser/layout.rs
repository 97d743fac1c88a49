//! How the pages behave in the browser: they fit, it complains about nothing, and neither do the
//! judges.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    judges::{self, Sources},
    prefix::open_below,
    program::{PASSWORD, on_both},
    support::Engine,
    terminal::Terminal,
    tour,
    window::{Browser, Way},
};

/// A wide screen and a phone.
const LOOKS: [(u32, &str); 2] = [(1280, "light"), (390, "dark")];

#[test]
fn no_page_scrolls_sideways_or_gives_a_reason_to_complain() {
    on_both(|program| {
        tour::move_in(&program);
        // On one engine below a prefix, under a long name.
        let (_server, browser) = match program.engine() {
            Engine::Sqlite => {
                let server = program.serve(&[]);
                let browser = Browser::open(server.port);
                (server, browser)
            }
            Engine::Postgres => open_below(&program, Way::Desk),
        };
        let (mut seen, sources) = (BTreeSet::new(), Sources::new());
        tour::take(&program, &browser, |name| {
            for look in LOOKS {
                fits(&browser, name, look);
            }
            sources.keep(&browser, name);
            seen.insert(pattern(&browser.address()));
            assert_eq!(browser.complaints(), [""; 0], "{name}");
        });
        sources.assert_valid();
        for page in rolecall::web::routes() {
            let is_shown = page.kind == rolecall::web::Kind::Page
                && page.methods.iter().any(|(method, _)| method == "GET")
                && !page.path.ends_with(".csv")
                && !["/", "/.well-known/change-password"].contains(&page.path);
            assert!(!is_shown || seen.contains(page.path), "{}", page.path);
        }

        // They would have complained.
        browser.script("document.documentElement.lang = ''");
        assert_eq!(judges::barriers(&browser)[0][0], "html-has-lang");
        browser.script(
            "const script = document.createElement('script');
             script.textContent = 'window.ours = true';
             document.body.append(script);",
        );
        let complaints = browser.complaints().concat();
        assert!(complaints.contains("Content Security Policy"), "{complaints}");
        assert_eq!(browser.script("return window.ours"), json!(null));
    });
}

#[test]
fn the_setup_page_is_like_the_others() {
    on_both(|program| {
        let mut terminal = Terminal::serve(&program);
        let link = terminal.setup_link();
        let browser = Browser::open(url::Url::parse(&link).unwrap().port().unwrap());
        browser.visit(&link);
        browser.sees("Welcome to rolecall");
        for look in LOOKS {
            fits(&browser, "setup", look);
        }
        let sources = Sources::new();
        sources.keep(&browser, "setup");
        sources.assert_valid();
        assert_eq!(browser.complaints(), [""; 0]);
    });
}

#[test]
fn a_typed_password_can_be_looked_at() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user"]);
        let browser = Browser::open(server.port);
        browser.visit("/login");
        browser.fill("User name or email", "kim");
        browser.fill("Password", PASSWORD);
        let is_shown = || {
            let kind = browser.property("#password", "type").unwrap();
            let pressed = browser.attribute(".reveal", "aria-pressed").unwrap();
            (kind, pressed)
        };
        let (hidden, shown) =
            (("password".to_owned(), "false".to_owned()), ("text".to_owned(), "true".to_owned()));
        assert_eq!(is_shown(), hidden);
        browser.click(".reveal");
        assert_eq!(is_shown(), shown);
        browser.click(".reveal");
        assert_eq!(is_shown(), hidden);
        browser.click(".reveal");
        browser.press("Sign in");
        browser.arrives_at("/account");
        assert_eq!(browser.complaints(), [""; 0]);
    });
}

/// Nothing of the page reaches out of the screen, and nothing bars anybody from it.
fn fits(browser: &Browser, name: &str, (width, scheme): (u32, &str)) {
    browser.resize(width, 844);
    browser.prefer(scheme);
    let found = browser.script(
        "const wide = document.documentElement.clientWidth;
         const over = [...document.querySelectorAll('body *')]
             .filter(one => one.getBoundingClientRect().right > wide + 1)
             .map(one => one.outerHTML.slice(0, 100));
         return [innerWidth, document.documentElement.scrollWidth <= wide, over];",
    );
    assert_eq!(found, json!([width, true, []]), "{name}");
    let barriers = judges::barriers(browser);
    assert!(barriers.is_empty(), "{name}, {width} pixels, {scheme}: {barriers:#?}");
}

/// The route of an address: without its query, and with the names of its parts.
fn pattern(address: &str) -> String {
    let path = address.split('?').next().unwrap();
    let mut parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["", "admin", "users" | "sessions", id, ..] if id.len() == 36 => parts[3] = "{id}",
        ["", "admin", "roles", name, ..] if name != "new" => parts[3] = "{name}",
        _ => {}
    }
    parts.join("/")
}
