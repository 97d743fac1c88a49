//! What everybody was told of sessions and roles, and which answers agree with it.

use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{program::Response, support::Dice};

/// From so long after it was told, a change holds on every node.
const EFFECTIVE: Duration = Duration::from_secs(1);
/// The role that comes and goes.
pub const ROLE: &str = "editor";
/// Sessions that ended and are asked for again, of each person.
const ENDED: usize = 8;

/// Something that is so or not. One person alone changes it.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// `None` while it is changed, and when nobody has said how that ended.
    holds: Option<bool>,
    from: Instant,
    changes: u64,
}

impl Fact {
    /// It holds at once.
    fn new(holds: bool) -> Self {
        Self { holds: Some(holds), from: Instant::now(), changes: 0 }
    }

    /// A change is about to be asked for.
    pub fn begin(&mut self) {
        self.holds = None;
        self.changes += 1;
    }

    /// How it ended was told just now.
    pub fn told(&mut self, holds: bool) {
        self.holds = Some(holds);
        self.from = Instant::now() + EFFECTIVE;
    }

    pub fn holds(&self) -> Option<bool> {
        self.holds
    }

    /// What a request had to find that was sent at a time, when this was `before`.
    fn found(&self, before: &Self, sent: Instant) -> Option<bool> {
        let is_same = self.changes == before.changes && sent >= before.from;
        before.holds.filter(|_| is_same)
    }
}

pub struct Session {
    pub cookie: String,
    pub id: String,
    pub live: Fact,
}

pub struct Person {
    pub name: String,
    pub id: String,
    pub role: Fact,
    pub sessions: Vec<Session>,
}

impl Person {
    pub fn session(&mut self, id: &str) -> &mut Session {
        self.sessions.iter_mut().find(|session| session.id == id).expect("a session of theirs")
    }

    /// Cookie and id of those that are live.
    pub fn live(&self) -> Vec<(String, String)> {
        let live = self.sessions.iter().filter(|session| session.live.holds == Some(true));
        live.map(|session| (session.cookie.clone(), session.id.clone())).collect()
    }

    pub fn begin(&mut self, cookie: String, id: String) {
        self.sessions.push(Session { cookie, id, live: Fact::new(true) });
        let over = |session: &Session| session.live.holds == Some(false);
        let too_many = self.sessions.iter().filter(|it| over(it)).count().saturating_sub(ENDED);
        for _ in 0..too_many {
            let oldest = self.sessions.iter().position(over).unwrap();
            self.sessions.remove(oldest);
        }
    }
}

pub struct Ledger(Vec<Mutex<Person>>);

impl Ledger {
    /// Of people by name and id, whom nobody has given anything.
    pub fn new(people: impl IntoIterator<Item = (String, String)>) -> Self {
        let person = |(name, id)| Person { name, id, role: Fact::new(false), sessions: Vec::new() };
        Self(people.into_iter().map(|it| Mutex::new(person(it))).collect())
    }

    pub fn people(&self) -> usize {
        self.0.len()
    }

    pub fn person(&self, number: usize) -> MutexGuard<'_, Person> {
        self.0[number].lock().unwrap()
    }

    /// A question about one of the sessions, live or ended.
    pub fn draw(&self, dice: &mut Dice) -> Option<Question> {
        let number = dice.below(self.0.len());
        let person = self.person(number);
        if person.sessions.is_empty() {
            return None;
        }
        let session = &person.sessions[dice.below(person.sessions.len())];
        Some(Question {
            kind: [Kind::Role, Kind::Role, Kind::Role, Kind::Check, Kind::Page][dice.below(5)],
            number,
            cookie: session.cookie.clone(),
            live: session.live,
            role: person.role,
            sent: Instant::now(),
        })
    }

    /// Why the answer contradicts what was told, if it does.
    pub fn contradiction(&self, question: &Question, answer: &Response) -> Option<String> {
        let person = self.person(question.number);
        let session = person.sessions.iter().find(|it| it.cookie == question.cookie)?;
        let live = session.live.found(&question.live, question.sent);
        let role = person.role.found(&question.role, question.sent);
        let seen = question.kind.read(answer, &person.name);
        let agrees =
            |told: Option<bool>, seen: Option<bool>| told.zip(seen).is_none_or(|(a, b)| a == b);
        let is_right = seen.is_some_and(|(is_live, has_role)| {
            agrees(live, Some(is_live)) && agrees(role, has_role)
        });
        (!is_right).then(|| {
            let (kind, name) = (question.kind, &person.name);
            format!("{kind:?} by {name}: {}, live {live:?}, role {role:?}", answer.head)
        })
    }
}

pub struct Question {
    kind: Kind,
    number: usize,
    pub cookie: String,
    live: Fact,
    role: Fact,
    sent: Instant,
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Check,
    Role,
    Page,
}

impl Question {
    pub fn path(&self) -> &'static str {
        match self.kind {
            Kind::Check => "/auth/check",
            Kind::Role => "/auth/check?role=editor",
            Kind::Page => "/account",
        }
    }
}

impl Kind {
    /// Whether the session is live and has the role, as far as the answer says so; `None` when it
    /// is no answer to this, or names somebody else.
    fn read(self, answer: &Response, name: &str) -> Option<(bool, Option<bool>)> {
        match (self, answer.status) {
            (Self::Check | Self::Role, 200) => {
                let groups = answer.header("remote-groups").unwrap_or_default();
                let has_role = groups.split(',').any(|group| group == ROLE);
                let is_right = answer.header("remote-user") == Some(name)
                    && (has_role || matches!(self, Self::Check));
                is_right.then_some((true, Some(has_role)))
            }
            (Self::Check | Self::Role, 401) => Some((false, None)),
            (Self::Role, 403) => Some((true, Some(false))),
            (Self::Page, 200) => answer.body.contains(name).then_some((true, None)),
            (Self::Page, 303) => Some((false, None)),
            _ => None,
        }
    }
}
