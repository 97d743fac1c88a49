//! A backup beside a running server, and the way back from it.

use std::{
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    program::{Program, Server, eventually, files, on_both},
    support::Engine,
};

fn mode(program: &Program, name: &str) -> u32 {
    program.path(name).metadata().unwrap().permissions().mode() & 0o777
}

/// As docs/operations.md says.
fn restore(program: &Program, copy: &str) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(program.path(&format!("rolecall.db{end}")));
    }
    std::fs::copy(program.path(copy), program.path("rolecall.db")).unwrap();
}

/// The drill: a copy beside the server, changes after it, the server gone, the copy in its place.
fn drill(end: impl Fn(Server)) {
    let program = Program::new(Engine::Sqlite);
    program.add_user("ada", &["admin"]);
    let mut server = program.serve(&[]);
    let kept = program.path("kept.txt");
    std::fs::write(&kept, server.wait_for("audit checkpoint")).unwrap();
    let (before, ended) = (server.login("ada"), server.login("ada"));
    assert!(eventually(Duration::from_secs(20), || {
        program.json(&["audit", "verify"])["unsealed"] == 0
    }));
    let told = program.ok(&["backup", "copy.db"]);
    assert!(told.contains(program.key_file().to_str().unwrap()), "{told}");
    assert_eq!((mode(&program, "copy.db"), mode(&program, "rolecall.db")), (0o600, 0o600));

    let after = server.login("ada");
    program.ok(&["role", "add", "made-after"]);
    let token = server.form_token(&ended);
    assert_eq!(server.post("/logout", &ended, &[("form_token", &token)]).status, 303);
    end(server);
    let sealed = program.json(&["audit", "verify"])["checkpoint"].as_str().unwrap().to_owned();
    program.ok(&["backup", "later.db"]);

    restore(&program, "copy.db");
    let server = program.serve(&[]);
    assert_eq!(server.check("admin", &before), 200);
    assert_eq!(server.check("admin", &ended), 200, "what ended since lives again");
    assert_eq!(server.check("admin", &after), 401, "what began since is not known");
    assert!(!program.ok(&["role", "list"]).contains("made-after"));
    program.ok(&["audit", "verify", "--checkpoint", kept.to_str().unwrap()]);
    // A checkpoint from after the backup tells what is missing.
    std::fs::write(&kept, sealed).unwrap();
    let line = program.refused(&["audit", "verify", "--checkpoint", kept.to_str().unwrap()]);
    assert!(line.contains("was cut"), "{line}");
    program.ok(&["session", "end", "--all"]);
    assert!(eventually(Duration::from_secs(20), || server.check("admin", &ended) == 401));
    server.stop();

    restore(&program, "later.db");
    assert!(program.ok(&["role", "list"]).contains("made-after"));
    let server = program.serve(&[]);
    assert_eq!((server.check("admin", &after), server.check("admin", &ended)), (200, 401));
    server.stop();
    program.ok(&["audit", "verify", "--checkpoint", kept.to_str().unwrap()]);
}

#[test]
fn a_backup_is_restored_after_a_stop() {
    drill(|server| drop(server.stop()));
}

#[test]
fn a_backup_is_restored_after_a_kill() {
    drill(Server::kill);
}

#[test]
fn a_backup_is_whole_while_people_come_and_go() {
    let program = Program::new(Engine::Sqlite);
    program.add_user("ada", &["admin"]);
    let server = program.serve(&[]);
    std::thread::scope(|scope| {
        let logins = scope.spawn(|| (0..40).for_each(|_| drop(server.login("ada"))));
        let mut number = 0;
        while number == 0 || !logins.is_finished() {
            program.ok(&["backup", &format!("copy-{number}.db")]);
            number += 1;
        }
        for copy in 0..number {
            let copy = program.path(&format!("copy-{copy}.db"));
            let url = format!("sqlite://{}", copy.display());
            program.ok(&["--database-url", &url, "audit", "verify"]);
        }
    });
}

