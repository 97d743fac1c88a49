//! Behind PgBouncer in transaction mode, which keeps no statement, with fewer connections to
//! Postgres than rolecall has to it.

use std::{process::Command, time::Duration};

use crate::{
    program::{Program, Server, eventually},
    support::Served,
};

/// How long another node may take on a machine with much else to do.
const SOON: Duration = Duration::from_secs(10);
/// Connections of the pooler to Postgres. Each node has up to sixteen to the pooler.
const SHARED: u32 = 3;

/// A database whose role leads to its schema, as no URL can behind a pooler.
struct Pooled {
    server: Served,
    pooler: Served,
    direct: String,
}

impl Pooled {
    fn new() -> Self {
        let server = Served::postgres();
        server.psql(
            "create role people login; create schema rolecall authorization people;
             alter role people set search_path = rolecall",
        );
        let direct = server.url.replace("postgres@", "people@");
        let pooler = Served::pgbouncer(&direct, SHARED);
        Self { server, pooler, direct }
    }

    fn program(&self) -> Program {
        Program::at(&self.pooler.url, &self.direct).with("ROLECALL_POSTGRES_POOLER", "transaction")
    }

    fn migrated(&self) -> Program {
        let program = self.program();
        program.ok(&["--database-url", &self.direct, "migrate"]);
        program
    }
}

#[test]
fn migrations_go_to_postgres_itself_and_all_else_through_the_pooler() {
    let pooled = Pooled::new();
    let program = pooled.program();
    let refused = program.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused.contains("rolecall --database-url postgres://… migrate"), "{refused}");
    for arguments in [&["migrate"][..], &["migrate", "--check"]] {
        assert!(program.refused(arguments).contains("leads to a pooler"), "{arguments:?}");
    }
    let file = format!("sqlite://{}", program.path("copy.db").display());
    for (from, to) in [(&pooled.pooler.url, &file), (&file, &pooled.pooler.url)] {
        if *from == file {
            program.ok(&["--database-url", &file, "migrate"]);
        }
        let refused = program.refused(&["copy", "--from", from, "--to", to]);
        assert!(refused.contains("leads to a pooler"), "{refused}");
    }
    let options = format!("{}?options=-c%20search_path%3Drolecall", pooled.pooler.url);
    let refused = program.refused(&["--database-url", &options, "user", "list"]);
    assert!(refused.contains("alter role"), "{refused}");

    // Of Postgres itself the URL may name the schema.
    let direct = format!("{}?options=-c%20search_path%3Drolecall", pooled.direct);
    assert!(program.ok(&["--database-url", &direct, "migrate"]).contains("applied"));
    assert_eq!(pooled.server.psql("select count(*) from rolecall.users"), "0");
    program.add_user("kim", &["user"]);
    std::fs::write(program.path("users.csv"), "username\nada\nben\n").unwrap();
    program.ok(&["import", "users.csv", "--format", "csv", "--plan"]);
    program.ok(&["import", "users.csv", "--format", "csv"]);
    let seed = program.ok(&["seed", "--export"]);
    std::fs::write(program.path("seed.toml"), seed).unwrap();
    program.ok(&["seed", "seed.toml", "--plan", "--exit-code"]);
    assert_eq!(program.json(&["user", "list"]).as_array().unwrap().len(), 3);
    program.ok(&["audit", "verify"]);
}

#[test]
fn check_says_when_the_setting_and_what_is_there_differ() {
    let pooled = Pooled::new();
    let program = pooled.migrated();
    let check = |url: &str, set: &str| {
        let mut command: Command = program.command();
        command.env("ROLECALL_POSTGRES_POOLER", set).args(["--database-url", url, "check"]);
        let answer = command.env("ROLECALL_PUBLIC_URL", "http://127.0.0.1:8000").output().unwrap();
        let out = String::from_utf8(answer.stdout).unwrap();
        out.lines().filter(|line| line.contains("postgres_pooler:")).collect::<String>()
    };
    let line = check(&pooled.pooler.url, "transaction");
    assert!(line.starts_with("ok    postgres_pooler: there is one"), "{line}");
    let line = check(&pooled.pooler.url, "off");
    assert!(line.starts_with("FAIL  postgres_pooler: there is a pooler"), "{line}");
    let line = check(&pooled.direct, "transaction");
    assert!(line.starts_with("warn  postgres_pooler: "), "{line}");
    assert_eq!(check(&pooled.direct, "off"), "");
}

