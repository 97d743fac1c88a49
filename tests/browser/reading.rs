//! Finding people, sessions and records among many.

use std::time::Duration;

use crate::{
    judges::Sources,
    program::{PASSWORD, Program, eventually},
    window::{Browser, both_ways},
};

/// The administrator `ada`, and 120 people, every second an editor, every tenth disabled.
fn prepare(program: &Program) {
    program.add_user("ada", &["admin"]);
    let mut seed = "[[role]]\nname = \"editor\"\n".to_owned();
    for number in 0..120 {
        let role = if number % 2 == 0 { "\"editor\", \"user\"" } else { "\"user\"" };
        let status = if number % 10 == 0 { "disabled" } else { "active" };
        seed += &format!(
            "[[user]]\nusername = \"person-{number:03}\"\nemail = \"{number:03}@example.com\"\n\
             display_name = \"Person number {number}\"\nstatus = \"{status}\"\nroles = [{role}]\n",
        );
    }
    std::fs::write(program.path("people.toml"), seed).unwrap();
    program.ok(&["seed", program.path("people.toml").to_str().unwrap()]);
}

/// The names in the list of users.
fn listed(browser: &Browser) -> Vec<String> {
    browser.texts(
        "return [...document.querySelectorAll('.users tbody th a')].map(one => one.textContent)",
    )
}

/// Asserts what is listed, once the page that was asked for is there.
fn lists<T: AsRef<str>>(browser: &Browser, expected: &[T]) {
    let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    eventually(Duration::from_secs(10), || listed(browser) == expected);
    assert_eq!(listed(browser), expected);
}

fn people(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("person-{number:03}")).collect()
}

#[test]
fn users_are_searched_filtered_and_paged_and_the_address_keeps_the_search() {
    both_ways(|program, way| {
        prepare(&program);
        let server = program.serve(&[]);
        let admin = way.open(server.port);
        admin.log_in("ada", PASSWORD);
        admin.follow("Users");
        Sources::new().keep(&admin, "a full page");

        let mut seen = listed(&admin);
        assert_eq!(seen.len(), 25);
        while seen.len() < 121 {
            admin.follow("Next page");
            eventually(Duration::from_secs(10), || !seen.contains(&listed(&admin)[0]));
            seen.extend(listed(&admin));
        }
        assert_eq!(seen[0], "ada");
        assert_eq!(seen[1..], people(0..120), "each once, in order");
        assert!(!admin.shows("Next page"));
        admin.follow("First page");
        eventually(Duration::from_secs(10), || listed(&admin)[0] == "ada");
        assert_eq!(listed(&admin)[0], "ada");

        admin.fill("Name or email begins with", "PERSON-0");
        admin.press("Search");
        lists(&admin, &people(0..25));
        admin.follow("Next page");
        lists(&admin, &people(25..50));
        admin.choose("Role", "editor");
        admin.choose("Status", "Disabled");
        admin.press("Search");
        lists(&admin, &people((0..100).step_by(10)));
        assert_eq!(admin.value("Name or email begins with"), "PERSON-0");
        let address = admin.address();
        admin.follow("Clear");
        admin.fill("Name or email begins with", "07");
        admin.press("Search");
        lists(&admin, &people(70..80)); // by their e-mail
        admin.visit(&address);
        lists(&admin, &people((0..100).step_by(10)));

        admin.follow("Clear");
        admin.choose("Last sign-in", "Within 30 days");
        admin.press("Search");
        lists(&admin, &["ada"]);
        admin.choose("Last sign-in", "Never");
        admin.choose("Role", "admin");
        admin.press("Search");
        admin.sees("Nobody here matches this search.");
        assert_eq!(admin.complaints(), [""; 0]);
    });
}

#[test]
fn the_audit_trail_is_filtered_paged_and_taken_along() {
    both_ways(|program, way| {
        prepare(&program);
        program.add_user("kim", &["user"]);
        let server = program.serve(&[]);
        let admin = way.open(server.port);
        admin.visit("/login");
        admin.try_login("kim", "not the password of kim");
        admin.sees("do not match");
        admin.log_in("ada", PASSWORD);
        admin.follow("Audit");
        admin.sees("was refused at sign-in as kim");
        Sources::new().keep(&admin, "a full page");
        admin.follow("Next page");
        admin.sees("added person-");
        assert!(!admin.shows("was refused at sign-in"), "that was on the page before");

        admin.follow("Audit");
        admin.fill("To whom or what", "kim");
        admin.press("Show");
        admin.sees("added kim");
        assert!(!admin.shows("person-"), "{}", admin.text());
        admin.choose("Action", "Sign-in refused");
        admin.press("Show");
        admin.sees("was refused at sign-in as kim");
        assert!(!admin.shows("added kim"));
        admin.follow("Clear");
        admin.fill("Who did it", "ada");
        admin.press("Show");
        admin.sees("signed in");
        assert!(!admin.shows("added kim"), "the operator did that");
        admin.fill("Who did it", "nobody");
        admin.press("Show");
        admin.sees("There is nobody of this name. Check who did it");
        assert_eq!(admin.value("Who did it"), "nobody");

        admin.follow("Clear");
        admin.fill("To day", "01312020");
        admin.press("Show");
        admin.sees("No record matches these filters.");
        admin.fill("From day", "01312020");
        admin.fill("To day", "01312099");
        admin.fill("To whom or what", "person-007");
        admin.press("Show");
        admin.sees("added person-007");
        let file = admin.download("Download as CSV", "audit.csv");
        assert!(file.starts_with("time,actor,action,what,"), "{file}");
        assert!(file.lines().skip(1).all(|line| line.contains("person-007")), "{file}");
        assert!(file.contains("user.create") && file.contains("grant.create"), "{file}");
        assert_eq!(admin.complaints(), [""; 0]);
    });
}

#[test]
fn sessions_are_filtered_and_ended() {
    both_ways(|program, way| {
        for (name, role) in [("ada", "admin"), ("kim", "user"), ("ben", "user")] {
            program.add_user(name, &[role]);
        }
        let server = program.serve(&[]);
        let cookie = server.login("ben");
        let (admin, kim) = (way.open(server.port), way.open(server.port));
        kim.log_in("kim", PASSWORD);
        admin.log_in("ada", PASSWORD);
        admin.follow("Sessions");
        for name in ["ada", "kim", "ben"] {
            admin.sees(name);
        }
        admin.sees("This one");
        admin.fill("User name or email", "kimm");
        admin.press("Show");
        admin.sees("There is no user of this name or email. Check the spelling.");
        assert_eq!(admin.value("User name or email"), "kimm");
        admin.fill("User name or email", "kim");
        admin.press("Show");
        assert!(!admin.shows("ben"), "{}", admin.text());
        admin.follow("End the session of kim, Chrome on Linux");
        admin.sees("End this session of kim?");
        admin.press("End session");
        admin.sees("1 session has ended.");
        kim.visit("/account");
        kim.arrives_at("/login?next=%2Faccount");
        assert_eq!(server.get("/account", &cookie).status, 200, "another person's goes on");
        assert_eq!(admin.complaints(), [""; 0]);
    });
}