#[test]
fn a_backup_never_replaces_a_file_and_never_leaves_half_of_one() {
    let program = Program::new(Engine::Sqlite);
    assert!(program.refused(&["backup", "copy.db"]).contains("there is no database"));
    program.add_user("ada", &["admin"]);
    std::fs::write(program.path("copy.db"), "mine").unwrap();
    assert!(program.refused(&["backup", "copy.db"]).contains("copy.db exists already"));
    std::os::unix::fs::symlink("nowhere", program.path("link.db")).unwrap();
    assert!(program.refused(&["backup", "link.db"]).contains("link.db exists already"));
    assert!(program.refused(&["backup", "none/copy.db"]).contains("none/copy.db"));
    assert_eq!(std::fs::read_to_string(program.path("copy.db")).unwrap(), "mine");
    let before = files(&program.path(""));

    let mut full = program.shell(&[], "trap '' XFSZ; ulimit -f 100");
    let output = full.args(["backup", "full.db"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.contains("the backup failed") && told.contains("there is none"), "{told}");
    assert_eq!(files(&program.path("")), before);

    std::fs::write(program.path("copy2.db.partial"), "").unwrap();
    assert!(program.refused(&["backup", "copy2.db"]).contains("copy2.db.partial exists already"));
    program.execute("create table others (id bigint)");
    program.ok(&["backup", "percent%20and?sign.db"]);
    assert!(program.path("percent%20and?sign.db").exists());
}

/// Neither made nor migrated: what is backed up before an update is what is there.
#[test]
fn a_backup_takes_an_older_schema_as_it_is_and_no_other_programs_file() {
    let program = Program::new(Engine::Sqlite);
    program.ok(&["migrate"]);
    program.execute("delete from _sqlx_migrations where version > 9");
    let before = program.dump();
    program.ok(&["backup", "old.db"]);
    assert_eq!(program.dump(), before);
    let program = Program::new(Engine::Sqlite);
    program.execute("create table others (id bigint)");
    assert!(program.refused(&["backup", "copy.db"]).contains("another program"));
    assert!(!program.path("copy.db").exists());
}

#[test]
fn for_postgres_it_names_the_command_and_that_way_back_works() {
    let program = Program::new(Engine::Postgres);
    program.add_user("ada", &["admin"]);
    let server = program.serve(&[]);
    let cookie = server.login("ada");
    server.stop();
    let line = program.refused(&["backup", "copy.dump"]);
    assert!(line.contains("key file"), "{line}");
    let (_, command) = line.split_once("run: ").unwrap();
    let (command, _) = command.split_once(" and back up").unwrap();
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-euc", command]).current_dir(program.path("")).stdin(Stdio::null());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    };
    shell(command);
    let before = program.dump();
    program.ok(&["role", "add", "made-after"]);
    let (_, server_url) = command.split_once('\'').unwrap();
    let server_url = server_url.trim_end_matches('\'');
    program.execute(&format!("drop schema {} cascade", program.schema()));
    shell(&format!("pg_restore --no-owner --exit-on-error --dbname='{server_url}' copy.dump"));
    let sorted = |dump: &str| {
        let mut lines: Vec<_> = dump.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&program.dump()), sorted(&before));
    let server = program.serve(&["--no-migrate"]);
    assert_eq!(server.check("admin", &cookie), 200);
    server.stop();
    program.ok(&["audit", "verify"]);

    let secret = program.url().replacen("postgres@", "postgres:hunter2@", 1);
    let answer = program.run(&["--database-url", &secret, "backup", "copy.dump"]);
    assert_eq!(answer.code, 1);
    assert!(!answer.err.contains("hunter2"), "{}", answer.err);
}

/// Beside nobody else: the test's own connections would leave theirs.
#[test]
fn a_backup_and_a_check_leave_no_trace_in_the_folder() {
    on_both(|program| {
        program.add_user("ada", &["admin"]);
        let before = files(&program.path(""));
        program.run(&["check"]);
        assert_eq!(files(&program.path("")), before);
        program.run(&["backup", "copy.db"]);
        program.refused(&["backup", "none/copy.db"]);
        let mut after = files(&program.path(""));
        after.retain(|name| name != "copy.db");
        assert_eq!(after, before);
    });
}
