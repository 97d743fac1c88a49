//! What is taken away from somebody whose checks are answered from memory: refused on the very
//! next request where it was done, soon on every other process, and from then on.

use std::time::{Duration, Instant};

use rolecall::clock::Clock;

use crate::program::{Program, Server, eventually, on_both};

/// How long another process may take here. It takes less than a second; a machine with much
/// else to do may take longer.
const SOON: Duration = Duration::from_secs(10);

/// What is taken from somebody with the role of their own name, which permits `reports:write`.
const TAKEN: [&str; 5] = ["session", "account", "grant", "permission", "time"];

/// Two processes on one database, and an admin who is signed in at the first.
struct Nodes<'p> {
    program: &'p Program,
    here: Server,
    there: Server,
    admin: String,
}

struct Somebody {
    name: String,
    cookie: String,
}

impl<'p> Nodes<'p> {
    fn of(program: &'p Program) -> Self {
        program.add_user("ada", &["admin"]);
        let roles: String = TAKEN
            .iter()
            .map(|what| format!("[[role]]\nname = \"{what}\"\npermissions = [\"reports:write\"]\n"))
            .collect();
        let seed = format!("permission = [{{ name = \"reports:write\" }}]\n{roles}");
        std::fs::write(program.path("roles.toml"), seed).unwrap();
        program.ok(&["seed", "roles.toml"]);
        let (here, there) = (program.serve(&[]), program.serve(&[]));
        let admin = here.login("ada");
        Self { program, here, there, admin }
    }

    /// Somebody whom both processes know by heart.
    fn somebody(&self, name: &str) -> Somebody {
        self.program.add_user(name, &[name]);
        let one = Somebody { name: name.to_owned(), cookie: self.there.login(name) };
        for _ in 0..5 {
            assert_eq!(self.checks(&one), [200, 200], "{name}");
            // Longer than it takes to see that nothing has changed.
            std::thread::sleep(Duration::from_millis(60));
        }
        one
    }

    fn checks(&self, one: &Somebody) -> [u16; 2] {
        [check(&self.here, one), check(&self.there, one)]
    }

    fn by_page(&self, what: &str, one: &Somebody) {
        let name = one.name.as_str();
        let user = self.program.json(&["user", "show", name])["id"].as_str().unwrap().to_owned();
        let (path, fields) = match what {
            "session" => (format!("/admin/sessions/{}/end", self.session_of(name)), vec![]),
            "account" => (format!("/admin/users/{user}/disable"), vec![]),
            "grant" => (format!("/admin/users/{user}/revoke"), vec![("role", name)]),
            _ => (format!("/admin/roles/{name}/deny"), vec![("permission", "reports:write")]),
        };
        let token = self.here.form_token(&self.admin);
        let fields: Vec<_> = fields.into_iter().chain([("form_token", token.as_str())]).collect();
        let answer = self.here.post(&path, &self.admin, &fields);
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    }

    fn by_command(&self, what: &str, one: &Somebody) {
        let name = one.name.as_str();
        match what {
            "session" => self.program.ok(&["session", "end", &self.session_of(name)]),
            "account" => self.program.ok(&["user", "disable", name]),
            "grant" => self.program.ok(&["revoke", name, name]),
            _ => self.program.ok(&["role", "deny", name, "reports:write"]),
        };
    }

    fn by_hand(&self, what: &str, one: &Somebody) {
        let name = one.name.as_str();
        let user = format!("user_id in (select id from users where username = '{name}')");
        self.program.by_hand(&match what {
            "session" => format!("delete from sessions where {user}"),
            "account" => format!("update users set status = 'disabled' where username = '{name}'"),
            "grant" => format!("delete from grants where {user}"),
            "permission" => format!("delete from role_permissions where role_name = '{name}'"),
            _ => format!("update grants set ends_at = '2026-01-01T00:00:00Z' where {user}"),
        });
    }

    fn session_of(&self, name: &str) -> String {
        let sessions = self.program.json(&["session", "list", name]);
        sessions[0]["id"].as_str().unwrap().to_owned()
    }

    /// Refused by both before long, and never let in again by one that has refused.
    fn assert_over(&self, what: &str, one: &Somebody) {
        let refused = if ["session", "account"].contains(&what) { 401 } else { 403 };
        for server in [&self.here, &self.there] {
            assert!(eventually(SOON, || check(server, one) == refused), "{what}");
        }
        for _ in 0..20 {
            assert_eq!(self.checks(one), [refused, refused], "{what} comes back");
        }
    }
}

fn check(server: &Server, one: &Somebody) -> u16 {
    let path = format!("/auth/check?role={}&permission=reports:write", one.name);
    server.get(&path, &one.cookie).status
}

#[test]
fn what_a_page_takes_away_is_refused_there_at_once_and_elsewhere_soon() {
    on_both(|program| {
        let nodes = Nodes::of(&program);
        for what in ["session", "account", "grant", "permission"] {
            let one = nodes.somebody(what);
            nodes.by_page(what, &one);
            let status = check(&nodes.here, &one);
            assert!([401, 403].contains(&status), "{what}: {status} on the very next request");
            nodes.assert_over(what, &one);
        }
    });
}

#[test]
fn what_a_command_takes_away_is_refused_by_every_server_soon() {
    on_both(|program| {
        let nodes = Nodes::of(&program);
        for what in ["session", "account", "grant", "permission"] {
            let one = nodes.somebody(what);
            nodes.by_command(what, &one);
            nodes.assert_over(what, &one);
        }
    });
}

#[test]
fn what_is_taken_away_by_hand_is_refused_by_every_server_soon() {
    on_both(|program| {
        let nodes = Nodes::of(&program);
        for what in TAKEN {
            let one = nodes.somebody(what);
            nodes.by_hand(what, &one);
            nodes.assert_over(what, &one);
        }
    });
}

#[test]
fn a_grant_that_ends_at_a_time_is_refused_by_every_server_from_that_second_on() {
    on_both(|program| {
        let nodes = Nodes::of(&program);
        let one = nodes.somebody("time");
        let clock = Clock::system();
        let end = clock.now() + Duration::from_secs(4);
        let until = end.format(&time::format_description::well_known::Rfc3339).unwrap();
        program.ok(&["grant", "time", "time", "--until", &until]);
        let mut allowed = 0;
        while clock.now() < end {
            for server in [&nodes.here, &nodes.there] {
                // Whoever is asked before the end may be answered after it.
                let is_before = clock.now() < end;
                match check(server, &one) {
                    200 => assert!(is_before, "let in after the end"),
                    status => assert!(status == 403 && clock.now() >= end, "{status} too early"),
                }
                allowed += usize::from(is_before);
            }
        }
        assert!(allowed > 0, "that was no test");
        for _ in 0..50 {
            assert_eq!(nodes.checks(&one), [403, 403]);
        }
        nodes.assert_over("time", &one);
    });
}

/// As a machine does whose disk or memory is short, or that is moved to another host.
#[test]
fn a_server_that_stood_still_does_not_go_on_with_what_it_knew() {
    on_both(|program| {
        let nodes = Nodes::of(&program);
        for what in ["session", "account", "grant", "permission"] {
            let one = nodes.somebody(what);
            nodes.there.signal("STOP");
            let stopped = Instant::now();
            nodes.by_command(what, &one);
            // As long as what it knows is trusted.
            std::thread::sleep(Duration::from_secs(1).saturating_sub(stopped.elapsed()));
            nodes.there.signal("CONT");
            let status = check(&nodes.there, &one);
            assert!([401, 403].contains(&status), "{what}: {status} on the very next request");
            nodes.assert_over(what, &one);
        }
    });
}
