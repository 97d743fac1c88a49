//! Databases, settings and surroundings that are not as they should be: one clear line, exit 1,
//! nothing changed.

use crate::{
    program::{Program, files, on_both},
    support::Engine,
};

fn with_url(program: &Program, url: &str, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["--database-url", url].iter().chain(arguments).copied().collect();
    program.refused(&arguments)
}

#[test]
fn a_database_of_another_program_is_refused_untouched() {
    let program = Program::new(Engine::Sqlite);
    let path = program.path("other.db");
    let made = std::process::Command::new("sqlite3")
        .arg(&path)
        .arg("create table customers (id integer); insert into customers values (1)")
        .status();
    assert!(made.expect("sqlite3 is installed").success());
    let before = std::fs::read(&path).unwrap();
    let url = format!("sqlite://{}", path.display());
    for arguments in [&["user", "list"][..], &["migrate"], &["migrate", "--check"], &["serve"]] {
        let line = with_url(&program, &url, arguments);
        assert!(line.contains("customers"), "{line}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(files(&program.path("")), ["other.db"]);
}

#[test]
fn what_is_no_database_is_told_so() {
    let program = Program::new(Engine::Sqlite);
    let path = program.path("notes.txt");
    std::fs::write(&path, "just some notes, long enough to be looked at ".repeat(100)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let line = with_url(&program, &format!("sqlite://{}", path.display()), &["user", "list"]);
    assert!(line.contains("not a SQLite database"), "{line}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let line = with_url(&program, "sqlite:///no/such/folder/x.db", &["user", "list"]);
    assert!(line.contains("no such folder"), "{line}");
    for (url, hint) in [
        ("mysql://localhost/x", "sqlite:"),
        ("sqlite::memory:", "name a file"),
        ("postgres://127.0.0.1:1/x", "127.0.0.1:1"),
        ("postgres://user:canary-secret@127.0.0.1:1/x", "127.0.0.1:1"),
    ] {
        let line = with_url(&program, url, &["user", "list"]);
        assert!(line.contains(hint) && !line.contains("canary"), "{line}");
    }
}

#[test]
fn a_read_only_database_changes_nothing_and_says_so() {
    let program = Program::new(Engine::Sqlite);
    program.add_user("kim", &[]);
    let url = format!("{}?mode=ro", program.url());
    let line = with_url(&program, &url, &["user", "disable", "kim"]);
    assert!(line.contains("readonly") || line.contains("read-only"), "{line}");
    assert_eq!(program.json(&["user", "show", "kim"])["status"], "active");
}

#[test]
fn a_changed_or_newer_schema_is_refused_by_name() {
    on_both(|program| {
        program.ok(&["migrate"]);
        let newer = "insert into _sqlx_migrations (version, description, success, checksum, \
                     execution_time) values (9001, 'later expand', true, 'x', 0)";
        program.execute(newer);
        program.ok(&["user", "list"]);
        assert_eq!(program.run(&["migrate", "--check"]).code, 0);
        program.execute(
            "update _sqlx_migrations set description = 'later contract' where version = 9001",
        );
        for arguments in [&["user", "list"][..], &["migrate"], &["serve", "--no-migrate"]] {
            assert!(program.refused(arguments).contains("9001_later_contract"));
        }
        program.execute("delete from _sqlx_migrations where version = 9001");
        program.execute("update _sqlx_migrations set checksum = 'x' where version = 1");
        for arguments in
            [&["user", "list"][..], &["migrate", "--check"], &["serve", "--no-migrate"]]
        {
            assert!(program.refused(arguments).contains("0001_schema"));
        }
    });
}

#[test]
fn no_migrate_refuses_an_empty_database_and_leaves_it_empty() {
    on_both(|program| {
        assert!(program.refused(&["serve", "--no-migrate"]).contains("0001_schema"));
        assert_eq!(program.run(&["migrate", "--check"]).code, 3);
    });
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    on_both(|program| {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let answer = program.run(&["serve", "--listen", &address]);
        assert_eq!(answer.code, 1);
        let last = answer.err.lines().last().unwrap();
        assert!(last.contains(&address) && last.contains("--listen"), "{last}");
    });
}

#[test]
fn settings_that_do_not_exist_or_do_not_fit_are_refused() {
    let program = Program::new(Engine::Sqlite);
    let file = program.path("rolecall.toml");
    for (text, hint) in [
        ("lisen = \"127.0.0.1:1\"", "lisen"),
        ("idle_timeout = \"soon\"", "soon"),
        ("password_min_length = 4", "from 8"),
        ("listen = \"0.0.0.0:1\"", "public_url"),
        ("public_url = \"https://a.example/a%20b\"", "scheme and host"),
        ("public_url = \"https://a.example/?a\"", "scheme and host"),
        ("public_url = \"https://a.example/auth/check\"", "programs"),
        ("app_name = \"\"", "1 to 40"),
        ("app_name = \"\"\"\ntwo\nlines\"\"\"", "1 to 40"),
        ("cookie_domain = \"example.com\"", "public_url"),
        (
            "public_url = \"https://login.co.uk\"\ncookie_domain = \"co.uk\"",
            "co.uk is a public suffix",
        ),
        (
            "public_url = \"https://kim.github.io\"\ncookie_domain = \"GitHub.io\"",
            "github.io is a public suffix",
        ),
        ("public_url = \"https://a.b.ck\"\ncookie_domain = \"b.ck\"", "b.ck is a public suffix"),
        ("public_url = \"https://10.0.0.1\"\ncookie_domain = \"10.0.0.1\"", "no domain"),
        ("public_url = \"https://10.0.0.1\"\ncookie_domain = \"0.0.1\"", "no domain"),
        ("allowed_return_origins = [\"https://kim@app.example.com\"]", "no https origin"),
        ("allowed_return_origins = [\"http://app.example.com\"]", "no https origin"),
        ("allowed_return_origins = [\"https://app.example.com/x\"]", "no https origin"),
        ("allowed_return_origins = [\"https://1.2.3.256\"]", "no https origin"),
        ("trusted_proxies = [\"everybody\"]", "everybody"),
        ("hash_slots = 0", "hash_slots"),
        ("listen = ", "rolecall.toml"),
    ] {
        std::fs::write(&file, text).unwrap();
        let line = program.refused(&["--config", "rolecall.toml", "user", "list"]);
        assert!(line.contains(hint), "{text}: {line}");
    }
    assert!(
        program.refused(&["--config", "missing.toml", "user", "list"]).contains("missing.toml")
    );
    let mut command = program.command();
    let answer =
        command.env("ROLECALL_IDLE_TIMEOUT", "soon").args(["user", "list"]).output().unwrap();
    assert_eq!(answer.status.code(), Some(1));
    assert!(String::from_utf8(answer.stderr).unwrap().contains("soon"));
}

#[test]
fn names_that_nobody_can_have_are_refused() {
    on_both(|program| {
        for name in ["", "a b", "a@b", "a\u{202e}b", "\u{7f}", &"x".repeat(65)] {
            program.refused(&["user", "add", name, "--generate-password"]);
        }
        program.add_user("kim", &[]);
        for taken in ["KIM", "kim", "ｋｉｍ"] {
            let line = program.refused(&["user", "add", taken, "--generate-password"]);
            assert!(line.contains("taken"), "{line}");
        }
        let email = ["user", "add", "lee", "--email", "lee@example.com", "--generate-password"];
        program.ok(&email);
        let twice = ["user", "add", "max", "--email", "LEE@example.com", "--generate-password"];
        assert!(program.refused(&twice).contains("taken"));
        assert_eq!(program.json(&["user", "list"]).as_array().unwrap().len(), 2);
        for role in ["", "A", ".a", "a b"] {
            program.refused(&["role", "add", role]);
        }
        program.refused(&["grant", "kim", "user", "--until", "2020-01-01T00:00:00Z"]);
    });
}
