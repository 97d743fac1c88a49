//! The seed file: planned, applied twice, pruned, exported.

use serde_json::{Value, json};

use crate::{
    program::{Program, on_both},
    support::Engine,
};

const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$8gyVDQsLHX9WFpz0xUvyqV+fB2MCf6Nc6Y0n4OnmNSE";

const FILE: &str = r#"
permission = [{ name = "reports:write", description = "Write reports" }]
[[role]]
name = "editor"
permissions = ["reports:write"]
includes = ["viewer"]
grantors = ["team-lead"]
[[role]]
name = "viewer"
[[role]]
name = "team-lead"
[[user]]
username = "Kim"
email = "Kim@Example.com"
invite = true
roles = ["viewer", { role = "editor", until = 2097-01-01T00:00:00Z, reason = "release" }]
"#;

pub fn seed(program: &Program, text: &str, more: &[&str]) -> crate::program::Answer {
    std::fs::write(program.path("seed.toml"), text).unwrap();
    let arguments: Vec<_> = ["seed", "seed.toml"].iter().chain(more).copied().collect();
    program.run(&arguments)
}

pub fn applied(program: &Program, text: &str, more: &[&str]) -> String {
    let answer = seed(program, text, more);
    assert_eq!(answer.code, 0, "{}", answer.err);
    answer.out
}

pub fn refused(program: &Program, text: &str, more: &[&str]) -> String {
    let answer = seed(program, text, more);
    assert_eq!((answer.code, answer.err.lines().count()), (1, 1), "{text}: {}", answer.err);
    answer.err
}

fn plan(program: &Program, text: &str, more: &[&str]) -> String {
    let more: Vec<_> = more.iter().copied().chain(["--plan"]).collect();
    applied(program, text, &more)
}

