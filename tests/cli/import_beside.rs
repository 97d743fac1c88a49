//! An import beside others that write, and before a database that goes away.

use serde_json::json;

use crate::{
    import::told,
    import_long::{BATCH, count, many, start, users, wait_for_first},
    program::{Program, on_both},
    support::{
        Engine,
        wire::{CUT, WHOLE},
    },
};

#[test]
fn two_imports_of_one_file_at_once_end_as_one() {
    on_both(|program| {
        let all = 4 * BATCH;
        let text = many(all);
        std::fs::write(program.path("users.csv"), &text).unwrap();
        program.ok(&["migrate"]);
        for import in [(), ()].map(|()| start(&program, "users.csv", program.url())) {
            let output = import.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(count(&program), all as i64);
        let tally = "select n from tallies where name = 'users.active'";
        assert_eq!(program.number(tally), all as i64);
        let whole = Program::new(program.engine());
        assert_eq!(told(&whole, "users.csv", &text, &[]).0, 0);
        assert_eq!(users(&program), users(&whole));
        program.ok(&["audit", "verify"]);
    });
}

#[test]
fn two_imports_that_share_some_people_take_each_of_them_once() {
    on_both(|program| {
        std::fs::write(program.path("some.csv"), many(3 * BATCH)).unwrap();
        std::fs::write(program.path("more.csv"), many(4 * BATCH)).unwrap();
        program.ok(&["migrate"]);
        for import in ["some.csv", "more.csv"].map(|file| start(&program, file, program.url())) {
            let output = import.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(count(&program), 4 * BATCH as i64);
        program.ok(&["audit", "verify"]);
    });
}

#[test]
fn a_postgres_that_dies_leaves_whole_batches_and_is_told() {
    let program = Program::new(Engine::Postgres);
    let wire = program.wire();
    let all = 4 * BATCH;
    let text = many(all);
    std::fs::write(program.path("users.csv"), &text).unwrap();
    program.ok(&["migrate"]);
    let import = start(&program, "users.csv", &wire.url);
    wait_for_first(&program, all);
    wire.set(CUT);
    let output = import.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    let line = err.lines().last().unwrap();
    assert!(line.starts_with("rolecall: users.csv: the database "), "{err}");
    wire.set(WHOLE);
    // What it was asked for last may still be on its way.
    program.execute("update turns set taken = taken where name = 'admins'");
    let there = count(&program);
    assert!(there > 0 && there < all as i64 && there % BATCH as i64 == 0, "{there}: {err}");
    let through = line.split("up to ").nth(1).and_then(|rest| rest.split(' ').next());
    let through: i64 = through.unwrap().parse().unwrap();
    // Of a batch whose commit got no answer nobody knows.
    assert!([there + 1, there + 1 - BATCH as i64].contains(&through), "{there}: {err}");
    let (code, again) = told(&program, "users.csv", &text, &[]);
    assert_eq!((code, &again["already_there"]), (0, &json!(there)), "{again:#}");
    assert_eq!(count(&program), all as i64);
    program.ok(&["audit", "verify"]);
}
