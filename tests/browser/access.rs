//! Who may see what, while it changes in the terminal beside the running server.

use std::time::Duration;

use crate::{
    program::{PASSWORD, eventually, on_both},
    window::Browser,
};

#[test]
fn a_person_gets_where_they_wanted_and_no_further_than_their_roles_reach() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user"]);
        let browser = Browser::open(server.port);

        // Whoever is not signed in is led through the login to the page they asked for.
        browser.visit("/admin/users?after=a");
        browser.arrives_at("/login?next=%2Fadmin%2Fusers%3Fafter%3Da");
        browser.try_login("kim", "not the password of kim");
        browser.sees("do not match");
        browser.try_login("KIM", PASSWORD);
        browser.arrives_at("/admin/users?after=a");
        browser.sees("This page needs another role");

        browser.visit("/account");
        assert!(!browser.shows("Overview"), "no link that leads nowhere");
        browser.visit("/admin");
        browser.sees("403");
        browser.follow("Go to your account");
        browser.arrives_at("/account");

        program.ok(&["grant", "kim", "user-manager"]);
        browser.visit("/admin");
        browser.sees("Sign-ins in the last 30 days");
        assert!(browser.shows("kim"));

        program.ok(&["revoke", "kim", "user-manager"]);
        let refused = eventually(Duration::from_secs(1), || {
            browser.visit("/admin");
            browser.shows("This page needs another role")
        });
        assert!(refused, "{}", browser.text());
        browser.visit("/account");
        browser.sees("Your account");
    });
}

#[test]
fn a_hostile_return_address_leads_to_the_own_account() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user"]);
        let browser = Browser::open(server.port);
        browser.visit("/login?next=https%3A%2F%2Fevil.example%2F");
        browser.try_login("kim", PASSWORD);
        browser.arrives_at("/account");
        browser.visit("/login?next=%2F%5Cevil.example");
        browser.arrives_at("/account");
    });
}

#[test]
fn a_person_who_is_disabled_is_out_within_a_second() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user"]);
        let browser = Browser::open(server.port);
        browser.log_in("kim", PASSWORD);
        program.ok(&["user", "disable", "kim"]);
        let out = eventually(Duration::from_secs(1), || {
            browser.visit("/account");
            browser.address() == "/login?next=%2Faccount"
        });
        assert!(out, "{}", browser.text());
        browser.try_login("kim", PASSWORD);
        browser.sees("do not match");
    });
}
