//! The database goes away while checks are answered from memory: soon nothing is let in, nobody
//! is signed out, and all is as before when it is back, without a restart.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    program::{PASSWORD, Program, Response, Server, eventually},
    support::{
        Engine,
        wire::{CUT, DEAD, WHOLE},
    },
};

/// What is remembered is trusted for a second; a machine with much else to do takes longer.
const SOON: Duration = Duration::from_secs(20);

const CHECK: &str = "/auth/check?role=user";

/// Asks often enough that the answers come from memory.
fn warm(server: &Server, cookie: &str) {
    for _ in 0..5 {
        assert_eq!(server.get(CHECK, cookie).status, 200);
        std::thread::sleep(Duration::from_millis(60));
    }
}

fn assert_sent_away(answer: &Response) {
    assert_eq!(answer.status, 503, "{}", answer.head);
    let wait = answer.header("retry-after").expect("when to come back");
    assert!(wait.parse::<u32>().unwrap() > 0);
    assert_eq!(answer.header("set-cookie"), None);
}

fn try_login(server: &Server, name: &str) -> Response {
    server.post("/login", "", &[("username", name), ("password", PASSWORD)])
}

/// From the first time that it is said, nothing is let in, by nobody.
fn assert_away(server: &Server, cookies: &[&str]) {
    for cookie in cookies {
        assert!(eventually(SOON, || server.get(CHECK, cookie).status == 503), "never away");
    }
    for _ in 0..2 {
        for cookie in cookies {
            assert_sent_away(&server.get(CHECK, cookie));
            assert_sent_away(&server.get("/account", cookie));
        }
        assert_sent_away(&try_login(server, "kim"));
        assert_eq!(server.get(CHECK, "rolecall=forged.x.y").status, 401);
    }
}

/// The first answer that is one. Until then it says that it is away.
fn first_answer(server: &Server, cookie: &str) -> u16 {
    let mut last = 503;
    assert!(eventually(SOON, || {
        let answer = server.get(CHECK, cookie);
        last = answer.status;
        assert!(last != 503 || answer.header("set-cookie").is_none());
        last != 503
    }));
    last
}

/// What is taken away meanwhile is gone for the first answer after it too.
#[test]
fn a_postgres_that_goes_away_ends_what_is_remembered_and_no_session() {
    let program = Program::new(Engine::Postgres);
    let wire = program.wire();
    for name in ["kim", "lou", "max"] {
        program.add_user(name, &["user"]);
    }
    let server = program.serve_with(&[], |command| {
        command.env("ROLECALL_DATABASE_URL", &wire.url);
    });
    let kim = server.login("kim");
    for state in [CUT, DEAD] {
        let (lou, max) = (server.login("lou"), server.login("max"));
        warm(&server, &lou);
        warm(&server, &max);
        warm(&server, &kim);
        wire.set(state);
        assert_away(&server, &[&kim, &lou, &max]);
        program.ok(&["session", "end", "--user", "lou"]);
        program.ok(&["revoke", "max", "user"]);
        assert_sent_away(&server.get(CHECK, &lou));
        wire.set(WHOLE);
        assert_eq!(first_answer(&server, &lou), 401);
        assert_eq!(first_answer(&server, &max), 403);
        assert_eq!(first_answer(&server, &kim), 200);
        program.ok(&["grant", "max", "user"]);
        warm(&server, &kim);
        program.execute("update users set status = 'disabled' where username = 'kim'");
        assert!(eventually(SOON, || server.get(CHECK, &kim).status == 401), "followed again");
        program.execute("update users set status = 'active' where username = 'kim'");
        assert!(eventually(SOON, || server.get(CHECK, &kim).status == 200));
    }
}

