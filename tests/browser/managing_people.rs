//! An administrator invites, edits, grants and removes, each as a person does it; and the one
//! whom that is about notices.

use crate::{
    program::{PASSWORD, Program},
    window::{Browser, both_ways},
};

/// Goes on from the year to the hour, which the browser asks for in the American order.
const TAB: &str = "\u{e004}";
const NEW: &str = "seven geese over the water";

/// The role `editor`, and the administrator `ada`.
fn prepare(program: &Program) {
    program.ok(&["role", "add", "editor"]);
    program.ok(&["role", "allow", "editor", "articles:write"]);
    program.add_user("ada", &["admin"]);
}

/// Finds a user by the first letters and opens their page.
fn open_user(admin: &Browser, letters: &str, name: &str) {
    admin.follow("Users");
    admin.fill("Name or email begins with", letters);
    admin.press("Search");
    admin.sees(name);
    admin.follow(name);
    admin.sees("May this user …?");
}

fn is_out(browser: &Browser) {
    browser.visit("/account");
    browser.arrives_at("/login?next=%2Faccount");
}

#[test]
fn somebody_is_invited_chooses_a_password_and_comes_in() {
    both_ways(|program, way| {
        prepare(&program);
        let server = program.serve(&[]);
        let admin = way.open(server.port);
        admin.log_in("ada", PASSWORD);
        admin.follow("Users");
        admin.follow("Add user");
        admin.fill("User name", "Ada");
        admin.fill("Email", "kim@example.com");
        admin.tick("editor");
        admin.press("Add user and make the link");
        admin.sees("This name is taken. Choose another.");
        assert_eq!(admin.value("Email"), "kim@example.com", "what was typed is kept");
        assert!(admin.is_ticked("editor"));
        admin.fill("User name", "kim");
        admin.fill("Display name", "Kim Nguyễn");
        admin.press("Add user and make the link");
        admin.sees("One-time link for kim");
        let link = admin.value("Link");
        admin.follow("Done, back to the user");
        admin.sees("Not set yet");
        assert!(!admin.source().contains("/link?"), "it is shown once");

        let kim = way.open(server.port);
        kim.visit(&link);
        kim.fill("New password", NEW);
        kim.press("Save password");
        kim.arrives_at("/login?done=password");
        kim.try_login("kim@example.com", NEW);
        kim.arrives_at("/account");
        kim.sees("Kim Nguyễn");
        kim.sees("granted by ada");
        kim.sees("articles:write");
        kim.visit(&link);
        kim.sees("This link does not work");

        admin.follow("Users");
        admin.choose("Role", "editor");
        admin.press("Search");
        admin.follow("kim");
        admin.sees("added kim");
        admin.sees("set the password of kim");
        for browser in [admin, kim] {
            assert_eq!(browser.complaints(), [""; 0]);
        }
    });
}

#[test]
fn a_user_is_edited_disabled_enabled_and_removed() {
    both_ways(|program, way| {
        prepare(&program);
        program.add_user("kim", &["editor"]);
        let server = program.serve(&[]);
        let (admin, kim) = (way.open(server.port), way.open(server.port));
        admin.log_in("ada", PASSWORD);
        kim.log_in("kim", PASSWORD);

        open_user(&admin, "k", "kim");
        edit(&program, &admin);
        kim.visit("/account");
        kim.sees("kim@example.com");
        assert!(kim.shows("kimberly"), "{}", kim.text());

        admin.follow("Disable…");
        admin.sees("Disable kimberly?");
        admin.sees("1 open session ends at once.");
        admin.follow("Cancel");
        admin.follow("Disable…");
        admin.press("Disable");
        admin.sees("The account is disabled: nobody can sign in to it. 1 session has ended.");
        is_out(&kim);
        kim.try_login("kimberly", PASSWORD);
        kim.sees("do not match");
        admin.press("Enable");
        admin.sees("The account is enabled and can be signed in to again.");
        kim.try_login("kimberly", PASSWORD);
        kim.arrives_at("/account");

        admin.follow("Remove…");
        admin.sees("Remove kimberly?");
        admin.sees("1 granted role is lost: editor.");
        admin.press("Remove for good");
        admin.sees("The user is removed.");
        is_out(&kim);
        kim.try_login("kimberly", PASSWORD);
        kim.sees("do not match");
        admin.fill("Name or email begins with", "kim");
        admin.press("Search");
        admin.sees("Nobody here matches this search.");

        open_user(&admin, "a", "ada");
        admin.sees("This is the only administrator who can sign in");
        assert!(!admin.shows("Remove…") && !admin.shows("Revoke…"), "{}", admin.text());
        let own = admin.address();
        admin.visit(&format!("{own}/remove"));
        admin.press("Remove for good");
        admin.sees("This cannot be done");
        admin.follow("Go to this user");
        admin.arrives_at(&own);
    });
}

