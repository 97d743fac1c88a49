//! The server as a process: beside commands, beside others of its kind, and how it stops.

use std::{
    io::Write,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    program::{PASSWORD, Program, eventually, on_both},
    support::Engine,
};

#[test]
fn a_change_in_the_terminal_is_seen_by_the_server_within_a_second() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let server = program.serve(&[]);
        let cookie = server.login("kim");
        assert_eq!(server.check("editor", &cookie), 403);
        program.ok(&["role", "add", "editor"]);
        let second = Duration::from_secs(1);
        program.ok(&["grant", "kim", "editor"]);
        assert!(eventually(second, || server.check("editor", &cookie) == 200));
        program.ok(&["revoke", "kim", "editor"]);
        assert!(eventually(second, || server.check("editor", &cookie) == 403));

        assert_eq!(program.json(&["session", "list", "kim"]).as_array().unwrap().len(), 1);
        program.ok(&["user", "disable", "kim"]);
        assert!(eventually(second, || server.check("user", &cookie) == 401));
        program.ok(&["user", "enable", "kim"]);
        assert_eq!(server.check("user", &cookie), 401, "an ended session stays ended");

        let cookie = server.login("kim");
        let id = program.json(&["session", "list"])[0]["id"].as_str().unwrap().to_owned();
        program.ok(&["session", "end", &id]);
        assert!(eventually(second, || server.check("user", &cookie) == 401));
        assert!(program.refused(&["session", "end", &id]).contains("no live session"));
        let cookies = [server.login("kim"), server.login("kim")];
        for list in [&["session", "list"][..], &["session", "list", "kim"]] {
            let list = program.json(list);
            let id = |at: usize| list[at]["id"].as_str().unwrap();
            assert!(id(0) > id(1), "the newest first: {list}");
        }
        assert_eq!(program.ok(&["session", "end", "--user", "kim"]), "2 sessions ended\n");
        assert!(eventually(second, || cookies.iter().all(|one| server.check("user", one) == 401)));
        server.login("kim");
        assert_eq!(program.ok(&["session", "end", "--all"]), "1 session ended\n");
    });
}

#[test]
fn a_new_key_signs_nobody_out_and_is_taken_up_by_itself() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        // Who asks so often that their oldest sessions end.
        program.add_user("lou", &[]);
        let server = program.serve(&[]);
        let old = server.login("kim");
        let id_of = |cookie: &str| cookie.split('.').nth(1).unwrap().to_owned();
        let told = program.ok(&["key", "rotate"]);
        assert!(eventually(Duration::from_secs(20), || {
            id_of(&server.login("lou")) != id_of(&old)
        }));
        let new = server.login("kim");
        assert!(told.contains(&id_of(&new)), "{told}");
        assert_eq!((server.check("user", &old), server.check("user", &new)), (200, 200));
        // A second process signs with the newest, and knows both.
        let other = program.serve(&[]);
        assert_eq!((other.check("user", &old), other.check("user", &new)), (200, 200));
    });
}

#[test]
fn the_key_file_is_secret_whole_and_the_right_one() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let path = program.key_file();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let set = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o644);
        assert!(program.refused(&["user", "list"]).contains("chmod 600"));
        set(0o600);
        let whole = std::fs::read_to_string(&path).unwrap();
        for damaged in ["", &whole[..whole.len() - 7], &whole.replace(' ', "  ")] {
            std::fs::write(&path, damaged).unwrap();
            assert!(program.refused(&["user", "list"]).contains("damaged"), "{damaged:?}");
        }
        let id = whole.lines().last().unwrap().split(' ').next().unwrap();
        let other = whole.replace(id, "00000000");
        std::fs::write(&path, other).unwrap();
        assert!(program.refused(&["user", "list"]).contains(id));
        std::fs::remove_file(&path).unwrap();
        program.refused(&["user", "list"]);
        assert!(!path.exists(), "a lost key file is not made anew behind one's back");
        std::fs::write(&path, &whole).unwrap();
        set(0o600);
        program.ok(&["user", "list"]);
    });
}

#[test]
fn four_servers_at_once_on_an_empty_database_all_serve() {
    on_both(|program| {
        let servers: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| program.serve(&[]))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        program.add_user("kim", &["user"]);
        let cookie = servers[0].login("kim");
        for server in servers {
            assert_eq!(server.get("/readyz", "").status, 200);
            assert_eq!(server.check("user", &cookie), 200);
            server.stop();
        }
    });
}

