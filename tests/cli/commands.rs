//! Every command, offline.

use serde_json::json;

use crate::{
    program::{PASSWORD, on_both},
    support::our_migrations,
};

#[test]
fn users_are_made_shown_changed_and_removed() {
    on_both(|program| {
        let kim = ["user", "add", "Kim", "--email", "Kim@Example.com", "--display-name", "Kim K."];
        let arguments: Vec<_> = kim.iter().copied().chain(["--password-stdin"]).collect();
        assert_eq!(program.run_with(&arguments, PASSWORD).out, "kim is made\n");

        let shown = program.json(&["user", "show", "KIM@example.COM"]);
        assert_eq!(shown["username"], "kim");
        assert_eq!(shown["email"], "Kim@Example.com");
        assert_eq!(shown["display_name"], "Kim K.");
        assert_eq!(shown["status"], "active");
        assert_eq!(shown["has_password"], true);
        assert_eq!(shown["roles"], json!([]));
        let id = shown["id"].as_str().unwrap().to_owned();

        program.ok(&["user", "disable", "kim"]);
        assert_eq!(program.json(&["user", "show", &id])["status"], "disabled");
        assert!(program.refused(&["user", "link", "kim"]).contains("user enable kim"));
        program.ok(&["user", "enable", "kim"]);
        program.ok(&["user", "rename", "kim", "Kimberly"]);
        assert_eq!(program.json(&["user", "show", "kimberly"])["id"], id.as_str());
        assert!(program.refused(&["user", "show", "kim"]).contains("no user kim"));

        program.ok(&["user", "remove", "kimberly"]);
        assert_eq!(program.json(&["user", "list"]), json!([]));
        program.add_user("kimberly", &[]);
        assert_ne!(program.json(&["user", "show", "kimberly"])["id"], id.as_str());
    });
}

#[test]
fn passwords_come_from_standard_input_or_are_made_and_links_are_printed_alone() {
    on_both(|program| {
        let made = program.ok(&["user", "add", "ann", "--generate-password"]);
        assert_eq!((made.trim().len(), made.lines().count()), (29, 1));
        let link = program.ok(&["user", "add", "ben", "--invite"]);
        assert!(link.starts_with("http://127.0.0.1:8000/link?token="), "{link}");
        assert_eq!(program.json(&["user", "show", "ben"])["has_password"], false);
        let link = program.ok(&["user", "link", "ann"]);
        assert!(link.starts_with("http://127.0.0.1:8000/link?token="), "{link}");

        let short = program.run_with(&["user", "password", "ann", "--password-stdin"], "short\n");
        assert_eq!(short.code, 1);
        assert!(short.err.contains("at least 15 characters"), "{}", short.err);
        let mib = "a".repeat(1 << 20);
        let long = program.run_with(&["user", "password", "ann", "--password-stdin"], &mib);
        assert_eq!(long.code, 1);
        assert!(long.err.contains("at most 1024 bytes"), "{}", long.err);
        let set = program.run_with(&["user", "password", "ann", "--password-stdin"], PASSWORD);
        assert_eq!(set.out, "ann has a new password\n");
        // Without a terminal there is nobody to ask.
        assert!(program.refused(&["user", "password", "ann"]).contains("--password-stdin"));
        assert!(program.refused(&["user", "add", "cy"]).contains("--password-stdin"));
        assert!(program.refused(&["user", "show", "cy"]).contains("no user cy"));
    });
}

#[test]
fn a_password_for_one_login_is_shown_as_such() {
    on_both(|program| {
        let made = program.ok(&["user", "add", "ann", "--generate-password"]);
        let shown = |program: &crate::program::Program| {
            let shown = program.ok(&["user", "show", "ann"]);
            let line = shown.lines().find(|line| line.starts_with("password ")).unwrap();
            line.trim_start_matches("password").trim().to_owned()
        };
        let end = program.json(&["user", "show", "ann"])["password_expires_at"].clone();
        let end = end.as_str().unwrap();
        assert_eq!(shown(&program), format!("one-time, good for one login until {end}"));
        let server = program.serve(&[]);
        let fields = [("username", "ann"), ("password", made.trim())];
        assert_eq!(server.post("/login", "", &fields).status, 303);
        assert_eq!(shown(&program), "one-time, used or over; a new one is due");
        program.run_with(&["user", "password", "ann", "--password-stdin"], PASSWORD);
        assert_eq!(shown(&program), "set");
        let end = &program.json(&["user", "show", "ann"])["password_expires_at"];
        assert_eq!(end, &serde_json::Value::Null);
    });
}

