//! Invitations for everybody who has no password, as after an import.

use crate::{
    import::import,
    program::{PASSWORD, Program, on_both},
    support::hashes,
};

/// Name, e-mail and token of each line after the header.
fn invited(program: &Program) -> Vec<(String, String, String)> {
    let answer = program.run(&["user", "invite", "--without-password"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let number = answer.out.lines().count() - 1;
    let plural = if number == 1 { "" } else { "s" };
    let told = format!("{number} invitation{plural}, each good once, within 7 days");
    assert_eq!(answer.err.lines().last(), Some(told.as_str()));
    let mut lines = answer.out.lines();
    assert_eq!(lines.next(), Some("username,email,link"));
    let of_line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [name, email, link] = cells[..] else { panic!("{line}") };
        let token = link.strip_prefix("http://127.0.0.1:8000/link?token=").unwrap();
        (name.to_owned(), email.to_owned(), token.to_owned())
    };
    lines.map(of_line).collect()
}

#[test]
fn whoever_comes_without_a_password_is_invited_and_nobody_else() {
    on_both(|program| {
        program.add_user("ada", &["admin"]);
        let hash = hashes::made("bcrypt", hashes::PASSWORD);
        let others: String = (0..600).map(|n| format!("kim{n:03},,,\n")).collect();
        let text = format!(
            "username,email,password_hash,status\n\
             lee,lee@example.org,canary,\nmax,,{hash},\nzoe,,,disabled\n{others}"
        );
        assert_eq!(import(&program, "users.csv", text, &[]).code, 0);
        let first = invited(&program);
        assert_eq!(first.len(), 601);
        let names: Vec<_> = first.iter().map(|(name, email, _)| (&**name, &**email)).collect();
        assert_eq!(
            (names[0], names[599], names[600]),
            (("kim000", ""), ("kim599", ""), ("lee", "lee@example.org"))
        );
        let links = "select count(*) from links where kind = 'invitation'";
        assert_eq!(program.number(links), 601);
        assert_eq!(program.number("select count(*) from audit where action = 'link.invite'"), 601);
        program.ok(&["audit", "verify"]);

        let server = program.serve(&[]);
        let choose = |token: &str| {
            server.post("/link", "", &[("token", token), ("password", PASSWORD)]).status
        };
        assert_eq!(choose(&first[600].2), 303);
        server.login("lee");
        // Who has a password by now is left alone, and older links of the others are void.
        let second = invited(&program);
        assert_eq!(second.len(), 600);
        assert_ne!(choose(&first[0].2), 303);
        assert_eq!(choose(&second[0].2), 303);
        assert_eq!(program.number(links), 599, "of each who still has no password one");
        program.ok(&["user", "enable", "zoe"]);
        assert_eq!(invited(&program).last().unwrap().0, "zoe");
    });
}

#[test]
fn where_everybody_has_a_password_nobody_is_invited() {
    on_both(|program| {
        program.add_user("ada", &["admin"]);
        assert_eq!(invited(&program), []);
        assert_eq!(program.run(&["user", "invite"]).code, 2);
    });
}
