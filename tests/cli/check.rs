//! `check` names each weak spot with what to do, and changes nothing.

use std::{
    net::TcpListener,
    os::unix::fs::FileExt,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    program::{Program, files, on_both},
    support::Engine,
};

/// What a check says, and how it ended.
pub struct Checked {
    code: i32,
    pub lines: Vec<Value>,
}

impl Checked {
    pub fn of(mut command: Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(told, "", "{}", String::from_utf8_lossy(&output.stdout));
        let lines = serde_json::from_slice(&output.stdout).unwrap();
        Self { code: output.status.code().unwrap(), lines }
    }

    /// What it found wrong: level, topic and text. A server of tests is not kept from crashes.
    pub fn findings(&self) -> Vec<String> {
        let text = |line: &Value| {
            let part = |name: &str| line[name].as_str().unwrap().to_owned();
            format!("{} {}: {}", part("level"), part("topic"), part("found"))
        };
        let is_of_tests = |text: &String| {
            ["fsync is off", "full_page_writes is off", "synchronous_commit is off"]
                .iter()
                .any(|known| text.contains(known))
        };
        let found = self.lines.iter().filter(|line| line["level"] != "ok");
        for line in found.clone() {
            assert!(!line["advice"].as_str().unwrap().is_empty(), "{line}");
        }
        found.map(text).filter(|text| !is_of_tests(text)).collect()
    }

    /// It finds exactly these, each given by a part of it.
    pub fn finds(&self, expected: &[&str]) {
        let found = self.findings();
        let fits = |(found, part): (&String, &&str)| found.contains(part);
        let all = found.len() == expected.len() && found.iter().zip(expected).all(fits);
        assert!(all, "expected {expected:#?}\nfound {found:#?}");
        let is_well = self.lines.iter().all(|line| line["level"] == "ok");
        assert_eq!(self.code, i32::from(!is_well));
    }
}

/// Settings without a finding.
pub fn command(program: &Program) -> Command {
    with_good_settings(program.command())
}

pub fn with_good_settings(mut command: Command) -> Command {
    command
        .env_remove("ROLECALL_ARGON2")
        .env("ROLECALL_LISTEN", "127.0.0.1:0")
        .env("ROLECALL_PUBLIC_URL", "https://login.example.com")
        .env("ROLECALL_TRUSTED_PROXIES", "127.0.0.1")
        .args(["check", "--json"]);
    command
}

pub fn check(program: &Program) -> Checked {
    Checked::of(command(program))
}

pub fn check_with(program: &Program, arguments: &[&str]) -> Checked {
    let mut command = command(program);
    command.args(arguments);
    Checked::of(command)
}

pub fn with_two_admins(program: &Program) {
    program.add_user("ada", &["admin"]);
    program.add_user("ben", &["admin"]);
}

#[test]
fn where_all_is_well_it_says_so_and_changes_nothing() {
    on_both(|program| {
        with_two_admins(&program);
        let dump = program.dump();
        let checked = check(&program);
        checked.finds(&[]);
        let topics: Vec<_> =
            checked.lines.iter().map(|line| line["topic"].as_str().unwrap()).collect();
        for topic in ["settings", "listen", "database", "clock", "schema", "admins", "key file"] {
            assert!(topics.contains(&topic), "{topic} is not in {topics:?}");
        }
        assert_eq!(program.dump(), dump);
        let mut command = command(&program);
        command.args(["--throttle", "off"]);
        let words: Vec<_> = command.get_args().filter(|word| *word != "--json").collect();
        let text =
            program.run(&words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>());
        let line = text.out.lines().find(|line| line.contains("throttle:")).unwrap();
        assert!(
            line.starts_with("FAIL  throttle: it is off") && line.contains("  — take"),
            "{line}"
        );
        assert!(text.out.lines().any(|line| line.starts_with("ok    clock: ")), "{}", text.out);
        assert_eq!((text.code, text.err.as_str()), (1, ""));
    });
}

#[test]
fn weak_settings_are_named() {
    let program = Program::new(Engine::Sqlite);
    with_two_admins(&program);
    for (arguments, expected) in [
        (
            ["--public-url", "http://login.example.com"],
            "fail public_url: http://login.example.com is not https",
        ),
        (["--trusted-proxies", "0.0.0.0/0"], "fail trusted_proxies: 0.0.0.0/0 is everybody"),
        (["--trusted-proxies", "::/0"], "fail trusted_proxies: ::/0 is everybody"),
        (["--trusted-proxies", "8.0.0.0/8"], "warn trusted_proxies: 8.0.0.0/8"),
        (["--throttle", "off"], "fail throttle"),
        (["--argon2", "m=64,t=1,p=1"], "warn argon2"),
        (["--password-min-length", "8"], "warn password_min_length: 8 characters"),
        (["--cookie-domain", "example.org"], "fail settings: cookie_domain example.org"),
    ] {
        check_with(&program, &arguments).finds(&[expected]);
    }
    let mut without = command(&program);
    without.env_remove("ROLECALL_TRUSTED_PROXIES");
    Checked::of(without).finds(&["warn trusted_proxies: none"]);
    let mut without = command(&program);
    without.env_remove("ROLECALL_PUBLIC_URL");
    Checked::of(without).finds(&["warn public_url: it is not set"]);
    let mut misspelt = command(&program);
    misspelt.env("ROLECALL_TROTTLE", "off");
    Checked::of(misspelt).finds(&["warn settings: ROLECALL_TROTTLE is no setting"]);
}