#[test]
fn without_an_admin_a_log_names_the_command_and_holds_no_link() {
    on_both(|program| {
        let log = program.serve(&[]).stop();
        assert!(log.contains("rolecall user add NAME --role admin --invite"), "{log}");
        assert!(!log.contains("token="), "{log}");
        program.add_user("alice", &["admin"]);
        assert!(!program.serve(&[]).stop().contains("no admin yet"));
    });
}

#[test]
fn nothing_secret_is_in_any_log_line() {
    on_both(|program| {
        program.add_user("kim", &["admin"]);
        let link = program.ok(&["user", "add", "ben", "--invite"]);
        let token = link.trim().split('=').next_back().unwrap().to_owned();
        let server = program.serve_with(&[], |command| {
            command.env("ROLECALL_LOG", "trace");
        });
        let typed = "canary-password-typed-as-name";
        let wrong = [("username", typed), ("password", "canary-wrong-password")];
        assert_eq!(server.post("/login", "", &wrong).status, 401);
        let wrong = [("username", "kim"), ("password", "canary-wrong-password")];
        assert_eq!(server.post("/login", "", &wrong).status, 401);
        let cookie = server.login("kim");
        let page = server.get("/account?canary-query=1", &cookie);
        let form_token = page.body.split("name=\"form_token\" value=\"").nth(1).unwrap();
        let form_token = form_token.split('"').next().unwrap().to_owned();
        let change = [
            ("form_token", form_token.as_str()),
            ("current_password", PASSWORD),
            ("new_password", "canary-new-password-1"),
        ];
        assert_eq!(server.post("/account/password", &cookie, &change).status, 303);
        assert_eq!(server.get("/account?done", &cookie).status, 200);
        assert_eq!(server.get(&format!("/link?token={token}"), "").status, 200);
        let choice = [("token", token.as_str()), ("password", "canary-invited-password")];
        assert_eq!(server.post("/link", "", &choice).status, 303);
        assert_eq!(server.get("/nowhere/canary-path?canary-query=2", &cookie).status, 404);
        assert_eq!(server.check("canary-role", &cookie), 403);
        let out = [("form_token", form_token.as_str())];
        assert_eq!(server.post("/logout", &cookie, &out).status, 303);
        let log = server.stop();
        assert!(log.contains("login refused") && log.contains("\"id\":"), "{log}");
        let value = cookie.split('=').nth(1).unwrap();
        let id = value.split('.').next().unwrap();
        let mac = form_token.split('.').next_back().unwrap();
        for secret in ["canary", PASSWORD, &token, value, id, mac, "argon2id"] {
            assert!(!log.contains(secret), "{secret:?} in the log:\n{log}");
        }
        // Every line of a request names it.
        let line = log.lines().find(|line| line.contains("answered")).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["span"]["id"].as_str().map(str::len), Some(16), "{line}");
    });
}

#[test]
fn every_line_of_a_log_is_json_in_utc_and_a_refusal_says_who_and_why() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let id = program.json(&["user", "show", "kim"])["id"].as_str().unwrap().to_owned();
        let server = program.serve_with(&[], |command| {
            command.env("TZ", "America/New_York");
        });
        let cookie = server.login("kim");
        let port = server.port;
        assert_eq!(server.get("/admin", &cookie).status, 403);
        assert_eq!(server.check("admin", &cookie), 403);
        let out = [("form_token", "of another session")];
        assert_eq!(server.post("/logout", &cookie, &out).status, 403);
        let from = |host: &str, origin: &str| {
            server.send(&format!(
                "POST /logout HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            ))
        };
        assert_eq!(from(&format!("127.0.0.1:{port}"), "https://evil.example").status, 403);
        assert_eq!(from("evil.example", "https://evil.example").status, 421);
        // What would begin a line of its own, or colour it.
        let odd = "a\r\n{\"level\":\"ERROR\"}\u{1b}[31m\u{202e}";
        let fields = [("username", odd), ("password", odd)];
        assert_eq!(server.post("/login?next=%0d%0a%7b%1b", "", &fields).status, 401);
        let log = server.stop();
        let lines: Vec<serde_json::Value> =
            log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        for line in &lines {
            let at = line["timestamp"].as_str().unwrap();
            assert!(at.ends_with('Z') && at.len() > 20, "{line}");
            assert!(line["level"] != "ERROR", "{line}");
        }
        let refused = |why: &str| {
            let is_it = |line: &&serde_json::Value| line["error"].as_str() == Some(why);
            let found: Vec<_> = lines.iter().filter(is_it).collect();
            found.iter().map(|line| line["span"]["user"].as_str().unwrap_or("")).collect::<Vec<_>>()
        };
        assert!(log.contains("argon2 is set cheaper"), "as tests set it: {log}");
        assert_eq!(refused("not permitted"), [&id, &id], "{log}");
        assert_eq!(refused("the form's token is of another session"), [&id], "{log}");
        assert_eq!(refused("the form came from elsewhere"), [""], "{log}");
        assert_eq!(refused("the host is not ours"), [""], "{log}");
    });
}

