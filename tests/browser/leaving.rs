//! After logging out nothing is left: not behind the Back button, not in another tab.

use serde_json::json;

use crate::{
    program::{PASSWORD, on_both},
    window::Browser,
};

#[test]
fn back_after_logging_out_leads_to_the_login_and_shows_nothing_personal() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user", "auditor"]);
        log_out_and_go_back(&Browser::open(server.port));
    });
}

fn log_out_and_go_back(browser: &Browser) {
    // This browser does keep whole pages for Back, when it may.
    browser.visit("/static/style.css");
    browser.script("window.kept = true");
    browser.visit("/login");
    browser.back();
    assert_eq!(browser.script("return window.kept"), json!(true));

    browser.log_in("kim", PASSWORD);
    browser.follow("Users");
    browser.arrives_at("/admin/users");
    browser.sees("kim");
    browser.follow("Account");
    browser.arrives_at("/account");
    browser.log_out();
    browser.sees("You are signed out.");
    // The last one is the page that the login led to. Chromium keeps that one past a logout,
    // although it is `no-store`, unless it is told not to.
    for asked_for in ["logout", "account", "admin%2Fusers", "account"] {
        browser.back();
        browser.arrives_at(&format!("/login?next=%2F{asked_for}"));
        browser.sees("Keep me signed in");
        assert!(!browser.shows("kim"), "{}", browser.text());
    }
}

#[test]
fn a_page_left_open_changes_nothing_after_logging_out_in_another_tab() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user"]);
        program.add_user("ada", &["user"]);
        let browser = Browser::open(server.port);
        browser.log_in("kim", PASSWORD);
        browser.open_tab();
        browser.visit("/account");
        browser.look_at_tab(0);
        browser.log_out();

        let change = |new: &str| {
            browser.look_at_tab(1);
            browser.fill("Current password", PASSWORD);
            browser.fill("New password", new);
            browser.press("Change password");
        };
        change("a new password of kim");
        browser.arrives_at("/login");

        // Nor does it do anything to whoever signs in next.
        browser.log_in("kim", PASSWORD);
        browser.look_at_tab(0);
        browser.visit("/logout");
        browser.press("Sign out");
        browser.arrives_at("/login?done=signed-out");
        browser.try_login("ada", PASSWORD);
        browser.arrives_at("/account");
        change("a new password of ada");
        browser.sees("This form is out of date");
        browser.follow("Cancel");
        browser.arrives_at("/account#password");
        browser.sees("ada");
        browser.log_out();
        for name in ["kim", "ada"] {
            browser.log_in(name, PASSWORD);
            browser.log_out();
        }
    });
}