#[test]
fn a_link_says_which_address_it_assumes_unless_one_is_named() {
    on_both(|program| {
        program.add_user("kim", &[]);
        let seed = "[[user]]\nusername = \"cy\"\ninvite = true\n";
        std::fs::write(program.path("seed.toml"), seed).unwrap();
        let url = "public_url = \"https://login.example.com\"\n";
        std::fs::write(program.path("rolecall.toml"), url).unwrap();
        for arguments in [
            &["user", "link", "kim"][..],
            &["user", "add", "ann", "--invite"],
            &["seed", "seed.toml"],
        ] {
            let answer = program.run(arguments);
            let hint = "reach rolecall at http://127.0.0.1:8000. If not, set public_url";
            assert!(answer.err.contains(hint), "{arguments:?}: {}", answer.err);
            assert_eq!((answer.code, answer.out.lines().count()), (0, 1), "{arguments:?}");
        }
        let named = program.run(&["--config", "rolecall.toml", "user", "link", "kim"]);
        assert!(named.out.starts_with("https://login.example.com/link"), "{}", named.out);
        assert!(!named.err.contains("public_url"), "{}", named.err);
    });
}

#[test]
fn roles_include_permit_and_are_explained() {
    on_both(|program| {
        program.ok(&["role", "add", "viewer"]);
        program.ok(&["role", "add", "editor", "--description", "Writes"]);
        program.ok(&["role", "allow", "viewer", "reports:read"]);
        program.ok(&["role", "allow", "editor", "reports:write", "reports:print"]);
        program.ok(&["role", "include", "editor", "viewer"]);
        let editor = program.json(&["role", "show", "editor"]);
        assert_eq!(editor["permissions"], json!(["reports:print", "reports:write"]));
        let all = json!(["reports:print", "reports:read", "reports:write"]);
        assert_eq!(editor["effective_permissions"], all);
        assert_eq!(editor["grantors"], json!(["user-manager"]));

        program.add_user("kim", &[]);
        program.ok(&["grant", "kim", "editor", "--for", "2h", "--reason", "release"]);
        let yes = program.ok(&["explain", "kim", "reports:read"]);
        for part in [
            "yes\n",
            "granted editor by cli:",
            "(release)",
            "editor includes viewer",
            "viewer permits",
        ] {
            assert!(yes.contains(part), "{part:?} in {yes}");
        }
        for what in ["reports:write", "viewer", "editor"] {
            program.ok(&["explain", "kim", what]);
        }
        let no = program.run(&["explain", "kim", "admin"]);
        assert_eq!((no.code, no.out.lines().next()), (1, Some("no")));
        assert!(program.refused(&["explain", "kim", "nope:nope"]).contains("no permission"));
        assert!(program.refused(&["explain", "kim", "nope"]).contains("no role"));

        let cycle = program.refused(&["role", "include", "viewer", "editor"]);
        assert!(cycle.contains("viewer -> editor -> viewer"), "{cycle}");
        program.ok(&["role", "deny", "editor", "reports:print"]);
        program.ok(&["role", "exclude", "editor", "viewer"]);
        assert_eq!(program.run(&["explain", "kim", "reports:read"]).code, 1);
        program.ok(&["revoke", "kim", "editor"]);
        assert!(program.refused(&["revoke", "kim", "editor"]).contains("does not have"));
        program.ok(&["role", "remove", "viewer"]);
        assert!(program.refused(&["role", "show", "viewer"]).contains("no role viewer"));
    });
}

#[test]
fn what_is_built_in_stays_as_it_is() {
    on_both(|program| {
        program.ok(&["role", "add", "mine"]);
        for arguments in [
            &["role", "add", "admin"][..],
            &["role", "add", "rolecall.x"],
            &["role", "remove", "user"],
            &["role", "allow", "auditor", "reports:read"],
            &["role", "deny", "user-manager", "rolecall.users:read"],
            &["role", "include", "user", "mine"],
            &["role", "include", "mine", "admin"],
            &["role", "include", "mine", "auditor"],
            &["role", "allow", "mine", "rolecall.new:thing"],
        ] {
            program.refused(arguments);
        }
    });
}

