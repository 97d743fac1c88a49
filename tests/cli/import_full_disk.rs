//! The disk of Postgres is full in the middle of an import: whole batches are in, it is said what to
//! do, and the same command goes on when there is room.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    import_long::{BATCH, assert_ends_as_one_run, count, many},
    program::{Answer, Program},
    support::{Engine, Served},
};

fn import(program: &Program, url: &str) -> Answer {
    let mut command = program.command();
    command.args(["import", "users.csv", "--format", "csv"]).env("ROLECALL_DATABASE_URL", url);
    let output = command.stdin(Stdio::null()).output().unwrap();
    Answer {
        code: output.status.code().expect("an exit code, not a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Says which whole batches are in, and what to do.
fn assert_told(program: &Program, answer: &Answer) {
    let there = count(program);
    assert_eq!((answer.code, there % BATCH as i64), (1, 0), "{}", answer.err);
    let line = answer.err.lines().last().unwrap();
    for part in [
        "rolecall: users.csv: the database failed: ",
        "No space left on device (make room on its disk)",
        &format!("the lines up to {} are in", there + 1),
        "the same command goes on from there",
    ] {
        assert!(line.contains(part), "{part}: {}", answer.err);
    }
    program.ok(&["audit", "verify"]);
}

/// The third batch does not fit, says the server.
#[test]
fn without_room_for_a_batch_those_before_it_are_in_and_the_rest_comes_later() {
    let program = Program::new(Engine::Postgres);
    let text = many(3 * BATCH);
    std::fs::write(program.path("users.csv"), &text).unwrap();
    program.ok(&["migrate"]);
    program.execute(
        "create function full_disk() returns trigger language plpgsql as $$ begin
             if (select count(*) from users) > 20000 then
                 raise exception 'could not extend file \"base/5/16397\": No space left on device'
                 using errcode = 'disk_full', hint = 'Check free disk space.';
             end if;
             return null;
         end $$;
         create trigger full_disk after insert on users
         for each statement execute function full_disk()",
    );
    let answer = import(&program, program.url());
    assert_eq!(count(&program), 2 * BATCH as i64);
    assert_told(&program, &answer);
    program.execute("drop trigger full_disk on users");
    assert_ends_as_one_run(&program, &text);
}

/// A small disk of its own, where the machine lets us mount one.
#[test]
fn on_a_full_disk_of_the_server_whole_batches_are_in_and_the_rest_comes_later() {
    let own_mounts = ["unshare", "--map-root-user", "--mount"];
    let can_mount = Command::new(own_mounts[0]).args(&own_mounts[1..]).arg("true").status();
    if !can_mount.is_ok_and(|status| status.success()) {
        println!("nothing can be mounted here; the test above has to do");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    // Of no use as root: the server would refuse to run.
    let script = "mount -t tmpfs -o size=100m none \"$1\"
                  mkdir \"$1/space\"
                  head -c 80M /dev/zero >\"$1/ballast\"
                  exec unshare --map-user=1000 --map-group=1000 \"$2\"";
    let mut command = Command::new(own_mounts[0]);
    command.args(&own_mounts[1..]).args(["sh", "-euc", script, "sh"]);
    command.arg(&disk).arg(Served::POSTGRES);
    let server = Served::start_by(command).unwrap();
    let program = Program::at(&server.url, &server.url);
    program
        .execute(&format!("create tablespace small location '{}'", disk.join("space").display()));
    program.execute("alter database postgres set default_tablespace = small");

    let text = many(3 * BATCH);
    std::fs::write(program.path("users.csv"), &text).unwrap();
    let answer = import(&program, program.url());
    let there = count(&program);
    assert!(there > 0 && there < 3 * BATCH as i64, "{there}: {}", answer.err);
    let ballast = format!("/proc/{}/root{}", server.id(), disk.join("ballast").display());
    std::fs::remove_file(PathBuf::from(ballast)).unwrap();
    assert_told(&program, &answer);
    assert_ends_as_one_run(&program, &text);
}