/// Renames kim, who is somebody else's to rename at the same time, and gives an address.
fn edit(program: &Program, admin: &Browser) {
    admin.fill("Email", "ada");
    admin.press("Save changes");
    admin.sees("This is no email address.");
    assert_eq!(admin.value("Email"), "ada");
    program.ok(&["user", "rename", "kim", "kimmy"]);
    admin.fill("User name", "kimberly");
    admin.fill("Email", "kim@example.com");
    admin.press("Save changes");
    admin.sees("Somebody else saved this while you were writing.");
    admin.sees("kimmy");
    assert_eq!(admin.value("User name"), "kimberly", "what was typed is kept");
    admin.press("Save changes");
    admin.sees("Saved.");
    admin.sees("kimberly");
}

#[test]
fn a_role_is_granted_with_reason_and_end_explained_and_revoked() {
    both_ways(|program, way| {
        prepare(&program);
        program.add_user("kim", &[]);
        let server = program.serve(&[]);
        let admin = way.open(server.port);
        admin.log_in("ada", PASSWORD);
        open_user(&admin, "KI", "kim");
        admin.sees("No role is granted to this user.");
        admin.choose("Role", "editor");
        admin.fill("Ends", &format!("01312020{TAB}0600PM"));
        admin.fill("Reason", "the spring release");
        admin.press("Grant role");
        admin.sees("This moment has passed. Choose a later one.");
        assert_eq!(
            ["Role", "Ends", "Reason"].map(|field| admin.value(field)),
            ["editor", "2020-01-31T18:00", "the spring release"],
        );
        admin.fill("Ends", &format!("01312099{TAB}0600PM"));
        admin.press("Grant role");
        admin.sees("The role is granted until");

        admin.fill("Role or permission", "articles:write");
        admin.press("Explain");
        admin.sees("Yes");
        admin.sees("kim was granted editor by ada on");
        admin.sees("until 31 Jan 2099, 18:00 UTC. Reason: the spring release");
        admin.sees("editor permits articles:write.");

        admin.follow("Roles");
        admin.follow("editor");
        for told in ["kim", "by ada", "the spring release", "31 Jan 2099, 18:00 UTC"] {
            admin.sees(told);
        }
        admin.follow("kim");
        admin.follow("Revoke… editor");
        admin.sees("Revoke editor from kim?");
        admin.press("Revoke");
        admin.sees("The role is revoked.");
        admin.sees("No role is granted to this user.");
        admin.fill("Role or permission", "editor");
        admin.press("Explain");
        admin.sees("No role of this user leads to it.");
        admin.sees("granted editor to kim until 31 Jan 2099, 18:00 UTC");
        admin.sees("revoked editor from kim");
        assert_eq!(admin.complaints(), [""; 0]);
    });
}

#[test]
fn a_one_time_link_and_the_end_of_sessions_sign_somebody_out() {
    both_ways(|program, way| {
        prepare(&program);
        program.add_user("kim", &["user"]);
        let server = program.serve(&[]);
        let (admin, kim) = (way.open(server.port), way.open(server.port));
        admin.log_in("ada", PASSWORD);
        kim.log_in("kim", PASSWORD);
        open_user(&admin, "kim", "kim");
        admin.press("Make a one-time link");
        admin.sees("One-time link for kim");
        let link = admin.value("Link");
        kim.visit("/account");
        kim.sees("Your account");

        kim.visit(&link);
        kim.fill("New password", NEW);
        kim.press("Save password");
        kim.arrives_at("/login?done=password");
        is_out(&kim);
        kim.try_login("kim", PASSWORD);
        kim.sees("do not match");
        kim.try_login("kim", NEW);
        kim.arrives_at("/account");

        admin.follow("Done, back to the user");
        admin.follow("End the session of kim, Chrome on Linux");
        admin.sees("End this session of kim?");
        admin.sees("Chrome on Linux at 127.0.0.1: signed in");
        admin.press("End session");
        admin.sees("1 session has ended.");
        admin.sees("This user is signed in nowhere.");
        is_out(&kim);
        kim.log_in("kim", NEW);
        open_user(&admin, "kim", "kim");
        admin.follow("End all…");
        admin.sees("End all sessions of kim?");
        admin.sees("1 open session ends at once.");
        admin.press("End all sessions");
        admin.sees("1 session has ended.");
        is_out(&kim);
        for browser in [admin, kim] {
            assert_eq!(browser.complaints(), [""; 0]);
        }
    });
}
