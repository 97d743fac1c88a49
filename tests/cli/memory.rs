//! What a flood of logins took of memory is given back to the system when it is over.

use std::time::Duration;

use crate::program::{eventually, on_both};

/// What one hash takes here.
const HASH_KIB: u64 = 19_456;
/// What the program may keep besides.
const KEPT_KIB: u64 = 8 * 1024;

#[test]
fn memory_of_a_flood_of_logins_is_given_back() {
    on_both(|program| {
        let server = program.serve_with(&[], |command| {
            command.env("ROLECALL_ARGON2", format!("m={HASH_KIB},t=1,p=1"));
            command.env("ROLECALL_HASH_SLOTS", "2").env("ROLECALL_THROTTLE", "off");
        });
        let log_in = || {
            let fields = [("username", "nobody"), ("password", "not a password")];
            assert_eq!(server.post("/login", "", &fields).status, 401);
        };
        let before = server.resident_kib();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..4).for_each(|_| log_in()));
            }
        });
        let (in_it, most) = (server.resident_kib(), before + KEPT_KIB);
        assert!(in_it > before + HASH_KIB, "{before} KiB before, {in_it} KiB with what is kept");
        let is_back = eventually(Duration::from_secs(60), || server.resident_kib() < most);
        assert!(is_back, "{} KiB, {before} KiB before", server.resident_kib());
    });
}
