//! Some time after the login, a change to people or roles asks for the password again.

use crate::{
    program::{PASSWORD, Program},
    window::{Browser, both_ways},
};

/// Makes the last proof of everybody too old, and waits until this one, who may disable the user
/// with this id, is told so: the server remembers for a moment what was changed by hand.
pub fn long_ago(program: &Program, admin: &Browser, id: &str) {
    program.execute("update sessions set proved_at = null");
    admin.visit_until_it_shows(&format!("/admin/users/{id}/disable"), "Your password");
}

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
        let id = program.json(&["user", "show", "kim"])["id"].as_str().unwrap().to_owned();
        long_ago(&program, &admin, &id);
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

        long_ago(&program, &admin, &id);
        admin.visit(&format!("/admin/users/{id}/remove"));
        admin.fill("Your password", PASSWORD);
        admin.press("Remove for good");
        admin.sees("The user is removed.");
        assert_eq!(admin.complaints(), [""; 0]);
    });
}