/// What somebody does who signs in, at each node in turn.
fn visit(nodes: &[Server; 2], name: &str) {
    for round in 0..6 {
        let (here, there) = (&nodes[round % 2], &nodes[1 - round % 2]);
        let cookie = here.login(name);
        for _ in 0..10 {
            assert_eq!([here.check("user", &cookie), there.check("user", &cookie)], [200, 200]);
            assert_eq!(there.get("/account", &cookie).status, 200);
            assert_eq!(here.check("admin", &cookie), 403);
        }
        let wrong = here.post("/login", "", &[("username", name), ("password", "wrong")]);
        assert!([401, 429].contains(&wrong.status), "{}", wrong.status);
        let token = there.form_token(&cookie);
        assert_eq!(there.post("/logout", &cookie, &[("form_token", &token)]).status, 303);
        assert_eq!(there.check("user", &cookie), 401);
        assert!(eventually(SOON, || here.check("user", &cookie) == 401), "never signed out");
    }
}

#[test]
fn many_people_at_two_nodes_share_few_connections_and_none_is_sent_away() {
    let pooled = Pooled::new();
    let program = pooled.migrated().with("ROLECALL_THROTTLE", "off");
    program.add_user("ada", &["admin"]);
    let named = |name: &str, count| (0..count).map(|n| format!("{name}{n}")).collect::<Vec<_>>();
    let (visitors, managed) = (named("kim", 8), named("ben", 4));
    for name in visitors.iter().chain(&managed) {
        program.add_user(name, &["user"]);
    }
    let nodes = [program.serve(&[]), program.serve(&[])];
    let ada = nodes[0].login("ada");
    std::thread::scope(|threads| {
        for name in &visitors {
            threads.spawn(|| visit(&nodes, name));
        }
        threads.spawn(|| {
            for name in &managed {
                grant_and_revoke(&nodes, &program, &ada, name);
            }
        });
    });
    let shared =
        pooled.server.psql("select count(*) from pg_stat_activity where usename = 'people'");
    assert!((1..=SHARED).contains(&shared.parse::<u32>().unwrap()), "{shared} connections");
    program.ok(&["audit", "verify"]);
    for node in nodes {
        let log = node.stop();
        let is_bad =
            |line: &&str| line.contains("\"ERROR\"") || line.contains("prepared statement");
        assert_eq!(log.lines().filter(is_bad).collect::<Vec<_>>(), [""; 0]);
        // Of settings, and of wrong passwords.
        let warnings = log.lines().filter(|line| line.contains("\"WARN\""));
        let known = ["argon2", "throttle", "refused"];
        let others = warnings.filter(|line| !known.iter().any(|word| line.contains(word)));
        assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
    }
}

/// By the pages of one node, seen at both.
fn grant_and_revoke(nodes: &[Server; 2], program: &Program, admin: &str, name: &str) {
    let cookie = nodes[1].login(name);
    let id = program.json(&["user", "show", name])["id"].as_str().unwrap().to_owned();
    let token = nodes[0].form_token(admin);
    let page = format!("/admin/users/{id}");
    for (what, expected) in [("grant", 200), ("revoke", 403)] {
        let fields = [("role", "auditor"), ("form_token", token.as_str())];
        let answer = nodes[0].post(&format!("{page}/{what}"), admin, &fields);
        assert_eq!(answer.status, 303, "{what}: {}", answer.body);
        // With what was done, which the session's data tells once.
        let shown = nodes[0].get(answer.header("location").unwrap(), admin);
        assert!(shown.body.contains("<p class=\"notice\">"), "{}", shown.body);
        for node in nodes {
            assert!(eventually(SOON, || node.check("auditor", &cookie) == expected), "{what}");
        }
    }
    program.ok(&["session", "end", "--user", name]);
    for node in nodes {
        assert!(eventually(SOON, || node.check("user", &cookie) == 401), "never ended");
    }
}
