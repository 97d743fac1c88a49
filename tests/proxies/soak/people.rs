//! People who sign in, are given and lose things, and others who ask what they may do.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::{
    ledger::{Fact, Ledger, ROLE},
    notes::Notes,
};
use crate::{
    program::{PASSWORD, Program, Response, form_token_in, get_from, post_to},
    support::Dice,
};

/// Live sessions of each person, at most.
const SESSIONS: usize = 5;
/// Each person does something this often, and each who asks.
const CHANGE_EVERY: Duration = Duration::from_secs(2);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What all of them share.
pub struct Town<'p> {
    pub program: &'p Program,
    /// Of the balancer.
    pub port: u16,
    pub ledger: Ledger,
    pub notes: Notes,
    /// Cookie and form token of the admin, whose session lasts from beginning to end.
    pub admin: (String, String),
    pub is_over: AtomicBool,
}

impl Town<'_> {
    fn until_over(&self, every: Duration, mut act: impl FnMut()) {
        while !self.is_over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            act();
            std::thread::sleep(every.saturating_sub(begun.elapsed()));
        }
    }

    /// Asks about everybody, again and again.
    pub fn ask(&self, mut dice: Dice) {
        self.until_over(ASK_EVERY, || {
            let Some(question) = self.ledger.draw(&mut dice) else { return };
            let ask = || get_from(self.port, question.path(), &question.cookie);
            let Some(answer) = self.notes.exchange(ask) else { return };
            self.notes.count("questions");
            if let Some(wrong) = self.ledger.contradiction(&question, &answer) {
                self.notes.wrong(wrong);
            }
        });
    }

    /// Lives as this person, whom nobody else changes.
    pub fn live(&self, number: usize, mut dice: Dice) {
        self.until_over(CHANGE_EVERY, || {
            let mut live = self.ledger.person(number).live();
            if live.is_empty() || (live.len() < SESSIONS && dice.once_in(2)) {
                return self.log_in(number);
            }
            let (cookie, id) = live.swap_remove(dice.below(live.len()));
            match dice.below(24) {
                0..=3 => self.log_out(number, &cookie, &id),
                4..=7 => self.end_by_page(number, &id),
                8..=11 => self.end_by_command(number, &id),
                12..=16 => self.change_role_by_page(number),
                17..=21 => self.change_role_by_command(number),
                22 => self.end_all(number, "session end --user", |name| {
                    self.program.ok(&["session", "end", "--user", name]);
                }),
                _ => self.end_all(number, "user disable", |name| {
                    self.program.ok(&["user", "disable", name]);
                    self.program.ok(&["user", "enable", name]);
                }),
            }
        });
    }

    fn name(&self, number: usize) -> String {
        self.ledger.person(number).name.clone()
    }

    fn change<T>(&self, number: usize, id: &str, change: impl FnOnce(&mut Fact) -> T) -> T {
        change(&mut self.ledger.person(number).session(id).live)
    }

    /// Sends a form, which must be taken.
    fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Option<Response> {
        let answer = self.notes.exchange(|| post_to(self.port, path, cookie, fields))?;
        let location = answer.header("location").unwrap_or_default();
        if answer.status != 303 || location.starts_with("/login?next") {
            self.notes.wrong(format!("{path}: {}\n{}", answer.head, answer.body));
            return None;
        }
        Some(answer)
    }

    /// The same as the admin. Whether it was done.
    fn post_as_admin(&self, path: &str, fields: &[(&str, &str)]) -> bool {
        let (cookie, token) = &self.admin;
        let token = [("form_token", token.as_str())];
        self.post(path, cookie, &[fields, token.as_slice()].concat()).is_some()
    }

    fn log_in(&self, number: usize) {
        let name = self.name(number);
        let fields = [("username", name.as_str()), ("password", PASSWORD)];
        let Some(answer) = self.post("/login", "", &fields) else { return };
        // The newest is the first.
        let list = self.program.json(&["session", "list", &name]);
        let id = list[0]["id"].as_str().unwrap().to_owned();
        self.ledger.person(number).begin(answer.cookie(), id);
        self.notes.count("logins");
    }

    fn log_out(&self, number: usize, cookie: &str, id: &str) {
        let page = || get_from(self.port, "/account", cookie);
        let Some(page) = self.notes.exchange(page) else { return };
        let Some(token) = form_token_in(&page) else {
            return self.notes.wrong(format!("a session is lost: {}", page.head));
        };
        self.change(number, id, Fact::begin);
        match self.post("/logout", cookie, &[("form_token", &token)]) {
            Some(_) => self.change(number, id, |live| live.told(false)),
            None => self.look_up_session(number, id),
        }
        self.notes.count("logouts");
    }

    fn end_by_page(&self, number: usize, id: &str) {
        self.change(number, id, Fact::begin);
        if self.post_as_admin(&format!("/admin/sessions/{id}/end"), &[]) {
            self.change(number, id, |live| live.told(false));
        } else {
            self.look_up_session(number, id);
        }
        self.notes.count("sessions ended by a page");
    }

    fn end_by_command(&self, number: usize, id: &str) {
        self.change(number, id, Fact::begin);
        self.program.ok(&["session", "end", id]);
        self.change(number, id, |live| live.told(false));
        self.notes.count("sessions ended by a command");
    }

    fn end_all(&self, number: usize, what: &str, end: impl FnOnce(&str)) {
        let name = {
            let mut person = self.ledger.person(number);
            person.sessions.iter_mut().for_each(|session| session.live.begin());
            person.name.clone()
        };
        end(&name);
        let mut person = self.ledger.person(number);
        person.sessions.iter_mut().for_each(|session| session.live.told(false));
        drop(person);
        self.notes.count(what);
    }

    fn change_role_by_page(&self, number: usize) {
        let (path, next) = self.begin_role(number);
        let user = self.ledger.person(number).id.clone();
        let is_done = self.post_as_admin(&format!("/admin/users/{user}/{path}"), &[("role", ROLE)]);
        let holds = if is_done { next } else { self.look_up_role(number) };
        self.ledger.person(number).role.told(holds);
        self.notes.count(&format!("{path} by a page"));
    }

    fn change_role_by_command(&self, number: usize) {
        let (command, next) = self.begin_role(number);
        self.program.ok(&[command, &self.name(number), ROLE]);
        self.ledger.person(number).role.told(next);
        self.notes.count(&format!("{command} by a command"));
    }

    fn begin_role(&self, number: usize) -> (&'static str, bool) {
        let role = &mut self.ledger.person(number).role;
        let next = role.holds() == Some(false);
        role.begin();
        (if next { "grant" } else { "revoke" }, next)
    }

    /// Postgres may still be at what a killed node asked for. That row is the last that a change
    /// takes.
    fn wait_for_last_commits(&self) {
        self.program.execute("update turns set taken = taken where name = 'revision'");
    }

    /// Nobody has said whether the session was ended.
    fn look_up_session(&self, number: usize, id: &str) {
        self.wait_for_last_commits();
        let list = self.program.json(&["session", "list", &self.name(number)]);
        let is_live = list.as_array().unwrap().iter().any(|session| session["id"] == id);
        self.change(number, id, |live| live.told(is_live));
        self.notes.count("looked up");
    }

    fn look_up_role(&self, number: usize) -> bool {
        self.wait_for_last_commits();
        self.notes.count("looked up");
        self.program.run(&["explain", &self.name(number), ROLE]).code == 0
    }
}
