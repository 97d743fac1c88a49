//! Every page that there is, in the states in which people meet it, in a house full of people.

use crate::{
    program::{PASSWORD, Program},
    step_up::long_ago,
    window::Browser,
};

/// A name as long as names may be, without a place to break it.
pub const LONG: &str = "wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenh";

/// Name, displayed name, e-mail, roles.
const PEOPLE: [(&str, &str, &str, &[&str]); 13] = [
    ("ada", "Ada Lovelace", "ada@example.com", &["admin"]),
    ("kim", "Kim Nguyễn", "kim@example.com", &["user"]),
    ("ben.okafor", "Ben Okafor", "ben.okafor@example.com", &["user", "editor"]),
    (
        "chiara",
        "Chiara De Luca 🌻",
        "chiara@example.com",
        &["user", "reviewer", "editor", "support"],
    ),
    ("dmitri", "Дмитрий Соколов", "", &["auditor"]),
    ("elif", "Elif Yılmaz", "elif@example.com", &["user-manager", "support"]),
    ("山田太郎", "山田 太郎", "taro@example.jp", &["user"]),
    ("grace", "", "grace.hopper@navy.example.mil", &["user"]),
    ("noor", "نور الهاشمي", "noor@example.com", &["user", "reviewer"]),
    ("jo", "👩🏽‍🚀 Jo", "", &[]),
    (
        LONG,
        "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff Sr., Head of Everything That Needs a Long Title",
        "hubert.blaine.wolfeschlegelsteinhausenbergerdorff@very-long-subdomain.example.org",
        &["user", "quarterly-financial-report-approver-for-europe-and-middle-east"],
    ),
    ("old-intern", "Sam Smith", "sam@example.com", &["user"]),
    ("zoe", "Zoë Kravchenko", "zoe@example.com", &["billing"]),
];

/// Name, description, permissions, what it includes.
const ROLES: [(&str, &str, &[&str], &[&str]); 6] = [
    (
        "editor",
        "Writes and publishes articles",
        &["articles:write", "articles:publish"],
        &["reviewer"],
    ),
    ("reviewer", "Reads drafts and leaves comments", &["articles:read", "comments:write"], &[]),
    (
        "support",
        "Answers customers; sees orders, never payment data",
        &[
            "orders:read",
            "tickets:read",
            "tickets:write",
            "tickets:close",
            "customers:read",
            "notes:write",
        ],
        &[],
    ),
    ("billing", "", &["invoices:read"], &[]),
    (
        "quarterly-financial-report-approver-for-europe-and-middle-east",
        "Signs off the numbers of the quarter for all subsidiaries in Europe and the Middle East before they go to the board",
        &["financial-reports.quarterly:approve-for-all-subsidiaries"],
        &["billing"],
    ),
    ("newcomer", "Has no rights yet", &[], &[]),
];

/// Fills the house.
pub fn move_in(program: &Program) {
    for (name, description, permissions, _) in ROLES {
        program.ok(&["role", "add", name, "--description", description]);
        if !permissions.is_empty() {
            program.ok(&[&["role", "allow", name], permissions].concat());
        }
    }
    for (name, _, _, includes) in ROLES {
        for other in includes {
            program.ok(&["role", "include", name, other]);
        }
    }
    for (name, shown, email, roles) in PEOPLE {
        let mut arguments = vec!["user", "add", name, "--password-stdin"];
        arguments.extend(["--display-name", shown]);
        if !email.is_empty() {
            arguments.extend(["--email", email]);
        }
        arguments.extend(roles.iter().flat_map(|role| ["--role", *role]));
        let added = program.run_with(&arguments, PASSWORD);
        assert_eq!(added.code, 0, "{}", added.err);
    }
    program.ok(&["user", "disable", "old-intern"]);
    program.ok(&["grant", "kim", "editor", "--for", "30d"]);
}

