//! What people see and do of their own account.

use crate::{program::PASSWORD, window::both_ways};

#[test]
fn a_person_ends_one_session_then_all_others_and_reads_what_happened() {
    both_ways(|program, way| {
        program.add_user("kim", &["user"]);
        program.add_user("ben", &["user"]);
        program.ok(&["role", "add", "editor", "--description", "Writes articles"]);
        program.ok(&["role", "allow", "editor", "articles:write"]);
        program.ok(&["grant", "kim", "editor", "--for", "30d", "--reason", "the spring release"]);
        let server = program.serve(&[]);
        let others = ["ben", "kim", "kim"].map(|name| server.login(name));
        let (kim, elsewhere) = (way.open(server.port), way.open(server.port));
        elsewhere.log_in("kim", PASSWORD);
        kim.log_in("kim", PASSWORD);
        for told in ["Writes articles", "the spring release", "articles:write", "This one"] {
            kim.sees(told);
        }
        assert!(kim.text().contains("granted by Operator"), "{}", kim.text());

        kim.follow("End the session of kim, Unknown device");
        kim.sees("End this session?");
        kim.press("End session");
        kim.sees("1 session has ended.");
        let open = || others.each_ref().map(|cookie| server.get("/account", cookie).status);
        assert_eq!(open().iter().filter(|status| **status == 200).count(), 2);
        kim.follow("End all others…");
        kim.sees("End all your other sessions?");
        kim.sees("2 open sessions end at once.");
        kim.press("End other sessions");
        kim.sees("2 sessions have ended.");
        assert_eq!(open(), [200, 303, 303], "ben's goes on");
        elsewhere.visit("/account");
        elsewhere.arrives_at("/login?next=%2Faccount");
        assert!(!kim.shows("End all others"), "no button that does nothing");

        kim.fill("Current password", PASSWORD);
        kim.fill("New password", "seven geese over the water");
        kim.press("Change password");
        kim.sees("Your password is changed.");
        kim.sees("set the password of kim");
        kim.sees("ended 2 sessions of kim");
        kim.sees("Operator");
        kim.sees("granted editor to kim until");
        assert!(!kim.shows("ben"), "{}", kim.text());

        kim.follow("End the session of kim, Chrome on Linux");
        kim.sees("so you are signed out.");
        kim.press("End session");
        kim.arrives_at("/login?done=signed-out");
        kim.try_login("kim", "seven geese over the water");
        kim.arrives_at("/account");
        assert_eq!(kim.complaints(), [""; 0]);
    });
}