/// As a restart of Postgres does, or an operator.
#[test]
fn connections_that_are_ended_in_the_midst_of_a_query_let_nobody_in_and_sign_nobody_out() {
    let program = Program::new(Engine::Postgres);
    let wire = program.wire();
    program.add_user("kim", &["user"]);
    let server = program.serve_with(&[], |command| {
        command.env("ROLECALL_DATABASE_URL", &wire.url);
    });
    let kim = server.login("kim");
    warm(&server, &kim);
    std::thread::scope(|scope| {
        let mut asking = Vec::new();
        for _ in 0..4 {
            asking.push(scope.spawn(|| {
                for _ in 0..100 {
                    let answer = server.get("/account", &kim);
                    assert!([200, 503].contains(&answer.status), "{}", answer.head);
                    assert_eq!(answer.header("set-cookie"), None);
                    let check = server.get("/auth/check?role=admin", &kim);
                    assert!([403, 503].contains(&check.status), "{}", check.head);
                }
            }));
        }
        while !asking.iter().all(|one| one.is_finished()) {
            for backend in wire.backends() {
                program.execute(&format!("select pg_terminate_backend({backend})"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(eventually(SOON, || server.get("/account", &kim).status == 200));
}

/// Somebody else who writes to the file, such as a backup that locks it.
#[test]
fn while_another_program_has_a_sqlite_file_for_itself_checks_go_on() {
    let program = Program::new(Engine::Sqlite);
    program.add_user("kim", &["user"]);
    let server = program.serve(&[]);
    let kim = server.login("kim");
    warm(&server, &kim);
    let file = program.url().strip_prefix("sqlite://").unwrap();
    let mut sqlite = Command::new("sqlite3");
    let sqlite = sqlite.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut sqlite = sqlite.spawn().unwrap();
    let mut commands = sqlite.stdin.take().unwrap();
    let mut answers = BufReader::new(sqlite.stdout.take().unwrap());
    commands.write_all(b".timeout 10000\nbegin exclusive;\nselect 'held';\n").unwrap();
    let mut held = String::new();
    answers.read_line(&mut held).unwrap();
    assert_eq!(held, "held\n");
    for _ in 0..4 {
        assert_sent_away(&try_login(&server, "kim"));
        for _ in 0..20 {
            assert_eq!(server.get(CHECK, &kim).status, 200, "reading waits for nobody");
        }
    }
    commands.write_all(b"delete from grants;\ncommit;\n").unwrap();
    drop(commands);
    assert!(sqlite.wait().unwrap().success());
    assert!(eventually(SOON, || server.get(CHECK, &kim).status == 403), "and is seen");
    assert!(eventually(SOON, || try_login(&server, "kim").status == 303));
}

/// What is written to a file that is nowhere any more would be lost, and what others take away
/// in the one that took its place would not be seen.
#[test]
fn a_sqlite_file_that_is_moved_away_or_replaced_is_away_until_there_is_one() {
    let program = Program::new(Engine::Sqlite);
    program.add_user("kim", &["user"]);
    let server = program.serve(&[]);
    let kim = server.login("kim");
    warm(&server, &kim);
    let path = |name: &str| program.path(name);
    let copy = format!("vacuum into '{}'", path("copy.db").display());
    program.by_hand(&copy);
    std::fs::rename(path("rolecall.db"), path("elsewhere.db")).unwrap();
    assert_away(&server, &[&kim]);
    assert!(!path("rolecall.db").exists(), "no empty one takes its place");
    // Its log belongs to it.
    std::fs::rename(path("elsewhere.db"), path("rolecall.db")).unwrap();
    assert_eq!(first_answer(&server, &kim), 200);
    assert!(eventually(SOON, || try_login(&server, "kim").status == 303));
    warm(&server, &kim);
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(path(&format!("rolecall.db{end}")));
    }
    std::fs::rename(path("copy.db"), path("rolecall.db")).unwrap();
    assert!(eventually(SOON, || try_login(&server, "kim").status == 303));
    program.ok(&["revoke", "kim", "user"]);
    assert!(eventually(SOON, || server.get(CHECK, &kim).status == 403), "by the command beside");
}