#[test]
fn a_role_says_how_long_sessions_with_it_last() {
    on_both(|program| {
        program.add_user("kim", &[]);
        program.ok(&["role", "add", "clerk"]);
        program.ok(&["grant", "kim", "clerk"]);
        let server = program.serve(&[]);
        server.login("kim");
        let said = program.ok(&["role", "limit", "clerk", "--idle", "15m", "--absolute", "8h"]);
        assert_eq!(said, "sessions with clerk end after 15m without use, after 8h in all\n");
        let shown = program.json(&["role", "show", "clerk"]);
        assert_eq!(shown["idle_timeout"], "15m");
        assert_eq!(shown["absolute_timeout"], "8h");
        assert!(program.ok(&["role", "show", "clerk"]).contains("\nsessions     end after 15m"));
        let explained = program.ok(&["explain", "kim", "clerk"]);
        assert!(explained.contains("sessions with clerk end after 15m"), "{explained}");
        // The list of sessions says when they end by their roles.
        let session = &program.json(&["session", "list", "kim"])[0];
        let time = |field: &str| {
            let text = session[field].as_str().unwrap();
            let format = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(text, format).unwrap()
        };
        let after = |field: &str, since: &str| (time(field) - time(since)).whole_minutes();
        assert_eq!(after("idle_expires_at", "last_seen_at"), 15);
        assert_eq!(after("absolute_expires_at", "created_at"), 8 * 60);

        let said = program.ok(&["role", "limit", "clerk", "--idle", "none"]);
        assert_eq!(said, "sessions with clerk end after 8h in all\n");
        let said = program.ok(&["role", "limit", "clerk", "--absolute", "none"]);
        assert_eq!(said, "sessions with clerk end as the settings say\n");
        program.ok(&["role", "limit", "admin", "--idle", "900s"]);
        assert_eq!(program.json(&["role", "show", "admin"])["idle_timeout"], "15m");
        let records = program.json(&["audit", "list"]);
        let actions = records.as_array().unwrap().iter().map(|record| &record["action"]);
        assert_eq!(actions.filter(|action| *action == "role.limit").count(), 4);
        assert!(program.refused(&["role", "limit", "nope", "--idle", "1h"]).contains("no role"));
        for arguments in [
            &["role", "limit", "clerk"][..],
            &["role", "limit", "clerk", "--idle", "59s"],
            &["role", "limit", "clerk", "--idle", "soon"],
            &["role", "limit", "clerk", "--absolute", "11y"],
        ] {
            assert_eq!(program.run(arguments).code, 2, "{arguments:?}");
        }
    });
}

#[test]
fn the_last_admin_stays() {
    on_both(|program| {
        program.add_user("alice", &["admin"]);
        for arguments in [
            &["user", "disable", "alice"][..],
            &["user", "remove", "alice"],
            &["revoke", "alice", "admin"],
            &["grant", "alice", "admin", "--for", "2h"],
        ] {
            let line = program.refused(arguments);
            assert!(line.contains("make another one first"), "{line}");
        }
        // One who cannot log in yet, or only for a while, does not count.
        program.ok(&["user", "add", "ben", "--role", "admin", "--invite"]);
        program.add_user("cy", &[]);
        program.ok(&["grant", "cy", "admin", "--until", "2099-01-01T00:00:00Z"]);
        program.refused(&["revoke", "alice", "admin"]);
        program.ok(&["grant", "cy", "admin"]);
        program.ok(&["revoke", "alice", "admin"]);
    });
}

#[test]
fn every_change_is_in_the_audit_trail_and_a_refused_one_is_not() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        program.ok(&["role", "add", "editor"]);
        program.ok(&["grant", "kim", "editor", "--reason", "release"]);
        program.refused(&["role", "add", "editor"]);
        program.refused(&["grant", "kim", "nope"]);
        let records = program.json(&["audit", "list"]);
        let actions: Vec<_> =
            records.as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["grant.create", "role.create", "grant.create", "user.create"]);
        let grant = &records[0];
        assert!(grant["actor"].as_str().unwrap().starts_with("cli:"));
        assert_eq!(grant["target_personal"]["name"], "kim");
        assert_eq!(grant["detail"]["role"], "editor");
        assert_eq!(grant["detail"]["after"]["reason"], "release");
        assert_eq!(program.json(&["audit", "list", "--limit", "1"]).as_array().unwrap().len(), 1);
        assert!(program.ok(&["audit", "list"]).contains("user kim"));

        program.ok(&["user", "remove", "kim"]);
        let left = program.ok(&["audit", "list", "--json"]);
        assert!(!left.contains("kim"), "a removed person is forgotten: {left}");
    });
}

