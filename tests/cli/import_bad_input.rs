//! What can be wrong with a line: told with its number and field, the others taken, and no hash
//! shown.

use crate::{
    import::{import, told},
    program::{Program, on_both},
    support::{
        Engine,
        hashes::{PASSWORD, made},
    },
};

/// A hash that has to be told, and must not be shown.
fn spoilt(scheme: &str, from: &str, to: &str) -> String {
    let hash = made(scheme, PASSWORD);
    assert!(hash.contains(from), "{hash}");
    hash.replacen(from, to, 1)
}

/// Each line is the only one of its file; beside it stands one that is taken.
fn refuse(program: &Program, name: &str, head: &str, lines: &[(Vec<u8>, &str, &str)]) {
    program.ok(&["migrate"]);
    for (number, (line, field, hint)) in lines.iter().enumerate() {
        let good = match name {
            "users.csv" => format!("good{number},,,,,\n"),
            _ => format!("{{\"username\": \"good{number}\"}}\n"),
        };
        let text = [head.as_bytes(), good.as_bytes(), line].concat();
        let before = program.number("select count(*) from users");
        let (code, told) = told(program, name, text, &[]);
        let shown = String::from_utf8_lossy(line);
        let shown: String = shown.chars().take(100).collect();
        assert_eq!((code, &told["made"]), (1, &1.into()), "{shown}: {told:#}");
        let refused = told["refused"].as_array().unwrap();
        assert_eq!(refused.len(), 1, "{shown}: {told:#}");
        let at = head.lines().count() + 2;
        assert_eq!(refused[0]["line"], at, "{shown}: {told:#}");
        assert_eq!(refused[0]["field"].as_str().unwrap_or("-"), *field, "{shown}: {told:#}");
        let reason = refused[0]["reason"].as_str().unwrap();
        assert!(reason.contains(hint), "{shown}: {hint:?} in {reason}");
        assert!(!told.to_string().contains("canary"), "{told:#}");
        assert_eq!(program.number("select count(*) from users"), before + 1);
    }
}

#[test]
fn a_broken_line_of_a_csv_is_told_and_stops_no_other() {
    on_both(|program| {
        let line = |text: &str| text.as_bytes().to_vec();
        let hash = |hash: String| format!("kim,,,{hash},,").into_bytes();
        let latin = [b"kim,,Zo\xeb,,,".to_vec(), b"k\xefm,,,,,".to_vec()];
        let ten = "x".repeat(10 << 20);
        refuse(
            &program,
            "users.csv",
            "username,email,display_name,password_hash,roles,status\n",
            &[
                (line(",a@b.c,,,,"), "username", "missing"),
                (line("a b,,,,,"), "username", "user name"),
                (line("a@b.c,,,,,"), "username", "without spaces and @"),
                (line("system,,,,,"), "username", "audit trail"),
                (line("kim,canary,,,,"), "email", "e-mail"),
                (line("kim,,\"a\u{7}b\",,,"), "display_name", "control"),
                (line("kim,,,,,canary"), "status", "neither active nor disabled"),
                (line("kim,,,,No Role,"), "roles", "no role name"),
                (line("kim,,,,none,"), "roles", "no role none"),
                (line("kim"), "-", "1 and not 6"),
                (line("kim,,,,,,"), "-", "7 and not 6"),
                (line("\"kim,,,,,\nlee,,,,,\n"), "-", "1 and not 6"),
                (latin[0].clone(), "display_name", "UTF-8"),
                (latin[1].clone(), "username", "UTF-8"),
                (format!("kim,,{ten},,,\n").into_bytes(), "-", "64 KiB"),
                (format!("kim,,\"{ten}").into_bytes(), "-", "quote is not closed"),
                (line(&format!("kim{}", ",".repeat(300))), "-", "256 columns"),
                (hash("$9$canary$canary".into()), "password_hash", "no kind"),
                (hash("$2b$31$canary".into()), "password_hash", "cannot be read"),
                (hash(format!("$2b$31${}", "a".repeat(53))), "password_hash", "takes too long"),
                (
                    hash(spoilt("Werkzeug scrypt", "scrypt:1024", "scrypt:1048576")),
                    "password_hash",
                    "128 MiB",
                ),
                (
                    hash("pbkdf2:sha256:99999999$canary$".to_owned() + &"a".repeat(64)),
                    "password_hash",
                    "too long",
                ),
                (
                    hash("pbkdf2:sha256:1000$$".to_owned() + &"a".repeat(64)),
                    "password_hash",
                    "salt is empty",
                ),
                (hash("pbkdf2:sha256:1000$canary$abcd".into()), "password_hash", "length"),
                (hash("\"pbkdf2:sha256:1000$ca\0nary$abcd\"".into()), "password_hash", "control"),
            ],
        );
    });
}

