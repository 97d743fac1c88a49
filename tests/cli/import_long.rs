//! Files of several batches: each is one transaction with one record, whatever ends the import
//! between two of them, and the same command goes on from there.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    import::{import, told},
    program::{Program, eventually, on_both},
    support::{
        Engine,
        hashes::{PASSWORD, made},
    },
};

const SOON: Duration = Duration::from_secs(120);
/// As `docs/limits.md` has it.
pub const BATCH: usize = 10_000;

pub fn many(users: usize) -> String {
    let hash = made("bcrypt", PASSWORD);
    let line = |n: usize| format!("kim{n},kim{n}@example.org,{hash},user\n");
    "username,email,password_hash,roles\n".to_owned() + &(0..users).map(line).collect::<String>()
}

pub fn count(program: &Program) -> i64 {
    program.number("select count(*) from users")
}

/// All there is of the users but ids and times.
pub fn users(program: &Program) -> Vec<Value> {
    let mut users = program.json(&["user", "list"]);
    let users = users.as_array_mut().unwrap();
    for user in users.iter_mut() {
        let user = user.as_object_mut().unwrap();
        user.remove("id");
        user.remove("created_at");
    }
    std::mem::take(users)
}

fn begin(program: &Program, text: &str) -> Child {
    std::fs::write(program.path("users.csv"), text).unwrap();
    program.ok(&["migrate"]);
    start(program, "users.csv", program.url())
}

/// Imports a file that is there, by a URL of its own.
pub fn start(program: &Program, file: &str, url: &str) -> Child {
    let mut command = program.command();
    command.args(["import", file, "--format", "csv"]).env("ROLECALL_DATABASE_URL", url);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the first batch is in, and not the last.
pub fn wait_for_first(program: &Program, all: usize) {
    assert!(eventually(SOON, || count(program) > 0), "it never begins");
    assert!(count(program) < all as i64, "it is over already");
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn each_batch_has_one_record_whose_digest_is_that_of_its_lines() {
    on_both(|program| {
        // What one batch took is known to the next ones.
        let text = many(2 * BATCH).replacen("kim3,", "paypal,", 1);
        let same = text.lines().nth(5).unwrap();
        let repeated = "kim0,,,\nlee,KIM7@example.org,,\nｋｉｍ８,,,\nраураӏ,,,\n";
        let text = format!("{text}{repeated}{same}\n");
        let (plan_code, mut plan) = told(&program, "users.csv", &text, &["--plan"]);
        assert_eq!(count(&program), 0);
        let (code, mut done) = told(&program, "users.csv", &text, &[]);
        assert_eq!((plan_code, code), (1, 1));
        assert_eq!((plan["plan"].take(), done["plan"].take()), (json!(true), json!(false)));
        assert_eq!(plan, done);
        let lines = done["refused"].as_array().unwrap().iter();
        let lines: Vec<u64> = lines.map(|line| line["line"].as_u64().unwrap()).collect();
        let first = 2 + 2 * BATCH as u64;
        assert_eq!(lines, (first..first + 5).collect::<Vec<_>>(), "{:#}", done["refused"]);
        // Another run refuses the same lines for the same reasons.
        let again = told(&program, "users.csv", &text, &[]).1;
        assert_eq!((&again["already_there"], &again["made"]), (&done["made"], &json!(0)));
        assert_eq!(again["refused"], done["refused"]);

        let records = program.json(&["audit", "list"]);
        let records = records.as_array().unwrap().iter().rev();
        let of_import = records.filter(|record| record["action"] == "users.import");
        let details: Vec<_> = of_import.map(|record| &record["detail"]).collect();
        let spans: Vec<_> = details.iter().map(|detail| detail["lines"].clone()).collect();
        // Of the third batch nobody is made, and nothing recorded.
        let end = |batch: usize| batch * BATCH + 1;
        assert_eq!(spans, [json!([2, end(1)]), json!([end(1) + 1, end(2)])]);
        let users = program.json(&["user", "list"]);
        let ids = users.as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap());
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        let lines = ids.iter().take(BATCH).zip(2..);
        let text: String = lines.map(|(id, line)| format!("{line} made {id}\n")).collect();
        let digest: String =
            Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(details[0]["digest"], digest);
        program.ok(&["audit", "verify"]);
    });
}

/// The rest is made, and then all is as if nothing had cut it off.
pub fn assert_ends_as_one_run(program: &Program, text: &str) {
    let (there, all) = (count(program), text.lines().count() as i64 - 1);
    let (code, told_again) = told(program, "users.csv", text, &[]);
    assert_eq!((code, &told_again["already_there"]), (0, &json!(there)), "{told_again:#}");
    assert_eq!(told_again["made"], all - there);
    program.ok(&["audit", "verify"]);
    let whole = Program::new(program.engine());
    assert_eq!(import(&whole, "users.csv", text, &[]).code, 0);
    assert_eq!(users(program), users(&whole));
    let tally = "select n from tallies where name = 'users.active'";
    assert_eq!(program.number(tally), all);
}

#[test]
fn an_import_that_is_killed_goes_on_to_the_same_end() {
    on_both(|program| {
        let all = 4 * BATCH;
        let text = many(all);
        let mut killed = begin(&program, &text);
        wait_for_first(&program, all);
        killed.kill().unwrap();
        assert_eq!(killed.wait().unwrap().code(), None, "killed before it was done");
        // Postgres may still be at what it was asked for last.
        program.execute("update turns set taken = taken where name = 'admins'");
        let there = count(&program);
        assert_eq!(there % BATCH as i64, 0, "half a batch");
        assert_ends_as_one_run(&program, &text);
    });
}

#[test]
fn who_stops_it_is_told_what_is_in_and_goes_on_to_the_same_end() {
    on_both(|program| {
        let all = 4 * BATCH;
        let text = many(all);
        let stopped = begin(&program, &text);
        wait_for_first(&program, all);
        signal(&stopped, "-INT");
        let output = stopped.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), err.lines().count()), (Some(1), 1), "{err}");
        let there = count(&program);
        assert_eq!(there % BATCH as i64, 0, "half a batch");
        let through = format!("interrupted; the lines up to {} are in", there + 1);
        assert!(err.contains(&through) && err.contains("goes on from there"), "{err}");
        assert_ends_as_one_run(&program, &text);
    });
}

