//! Users move here from another program: told line by line beforehand, taken with their hashes.

use serde_json::{Value, json};

use crate::{
    program::{Answer, Program, on_both},
    support::{
        Engine,
        hashes::{PASSWORD, SCHEMES, made},
    },
};

/// Imports what stands in a file of this name.
pub fn import(program: &Program, name: &str, text: impl AsRef<[u8]>, flags: &[&str]) -> Answer {
    std::fs::write(program.path(name), text).unwrap();
    let format = name.rsplit('.').next().unwrap();
    let arguments: Vec<&str> =
        ["import", name, "--format", format].iter().chain(flags).copied().collect();
    program.run(&arguments)
}

/// The same as JSON, with its exit code.
pub fn told(program: &Program, name: &str, text: impl AsRef<[u8]>, flags: &[&str]) -> (i32, Value) {
    let flags: Vec<&str> = flags.iter().chain(&["--json"]).copied().collect();
    let answer = import(program, name, text, &flags);
    let told = serde_json::from_str(&answer.out);
    (answer.code, told.unwrap_or_else(|error| panic!("{error}: {}{}", answer.out, answer.err)))
}

/// Line and field of what was refused.
fn refused(told: &Value) -> Vec<(u64, String)> {
    let lines = told["refused"].as_array().unwrap().iter();
    lines
        .map(|line| {
            (line["line"].as_u64().unwrap(), line["field"].as_str().unwrap_or("-").to_owned())
        })
        .collect()
}

fn names(program: &Program) -> Vec<String> {
    let users = program.json(&["user", "list"]);
    let name = |user: &Value| user["username"].as_str().unwrap().to_owned();
    users.as_array().unwrap().iter().map(name).collect()
}

/// How many records tell of a batch.
fn recorded(program: &Program) -> i64 {
    program.number("select count(*) from audit where action = 'users.import'")
}

#[test]
fn users_come_with_their_hashes_and_the_first_login_makes_these_ours() {
    on_both(|program| {
        program.ok(&["role", "add", "editor"]);
        let line = |(number, kind): (usize, &&str)| {
            let hash = made(kind, PASSWORD);
            let email = format!("Kim{number}@Example.org");
            json!({ "username": format!("KIM{number}"), "email": email, "password_hash": hash,
                    "display_name": "Kim \u{1f389}", "roles": ["user", "editor", "user"],
                    "status": if number == 1 { Value::from("disabled") } else { Value::Null } })
            .to_string()
        };
        let text = SCHEMES.iter().enumerate().map(line).collect::<Vec<_>>().join("\n");
        let (code, told) = told(&program, "users.jsonl", &text, &[]);
        assert_eq!((code, &told["made"]), (0, &json!(13)), "{told:#}");
        for kind in SCHEMES {
            assert_eq!(told["schemes"][kind], 1, "{kind}");
        }
        assert_eq!(told["without_password"], 0);
        let kim = program.json(&["user", "show", "kim0"]);
        assert_eq!(kim["email"], "Kim0@Example.org");
        assert_eq!(kim["roles"], json!(["editor", "user"]));
        let by = kim["grants"][0]["granted_by"].as_str().unwrap();
        assert!(by.starts_with("cli:"), "{by}");
        assert_eq!(program.json(&["user", "show", "kim1"])["status"], "disabled");
        assert_eq!(recorded(&program), 1);
        program.ok(&["audit", "verify"]);

        let server = program.serve_with(&[], |command| {
            command.env("ROLECALL_THROTTLE", "off");
        });
        for (number, kind) in SCHEMES.iter().enumerate() {
            let name = format!("kim{number}");
            let login =
                || server.post("/login", "", &[("username", &name), ("password", PASSWORD)]);
            let expected = if number == 1 { 401 } else { 303 };
            assert_eq!(login().status, expected, "{kind}");
            let ours = format!(
                "select count(*) from users where username = '{name}'
                 and password_hash like '$argon2id$v=19$m=64,t=1,p=1$%'"
            );
            assert_eq!(program.number(&ours), i64::from(number != 1), "{kind}");
            assert_eq!(login().status, expected, "{kind}");
        }
        // Who has signed in since is there as before.
        let again = crate::import::told(&program, "users.jsonl", &text, &[]);
        assert_eq!((again.0, &again.1["already_there"]), (0, &json!(13)), "{:#}", again.1);
        assert_eq!(recorded(&program), 1, "nothing was changed");
    });
}

