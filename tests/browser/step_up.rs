//! Some time after the login, a change to people or roles asks for the password again.

use crate::{program::PASSWORD, window::both_ways};

const LONG_AGO: &str = "update sessions set proved_at = null";

#[test]
fn what_was_typed_goes_through_once_the_password_is_entered_again() {
    both_ways(|program, way| {
        program.ok(&["role", "add", "editor"]);
        program.add_user("ada", &["admin"]);
        program.add_user("kim", &[]);
        let server = program.serve(&[]);
        let admin = way.open(server.port);
        admin.log_in("ada", PASSWORD);
        let before = admin.cookie();
        program.execute(LONG_AGO);
        let id = program.json(&["user", "show", "kim"])["id"].as_str().unwrap().to_owned();
        admin.visit(&format!("/admin/users/{id}"));
        admin.choose("Role", "editor");
        admin.fill("Reason", "the \"spring\" release");
        admin.press("Grant role");
        admin.sees("Confirm that it is you");
        assert_eq!(admin.focused(), "Password");
        admin.fill("Password", "not the password of ada");
        admin.press("Confirm");
        admin.sees("This is not your current password.");
        admin.fill("Password", PASSWORD);
        admin.press("Confirm");
        admin.sees("The role is granted");
        admin.sees("the \"spring\" release");
        assert_ne!(admin.cookie(), before, "the session has another id");
        // Just now is not long ago.
        admin.press("Make a one-time link");
        admin.sees("One-time link for kim");

        program.execute(LONG_AGO);
        admin.visit(&format!("/admin/users/{id}/remove"));
        admin.fill("Your password", PASSWORD);
        admin.press("Remove for good");
        admin.sees("The user is removed.");
        assert_eq!(admin.complaints(), [""; 0]);
    });
}
