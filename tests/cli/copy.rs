//! Everything moves into a database of the other engine, and people stay signed in.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    program::{Answer, Program, eventually, files, on_both},
    support::{Engine, Wire, wire::CUT},
};

const SOON: Duration = Duration::from_secs(60);

pub fn other(program: &Program) -> Program {
    Program::new(match program.engine() {
        Engine::Sqlite => Engine::Postgres,
        Engine::Postgres => Engine::Sqlite,
    })
}

pub fn copy<'a>(from: &'a Program, to: &'a str) -> [&'a str; 5] {
    ["copy", "--from", from.url(), "--to", to]
}

fn tables(answer: &Value) -> &Vec<Value> {
    answer["tables"].as_array().unwrap()
}

/// What is copied: all but what sqlx and the nodes keep for themselves.
fn content(program: &Program) -> Vec<String> {
    let dump = program.dump();
    let is_left_out =
        |line: &&str| line.starts_with("_sqlx_migrations:") || line.starts_with("leases:");
    let mut lines: Vec<_> =
        dump.lines().filter(|line| !is_left_out(line)).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// One of everything, and values that are easily spoilt.
fn fill(program: &Program) {
    program.add_user("ada", &["admin"]);
    program.add_user("kim", &["user"]);
    let odd = "O'Brien \\ \"x\" 🎉 مدير, {NULL}";
    program.ok(&["user", "add", "ben", "--display-name", odd, "--email", "b@x.org", "--invite"]);
    program.ok(&["role", "add", "editor", "--description", odd]);
    program.ok(&["role", "add", "lead"]);
    program.ok(&["role", "allow", "editor", "reports:write"]);
    program.ok(&["role", "include", "lead", "editor"]);
    program.ok(&["role", "limit", "editor", "--idle", "2h"]);
    program.ok(&["grant", "kim", "lead", "--for", "2h", "--reason", odd]);
    program.execute(&format!(
        "insert into throttles (kind, key, failures, since, free_at)
         values ('device', '{}', {}, {}, -1), ('device', '', 0, 0, 0)",
        odd.replace('\'', "''"),
        i64::MAX,
        i64::MIN
    ));
    let bytes = bytes(program);
    program.execute(&format!(
        "insert into name_looks (look, user_id) select {bytes}, id from users where username = 'ada'"
    ));
}

fn bytes(program: &Program) -> &'static str {
    match program.engine() {
        Engine::Sqlite => "x'0000ff5c27'",
        Engine::Postgres => r"'\x0000ff5c27'",
    }
}

#[test]
fn everything_arrives_on_the_other_engine_and_people_stay_signed_in() {
    on_both(|source| {
        fill(&source);
        let mut server = source.serve(&[]);
        server.wait_for("audit checkpoint");
        let (ada, kim) = (server.login("ada"), server.login("kim"));
        let token = server.form_token(&ada);
        assert_eq!(
            server.post("/login", "", &[("username", "ada"), ("password", "no")]).status,
            401
        );
        server.stop();
        // What an embedding application keeps in a session.
        source.execute(&format!(
            "insert into session_data (id, data, expiry_date)
             select digest, {}, '9999-01-01T00:00:00Z' from sessions
             where user_id = (select id from users where username = 'kim')",
            bytes(&source)
        ));
        let kept = source.path("kept.txt");
        std::fs::write(&kept, source.ok(&["audit", "verify"])).unwrap();

        let (there, back) = (other(&source), Program::new(source.engine()));
        let before = content(&source);
        let first = source.json(&copy(&source, there.url()));
        let second = source.json(&copy(&there, back.url()));
        assert_eq!(tables(&first), tables(&second), "the digests do not depend on the engine");
        assert_eq!(content(&source), before, "the source is only read");
        assert_eq!(content(&back), before, "nothing is lost on either way");
        for table in tables(&first) {
            let name = table["table"].as_str().unwrap();
            let rows = there.number(&format!("select count(*) from {name}"));
            assert_eq!(table["rows"], rows, "{name}");
            let is_filled = !["audit_unsealed"].contains(&name);
            assert_eq!(rows > 0, is_filled, "{name} is not put to the test");
        }

        std::fs::copy(source.key_file(), there.key_file()).unwrap();
        there.ok(&["audit", "verify", "--checkpoint", kept.to_str().unwrap()]);
        let server = there.serve(&[]);
        assert_eq!((server.check("admin", &ada), server.check("editor", &kim)), (200, 200));
        assert!(server.get("/account", &kim).body.contains("kim"));
        let fields = [("name", "made-there"), ("description", ""), ("form_token", token.as_str())];
        assert_eq!(server.post("/admin/roles", &ada, &fields).status, 303);
        there.ok(&["revoke", "kim", "lead"]);
        assert!(eventually(SOON, || server.check("editor", &kim) == 403));
        there.by_hand("delete from sessions");
        assert!(eventually(SOON, || server.check("admin", &ada) == 401), "by hand too");
        server.stop();
        there.ok(&["audit", "verify"]);
    });
}