#[test]
fn a_broken_line_of_json_is_told_and_stops_no_other() {
    on_both(|program| {
        let line = |text: &str| text.as_bytes().to_vec();
        refuse(
            &program,
            "users.jsonl",
            "",
            &[
                (line("{\"username\": \"kim\", \"email\": \"kim@ex"), "-", "cut"),
                (line("\"canary\""), "-", "JSON object"),
                (line("[\"canary\"]"), "-", "JSON object"),
                (line("{\"username\": \"kim\"} {}"), "-", "JSON object"),
                (line("{}"), "username", "missing"),
                (line("{\"username\": 1}"), "username", "no text"),
                (line("{\"username\": \"kim\", \"roles\": \"user\"}"), "roles", "no list"),
                (line("{\"username\": \"kim\", \"roles\": [1]}"), "roles", "no list"),
                (line("{\"username\": \"kim\", \"Email\": \"x\"}"), "-", "--map Email=FIELD"),
                (line("{\"username\": \"kim\", \"username\": \"lee\"}"), "username", "twice"),
                (b"{\"username\": \"k\xefm\"}".to_vec(), "-", "UTF-8"),
                (line("{\"username\": \"k\\u0000m\"}"), "username", "user name"),
                (line(&format!("{{\"username\": \"{}\"}}", "x".repeat(10 << 20))), "-", "64 KiB"),
                (line(&"[".repeat(60_000)), "-", "JSON object"),
            ],
        );
    });
}

#[test]
fn names_and_emails_are_taken_once_in_the_file_and_beside_who_is_there() {
    on_both(|program| {
        program.add_user("ada", &["admin"]);
        program.ok(&["user", "add", "ben", "--email", "Ben@example.org", "--invite"]);
        let hash = made("bcrypt", PASSWORD);
        let text = format!(
            "username,email,password_hash\n\
             ben,other@example.org,\nada,,{hash}\nADA,ada@example.org,\nkim,ben@EXAMPLE.org,\nkim,kim@example.org,\n\
             ＫＩＭ,,\nlee,KIM@example.org,\nаdа,,\nmax,,\nmах,,\nben,ben@example.org,\n"
        );
        // The password of who is there is not that of the line, but may have been renewed.
        let (code, told_first) = told(&program, "users.csv", &text, &[]);
        assert_eq!(code, 1);
        let expected = [
            (2, "username", "already, with another"),
            (4, "username", "an earlier line"),
            (5, "email", "somebody else has it"),
            (7, "username", "an earlier line"),
            (8, "email", "an earlier line"),
            (9, "username", "looks like"),
            (11, "username", "looks like"),
        ];
        let refused = told_first["refused"].as_array().unwrap();
        assert_eq!(refused.len(), expected.len(), "{told_first:#}");
        for (refused, (line, field, hint)) in refused.iter().zip(expected) {
            assert_eq!((&refused["line"], &refused["field"]), (&line.into(), &field.into()));
            assert!(refused["reason"].as_str().unwrap().contains(hint), "{refused}");
        }
        assert_eq!((&told_first["made"], &told_first["already_there"]), (&2.into(), &2.into()));

        let alike = told(&program, "users.csv", &text, &["--allow-lookalikes"]).1;
        assert_eq!((&alike["made"], &alike["already_there"]), (&2.into(), &4.into()), "{alike:#}");
        let looks = "select count(*) from name_looks";
        assert_eq!(program.number(looks), 4, "of those that look alike the first has the look");
        program.ok(&["user", "rename", "mах", "mia"]);
    });
}

#[test]
fn a_hash_with_a_pepper_that_is_not_ours_is_refused() {
    let program = Program::new(Engine::Sqlite);
    program.ok(&["migrate"]);
    let hash = "$argon2id$v=19$m=64,t=1,p=1,keyid=AAAAAA$c29tZXNhbHRzb21lc2FsdA$8gyVDQsLHX9WFpz0xUvyqV+fB2MCf6Nc6Y0n4OnmNSE";
    let text = format!("username,password_hash\nkim,\"{hash}\"\n");
    let answer = import(&program, "users.csv", text, &[]);
    assert_eq!(answer.code, 1, "{}{}", answer.out, answer.err);
    assert!(answer.err.contains("line 2, password_hash: "), "{}", answer.err);
    assert!(answer.err.contains("key"), "{}", answer.err);
}