#[test]
fn a_new_database_file_is_for_its_owner_alone() {
    let program = Program::new(Engine::Sqlite);
    program.add_user("kim", &["user"]);
    let server = program.serve(&[]);
    server.login("kim");
    let file = program.url().split_once("://").unwrap().1.to_owned();
    for end in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{file}{end}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}{end}");
    }
}

#[test]
fn it_stops_when_asked_and_writes_down_who_was_there() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let server = program.serve(&[]);
        let cookie = server.login("kim");
        assert!(server.stop().contains("stopping"));
        // The last use is long ago, and the next one is noted shortly before the end.
        let long_ago = "2026-01-01T00:00:00Z";
        program.execute(&format!("update sessions set last_seen_at = '{long_ago}'"));
        let again = program.serve(&[]);
        assert_eq!(again.check("user", &cookie), 200, "sessions outlive the process");
        again.stop();
        let unwritten = format!("select count(*) from sessions where last_seen_at = '{long_ago}'");
        assert_eq!(program.number(&unwritten), 0);
    });
}

#[test]
fn it_serves_on_a_unix_socket_too() {
    on_both(|program| {
        let socket = program.path("rolecall.sock");
        let listen = format!("unix:{}", socket.display());
        let mut child = program
            .command()
            .args(["serve", "--listen", &listen, "--public-url", "http://localhost:8000"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let answers = || {
            use std::io::{Read, Write};
            let Ok(mut stream) = std::os::unix::net::UnixStream::connect(&socket) else {
                return false;
            };
            let request = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            let mut answer = String::new();
            stream.write_all(request.as_bytes()).is_ok()
                && stream.read_to_string(&mut answer).is_ok()
                && answer.starts_with("HTTP/1.1 200")
        };
        let served = eventually(Duration::from_secs(30), answers);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(served);
        // The socket that was left behind is in nobody's way.
        let refused = program.run(&["serve", "--listen", &listen]);
        assert!(refused.err.contains("public_url"), "{}", refused.err);
    });
}

#[test]
fn a_password_that_was_made_is_good_for_one_login_which_sets_a_new_one() {
    on_both(|program| {
        let made = program.ok(&["user", "add", "kim", "--generate-password"]);
        let made = made.trim();
        let server = program.serve(&[]);
        let fields = [("username", "kim"), ("password", made)];
        let first = server.post("/login", "", &fields);
        assert_eq!(first.status, 303);
        assert_eq!(first.header("set-cookie"), None, "it opens no session");
        let link = first.header("location").unwrap().to_owned();
        assert!(link.starts_with("/link?token="), "{link}");
        assert_eq!(server.post("/login", "", &fields).status, 401, "it is spent");
        let token = link.split_once('=').unwrap().1;
        let choice = [("token", token), ("password", PASSWORD)];
        assert_eq!(server.post("/link", "", &choice).status, 303);
        server.login("kim");
        server.login("kim");
    });
}

#[test]
fn a_hash_with_a_pepper_is_worth_nothing_without_its_key() {
    on_both(|program| {
        let mut command = program.command();
        command.env("ROLECALL_PEPPER", "on").stdin(Stdio::piped());
        command.args(["user", "add", "kim", "--password-stdin"]);
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        let seed = program.ok(&["seed", "--export"]);
        assert!(seed.contains("keyid="), "{seed}");
        program.serve(&[]).login("kim");

        let other = Program::new(Engine::Sqlite);
        std::fs::write(other.path("people.toml"), &seed).unwrap();
        let line = other.refused(&["seed", "people.toml"]);
        assert!(line.contains("user kim") && line.contains("key file"), "{line}");
    });
}

#[test]
fn with_few_open_files_there_are_fewer_connections_and_nobody_is_locked_out() {
    let program = Program::new(Engine::Sqlite);
    let server = program.serve_with(&[], |command| {
        let binary = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let environment: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let folder = command.get_current_dir().unwrap().to_owned();
        *command = Command::new("sh");
        command.args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\""]).arg(binary).args(arguments);
        command.current_dir(folder).env_clear().envs(environment).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    });
    let port = server.port;
    let kept: Vec<_> = (0..150).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    assert_eq!(server.get("/readyz", "").status, 200);
    drop(kept);
    let log = server.stop();
    assert!(log.contains("\"max_connections\":36"), "{log}");
    assert!(!log.contains("cannot accept"), "{log}");
}
