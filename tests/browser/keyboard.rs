//! A person without a mouse: everything is reached, what is reached can be seen, and what
//! happened is where they are.

use crate::{
    program::PASSWORD,
    window::{Browser, both_ways},
};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// The name of what has the focus; it stands out, and is on the screen.
fn focused(browser: &Browser) -> String {
    let seen = browser.script(
        "const one = document.activeElement, style = getComputedStyle(one);
         const box = one.getBoundingClientRect();
         return [style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
             box.top < innerHeight && box.bottom > 0 && box.left < innerWidth && box.right > 0];",
    );
    let name = browser.focused();
    assert_eq!(seen, serde_json::json!([true, true]), "{name} at {}", browser.address());
    name
}

/// Goes on to what is called so, and sees all the way where they are.
fn tab_to(browser: &Browser, name: &str) {
    let mut passed = Vec::new();
    while passed.last().is_none_or(|last| last != name) {
        assert!(passed.len() < 60, "{name} is not among {passed:?}");
        browser.press_key(TAB);
        passed.push(focused(browser));
    }
}

fn follow(browser: &Browser, name: &str) {
    tab_to(browser, name);
    browser.press_key(ENTER);
}

#[test]
fn somebody_is_added_and_gets_a_role_by_keyboard_alone() {
    both_ways(|program, way| {
        program.add_user("ada", &["admin"]);
        program.ok(&["role", "add", "editor"]);
        let server = program.serve(&[]);
        let ada = way.open(server.port);
        ada.visit("/login");
        assert_eq!(focused(&ada), "User name or email", "ready to type");
        ada.press_key("ada");
        tab_to(&ada, "Password");
        ada.press_key(&format!("{PASSWORD}{ENTER}"));
        ada.arrives_at("/account");

        ada.press_key(TAB);
        assert_eq!(focused(&ada), "Skip to content", "it comes first");
        ada.press_key(ENTER);
        ada.press_key(TAB);
        assert_eq!(focused(&ada), ada.offers()[0], "past the navigation");

        ada.visit("/account");
        follow(&ada, "Users");
        ada.arrives_at("/admin/users");
        follow(&ada, "Add user");
        ada.arrives_at("/admin/users/new");
        tab_to(&ada, "User name");
        ada.press_key(&format!("Ada{ENTER}"));
        ada.sees("This name is taken.");
        assert_eq!(ada.script("return document.activeElement.id"), "problem");
        assert!(ada.text_of("#problem[role=alert]").contains("Nothing is saved yet."));
        follow(&ada, "User name");
        assert_eq!(ada.script("return document.activeElement.id"), "username");
        ada.press_key(&format!("m{ENTER}"));
        ada.sees("One-time link for mada");
        follow(&ada, "Done, back to the user");
        ada.sees("No role is granted to this user.");

        tab_to(&ada, "Role");
        ada.press_key("editor");
        follow(&ada, "Grant role");
        ada.sees("Revoke…");
        assert_eq!(ada.text_of("[role=status]"), "The role is granted, without end.");
        follow(&ada, "Revoke… editor");
        ada.sees("Revoke editor from mada?");
        follow(&ada, "Revoke");
        ada.sees("No role is granted to this user.");
        assert_eq!(ada.text_of("[role=status]"), "The role is revoked.");
        assert_eq!(ada.complaints(), [""; 0]);
    });
}