#[test]
fn an_import_that_waits_for_its_input_can_be_stopped() {
    let program = Program::new(Engine::Sqlite);
    program.ok(&["migrate"]);
    let mut command = program.command();
    command.args(["import", "-", "--format", "csv"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // It reads once the thread that does has begun, and listens for signals by then.
    let reads = || {
        let threads = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
        let mut names = threads.map(|thread| {
            std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default()
        });
        names.any(|name| name.trim() == "import")
    };
    assert!(eventually(SOON, reads), "it never begins");
    let has_ended = || {
        signal(&child, "-INT");
        std::fs::read_to_string(format!("/proc/{}/stat", child.id()))
            .is_ok_and(|stat| stat.contains(") Z "))
    };
    assert!(eventually(SOON, has_ended), "it waits for ever");
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("interrupted; nothing is in"), "{err}");
}

/// No file may grow beyond what the first batches need.
#[test]
fn a_full_disk_leaves_whole_batches_and_says_so() {
    let measured = Program::new(Engine::Sqlite);
    let server = measured.serve(&[]);
    assert_eq!(import(&measured, "users.csv", many(BATCH), &[]).code, 0);
    let size = |name: &str| measured.path(name).metadata().map_or(0, |file| file.len());
    let blocks = size("rolecall.db").max(size("rolecall.db-wal")) * 3 / 2 / 512;
    server.kill();

    let program = Program::new(Engine::Sqlite);
    let all = 6 * BATCH;
    std::fs::write(program.path("users.csv"), many(all)).unwrap();
    program.ok(&["migrate"]);
    let mut full = program.shell(&[], &format!("trap '' XFSZ; ulimit -f {blocks}"));
    let output = full.args(["import", "users.csv", "--format", "csv"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    let there = count(&program);
    assert!(there > 0 && there < all as i64 && there % BATCH as i64 == 0, "{there}: {err}");
    let line = err.lines().last().unwrap();
    assert!(line.starts_with("rolecall: users.csv: the database failed: "), "{err}");
    assert!(line.contains("its disk"), "no word of what to do: {err}");
    assert!(line.contains(&format!("the lines up to {} are in", there + 1)), "{err}");
    let (code, told) = told(&program, "users.csv", many(all), &[]);
    assert_eq!((code, &told["already_there"]), (0, &json!(there)));
    program.ok(&["audit", "verify"]);
}