fn actions(program: &Program) -> Vec<String> {
    let records = program.json(&["audit", "list", "--limit", "1000"]);
    let actions = records.as_array().unwrap().iter();
    actions.map(|one| one["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_file_is_planned_applied_and_then_there_is_nothing_left_to_do() {
    on_both(|program| {
        program.ok(&["migrate"]);
        let before = program.dump();
        let planned = plan(&program, FILE, &[]);
        for line in [
            "+ permission reports:write: description \"Write reports\"",
            "+ role editor: without grantor user-manager",
            "+ role viewer",
            "+ role editor: permission reports:write",
            "+ role editor: includes viewer",
            "+ role editor: grantor team-lead",
            "+ user kim: email Kim@Example.com, invitation yes",
            "+ grant kim viewer",
            "+ grant kim editor: until 2097-01-01T00:00:00Z, reason release",
            "10 to add, 0 to change, 0 to remove",
        ] {
            assert!(planned.lines().any(|one| one == line), "{line:?} in {planned}");
        }
        let steps: Value =
            serde_json::from_str(&plan(&program, FILE, &["--json"])).expect("a JSON array");
        assert_eq!(steps.as_array().unwrap().len(), 10);
        let role = json!({ "change": "add", "kind": "role", "name": "viewer" });
        assert!(steps.as_array().unwrap().contains(&role), "{steps}");
        assert_eq!(seed(&program, FILE, &["--plan", "--exit-code"]).code, 3);
        assert_eq!(program.dump(), before, "a plan changes nothing");

        let answer = seed(&program, FILE, &[]);
        assert_eq!(answer.code, 0, "{}", answer.err);
        assert!(answer.out.starts_with("kim http://127.0.0.1:8000/link?token="), "{}", answer.out);
        assert_eq!(answer.out.lines().count(), 1);
        assert!(answer.err.contains("10 added, 0 changed, 0 removed"), "{}", answer.err);
        let editor = program.json(&["role", "show", "editor"]);
        assert_eq!(editor["grantors"], json!(["team-lead"]));
        assert_eq!(editor["includes"], json!(["viewer"]));
        program.ok(&["explain", "kim", "reports:write"]);
        // One record per change; a role is made with the usual grantor, which is then taken.
        let mut made = actions(&program);
        made.sort();
        assert_eq!(made.len(), 12, "{made:?}");
        assert_eq!(made.iter().filter(|action| *action == "grant.create").count(), 2);

        let after = program.dump();
        let again = applied(&program, FILE, &[]);
        assert!(again.starts_with("nothing to change"), "{again}");
        assert!(applied(&program, FILE, &["--prune"]).starts_with("nothing"));
        assert_eq!(seed(&program, FILE, &["--plan", "--exit-code"]).code, 0);
        assert_eq!(plan(&program, FILE, &["--json"]), "[]\n");
        assert_eq!(program.without_turns(&program.dump()), program.without_turns(&after));
    });
}

#[test]
fn the_example_that_ships_is_applied_twice() {
    on_both(|program| {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/seed.example.toml");
        assert!(program.ok(&["seed", example]).starts_with("kim http"));
        assert!(program.ok(&["seed", example, "--prune"]).starts_with("nothing to change"));
        assert_eq!(program.json(&["user", "show", "lee"])["status"], "disabled");
    });
}

#[test]
fn nothing_is_taken_away_without_prune_and_with_it_only_what_is_managed() {
    on_both(|program| {
        applied(&program, FILE, &[]);
        program.add_user("lee", &["viewer"]);
        for arguments in [
            &["role", "add", "other"][..],
            &["role", "allow", "viewer", "x:y", "reports:write"],
            &["role", "include", "viewer", "other"],
            &["grant", "kim", "other"],
            &["grant", "kim", "user"],
        ] {
            program.ok(arguments);
        }
        assert!(applied(&program, FILE, &[]).starts_with("nothing"));
        assert!(applied(&program, FILE, &["--prune"]).starts_with("nothing"));

        let grants = format!("managed = [\"grants\"]\n{FILE}");
        assert!(applied(&program, &grants, &[]).starts_with("nothing"));
        let planned = plan(&program, &grants, &["--prune"]);
        assert_eq!(
            planned,
            "- grant kim other\n- grant kim user\n0 to add, 0 to change, 2 to remove\n"
        );
        let roles = format!("managed = [\"roles\"]\n{FILE}");
        let planned = plan(&program, &roles, &["--prune"]);
        assert_eq!(
            planned,
            "- role other: grants lost 1\n- role viewer: permission reports:write\n\
             - role viewer: permission x:y\n0 to add, 0 to change, 3 to remove\n"
        );
        let permissions = format!("managed = [\"permissions\"]\n{FILE}");
        let planned = plan(&program, &permissions, &["--prune"]);
        assert_eq!(
            planned,
            "- role viewer: permission x:y\n- permission x:y\n\
             0 to add, 0 to change, 2 to remove\n"
        );
        let users = format!("managed = [\"users\"]\n{FILE}");
        assert!(plan(&program, &users, &["--prune"]).starts_with("- user lee\n0 to add"));

        let all = format!("managed = [\"permissions\", \"roles\", \"users\", \"grants\"]\n{FILE}");
        applied(&program, &all, &["--prune"]);
        assert!(applied(&program, &all, &["--prune"]).starts_with("nothing"));
        assert_eq!(program.json(&["user", "list"]).as_array().unwrap().len(), 1);
        assert_eq!(program.json(&["user", "show", "kim"])["roles"], json!(["editor", "viewer"]));
        assert_eq!(program.json(&["role", "list"]).as_array().unwrap().len(), 7);
        assert!(program.refused(&["explain", "kim", "x:y"]).contains("no permission"));
    });
}

#[test]
fn a_file_says_how_long_sessions_last_with_built_in_roles_too() {
    on_both(|program| {
        let file = |admin: &str, editor: &str| {
            format!(
                "managed = [\"roles\"]\n[[role]]\nname = \"admin\"\n{admin}\n\
                 [[role]]\nname = \"editor\"\n{editor}\n"
            )
        };
        let first = file("idle_timeout = \"15m\"", "absolute_timeout = \"24h\"");
        let planned = plan(&program, &first, &[]);
        assert_eq!(
            planned,
            "+ role editor\n~ role admin: idle timeout none -> 15m\n\
             + role editor: absolute timeout 1d\n2 to add, 1 to change, 0 to remove\n"
        );
        applied(&program, &first, &[]);
        for more in [&[][..], &["--prune"]] {
            assert!(applied(&program, &first, more).starts_with("nothing"));
        }
        // What is not said stays; "none" takes away.
        let second = file("absolute_timeout = \"8h\"", "absolute_timeout = \"none\"");
        let planned = plan(&program, &second, &["--prune"]);
        assert_eq!(
            planned,
            "~ role admin: absolute timeout none -> 8h\n\
             ~ role editor: absolute timeout 1d -> none\n0 to add, 2 to change, 0 to remove\n"
        );
        let steps: Value =
            serde_json::from_str(&plan(&program, &second, &["--json"])).expect("JSON");
        assert_eq!(steps[0]["absolute_timeout"], "8h");
        applied(&program, &second, &[]);
        let admin = program.json(&["role", "show", "admin"]);
        assert_eq!(
            (&admin["idle_timeout"], &admin["absolute_timeout"]),
            (&json!("15m"), &json!("8h"))
        );
        assert_eq!(program.json(&["role", "show", "editor"])["absolute_timeout"], Value::Null);
        // Nothing else can be said of a built-in role.
        for more in ["", "description = \"\"", "includes = [\"editor\"]", "grantors = []"] {
            let text = file(&format!("idle_timeout = \"1h\"\n{more}"), "");
            match more {
                "" => drop(plan(&program, &text, &[])),
                more => assert!(refused(&program, &text, &[]).contains("built in"), "{more}"),
            }
        }
    });
}

#[test]
fn what_differs_is_changed() {
    on_both(|program| {
        applied(&program, FILE, &[]);
        let text = FILE.replace("Write reports", "Anything").replace("invite = true", "");
        let text = text.replace("Kim@Example.com", "kim@other.org").replace("2097", "2098");
        let text = text.replace(
            "roles = [\"viewer\"",
            &format!("status = \"disabled\"\npassword_hash = \"{HASH}\"\nroles = [\"viewer\""),
        );
        assert_eq!(
            plan(&program, &text, &[]),
            "~ permission reports:write: description \"Write reports\" -> Anything\n\
             ~ user kim: email Kim@Example.com -> kim@other.org\n\
             ~ user kim: password set\n~ user kim: status active -> disabled\n\
             ~ grant kim editor: until 2097-01-01T00:00:00Z -> 2098-01-01T00:00:00Z\n\
             0 to add, 5 to change, 0 to remove\n"
        );
        assert_eq!(applied(&program, &text, &[]), "0 added, 5 changed, 0 removed\n");
        assert!(applied(&program, &text, &[]).starts_with("nothing"));
        let kim = program.json(&["user", "show", "kim"]);
        assert_eq!(
            (kim["status"].as_str(), kim["has_password"].as_bool()),
            (Some("disabled"), Some(true))
        );
        // An e-mail that one gives up another takes in the same file.
        let users = "[[user]]\nusername = \"ann\"\nemail = \"kim@other.org\"\n[[user]]\n\
                     username = \"kim\"\nemail = \"\"\n";
        applied(&program, users, &[]);
        assert_eq!(program.json(&["user", "show", "ann"])["email"], "kim@other.org");
    });
}

#[test]
fn a_plan_shows_people_what_a_change_replaces_and_programs_what_shall_be() {
    on_both(|program| {
        applied(&program, FILE, &[]);
        let text = "managed = [\"roles\"]\n[[role]]\nname = \"viewer\"\ndescription = \"Reads all\"\n\
                    [[user]]\nusername = \"kim\"\ndisplay_name = \"Kim K.\"\n\
                    roles = [{ role = \"viewer\", reason = \"asked for\" }]\n";
        let planned = plan(&program, text, &["--prune"]);
        for line in [
            "- role editor: grants lost 1",
            "~ role viewer: description none -> \"Reads all\"",
            "~ user kim: display name none -> \"Kim K.\"",
            "~ grant kim viewer: reason none -> \"asked for\"",
        ] {
            assert!(planned.lines().any(|one| one == line), "{line:?} in {planned}");
        }
        let steps: Value =
            serde_json::from_str(&plan(&program, text, &["--prune", "--json"])).unwrap();
        for step in [
            json!({ "change": "remove", "kind": "role", "name": "editor", "grants_lost": 1 }),
            json!({ "change": "change", "kind": "role", "name": "viewer", "description": "Reads all" }),
            json!({ "change": "change", "kind": "user", "name": "kim", "display_name": "Kim K." }),
            json!({ "change": "change", "kind": "grant", "user": "kim", "role": "viewer",
                    "until": "ever", "reason": "asked for" }),
        ] {
            assert!(steps.as_array().unwrap().contains(&step), "{step} in {steps}");
        }
        let endless = FILE.replace(", until = 2097-01-01T00:00:00Z", "").replace("release", "");
        assert_eq!(
            plan(&program, &endless, &[]).lines().next().unwrap(),
            "~ grant kim editor: until 2097-01-01T00:00:00Z -> no end, reason release -> none"
        );
    });
}

#[test]
fn the_last_admin_is_not_pruned() {
    on_both(|program| {
        program.add_user("alice", &["admin"]);
        program.add_user("ben", &[]);
        let before = program.dump();
        let users = "managed = [\"users\"]\n[[user]]\nusername = \"ben\"\n";
        let grants = "managed = [\"grants\"]\n[[user]]\nusername = \"alice\"\n";
        let until = "[[user]]\nusername = \"alice\"\n\
                     roles = [{ role = \"admin\", until = 2099-01-01T00:00:00Z }]\n";
        let disabled = "[[user]]\nusername = \"alice\"\nstatus = \"disabled\"\n";
        for text in [users, grants, until, disabled] {
            for more in [&["--prune"][..], &["--prune", "--plan"]] {
                assert!(refused(&program, text, more).contains("make another one first"));
            }
        }
        assert_eq!(program.dump(), before);
        let other = format!(
            "managed = [\"users\"]\n[[user]]\nusername = \"ben\"\npassword_hash = \"{HASH}\"\n\
             roles = [\"admin\"]\n"
        );
        applied(&program, &other, &["--prune"]);
        assert_eq!(program.json(&["user", "list"]).as_array().unwrap().len(), 1);
    });
}

#[test]
fn an_end_that_has_passed_is_refused_for_a_new_grant_and_left_alone_on_one_that_is_there() {
    on_both(|program| {
        let text = FILE.replace("2097", "2020").replace("invite = true", "");
        let line = refused(&program, &text, &[]);
        assert!(line.contains("user kim, role editor") && line.contains("past"), "{line}");
        applied(&program, FILE, &[]);
        assert!(refused(&program, &text, &[]).contains("user kim, role editor"));
        program.execute(
            "update grants set ends_at = '2020-01-01T00:00:00+00:00' where ends_at is not null",
        );
        assert!(applied(&program, &text, &[]).starts_with("nothing"));
        assert!(!program.ok(&["seed", "--export"]).contains("2020"));
        applied(&program, FILE, &[]);
        program.ok(&["explain", "kim", "editor"]);
    });
}

#[test]
fn a_cycle_with_what_is_there_is_found_and_one_that_prune_dissolves_is_none() {
    on_both(|program| {
        applied(
            &program,
            "[[role]]\nname = \"a\"\nincludes = [\"b\"]\n[[role]]\nname = \"b\"\n",
            &[],
        );
        let turned = "managed = [\"roles\"]\n[[role]]\nname = \"a\"\n[[role]]\nname = \"b\"\nincludes = [\"a\"]\n";
        assert!(refused(&program, turned, &[]).contains("a -> b -> a"));
        applied(&program, turned, &["--prune"]);
        assert_eq!(program.json(&["role", "show", "b"])["includes"], json!(["a"]));
    });
}

#[test]
fn a_file_comes_as_toml_as_json_or_on_standard_input_and_is_there_or_not() {
    on_both(|program| {
        let file = json!({
            "permission": [{ "name": "a:b" }],
            "role": [{ "name": "r", "permissions": ["a:b"] }],
            "user": [{ "username": "kim", "roles":
                [{ "role": "r", "until": "2097-01-01T02:00:00.5+02:00" }, "user"] }],
        });
        let answer = program.run_with(&["seed", "-"], &file.to_string());
        assert_eq!(answer.out, "6 added, 0 changed, 0 removed\n", "{}", answer.err);
        std::fs::write(program.path("x.JSON"), file.to_string()).unwrap();
        assert!(program.ok(&["seed", "x.JSON"]).starts_with("nothing"));
        let toml = "\u{feff}[[user]]\nusername = \"kim\"\n\
                    roles = [{ role = \"r\", until = \"2097-01-01T00:00:00Z\" }]\n";
        assert!(program.run_with(&["seed", "-"], toml).out.starts_with("nothing"));
        std::fs::write(program.path("y.json"), "{\"role\": [\n{\"nam\": 1}]}").unwrap();
        let line = program.refused(&["seed", "y.json"]);
        assert!(line.contains("nam") && line.contains("line 2"), "{line}");
        assert!(program.refused(&["seed", "missing.toml"]).contains("missing.toml"));
        std::fs::write(program.path("z.toml"), [b'a', 0xff, 0xfe]).unwrap();
        assert!(program.refused(&["seed", "z.toml"]).contains("UTF-8"));
        for usage in [
            &["seed"][..],
            &["seed", "x", "--export"],
            &["seed", "x", "--json"],
            &["seed", "x", "--exit-code"],
            &["seed", "x", "--format", "json"],
            &["seed", "--export", "--plan"],
        ] {
            assert_eq!(program.run(usage).code, 2, "{usage:?}");
        }
    });
}

#[test]
fn an_export_holds_odd_names_and_makes_the_same_elsewhere() {
    on_both(|program| {
        let text = format!(
            r#"
[[role]]
name = "r"
description = "says \"\\\" and ü"
grantors = []
[[user]]
username = "ann'"
display_name = "<b>\"Ann\"</b> \u202e 🦀"
password_hash = "{HASH}"
password_expires_at = 2097-01-01T00:00:00Z
roles = ["r", {{ role = "user", reason = "a \\ \"b\"" }}]
[[user]]
username = "zoë\\x#=.[]"
status = "disabled"
email = "'o\\\"'@example.com"
"#
        );
        applied(&program, &text, &[]);
        let exported = program.ok(&["seed", "--export"]);
        let other = Program::new(Engine::Sqlite);
        std::fs::write(other.path("e.toml"), &exported).unwrap();
        other.ok(&["seed", "e.toml"]);
        assert_eq!(other.ok(&["seed", "--export"]), exported);
        let json = program.ok(&["seed", "--export", "--format", "json"]);
        let third = Program::new(Engine::Sqlite);
        std::fs::write(third.path("e.json"), &json).unwrap();
        third.ok(&["seed", "e.json"]);
        assert_eq!(third.ok(&["seed", "--export", "--format", "json"]), json);
        assert_eq!(third.ok(&["seed", "--export"]), exported);
        let empty = Program::new(Engine::Sqlite);
        let json: Value =
            serde_json::from_str(&empty.ok(&["seed", "--export", "--format", "json"])).unwrap();
        assert_eq!(json, json!({ "permission": [], "role": [], "user": [] }));
    });
}

#[test]
fn two_people_may_swap_their_e_mails() {
    on_both(|program| {
        let users = |kim: &str, lee: &str| {
            let user =
                |name, email| format!("[[user]]\nusername = \"{name}\"\nemail = \"{email}\"\n");
            format!("{}{}", user("kim", kim), user("lee", lee))
        };
        applied(&program, &users("one@example.com", "two@example.com"), &[]);
        applied(&program, &users("two@example.com", "one@example.com"), &[]);
        assert_eq!(program.json(&["user", "show", "one@example.com"])["username"], "lee");
        assert_eq!(program.json(&["user", "show", "two@example.com"])["username"], "kim");
        let taken =
            refused(&program, "[[user]]\nusername = \"mo\"\nemail = \"one@example.com\"\n", &[]);
        assert!(taken.contains("one@example.com is taken"), "{taken}");
    });
}
