//! Below a prefix and under a long name, as an application has the pages on its own host.

use std::net::TcpListener;

use crate::{
    program::{PASSWORD, Program, Server},
    step_up::long_ago,
    window::{Browser, Way, both_ways},
};

/// As long as a name may be.
pub const NAME: &str = "The Newsroom of the Morning and Evening!";

/// A server below a prefix, and a browser for which its pages are all there is: any other address
/// is told as it is, with its host.
pub fn open_below(program: &Program, way: Way) -> (Server, Browser) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/people");
    let server = program.serve_at(address, &["--public-url", &url, "--app-name", NAME]);
    (server, way.open_at(url))
}

#[test]
fn a_day_of_an_admin_below_a_prefix() {
    both_ways(|program, way| {
        program.add_user("ada", &["admin"]);
        program.add_user("kim", &[]);
        let (_server, ada) = open_below(&program, way);
        let id = program.json(&["user", "show", "kim"])["id"].as_str().unwrap().to_owned();

        // To the login and back to the very page.
        ada.visit(&format!("/admin/users/{id}"));
        assert_eq!(ada.address(), format!("/login?next=%2Fpeople%2Fadmin%2Fusers%2F{id}"));
        ada.sees(NAME);
        ada.try_login("ada", PASSWORD);
        ada.arrives_at(&format!("/admin/users/{id}"));

        ada.follow("Disable…");
        ada.arrives_at(&format!("/admin/users/{id}/disable"));
        long_ago(&program, &ada, &id);
        ada.fill("Your password", PASSWORD);
        ada.press("Disable");
        ada.arrives_at(&format!("/admin/users/{id}?done"));
        ada.follow("Roles");
        ada.follow("auditor");
        ada.arrives_at("/admin/roles/auditor");
        ada.follow("Account");
        ada.arrives_at("/account");
        ada.visit("/");
        ada.arrives_at("/account");
        ada.log_out();
        ada.log_in("ada", PASSWORD);
        assert_eq!(ada.complaints(), [""; 0]);
    });
}
