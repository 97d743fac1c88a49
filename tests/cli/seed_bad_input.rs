//! What can be wrong with a seed file: told with its place, and nothing changed.

use std::{process::Stdio, time::Duration};

use crate::{
    program::{Program, on_both},
    seed::{applied, refused},
    support::Engine,
};

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_place_and_changes_nothing() {
    on_both(|program| {
        program.ok(&["role", "add", "there"]);
        let before = program.dump();
        let user = |more: &str| format!("[[user]]\nusername = \"kim\"\n{more}\n");
        let role = |more: &str| format!("[[role]]\nname = \"a\"\n{more}\n");
        let broken = "password_hash = \"$argon2id$v=19$m=64$broken-canary\"";
        let huge = "password_hash = \"$argon2id$v=19$m=1048576,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$8gyVDQsLHX9WFpz0xUvyqV+fB2MCf6Nc6Y0n4OnmNSE\"";
        let slow = format!("password_hash = \"$2b$31${}\"", "a".repeat(53));
        for (text, hints) in [
            ("[[role]]\nname = \"a\"\nnmae = 1\n".to_owned(), &["line 3", "nmae"][..]),
            ("[[roles]]\nname = \"a\"\n".into(), &["line 1", "roles"]),
            ("managed = [\"everything\"]".into(), &["line 1", "everything", "grants"]),
            ("[[role]]\nname = \"A b\"\n".into(), &["line 2", "A b"]),
            ("[[user]]\nusername = \"a b\"\n".into(), &["line 2", "user name"]),
            ("[[user]]\nemail = \"a@b.c\"\n".into(), &["line 1", "username"]),
            ("[[role]\n".into(), &["line 1"]),
            (user("email = \"kim\""), &["line 3", "e-mail"]),
            (user(broken), &["line 3", "cannot be read"]),
            (user("password_hash = \"canary\""), &["line 3", "plain text", "invitation"]),
            (user("password_hash = \"sha1$canary$canary\""), &["line 3", "without iterations"]),
            (user("password_hash = \"!canary\""), &["line 3", "no password"]),
            (user("password_hash = \"$9$canary\""), &["line 3", "no kind"]),
            (user(&slow), &["line 3", "takes too long", "2 s"]),
            (user(huge), &["line 3", "128 MiB"]),
            (user("status = \"removed\""), &["line 3", "removed"]),
            (user("roles = [\"nope\"]"), &["user kim, roles", "no role nope"]),
            (user("roles = [{ role = \"user\", util = 1 }]"), &["line 3", "util"]),
            (user("roles = [{ role = \"user\", until = 2099-01-01 }]"), &["line 3", "2099-01-01"]),
            (user("roles = [\"user\", \"user\"]"), &["user kim", "twice"]),
            (user("[[user]]\nusername = \"KIM\""), &["user kim", "twice"]),
            (
                user("email = \"a@b.c\"\n[[user]]\nusername = \"lee\"\nemail = \"A@b.c\""),
                &["user lee", "twice"],
            ),
            (user("invite = true\nstatus = \"disabled\""), &["user kim", "disabled"]),
            (role("[[role]]\nname = \"a\""), &["role a", "twice"]),
            (role("permissions = [\"x:y\"]"), &["role a, permissions", "x:y"]),
            (role("permissions = [\"rolecall.x:y\"]"), &["role a, permissions", "rolecall.x:y"]),
            (role("includes = [\"nope\"]"), &["role a, includes", "no role nope"]),
            (role("includes = [\"admin\"]"), &["role a", "built in"]),
            (role("grantors = [\"nope\"]"), &["role a, grantors", "no role nope"]),
            (role("includes = [\"a\"]"), &["a -> a"]),
            (role("idle_timeout = \"59s\""), &["line 3", "59s", "1m"]),
            (role("absolute_timeout = 8"), &["line 3", "string"]),
            (
                role(
                    "includes = [\"b\"]\n[[role]]\nname = \"b\"\nincludes = [\"c\"]\n[[role]]\nname = \"c\"\nincludes = [\"a\"]",
                ),
                &["a -> b -> c -> a"],
            ),
            ("[[role]]\nname = \"admin\"\n".into(), &["role admin", "built in"]),
            ("[[role]]\nname = \"rolecall.x\"\n".into(), &["role rolecall.x", "reserved"]),
            ("permission = [{ name = \"rolecall.a:b\" }]".into(), &["rolecall.a:b", "reserved"]),
            (
                "permission = [{ name = \"a:b\" }, { name = \"a:b\" }]".into(),
                &["permission a:b", "twice"],
            ),
        ] {
            let line = refused(&program, &text, &[]);
            for hint in hints.iter().chain(&["seed.toml"]) {
                assert!(line.contains(hint), "{hint:?} in {line}");
            }
            assert!(!line.contains("canary"), "{line}");
        }
        assert_eq!(program.without_turns(&program.dump()), program.without_turns(&before));
    });
}

/// Roles with so many bytes in all, each including the one after it.
fn many_roles(bytes: usize, description: usize) -> String {
    let (mut text, mut n) = (String::new(), 0);
    while text.len() < bytes {
        let words = "x".repeat(description);
        text += &format!(
            "[[role]]\nname = \"r{n}\"\ndescription = \"{words}\"\nincludes = [\"r{}\"]\n",
            n + 1
        );
        n += 1;
    }
    text + &format!("[[role]]\nname = \"r{n}\"\n")
}

#[test]
fn ten_megabytes_of_roles_are_applied_and_more_than_the_limit_is_refused() {
    let program = Program::new(Engine::Sqlite);
    let told = applied(&program, &many_roles(10 << 20, 500), &[]);
    assert!(told.contains(" added"), "{told}");
    let line = refused(&program, &many_roles(17 << 20, 500), &[]);
    assert!(line.contains("16 MiB"), "{line}");
}

#[test]
fn a_seed_that_is_killed_half_way_leaves_nothing() {
    on_both(|program| {
        program.ok(&["migrate"]);
        let before = program.dump();
        std::fs::write(program.path("big.toml"), many_roles(3 << 20, 1)).unwrap();
        for wait in [150, 600, 1500] {
            let mut command = program.command();
            command.args(["seed", "big.toml"]).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(wait));
            assert!(child.try_wait().unwrap().is_none(), "it was not half way");
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(program.dump(), before);
        }
    });
}
