//! The pages with JavaScript switched off.

use crate::{
    program::{PASSWORD, on_both},
    window::Browser,
};

#[test]
fn everything_works_without_javascript() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user"]);
        let browser = Browser::without_javascript(server.port);

        browser.visit("/account");
        browser.arrives_at("/login?next=%2Faccount");
        assert!(
            !browser.is_displayed("button.reveal"),
            "no button that does nothing; or JavaScript is on"
        );
        browser.try_login("kim", "not the password of kim");
        browser.sees("do not match");
        browser.click("#remember");
        browser.try_login("kim", PASSWORD);
        browser.arrives_at("/account");

        browser.fill("Current password", "not the password of kim");
        browser.fill("New password", "seven geese over the water");
        browser.press("Change password");
        browser.sees("This is not your current password.");
        browser.fill("Current password", PASSWORD);
        browser.fill("New password", "seven geese over the water");
        browser.press("Change password");
        browser.sees("Your password is changed.");

        browser.log_out();
        browser.sees("You are signed out.");
        browser.visit("/account");
        browser.arrives_at("/login?next=%2Faccount");
        browser.try_login("kim", "seven geese over the water");
        browser.arrives_at("/account");
        assert_eq!(browser.complaints(), [""; 0]);
    });
}