#[test]
fn who_has_no_password_to_keep_comes_without_one_and_is_counted() {
    on_both(|program| {
        let text = "username,password_hash\n\
                    none,\nunusable,!canary\nplain,canary\nmd5,5f4dcc3b5aa765d61d8327deb882cf99\n\
                    django,sha1$canary$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\n";
        let (code, told) = told(&program, "users.csv", text, &[]);
        assert_eq!(code, 0);
        assert_eq!((&told["made"], &told["without_password"]), (&json!(5), &json!(5)));
        let weak = json!({ "a digest without iterations": 2, "plain text": 1 });
        assert_eq!(told["weak"], weak);
        assert_eq!(program.number("select count(*) from users where password_hash is null"), 5);
        assert!(!program.dump().contains("canary"));
        program.ok(&["user", "link", "plain"]);
        let again = import(&program, "users.csv", text, &[]);
        assert_eq!((again.code, again.out.as_str()), (0, "0 users made\nalready there: 5\n"));
    });
}

#[test]
fn a_csv_may_have_a_bom_crlf_and_quotes_and_names_its_lines_rightly() {
    on_both(|program| {
        let text = "\u{feff}\"username\",note,display_name\r\n\
                    kim,\"two\r\nlines, \"\"quoted\"\"\",\"Kim, K.\"\r\n\r\n\
                    lee,,\"two\nlines\"\r\nmax,,Max\r\na b,,\r\n";
        let (code, told) = told(&program, "users.csv", text, &["--map", "note=-"]);
        let (username, shown) = ("username".to_owned(), "display_name".to_owned());
        assert_eq!((code, refused(&told)), (1, vec![(5, shown), (8, username)]), "{told:#}");
        assert_eq!(names(&program), ["kim", "max"]);
        assert_eq!(program.json(&["user", "show", "kim"])["display_name"], "Kim, K.");
        // Without an end, and in one column.
        let last = import(&program, "users.csv", "username\nlast", &[]);
        assert_eq!(
            (last.code, last.out.as_str()),
            (
                0,
                "1 user made\n  without a password: 1; a link for each: rolecall user invite --without-password\n"
            )
        );
    });
}

#[test]
fn a_column_that_nobody_knows_is_refused_until_it_is_mapped() {
    on_both(|program| {
        program.ok(&["migrate"]);
        let before = program.dump();
        let hash = made("Django PBKDF2", PASSWORD);
        let text = format!("login,password,id\nkim,{hash},1\n");
        for (flags, hint) in [
            (&[][..], "--map login=FIELD"),
            (&["--map", "login=username", "--map", "password=password_hash"], "--map id=FIELD"),
            (&["--map", "nope=username"], "no column \"nope\""),
            (
                &["--map", "login=-", "--map", "password=-", "--map", "id=-"],
                "no column is the username",
            ),
            (
                &["--map", "login=username", "--map", "password=username", "--map", "id=-"],
                "two columns are username",
            ),
        ] {
            let answer = import(&program, "users.csv", &text, flags);
            assert_eq!(answer.code, 1);
            assert!(answer.err.starts_with("rolecall: users.csv: "), "{}", answer.err);
            assert!(answer.err.contains(hint), "{hint}: {}", answer.err);
        }
        for flags in [["--map", "login"], ["--map", "login=name"]] {
            assert_eq!(import(&program, "users.csv", &text, &flags).code, 2);
        }
        let semicolons = import(&program, "users.csv", "username;email\nkim;a@b.c\n", &[]);
        assert!(semicolons.err.contains("commas"), "{}", semicolons.err);
        let empty = import(&program, "users.csv", "", &[]);
        assert!(empty.err.contains("first line"), "{}", empty.err);
        assert_eq!(program.dump(), before);

        let flags = ["--map", "login=username", "--map", "password=password_hash", "--map", "id=-"];
        assert_eq!(import(&program, "users.csv", &text, &flags).code, 0);
        let lines = "{\"login\": \"lee\", \"id\": 2}\n{\"login\": \"max\", \"more\": true}\n";
        let (code, told) = told(&program, "users.jsonl", lines, &flags);
        assert_eq!((code, refused(&told)), (1, vec![(2, "-".to_owned())]));
        let reason = told["refused"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("--map more=FIELD"), "{reason}");
        assert_eq!(names(&program), ["kim", "lee"]);
    });
}

