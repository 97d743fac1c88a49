//! Who may see what, while it changes in the terminal beside the running server.

use std::time::Duration;

use crate::{
    program::{PASSWORD, eventually, on_both},
    window::{Browser, both_ways},
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
        browser.visit_until_it_shows("/admin", "Sign-ins in the last 30 days");
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

const FILTERS: &str = "Name or email begins with, Role, Status, Last sign-in, Search";
const EXPLAIN: &str = "Role or permission, Explain";
const ROLES: &str = "admin, auditor, editor, user, user-manager";
const ROLE: &str = "← Roles, user-manager, Download as CSV, kim";
/// On the page that refuses this kind of person, and on the one that refuses this change.
const REFUSED: &str = "Go to your account";
const NOT_YOURS: &str = "Go to the overview";

#[test]
fn a_user_manager_may_change_people_below_and_nothing_else() {
    let grant = "Role, Ends (optional), Reason (optional), Grant role";
    let edit = "User name, Display name (optional), Save changes, \
                Make a one-time link, Disable…, Remove…, End all…";
    // Their own password is changed on the account page.
    let own_edit = edit.replace("Make a one-time link, ", "");
    let kims = "End the session of kim, Unknown device";
    let own = "End the session of mona, Chrome on Linux";
    let revoke = "editor, Revoke… editor, user, Revoke… user";
    sees_exactly(
        "mona",
        &[
            ("/admin", "Active users: 4, Disabled: 0, Roles: 5, Sessions: 3, The same as a table"),
            ("/admin/users", &format!("Add user, {FILTERS}, ada, kim, mona, otto")),
            ("/admin/users/KIM", &format!("← Users, {revoke}, {grant}, {EXPLAIN}, {edit}, {kims}")),
            ("/admin/users/ADA", &format!("← Users, admin, {grant}, {EXPLAIN}")),
            (
                "/admin/users/MONA",
                &format!(
                    "← Users, user-manager, Revoke… user-manager, {EXPLAIN}, {own_edit}, {own}"
                ),
            ),
            ("/admin/roles", ROLES),
            ("/admin/roles/editor", ROLE),
            (
                "/admin/sessions",
                &format!("User name or email, Show, mona, {own}, kim, {kims}, ada"),
            ),
            ("/admin/audit", REFUSED),
            ("/admin/roles/new", REFUSED),
            ("/admin/roles/editor/delete", REFUSED),
            ("/admin/users/ADA/disable", NOT_YOURS),
            ("/admin/users/ADA/remove", NOT_YOURS),
            ("/admin/users/ADA/revoke?role=admin", NOT_YOURS),
            ("/admin/users/ADA/sessions/end", NOT_YOURS),
        ],
    );
}

#[test]
fn an_auditor_reads_everything_and_changes_nothing() {
    sees_exactly(
        "otto",
        &[
            (
                "/admin",
                "Active users: 4, Disabled: 0, Roles: 5, Sessions: 3, The same as a table, \
                 Open the audit trail",
            ),
            ("/admin/users", &format!("{FILTERS}, ada, kim, mona, otto")),
            ("/admin/users/KIM", &format!("← Users, editor, user, {EXPLAIN}")),
            ("/admin/users/ADA", &format!("← Users, admin, {EXPLAIN}")),
            ("/admin/roles", ROLES),
            ("/admin/roles/editor", ROLE),
            ("/admin/sessions", "User name or email, Show, otto, kim, ada"),
            (
                "/admin/audit",
                "Download as CSV, Who did it, To whom or what, Action, From day, To day, Show",
            ),
            ("/admin/users/new", REFUSED),
            ("/admin/roles/new", REFUSED),
            ("/admin/roles/editor/delete", REFUSED),
            ("/admin/users/KIM/disable", REFUSED),
            ("/admin/users/KIM/remove", REFUSED),
            ("/admin/users/KIM/revoke?role=editor", NOT_YOURS),
            ("/admin/users/KIM/sessions/end", REFUSED),
        ],
    );
}

/// Opens each page as this person: just what is listed beside it is offered there, and every
/// link leads to a page. A name in capitals stands for that user's id.
fn sees_exactly(name: &str, pages: &[(&str, &str)]) {
    both_ways(|program, way| {
        program.ok(&["role", "add", "editor"]);
        program.ok(&["role", "allow", "editor", "articles:write"]);
        let people = [
            ("ada", ["admin"].as_slice()),
            ("kim", &["user", "editor"]),
            ("mona", &["user-manager"]),
            ("otto", &["auditor"]),
        ];
        let mut ids = Vec::new();
        for (one, roles) in people {
            program.add_user(one, roles);
            let user = program.json(&["user", "show", one]);
            ids.push((one.to_uppercase(), user["id"].as_str().unwrap().to_owned()));
        }
        let server = program.serve(&[]);
        server.login("ada");
        server.login("kim");
        let browser = way.open(server.port);
        browser.log_in(name, PASSWORD);
        let cookie = browser.cookie();
        for (page, offered) in pages {
            let with_ids = |page: &str, (name, id): &(String, String)| page.replace(name, id);
            browser.visit(&ids.iter().fold((*page).to_owned(), |page, one| with_ids(&page, one)));
            assert_eq!(browser.offers().join(", "), *offered, "{page}");
            for link in browser.links().iter().filter(|link| !link.starts_with('#')) {
                let status = server.get(link, &cookie).status;
                assert!([200, 303].contains(&status), "{page} leads to {link}: {status}");
            }
        }
        assert_eq!(browser.complaints(), [""; 0]);
    });
}
