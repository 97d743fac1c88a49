//! One login for two applications on two hosts, behind the real nginx.

use std::time::Duration;

use crate::{
    program::{PASSWORD, eventually},
    support::{
        Engine,
        site::{APP, LOGIN, OTHER, Site, proxy::Kind},
    },
    window::Browser,
};

/// The status that a script on the page gets, and whether it was led elsewhere.
fn fetched(browser: &Browser, options: &str) -> Vec<String> {
    browser.texts(&format!(
        "return fetch('/api/numbers', {options})
            .then(answer => [String(answer.status), String(answer.redirected)])"
    ))
}

const ALLOWED: [&str; 2] = ["200", "false"];
const REFUSED: [&str; 2] = ["401", "false"];

#[test]
fn who_signs_in_once_is_in_both_applications_and_out_of_both_at_once() {
    let site = Site::start(Kind::Nginx, Engine::Sqlite);
    let browser = Browser::open_at(site.origin(LOGIN));
    let page = format!("{}/reports?week=47&a=%26&b=%2F%2Fx", site.origin(APP));
    let other = format!("{}/", site.origin(OTHER));

    // To the login, and back to the very page.
    browser.visit(&page);
    browser.sees("Keep me signed in");
    assert!(browser.address().starts_with("/login?next=https%3A%2F%2Fapp.example.com%3A"));
    browser.try_login("kim", "not the password of kim");
    browser.sees("do not match");
    browser.try_login("kim", PASSWORD);
    browser.arrives_at(&page);
    browser.sees("Remote-User: kim");
    assert!(!browser.shows("rolecall"), "no cookie of ours: {}", browser.text());

    // The other one asks for nothing.
    browser.visit(&other);
    browser.arrives_at(&other);
    browser.sees("Remote-User: kim");
    assert_eq!(fetched(&browser, "{}"), ALLOWED);

    // Out of both.
    browser.visit("/account");
    browser.log_out();
    for address in [&page, &other] {
        browser.visit(address);
        browser.sees("Keep me signed in");
        assert!(browser.address().starts_with("/login?next="), "{}", browser.address());
    }

    // A page that was left open: what its scripts ask for is refused and never a login page.
    browser.try_login("kim", PASSWORD);
    browser.arrives_at(&other);
    site.program.ok(&["session", "end", "--user", "kim"]);
    assert!(eventually(Duration::from_secs(5), || fetched(&browser, "{}") == REFUSED));
    for options in [
        "{ method: 'POST', body: 'a=b' }",
        "{ headers: { Accept: 'text/html' } }",
        "{ method: 'POST', headers: { Accept: 'text/html' } }",
        "{ method: 'DELETE' }",
    ] {
        assert_eq!(fetched(&browser, options), REFUSED, "{options}");
    }
}

#[test]
fn who_was_signed_in_before_the_hosts_were_shared_is_asked_once_more_and_not_sent_in_circles() {
    let site = Site::start(Kind::Caddy, Engine::Postgres);
    let browser = Browser::open_at(site.origin(LOGIN));
    browser.log_in("kim", PASSWORD);
    let page = format!("{}/reports", site.origin(APP));
    // The shared cookie is lost, as if it had never been set.
    browser.forget_cookie("__Secure-rolecall-check", ".example.com");
    browser.visit(&page);
    browser.sees("Keep me signed in");
    browser.try_login("kim", PASSWORD);
    browser.arrives_at(&page);
    browser.sees("Remote-User: kim");
}
