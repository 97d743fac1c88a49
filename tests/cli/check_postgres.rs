//! `check` names what is wrong with a Postgres server.

use std::{net::TcpListener, process::Command};

use crate::{
    check::{Checked, check, command, with_two_admins},
    program::Program,
    support::{Engine, Served},
};

#[test]
fn a_postgres_that_is_away_or_was_left_without_triggers_is_named() {
    let program = Program::new(Engine::Postgres);
    with_two_admins(&program);
    program.execute("drop trigger raise_revision on grants");
    check(&program).finds(&["warn schema: the triggers are missing"]);
    program.ok(&["migrate"]);
    check(&program).finds(&[]);
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let is_off = program.number(&format!(
            "select count(*) from pg_settings where name = '{setting}' and setting = 'off'"
        ));
        let lines = check(&program).lines;
        let told = lines.iter().filter(|line| line["found"].as_str().unwrap().contains(setting));
        assert_eq!(told.count() as i64, is_off, "{setting}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://postgres@127.0.0.1:{closed}/postgres");
    let mut away = command(&program);
    away.env("ROLECALL_DATABASE_URL", url);
    Checked::of(away).finds(&["fail database: cannot open the database"]);
}

/// Checks a server that says something else of itself: functions of the schema stand before its own.
fn check_with_function(program: &Program, function: &str) -> Checked {
    program.execute(&format!("create or replace function {function}"));
    let schema = program.schema();
    let url = program.url().replace(schema, &format!("{schema},pg_catalog"));
    let mut checking = command(program);
    checking.env("ROLECALL_DATABASE_URL", url);
    Checked::of(checking)
}

#[test]
fn a_server_that_is_too_old_or_has_another_encoding_is_named() {
    let program = Program::new(Engine::Postgres);
    with_two_admins(&program);
    for (settings, expected) in [
        (
            [("server_version_num", "100023"), ("server_version", "10.23")],
            "fail database: Postgres 10.23 lacks",
        ),
        (
            [("server_version_num", "130018"), ("server_version", "13.18")],
            "warn database: Postgres 13.18 gets no fixes",
        ),
        ([("server_encoding", "LATIN1"), ("", "")], "fail database: its texts are in LATIN1"),
    ] {
        let cases = settings.map(|(name, value)| format!("when '{name}' then '{value}'")).join(" ");
        let function = format!(
            "current_setting(text) returns text language sql
             as $$ select case $1 {cases} else pg_catalog.current_setting($1) end $$"
        );
        check_with_function(&program, &function).finds(&[expected]);
    }
}

#[test]
fn a_clock_that_is_apart_from_that_of_the_server_is_named() {
    let program = Program::new(Engine::Postgres);
    with_two_admins(&program);
    for (apart, expected) in [
        ("- interval '1 minute'", Some("warn clock: it is ")),
        ("+ interval '1 minute'", Some("warn clock: it is ")),
        ("- interval '2 seconds'", None),
    ] {
        let function = format!(
            "clock_timestamp() returns timestamptz language sql
             as $$ select pg_catalog.clock_timestamp() {apart} $$"
        );
        let checked = check_with_function(&program, &function);
        checked.finds(expected.as_slice());
        let told = checked.lines.iter().find(|line| line["topic"] == "clock").unwrap();
        if expected.is_some() {
            assert!(told["found"].as_str().unwrap().contains(" s from that of Postgres"), "{told}");
            assert!(told["advice"].as_str().unwrap().contains("NTP"), "{told}");
        }
    }
}

#[test]
fn a_standby_is_named_and_a_change_of_it_says_what_to_do() {
    let primary = Served::postgres();
    let program = Program::at(&primary.url, &primary.url);
    with_two_admins(&program);
    check(&program).finds(&[]);
    let standby = Served::standby_of(&primary.url);
    let at_standby = |mut command: Command| {
        command.env("ROLECALL_DATABASE_URL", &standby.url);
        command
    };
    let checked = Checked::of(at_standby(command(&program)));
    checked.finds(&["fail database: it is a standby"]);
    let is_it = |line: &&serde_json::Value| line["found"].as_str().unwrap().contains("standby");
    let line = checked.lines.iter().find(is_it).unwrap();
    assert!(line["advice"].as_str().unwrap().contains("primary"), "{line}");
    let mut adding = at_standby(program.command());
    let output = adding.args(["user", "add", "cy", "--invite"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.contains("a standby takes no changes; name the primary"), "{told}");
}
