//! A person changes their password.

use crate::{
    program::{PASSWORD, on_both},
    window::Browser,
};

const NEW: &str = "seven geese over the water";

#[test]
fn a_new_password_signs_out_the_other_browser_and_keeps_this_one() {
    on_both(|program| {
        let server = program.serve(&[]);
        program.add_user("kim", &["user"]);
        let (here, elsewhere) = (Browser::open(server.port), Browser::open(server.port));
        here.log_in("kim", PASSWORD);
        elsewhere.log_in("kim", PASSWORD);

        let change = |current: &str, new: &str| {
            here.fill("Current password", current);
            here.fill("New password", new);
            here.press("Change password");
        };
        change("not the password of kim", NEW);
        here.sees("This is not your current password.");
        assert!(
            here.text_of("#current_password-problem")
                .contains("This is not your current password."),
        );
        for (name, value) in
            [("aria-invalid", "true"), ("aria-describedby", "current_password-problem")]
        {
            let found = here.attribute("#current_password", name);
            assert_eq!(found.as_deref(), Some(value));
        }
        assert_eq!(
            here.property("#new_password", "value").as_deref(),
            Some(""),
            "no password is sent back"
        );
        change(PASSWORD, "too short");
        here.sees("Use at least 15 characters.");
        assert_eq!(here.text_of("#new_password-problem"), "Use at least 15 characters.");
        elsewhere.visit("/account");
        elsewhere.sees("Your account");

        change(PASSWORD, NEW);
        here.sees("Your password is changed, and 1 other session is signed out.");
        elsewhere.visit("/account");
        elsewhere.arrives_at("/login?next=%2Faccount");
        elsewhere.try_login("kim", PASSWORD);
        elsewhere.sees("do not match");
        elsewhere.try_login("kim", NEW);
        elsewhere.arrives_at("/account");

        here.visit("/account");
        here.sees("Your account");
        assert!(!here.shows("is changed"), "a notice is shown once");
    });
}