#[test]
fn it_says_table_by_table_what_arrived_and_that_the_key_file_travels_too() {
    on_both(|source| {
        source.add_user("ada", &["admin"]);
        let target = other(&source);
        let out = source.ok(&copy(&source, target.url()));
        let users = out.lines().find(|line| line.starts_with("users ")).unwrap();
        let cells: Vec<_> = users.split_whitespace().collect();
        assert_eq!((cells[1], cells[2].len()), ("1", 64), "{out}");
        let key_file = source.key_file();
        let id =
            source.json(&copy(&source, Program::new(source.engine()).url()))["keys"][0].clone();
        let line = out.lines().find(|line| line.contains("key file")).unwrap();
        for part in [key_file.to_str().unwrap(), id.as_str().unwrap()] {
            assert!(line.contains(part), "{part}: {line}");
        }
        // With the wrong keys nothing starts.
        target.ok(&["completions", "bash"]);
        std::fs::write(target.key_file(), "00000000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
            .unwrap();
        Command::new("chmod").arg("600").arg(target.key_file()).status().unwrap();
        assert!(target.refused(&["user", "list"]).contains(id.as_str().unwrap()));
    });
}

#[test]
fn what_is_no_empty_target_or_no_whole_source_is_refused_untouched() {
    on_both(|source| {
        source.add_user("ada", &["admin"]);
        // Somebody's data, of ours and of another program.
        for fill in ["", "create table others (id bigint); insert into others values (1)"] {
            let target = other(&source);
            match fill {
                "" => target.add_user("kim", &[]),
                sql => target.execute(sql),
            }
            let before = target.dump();
            let line = source.refused(&copy(&source, target.url()));
            let reason = if fill.is_empty() { "is not empty" } else { "another program" };
            assert!(line.contains("target") && line.contains(reason), "{line}");
            assert_eq!(target.dump(), before);
            if !fill.is_empty() {
                let line = target.refused(&copy(&target, Program::new(source.engine()).url()));
                assert!(line.contains("source") && line.contains("another program"), "{line}");
            }
        }
        // A source that is not up to date, or has more than this version knows.
        let target = other(&source);
        let nothing = target.dump();
        source.execute("create table more (id uuid primary key)");
        assert!(source.refused(&copy(&source, target.url())).contains("more for one"));
        source.execute("drop table more; alter table users add column more text");
        assert!(source.refused(&copy(&source, target.url())).contains("users for one"));
        source.execute("delete from _sqlx_migrations where version > 9");
        let line = source.refused(&copy(&source, target.url()));
        assert!(line.contains("source") && line.contains("0010_role_limits_expand"), "{line}");
        assert_eq!(target.dump(), nothing);
    });
}

#[test]
fn a_file_that_is_not_there_is_no_source_and_a_refused_target_is_not_made() {
    let program = Program::new(Engine::Sqlite);
    program.add_user("ada", &["admin"]);
    let line = program.refused(&["copy", "--from", "sqlite://none.db", "--to", "sqlite://new.db"]);
    assert!(line.contains("source") && line.contains("none.db"), "{line}");
    program.execute("alter table users add column more text");
    program.refused(&copy(&program, "sqlite://new.db"));
    let is_ours = |name: &String| !name.starts_with("none") && !name.starts_with("new.db-");
    let found = files(&program.path(""));
    assert!(found.iter().all(is_ours) && !found.contains(&"new.db".to_owned()), "{found:?}");
    for wrong in ["mysql://x", "sqlite://:memory:"] {
        assert!(program.refused(&copy(&program, wrong)).contains("the target"));
    }
}

/// A value that Postgres cannot hold, and one that is no time.
#[test]
fn what_the_target_cannot_hold_or_nobody_can_read_stops_it_with_nothing_there() {
    let source = Program::new(Engine::Sqlite);
    source.add_user("ada", &["admin"]);
    let target = Program::new(Engine::Postgres);
    source.execute("update users set display_name = 'a' || char(0) || 'b'");
    let line = source.refused(&copy(&source, target.url()));
    assert!(line.contains("the target failed") && line.contains("nothing was copied"), "{line}");
    source.execute("update users set display_name = '', created_at = 'yesterday'");
    let line = source.refused(&copy(&source, target.url()));
    assert!(line.contains("users.created_at of the source cannot be read"), "{line}");
    assert_eq!(target.dump(), "");
}

/// A copy that waits in its midst for a row that somebody else has and does not commit.
struct Stuck {
    target: Program,
    before: String,
    holder: Child,
    copying: Child,
}

impl Stuck {
    fn begin(source: &Program, through: impl Fn(&Program) -> String) -> Self {
        let target = Program::new(Engine::Postgres);
        target.ok(&["migrate"]);
        target.execute("delete from keys");
        let before = target.dump();
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", target.url()]);
        let mut holder = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let hold = b"begin; insert into turns values ('held', 0);\nselect 'held';\n";
        holder.stdin.as_mut().unwrap().write_all(hold).unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "held");
        let mut command = source.command();
        command.args(copy(source, &through(&target))).stdout(Stdio::piped()).stderr(Stdio::piped());
        let copying = command.spawn().unwrap();
        let waits = "select count(*) from pg_stat_activity a join pg_locks l on l.pid = a.pid
                     join pg_class c on c.oid = l.relation
                     join pg_namespace n on n.oid = c.relnamespace
                     where a.wait_event_type = 'Lock' and n.nspname = current_schema()
                       and c.relname = 'turns'";
        assert!(eventually(SOON, || target.number(waits) > 0), "it never gets there");
        Self { target, before, holder, copying }
    }

    /// How it ended, once the target is as it was before.
    fn end(mut self) -> (Program, Option<i32>, String) {
        let output = self.copying.wait_with_output().unwrap();
        self.holder.kill().unwrap();
        self.holder.wait().unwrap();
        let is_as_before = || self.target.dump() == self.before;
        assert!(eventually(SOON, is_as_before), "{}", self.target.dump());
        (self.target, output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn a_target_that_dies_or_a_copy_that_is_stopped_leaves_nothing_there() {
    let source = Program::new(Engine::Sqlite);
    source.add_user("ada", &["admin"]);
    source.execute("insert into turns values ('held', 0)");

    let wire = std::cell::OnceCell::<Wire>::new();
    let stuck = Stuck::begin(&source, |target| wire.get_or_init(|| target.wire()).url.clone());
    wire.get().unwrap().set(CUT);
    let (_, code, told) = stuck.end();
    assert_eq!((code, told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.contains("the target failed") && told.contains("nothing was copied"), "{told}");

    let mut stuck = Stuck::begin(&source, |target| target.url().to_owned());
    stuck.copying.kill().unwrap();
    let (target, code, _) = stuck.end();
    assert_eq!(code, None);
    source.ok(&copy(&source, target.url()));

    let stuck = Stuck::begin(&source, |target| target.url().to_owned());
    let id = stuck.copying.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let (_, code, told) = stuck.end();
    assert_eq!((code, told.as_str()), (Some(1), "rolecall: interrupted; nothing was copied\n"));
}

/// So many rows: with enough of them it takes a while.
pub fn fill_long(source: &Program, rows: u32) {
    let numbers = match source.engine() {
        Engine::Sqlite => format!(
            "with recursive numbers (n) as
                 (select 1 union all select n + 1 from numbers where n < {rows})
             select n from numbers"
        ),
        Engine::Postgres => format!("select n from generate_series(1, {rows}) as numbers (n)"),
    };
    source.execute(&format!(
        "insert into throttles (kind, key, failures, since, free_at)
         select 'device', 'a key that is about as long as they are ' || n, 1, n, n from ({numbers}) t"
    ));
}

#[test]
fn a_file_that_was_copied_to_half_is_empty_or_not_there() {
    on_both(|source| {
        source.add_user("ada", &["admin"]);
        fill_long(&source, 200_000);
        let target = Program::new(Engine::Sqlite);
        let grows = || {
            let log = target.path("rolecall.db-wal");
            assert!(eventually(SOON, || log.metadata().is_ok_and(|log| log.len() > 1 << 20)));
        };
        let begin = || {
            let mut command = source.command();
            command.args(copy(&source, target.url()));
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let of_target = |name: &String| name.starts_with("rolecall.db");

        let stopped = begin();
        grows();
        let id = stopped.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(stopped.wait_with_output().unwrap().status.code(), Some(1));
        let left: Vec<_> = files(&target.path("")).into_iter().filter(of_target).collect();
        assert_eq!(left, ["rolecall.db.lock"]);

        let full = source.shell(&[], "trap '' XFSZ; ulimit -f 4000");
        let answer = run(full, &copy(&source, target.url()));
        assert_eq!((answer.code, answer.err.lines().count()), (1, 1), "{}", answer.err);
        assert!(answer.err.contains("the target failed"), "{}", answer.err);
        let left: Vec<_> = files(&target.path("")).into_iter().filter(of_target).collect();
        assert_eq!(left, ["rolecall.db.lock"]);

        let mut killed = begin();
        grows();
        killed.kill().unwrap();
        assert_eq!(killed.wait().unwrap().code(), None, "killed before it was done");
        let tables = "select count(*) from sqlite_master where type = 'table'";
        assert_eq!(target.number(tables), 0);
        source.ok(&copy(&source, target.url()));
        assert_eq!(target.number("select count(*) from throttles"), 200_000);
    });
}

fn run(mut command: Command, arguments: &[&str]) -> Answer {
    let output = command.args(arguments).output().unwrap();
    Answer {
        code: output.status.code().expect("an exit code, not a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