#[test]
fn roles_that_nobody_made_refuse_their_line_or_are_made() {
    on_both(|program| {
        program.ok(&["role", "add", "editor"]);
        let text = "username,roles\nada,admin\nkim,editor| writer |editor\nlee,rolecall.x\n\
                    max,Writer\nzoe,user|writer\n\
                    mia,5f4dcc3b5aa765d61d8327deb882cf99\n";
        let (code, refusing) = told(&program, "users.csv", text, &["--plan"]);
        let lines: Vec<u64> = refused(&refusing).iter().map(|(line, _)| *line).collect();
        assert_eq!((code, lines), (1, vec![3, 4, 5, 6, 7]), "{refusing:#}");
        assert!(!refusing.to_string().contains("5f4dcc3b"));
        let text = text.lines().take(6).map(|line| format!("{line}\n")).collect::<String>();
        let (code, making) = told(&program, "users.csv", &text, &["--create-roles"]);
        let lines: Vec<u64> = refused(&making).iter().map(|(line, _)| *line).collect();
        assert_eq!((code, lines, &making["roles"]), (1, vec![4, 5], &json!(["writer"])));
        assert_eq!(program.json(&["user", "show", "kim"])["roles"], json!(["editor", "writer"]));
        assert_eq!(program.number("select count(*) from audit where action = 'role.create'"), 2);
        assert_eq!(recorded(&program), 1);
        program.ok(&["audit", "verify"]);
    });
}

#[test]
fn a_plan_says_what_the_import_says_and_changes_nothing() {
    on_both(|program| {
        program.add_user("ada", &["admin"]);
        let before = program.dump();
        let hash = made("bcrypt", PASSWORD);
        let text = format!(
            "username,password_hash,roles\nkim,{hash},new\nKIM,,\nada,,\nlee,canary,new\nmax,{hash},x y\n"
        );
        let flags = ["--create-roles", "--plan"];
        let (code, mut planned) = told(&program, "users.csv", &text, &flags);
        let words = import(&program, "users.csv", &text, &flags);
        assert_eq!(program.dump(), before);
        let (made_code, mut done) = told(&program, "users.csv", &text, &flags[..1]);
        assert_eq!((code, made_code), (1, 1));
        assert_eq!((planned["plan"].take(), done["plan"].take()), (json!(true), json!(false)));
        assert_eq!(planned, done);
        assert!(words.out.starts_with("2 users would be made\n"), "{}", words.out);
        assert_eq!(words.err.lines().count(), 2, "{}", words.err);
        assert!(words.err.starts_with("line 3, username: an earlier line"), "{}", words.err);
        assert_eq!(names(&program), ["ada", "kim", "lee"]);
    });
}

#[test]
fn strict_ends_at_the_first_broken_line_with_nothing_of_its_batch() {
    on_both(|program| {
        program.ok(&["migrate"]);
        let text = "username\nkim\na b\nlee\n";
        let line = import(&program, "users.csv", text, &["--strict"]);
        assert_eq!((line.code, line.out.as_str()), (1, ""));
        assert_eq!(line.err.lines().count(), 1, "{}", line.err);
        assert!(line.err.contains("users.csv: line 3, username: "), "{}", line.err);
        assert!(line.err.contains("nothing is in"), "{}", line.err);
        assert_eq!(names(&program), Vec::<String>::new());
        assert_eq!(import(&program, "users.csv", "username\nkim\n", &["--strict"]).code, 0);
    });
}

#[test]
fn standard_input_is_read_to_its_end() {
    on_both(|program| {
        let arguments = ["import", "-", "--format", "jsonl"];
        let answer =
            program.run_with(&arguments, "{\"username\": \"kim\"}\n\n{\"username\": \"lee\"}");
        assert_eq!(answer.code, 0, "{}", answer.err);
        assert_eq!(names(&program), ["kim", "lee"]);
        let answer = program.run_with(&arguments, "{\"username\": \"max\"}\n{\"userna");
        assert_eq!(answer.code, 1);
        assert!(answer.err.starts_with("line 2: it is no whole JSON object"), "{}", answer.err);
        assert_eq!(names(&program), ["kim", "lee", "max"]);
        let missing = program.refused(&["import", "none.csv", "--format", "csv"]);
        assert!(missing.contains("none.csv: cannot read it"), "{missing}");
    });
}

#[test]
fn a_file_that_is_no_file_is_told_so() {
    let program = Program::new(Engine::Sqlite);
    std::fs::create_dir(program.path("folder")).unwrap();
    let line = program.refused(&["import", "folder", "--format", "csv"]);
    assert!(line.contains("folder: cannot read it"), "{line}");
}
