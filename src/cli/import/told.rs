//! What an import says: refused lines as they come, numbers at the end.

use std::io::Write;

use serde_json::{Value, json};

use crate::{
    auth::import::{Refused, Report},
    cli::{Failure, Outcome, output},
    text::{self, count},
};

/// Refused lines that a person is told one by one.
const MOST: u64 = 1000;

pub struct Told {
    json: bool,
    is_plan: bool,
    /// Refused lines so far.
    refused: u64,
    /// Nobody reads any more. The import goes on.
    is_cut: bool,
}

impl Told {
    pub fn new(json: bool, is_plan: bool) -> Self {
        Self { json, is_plan, refused: 0, is_cut: false }
    }

    /// Lines that are refused: beside the numbers, or as the beginning of one JSON object.
    pub fn refused(&mut self, lines: &[Refused]) {
        let mut text = String::new();
        for line in lines {
            self.refused += 1;
            if self.json {
                text.push_str(if self.refused == 1 { "{\"refused\": [\n" } else { ",\n" });
                text.push_str(&as_json(line).to_string());
            } else if self.refused <= MOST {
                text.push_str(&output::clean(&line.to_string()));
                text.push('\n');
            }
        }
        let written = match self.json {
            true => output::write(text.as_bytes()).is_ok(),
            false => std::io::stderr().write_all(text.as_bytes()).is_ok(),
        };
        self.is_cut |= !written;
    }

    /// `ended`: why before the file did.
    pub fn finish(self, report: &Report, ended: Option<&str>) -> Outcome {
        if self.is_cut {
            let lost = "the report could not be written; what it tells of has happened";
            return Err(Failure::Other(lost.to_owned()));
        }
        if self.json {
            let start = if self.refused == 0 { "{\"refused\": [" } else { "\n" };
            let rest = format!("{:#}", rest(report, self.is_plan, ended));
            return output::line(&format!("{start}],{}", rest.trim_start_matches('{')));
        }
        if let Some(more) = self.refused.checked_sub(MOST).filter(|more| *more > 0) {
            let more = count(more, "more refused line", "more refused lines");
            eprintln!("and {more}; --json shows all");
        }
        match ended {
            Some(_) if report.through_line == 0 => Ok(()),
            _ => output::line(&summary(report, self.is_plan)),
        }
    }
}

fn as_json(refused: &Refused) -> Value {
    json!({
        "line": refused.line,
        "field": refused.field.map(|field| field.name()),
        "reason": refused.reason.to_string(),
    })
}

fn rest(report: &Report, is_plan: bool, ended: Option<&str>) -> Value {
    let named = |number: (String, u64)| (number.0, json!(number.1));
    let schemes = report.schemes.iter().map(|(scheme, number)| (scheme.to_string(), *number));
    let weak = report.weak.iter().map(|(weak, number)| (weak.to_string(), *number));
    json!({
        "plan": is_plan,
        "made": report.made,
        "schemes": schemes.map(named).collect::<serde_json::Map<_, _>>(),
        "without_password": report.without_password,
        "weak": weak.map(named).collect::<serde_json::Map<_, _>>(),
        "roles": report.roles,
        "already_there": report.already_there,
        "through_line": report.through_line,
        "ended": ended,
    })
}

fn summary(report: &Report, is_plan: bool) -> String {
    let (made, roles) = if is_plan {
        ("would be made", "roles that would be made")
    } else {
        ("made", "roles made")
    };
    let mut lines = vec![format!("{} {made}", users(report.made))];
    for (scheme, number) in &report.schemes {
        lines.push(format!("  {scheme}: {}", in_words(*number)));
    }
    if report.without_password > 0 {
        lines.push(format!(
            "  without a password: {}; a link for each: rolecall user invite --without-password",
            in_words(report.without_password)
        ));
    }
    for (weak, number) in &report.weak {
        lines.push(format!("    as it was too weak to keep, {weak}: {}", in_words(*number)));
    }
    if !report.roles.is_empty() {
        let names: Vec<&str> = report.roles.iter().map(String::as_str).collect();
        lines.push(format!("{roles}: {}", text::list(&names)));
    }
    if report.already_there > 0 {
        lines.push(format!("already there: {}", in_words(report.already_there)));
    }
    if report.refused > 0 {
        let refused = if is_plan { "would be refused" } else { "refused" };
        lines.push(format!("{} {refused}", count(report.refused, "line", "lines")));
    }
    lines.join("\n")
}

/// What is in, when it ended early.
pub fn state(report: &Report, is_plan: bool) -> String {
    match report.through_line {
        _ if is_plan => "nothing was changed".to_owned(),
        0 => "nothing is in; the same command can be given again".to_owned(),
        line => format!(
            "the lines up to {line} are in ({} made); the same command goes on from there",
            users(report.made)
        ),
    }
}

fn users(number: u64) -> String {
    count(number, "user", "users")
}

fn in_words(number: u64) -> String {
    text::number(i64::try_from(number).unwrap_or(i64::MAX))
}