#[test]
fn migrate_tells_what_is_pending_and_applies_it() {
    on_both(|program| {
        let each = |word: &str| {
            our_migrations().iter().map(|name| format!("{word} {name}\n")).collect::<String>()
        };
        let pending = program.run(&["migrate", "--check"]);
        assert_eq!((pending.code, pending.out), (3, each("pending")));
        assert!(!program.key_file().exists(), "a check makes nothing");
        assert_eq!(program.ok(&["migrate"]), each("applied"));
        assert!(program.key_file().exists());
        assert_eq!(program.ok(&["migrate", "--check"]), "the schema is up to date\n");
        assert_eq!(program.ok(&["migrate"]), "the schema is up to date\n");
    });
}

#[test]
fn routes_and_completions_need_no_database() {
    on_both(|program| {
        let routes = program.json(&["routes"]);
        let admin = routes.as_array().unwrap().iter().find(|one| one["path"] == "/admin");
        assert_eq!(admin.unwrap()["requires"], "rolecall.users:read");
        assert!(program.ok(&["routes"]).contains("/auth/check"));
        let mut below = program.command();
        below.env("ROLECALL_PUBLIC_URL", "https://example.com/people/").args(["routes", "--json"]);
        let below: serde_json::Value =
            serde_json::from_slice(&below.output().unwrap().stdout).unwrap();
        let paths: Vec<_> = below.as_array().unwrap().iter().map(|one| &one["path"]).collect();
        let at_root: Vec<_> =
            paths.iter().filter(|path| !path.as_str().unwrap().starts_with("/people/")).collect();
        assert_eq!(at_root.len(), 5, "{at_root:?}");
        assert!(paths.contains(&&json!("/auth/check")));
        assert!(paths.contains(&&json!("/people/auth/check")));
        assert!(paths.contains(&&json!("/people/login")) && !paths.contains(&&json!("/login")));
        assert!(program.ok(&["completions", "bash"]).contains("rolecall"));
        assert_eq!(program.run(&["migrate", "--check"]).code, 3);
    });
}

#[test]
fn usage_mistakes_exit_with_2() {
    on_both(|program| {
        for arguments in [
            &["frobnicate"][..],
            &["user", "add"],
            &["user", "add", "x", "--invite", "--generate-password"],
            &["grant", "x", "y", "--for", "2h", "--until", "2099-01-01T00:00:00Z"],
            &["grant", "x", "y", "--for", "soon"],
            &["session", "end"],
            &["serve", "--no-such-setting", "1"],
            &["serve", "--argon2", "m=1"],
        ] {
            assert_eq!(program.run(arguments).code, 2, "{arguments:?}");
        }
    });
}

#[test]
fn failed_tries_are_listed_and_cleared() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let server = program.serve(&[]);
        let guess = |name: &str| {
            server.post("/login", "", &[("username", name), ("password", "wrong")]).status
        };
        for name in ["kim", "kim", "kim", "kim", "kim", "nobody"] {
            assert_eq!(guess(name), 401);
        }
        assert_eq!(guess("kim"), 429);
        let list = program.json(&["throttle", "list"]);
        let of = |kind: &str, of: &str| {
            let mut lines = list.as_array().unwrap().iter();
            lines.find(|one| one["kind"] == kind && one["of"] == of).unwrap().clone()
        };
        assert_eq!(of("account", "kim")["failures"], 5);
        assert_eq!(of("account", "kim")["closed"], false);
        let nobody = list.as_array().unwrap().iter().filter(|one| {
            one["kind"] == "account" && one["of"].as_str().unwrap().contains("nobody has, ")
        });
        assert_eq!(nobody.map(|one| &one["failures"]).collect::<Vec<_>>(), [1]);
        assert_eq!(of("address", "127.0.0.1")["failures"], 6);
        let list = program.ok(&["throttle", "list"]);
        let line = |kind: &str| list.lines().find(|line| line.starts_with(kind)).unwrap();
        assert!(line("KIND").contains(" FAILED "), "{list}");
        assert!(line("address").contains(" first 2") && line("account").contains(" last 2"));
        assert!(line("address").contains(" 127.0.0.1 "), "{list}");

        assert_eq!(program.ok(&["throttle", "clear", "kim"]), "1 counter cleared\n");
        assert_eq!(guess("kim"), 401);
        assert_eq!(
            program.ok(&["throttle", "clear", "--address", "127.0.0.1"]),
            "1 counter cleared\n"
        );
        assert_eq!(program.ok(&["throttle", "clear", "NoBody"]), "1 counter cleared\n");
        assert_eq!(program.run(&["throttle", "clear", "nobody"]).code, 1, "not any more");
        assert_eq!(program.ok(&["throttle", "clear", "--all"]), "1 counter cleared\n");
        assert_eq!(program.json(&["throttle", "list"]), json!([]));
        assert_eq!(program.run(&["throttle", "clear"]).code, 2);
    });
}