#[test]
fn a_key_file_that_does_not_fit_is_named_and_none_is_made() {
    on_both(|program| {
        with_two_admins(&program);
        let (key_file, away) = (program.key_file(), program.path("away"));
        std::fs::rename(&key_file, &away).unwrap();
        check(&program).finds(&["fail key file: cannot read"]);
        assert!(!key_file.exists());
        let other = Program::new(Engine::Sqlite);
        other.ok(&["migrate"]);
        std::fs::copy(other.key_file(), &key_file).unwrap();
        check(&program).finds(&[" lacks "]);
        std::fs::write(&key_file, "nonsense\n").unwrap();
        check(&program).finds(&["is damaged in line 1"]);
        std::fs::rename(&away, &key_file).unwrap();
        check(&program).finds(&[]);
    });
}

#[test]
fn a_database_that_is_not_ready_is_named_and_left_as_it_is() {
    on_both(|program| {
        let no_file = program.engine() == Engine::Sqlite;
        match no_file {
            true => check(&program).finds(&["warn database: there is no file"]),
            false => check(&program).finds(&["warn schema: the database is empty"]),
        }
        assert_eq!(files(&program.path("")), Vec::<String>::new());
        with_two_admins(&program);
        program.execute("create table others (id bigint)");
        check(&program).finds(&["warn schema: tables that are not rolecall's: others"]);
        program.execute("drop table others; delete from _sqlx_migrations where version > 9");
        check(&program).finds(&["warn schema: 1 migration to be applied: 0010_role_limits_expand"]);
        program.execute(
            "update _sqlx_migrations set description = 'x', version = 90 where version = 9",
        );
        let before = program.dump();
        check(&program).finds(&["fail schema: the database has migration 0090_x"]);
        assert_eq!(program.dump(), before);
        let foreign = Program::new(program.engine());
        foreign.execute("create table others (id bigint)");
        let found = check(&foreign).findings();
        let last = found.last().unwrap();
        assert!(
            last.contains("fail schema: the database holds tables of another program"),
            "{last}"
        );
    });
}

#[test]
fn a_damaged_file_and_rows_written_by_hand_are_named() {
    let program = Program::new(Engine::Sqlite);
    with_two_admins(&program);
    program.execute(
        "pragma foreign_keys = off; insert into grants select id, 'none', created_at, 'system', null, '', null, false
         from users limit 1; pragma foreign_keys = on",
    );
    check(&program).finds(&["fail database: rows of grants refer"]);
    program.execute("pragma wal_checkpoint(truncate)");
    let file = program.path("rolecall.db");
    let bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(3).rposition(|bytes| bytes == b"ben").unwrap() as u64 / 4096 * 4096;
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&[0xff; 64], at).unwrap();
    let found = check(&program).findings();
    assert!(found[0].contains("fail database: "), "{found:#?}");
    std::fs::write(program.path("rolecall.db"), "no database, but long enough to be one").unwrap();
    let found = check(&program).findings();
    assert!(found.iter().any(|line| line.contains("fail database: ")), "{found:#?}");
}

#[test]
fn a_clock_behind_the_newest_record_is_named() {
    on_both(|program| {
        with_two_admins(&program);
        program
            .execute("update audit set at = '9000-01-01T00:00:00Z' where action = 'grant.create'");
        check(&program).finds(&["behind the newest audit record"]);
    });
}

#[test]
fn who_is_admin_and_cannot_sign_in_or_is_the_only_one_is_named() {
    on_both(|program| {
        program.ok(&["migrate"]);
        check(&program).finds(&["warn admins: nobody"]);
        program.add_user("ada", &["admin"]);
        check(&program).finds(&["warn admins: there is one"]);
        program.ok(&["user", "add", "ben", "--role", "admin", "--invite"]);
        check(&program)
            .finds(&["warn admins: there is one", "warn admins: without a password: ben"]);
        program.add_user("cy", &["admin"]);
        program.ok(&["user", "disable", "ben"]);
        check(&program).finds(&[]);
    });
}

#[test]
fn a_place_to_listen_is_free_or_ours_or_taken() {
    on_both(|program| {
        with_two_admins(&program);
        let server = program.serve(&[]);
        let address = format!("127.0.0.1:{}", server.port);
        let checked = check_with(&program, &["--listen", &address]);
        checked.finds(&[]);
        let is_told = |line: &Value| line["found"].as_str().unwrap().contains("a server is at");
        assert!(checked.lines.iter().any(is_told));
        server.stop();
        check_with(&program, &["--listen", &address]).finds(&[]);
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = stranger.local_addr().unwrap().to_string();
        check_with(&program, &["--listen", &address]).finds(&["fail listen: something else"]);
        check_with(&program, &["--listen", "192.0.2.1:80"]).finds(&["fail listen: 192.0.2.1:80"]);

        check_with(&program, &["--listen", "unix:rolecall.sock"]).finds(&[]);
        assert!(!program.path("rolecall.sock").exists(), "nothing is made");
        check_with(&program, &["--listen", "unix:none/rolecall.sock"])
            .finds(&["fail listen: the folder"]);
        check_with(&program, &["--listen", "unix:test.key"])
            .finds(&["fail listen: test.key is no socket"]);
        let left = std::os::unix::net::UnixListener::bind(program.path("left.sock")).unwrap();
        drop(left);
        check_with(&program, &["--listen", "unix:left.sock"]).finds(&[]);
    });
}

/// What a crash leaves is read as it is.
#[test]
fn after_a_kill_it_leaves_the_log_for_the_next_start() {
    let program = Program::new(Engine::Sqlite);
    with_two_admins(&program);
    let server = program.serve(&[]);
    server.login("ada");
    server.kill();
    let log = std::fs::read(program.path("rolecall.db-wal")).unwrap();
    assert!(!log.is_empty());
    check(&program).finds(&[]);
    assert_eq!(std::fs::read(program.path("rolecall.db-wal")).unwrap(), log);
}