/// Shows every page to `look`, under a name.
pub fn take(program: &Program, browser: &Browser, mut look: impl FnMut(&str)) {
    browser.visit("/login");
    look("login");
    browser.try_login("ada", "not the password of ada");
    browser.sees("do not match");
    look("login-refused");
    browser.visit("/nowhere");
    browser.sees("404");
    look("not-found");
    browser.visit("/link?token=spent");
    browser.sees("This link does not work");
    look("link-spent");
    choose_password(program, browser, &mut look);

    browser.log_in(LONG, PASSWORD);
    look("account-long-name");
    browser.visit("/admin");
    browser.sees("403");
    look("forbidden");
    browser.visit("/account");
    browser.log_out();
    look("signed-out");
    browser.log_in("kim", PASSWORD);
    look("account-with-end");
    change_password(browser, &mut look);
    browser.log_out();

    browser.log_in("ada", PASSWORD);
    look("account");
    browser.visit("/admin");
    look("admin");
    let id = program.json(&["user", "show", "kim"])["id"].as_str().unwrap().to_owned();
    let session = program.json(&["session", "list", "ada"])[0]["id"].as_str().unwrap().to_owned();
    for (path, name) in [
        ("/admin/users/new".to_owned(), "admin-user-new"),
        (format!("/admin/users/{id}?explain=rolecall.users:read"), "admin-user"),
        (format!("/admin/users/{id}/disable"), "admin-user-disable"),
        (format!("/admin/users/{id}/remove"), "admin-user-remove"),
        (format!("/admin/users/{id}/revoke?role=editor"), "admin-user-revoke"),
        (format!("/admin/users/{id}/sessions/end"), "admin-user-sessions-end"),
        ("/admin/roles/new".to_owned(), "admin-role-new"),
        ("/admin/roles/editor".to_owned(), "admin-role"),
        ("/admin/roles/reviewer/deny?permission=articles:read".to_owned(), "admin-role-deny"),
        ("/admin/roles/editor/exclude?other=reviewer".to_owned(), "admin-role-exclude"),
        ("/admin/roles/editor/ungrantor?other=user-manager".to_owned(), "admin-role-ungrantor"),
        ("/admin/roles/editor/delete".to_owned(), "admin-role-delete"),
        ("/admin/sessions".to_owned(), "admin-sessions"),
        (format!("/admin/sessions/{session}/end"), "admin-session-end"),
        (format!("/account/sessions/end?id={session}"), "account-session-end"),
        ("/admin/audit".to_owned(), "admin-audit"),
    ] {
        browser.visit(&path);
        look(name);
    }
    changed_meanwhile(program, browser, &id, &mut look);
    long_ago(program, browser, &id);
    look("admin-user-disable-with-password");
    browser.fill("Your password", "not the password of ada");
    browser.press("Disable");
    browser.sees("Confirm that it is you");
    look("admin-step-up");
    browser.visit("/admin/users");
    look("admin-users");
    browser.visit("/admin/roles");
    look("admin-roles");
    browser.visit("/logout");
    look("logout");
}

/// Others are faster than whoever fills in a form, or its session is over.
fn changed_meanwhile(program: &Program, browser: &Browser, id: &str, look: &mut impl FnMut(&str)) {
    browser.visit(&format!("/admin/users/{id}"));
    program.ok(&["grant", "kim", "editor", "--for", "60d", "--reason", "until the relaunch"]);
    browser.choose("Role", "editor");
    browser.fill("Reason", "stands in for Chiara");
    browser.press("Grant role");
    browser.sees("another than your page showed");
    look("admin-user-grant-changed");

    program.ok(&["user", "add", "leaving", "--invite"]);
    let leaving = program.json(&["user", "show", "leaving"])["id"].as_str().unwrap().to_owned();
    browser.visit(&format!("/admin/users/{leaving}"));
    program.ok(&["user", "remove", "leaving"]);
    browser.fill("Display name", "Lee Ving");
    browser.press("Save changes");
    browser.sees("This user is not here any more");
    look("admin-user-gone");

    browser.visit("/admin/users/new");
    browser.fill("User name", "newcomer");
    browser.tick("reviewer");
    browser.open_tab();
    browser.visit("/account");
    browser.log_out();
    browser.log_in("ada", PASSWORD);
    browser.look_at_tab(0);
    browser.press("Add user and make the link");
    browser.sees("This form is out of date");
    look("form-out-of-date");
}

fn choose_password(program: &Program, browser: &Browser, look: &mut impl FnMut(&str)) {
    let link = program.ok(&["user", "link", LONG]);
    let query = link.trim().split_once("/link").unwrap().1;
    browser.visit(&format!("/link{query}"));
    browser.sees("Choose a password");
    look("link");
    browser.fill("New password", "too short");
    browser.press("Save password");
    browser.sees("Use at least");
    look("link-mistaken");
}

fn change_password(browser: &Browser, look: &mut impl FnMut(&str)) {
    browser.fill("Current password", "not the password of kim");
    browser.fill("New password", "seven geese over the water");
    browser.press("Change password");
    browser.sees("This is not your current password.");
    look("account-wrong-password");
    browser.fill("Current password", PASSWORD);
    browser.fill("New password", "too short");
    browser.press("Change password");
    browser.sees("Use at least");
    look("account-short-password");
    browser.fill("Current password", PASSWORD);
    browser.fill("New password", "seven geese over the water");
    browser.press("Change password");
    browser.sees("Your password is changed");
    look("account-changed");
}
