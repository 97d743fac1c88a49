//! From an empty database to an administrator who is signed in.

use std::time::Duration;

use crate::{
    program::{PASSWORD, eventually, on_both},
    terminal::Terminal,
    window::Browser,
};

#[test]
fn the_first_admin_comes_in_by_the_link_on_the_terminal_and_nobody_else_does() {
    on_both(|program| {
        let mut terminal = Terminal::serve(&program);
        let link = terminal.setup_link();
        let port = url::Url::parse(&link).unwrap().port().unwrap();
        let browser = Browser::open(port);

        browser.visit(&link);
        browser.sees("Welcome to rolecall");
        browser.fill("User name", "Ada");
        browser.fill("Password", "too short");
        browser.press("Create administrator");
        browser.sees("Use at least 15 characters.");
        assert_eq!(browser.text_of("#password-problem"), "Use at least 15 characters.",);
        assert_eq!(browser.property("#username", "value").as_deref(), Some("Ada"));

        browser.fill("Password", PASSWORD);
        browser.press("Create administrator");
        browser.arrives_at("/login?done=setup");
        browser.sees("The first administrator is set up.");
        assert!(!browser.shows("Sign out"), "a link signs nobody in by itself");
        browser.try_login("Ada", PASSWORD);
        browser.arrives_at("/account");
        browser.sees("admin");
        browser.follow("Overview");
        browser.arrives_at("/admin");
        browser.sees("Sign-ins in the last 30 days");

        let stranger = Browser::open(port);
        stranger.visit(&link);
        stranger.sees("Go to sign-in");
        assert!(!stranger.shows("Create administrator"));
        drop(terminal);

        let mut again = Terminal::serve(&program);
        let started = eventually(Duration::from_secs(30), || again.screen().contains("listening"));
        assert!(started, "{}", again.screen());
        assert!(!again.screen().contains("/link?"), "{}", again.screen());
    });
}

#[test]
fn without_a_terminal_the_first_admin_comes_in_by_the_command_that_the_log_names() {
    on_both(|program| {
        let server = program.serve(&[]);
        let told = program.ok(&["user", "add", "ada", "--role", "admin", "--invite"]);
        let path = told.trim().split_once("/link").unwrap().1;
        let browser = Browser::open(server.port);
        browser.visit(&format!("/link{path}"));
        browser.sees("Choose a password");
        browser.fill("New password", PASSWORD);
        browser.press("Save password");
        browser.arrives_at("/login?done=password");
        browser.try_login("ada", PASSWORD);
        browser.arrives_at("/account");
        browser.visit("/admin");
        browser.sees("Sign-ins in the last 30 days");

        let log = server.stop();
        assert!(log.contains("rolecall user add NAME --role admin --invite"), "{log}");
        assert!(!log.contains("token="), "{log}");
    });
}
