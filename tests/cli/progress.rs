//! At a terminal long commands show how far they are; elsewhere they say nothing of it.

use std::process::Stdio;

use crate::{
    copy::{copy, fill_long, other},
    import_long::{BATCH, many},
    program::{Program, on_both},
    support::terminal::Terminal,
};

/// Runs it with standard error on a terminal; returns its exit code, what it printed, and the
/// lines that stood on the terminal, one after the other.
fn at_terminal(program: &Program, arguments: &[&str]) -> (i32, String, Vec<String>) {
    let terminal = Terminal::new(120);
    let mut command = program.command();
    command.args(arguments).env("TERM", "xterm");
    command.stdout(Stdio::piped()).stderr(terminal.stdio());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    // It holds the terminal open.
    drop(command);
    let text = terminal.read();
    let lines = text.split(['\r', '\n']).map(without_codes).map(|line| line.trim().to_owned());
    let lines = lines.filter(|line| !line.is_empty()).collect();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), lines)
}

/// Without what moves the cursor or clears a line: ESC [ … letter.
fn without_codes(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    let text =
        |part: &str| part.trim_start_matches(|c: char| !c.is_ascii_alphabetic())[1..].to_owned();
    parts.fold(first, |line, part| line + &text(part))
}

/// Whether it is a bar with what is told, a rate above nothing and the time left.
fn is_bar(line: &str, what: &str) -> bool {
    let parts: Vec<&str> =
        line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
    let [.., rate, left] = parts.as_slice() else { return false };
    let per_second = rate.strip_suffix("/s").and_then(|rate| rate.split([' ', '/']).next());
    let is_rate =
        per_second.and_then(|number| number.parse::<f64>().ok()).is_some_and(|number| number > 0.0);
    let time = left.strip_suffix(" left").unwrap_or_default();
    let is_time = time.starts_with(|c: char| c.is_ascii_digit()) && time.ends_with(['s', 'm', 'h']);
    line.starts_with(what) && line.contains(">") && is_rate && is_time
}

#[test]
fn an_import_at_a_terminal_shows_its_rate_and_the_time_left() {
    on_both(|program| {
        let text = many(2 * BATCH) + "ben,,,nobody-made-it\n";
        std::fs::write(program.path("users.csv"), text).unwrap();
        program.ok(&["migrate"]);
        let import = ["import", "users.csv", "--format", "csv"];
        let refused = format!("line {}, roles: there is no role nobody-made-it", 2 * BATCH + 2);

        let (code, out, lines) = at_terminal(&program, &import);
        assert_eq!(code, 1);
        assert!(out.starts_with("20,000 users made\n"), "{out}");
        assert!(lines.iter().any(|line| is_bar(line, "10,000 users ")), "{lines:#?}");
        let is_told = |line: &String| line.starts_with(&refused) && !line.contains("left");
        assert_eq!(lines.iter().filter(|line| is_told(line)).count(), 1, "{lines:#?}");

        let answer = program.run(&import);
        assert!(answer.err.starts_with(&refused), "{}", answer.err);
        assert_eq!((answer.code, answer.err.lines().count()), (1, 1), "{}", answer.err);
    });
}

#[test]
fn a_copy_at_a_terminal_shows_its_rate_and_the_time_left() {
    on_both(|source| {
        source.add_user("ada", &["admin"]);
        fill_long(&source, 20_000);
        let target = other(&source);
        let (code, out, lines) = at_terminal(&source, &copy(&source, target.url()));
        assert_eq!(code, 0, "{lines:#?}");
        assert!(out.starts_with("TABLE "), "{out}");
        for what in ["copying throttles ", "comparing throttles "] {
            assert!(lines.iter().any(|line| is_bar(line, what)), "{what}: {lines:#?}");
        }
        let answer = source.run(&copy(&source, other(&source).url()));
        assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    });
}
