//! The trail by its commands, beside a server and without one.

use std::time::Duration;

use crate::program::{Program, eventually, on_both};

fn verified(program: &Program) -> serde_json::Value {
    program.json(&["audit", "verify"])
}

#[test]
fn a_command_seals_its_own_records_before_it_exits() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        assert_eq!(verified(&program)["sealed"], 2);
        program.ok(&["role", "add", "editor"]);
        let report = verified(&program);
        assert_eq!((&report["sealed"], &report["unsealed"]), (&3.into(), &0.into()));
        assert_eq!(report["unsealed_ms"], serde_json::Value::Null);
        // What writes nothing seals nothing, and what is refused has nothing to seal.
        let before = program.dump();
        program.ok(&["user", "list"]);
        program.refused(&["role", "add", "editor"]);
        program.ok(&["audit", "verify"]);
        assert_eq!(program.without_turns(&program.dump()), program.without_turns(&before));
    });
}

#[test]
fn verify_says_that_all_is_well_or_names_the_record() {
    on_both(|program| {
        program.ok(&["role", "add", "editor"]);
        program.ok(&["role", "add", "reader"]);
        let well = program.ok(&["audit", "verify"]);
        let first = well.lines().next().unwrap();
        assert_eq!(first, "nothing is amiss in 2 sealed records", "{well}");
        assert!(well.lines().last().unwrap().starts_with("rolecall-checkpoint 1 2 "), "{well}");

        program.execute("update audit set target_id = 'other' where target_id = 'editor'");
        let line = program.refused(&["audit", "verify"]);
        assert!(line.contains("record 1 (") && line.contains("was edited"), "{line}");
        assert!(line.contains("docs/audit.md"), "{line}");
        let answer = program.run(&["audit", "verify", "--json"]);
        assert_eq!((answer.code, answer.err.as_str()), (1, ""));
        let found: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
        assert_eq!((&found["ok"], &found["finding"]), (&false.into(), &"edited".into()));
        assert_eq!(found["number"], 1);
        // Nothing else stops.
        program.ok(&["role", "add", "writer"]);
        assert!(program.refused(&["audit", "verify"]).contains("record 1 ("));
    });
}

#[test]
fn a_checkpoint_kept_elsewhere_shows_what_was_cut_off() {
    on_both(|program| {
        program.ok(&["role", "add", "one"]);
        program.ok(&["role", "add", "two"]);
        let kept = program.path("kept.txt");
        let file = kept.to_str().unwrap();
        std::fs::write(&kept, program.ok(&["audit", "verify"])).unwrap();
        program.ok(&["audit", "verify", "--checkpoint", file]);
        program.ok(&["role", "add", "three"]);
        program.ok(&["audit", "verify", "--checkpoint", file]);
        program.execute(
            "delete from audit where id in (select audit_id from seals where number > 1);
             delete from seals where number > 1",
        );
        program.ok(&["audit", "verify"]);
        let line = program.refused(&["audit", "verify", "--checkpoint", file]);
        assert!(line.contains("was cut") && line.contains("record 2"), "{line}");

        let good = std::fs::read_to_string(&kept).unwrap();
        for (text, hint) in [
            (good.replace("checkpoint 1 2 ", "checkpoint 1 1 "), "was edited"),
            (good.replace("checkpoint 1 2 ", "checkpoint 1 x "), "in line 5"),
            ("nothing".to_owned(), "no checkpoint"),
            (String::new(), "no checkpoint"),
        ] {
            std::fs::write(&kept, &text).unwrap();
            let line = program.refused(&["audit", "verify", "--checkpoint", file]);
            assert!(line.contains(hint), "{hint}: {line}");
        }
        assert!(program.refused(&["audit", "verify", "--checkpoint", "none"]).contains("none"));
    });
}

#[test]
fn a_running_server_seals_logins_and_logs_checkpoints() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let mut server = program.serve(&[]);
        let line = server.wait_for("audit checkpoint");
        for _ in 0..3 {
            server.login("kim");
        }
        let all = || verified(&program)["sealed"] == 5;
        assert!(eventually(Duration::from_secs(20), all), "{}", verified(&program));
        let log = program.path("log.jsonl");
        std::fs::write(&log, line).unwrap();
        let report = program.json(&["audit", "verify", "--checkpoint", log.to_str().unwrap()]);
        assert_eq!(report["kept"], 1);
    });
}

#[test]
fn a_node_that_is_killed_is_missed_at_once() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let first = program.serve(&[]);
        first.login("kim");
        let second = program.serve(&[]);
        // Killed, not stopped: whatever it had not sealed is the other one's.
        drop(first);
        second.login("kim");
        let all = || verified(&program)["sealed"] == 4;
        assert!(eventually(Duration::from_secs(20), all), "{}", verified(&program));
        second.login("kim");
        second.stop();
        let report = verified(&program);
        assert_eq!((&report["sealed"], &report["unsealed"]), (&5.into(), &0.into()));
    });
}

#[test]
fn an_export_is_complete_and_on_record() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        program.ok(&["role", "add", "editor", "--description", "=1+1, \"x\""]);
        let lines = program.ok(&["audit", "export", "--format", "jsonl"]);
        let records: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let actions: Vec<_> = records.iter().map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["user.create", "grant.create", "role.create", "audit.export"]);
        assert_eq!((&records[0]["number"], &records[3]["number"]), (&1.into(), &().into()));
        assert!(records[0]["target_personal"].as_str().unwrap().contains("kim"));
        assert_eq!(records[0]["chain_digest"].as_str().unwrap().len(), 64);

        let csv = program.ok(&["audit", "export", "--format", "csv"]);
        assert!(csv.starts_with("number,id,at,action,"), "{csv}");
        assert_eq!(csv.matches("\r\n").count(), 6, "{csv}");
        let since = ["audit", "export", "--format", "csv", "--since", "9000-01-01T00:00:00Z"];
        assert_eq!(program.ok(&since).lines().count(), 1);
        assert_eq!(verified(&program)["sealed"], 6);
        assert_eq!(program.run(&["audit", "export"]).code, 2);
        assert_eq!(program.run(&["audit", "export", "--format", "xml"]).code, 2);
    });
}

#[test]
fn old_records_are_pruned_and_the_rest_is_verified() {
    on_both(|program| {
        program.ok(&["role", "add", "editor"]);
        let line = program.ok(&["audit", "prune", "--before", "1h"]);
        assert!(line.contains("no sealed record"), "{line}");
        assert!(
            program
                .refused(&["audit", "prune", "--before", "9000-01-01T00:00:00Z"])
                .contains("future")
        );
        assert_eq!(program.run(&["audit", "prune", "--before", "soon"]).code, 2);
        assert_eq!(program.run(&["audit", "prune"]).code, 2);
        std::thread::sleep(Duration::from_millis(2100));
        let told = program.ok(&["audit", "prune", "--before", "1s"]);
        assert!(told.starts_with("deleted 1 record;"), "{told}");
        let report = verified(&program);
        assert_eq!((&report["pruned"], &report["sealed"]), (&1.into(), &1.into()));
        assert!(program.ok(&["audit", "list"]).contains("audit.prune"));
    });
}
