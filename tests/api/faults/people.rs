//! Those who ask, log in and out, grant and revoke while faults happen, and what they may be
//! answered: each knows whether they are signed in, and what they may hold, must hold, or had.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use rolecall::db::UserId;

use super::Run;
use crate::support::{Answer, Dice, PASSWORD, TestApp, Visitor, form};

/// So many grants at least are made, if that can be, and about half as many taken back.
const GRANTS: usize = 20;

/// A question, and those lists of roles for which the answer is yes.
const QUESTIONS: [(&str, &[&str]); 6] = [
    ("/auth/check", &["", "editor,viewer", "admin"]),
    ("/auth/check?role=editor", &["editor,viewer"]),
    ("/auth/check?role=viewer&permission=reports:write", &["editor,viewer"]),
    ("/auth/check?permission=reports:write", &["editor,viewer", "admin"]),
    ("/auth/check?role=admin", &["admin"]),
    ("/auth/check?permission=rolecall.users:write", &["admin"]),
];

pub enum Kind {
    User,
    /// Grants the role `editor` to this one, and revokes it.
    Admin(Arc<Held>),
    /// Somebody who may not be signed in: disabled, anonymous, or with a forged cookie.
    Nobody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    In,
    Out,
    /// A login or logout failed, and may yet have been done.
    InDoubt,
}

/// Whether somebody holds `editor`, as far as that can be told.
pub struct Held {
    pub user: UserId,
    now: Mutex<Holding>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Holding {
    may: bool,
    must: bool,
    grants_begun: usize,
    revokes_begun: usize,
}

impl Held {
    pub fn of(user: UserId) -> Self {
        Self { user, now: Mutex::default() }
    }

    fn look(&self) -> Holding {
        *self.now.lock().unwrap()
    }

    fn set(&self, change: impl FnOnce(&mut Holding)) {
        change(&mut self.now.lock().unwrap());
    }
}

#[derive(Clone)]
pub enum Roles {
    Always(&'static str),
    Granted(Arc<Held>),
}

impl Roles {
    fn look(&self) -> Holding {
        match self {
            Self::Always(_) => Holding::default(),
            Self::Granted(held) => held.look(),
        }
    }

    /// What can have been held at any moment since `before`.
    fn since(&self, before: Holding) -> Vec<&'static str> {
        let held = match self {
            Self::Always(roles) => return vec![roles],
            Self::Granted(held) => held.look(),
        };
        let may = before.may || held.may || before.grants_begun != held.grants_begun;
        let must = before.must && held.must && before.revokes_begun == held.revokes_begun;
        let views = [("editor,viewer", may), ("", !must)];
        views.into_iter().filter(|(_, is_possible)| *is_possible).map(|(view, _)| view).collect()
    }
}

pub struct Person {
    run: Arc<Run>,
    name: &'static str,
    kind: Kind,
    pub roles: Roles,
    pub browser: Visitor,
    signed: Signed,
    /// Browsers with cookies of sessions that have ended.
    former: Vec<Visitor>,
    has_password: bool,
    /// What failed last, and how.
    failed: Mutex<String>,
    dice: Dice,
    step: usize,
}

impl Person {
    pub fn new(run: &Arc<Run>, name: &'static str, kind: Kind, roles: Roles) -> Self {
        let own = name.bytes().fold(run.seed, |seed, byte| seed.rotate_left(8) ^ u64::from(byte));
        Self {
            run: run.clone(),
            name,
            kind,
            roles,
            browser: Visitor::new(),
            signed: Signed::Out,
            former: Vec::new(),
            has_password: true,
            failed: Mutex::default(),
            dice: Dice::new(own),
            step: 0,
        }
    }

    /// Who forges a cookie does not know the password.
    pub fn knows_no_password(&mut self) {
        self.has_password = false;
    }

    pub async fn signed_in(mut self) -> Self {
        assert!(self.log_in().await);
        self
    }

    fn t(&self) -> TestApp {
        self.run.t.clone()
    }

    fn is_nobody(&self) -> bool {
        matches!(self.kind, Kind::Nobody)
    }

    pub async fn live(mut self) -> Self {
        // Who needs no database would be done long before the others.
        let steps = if self.is_nobody() { 80 } else { 350 };
        for step in 0..4 * steps {
            if step >= steps && !self.has_more_to_do() {
                break;
            }
            self.step = self.run.next_step();
            match self.dice.below(12) {
                0 => self.mistype().await,
                1 if self.signed != Signed::Out => self.log_out().await,
                2 => self.log_in().await,
                3 | 4 if self.signed != Signed::In => self.log_in().await,
                11 => self.haunt().await,
                10 => self.look().await.is_some(),
                5..10 if matches!(self.kind, Kind::Admin(_)) => self.manage().await,
                _ => self.ask().await,
            };
        }
        self
    }

    /// On a machine with much else to do, more of what is asked meets a fault.
    fn has_more_to_do(&self) -> bool {
        let is_admin = matches!(self.kind, Kind::Admin(_));
        is_admin && self.run.granted.lock().unwrap().len() < GRANTS
    }

    /// Whether this is one of the right answers; `false` when it is none, but a failure that
    /// says so and does nothing else. Any other answer is wrong.
    fn judge(&self, what: &str, answer: &Answer, said: &str, right: &[String]) -> bool {
        let (seed, step, name) = (self.run.seed, self.step, self.name);
        let place = format!("seed {seed}, step {step}, {name}, {:?}, {what}", self.signed);
        self.run.answers.fetch_add(1, Ordering::Relaxed);
        if answer.status.is_server_error() {
            self.run.failures.fetch_add(1, Ordering::Relaxed);
            *self.failed.lock().unwrap() = format!("{what}: {said}");
            assert!(answer.set_cookies().is_empty(), "{place}: a failure set cookies");
            assert_eq!(answer.header("remote-user"), "", "{place}: a failure named somebody");
            return false;
        }
        assert!(right.iter().any(|one| one == said), "{place}: {said}, which is none of {right:?}");
        true
    }

    /// The answers that whoever is signed in can get, and those of others, as far as each is
    /// possible.
    fn right(&self, signed_in: &[String], signed_out: &str) -> Vec<String> {
        let mut right = Vec::new();
        if self.signed != Signed::Out {
            right.extend_from_slice(signed_in);
        }
        if self.signed != Signed::In {
            right.push(signed_out.to_owned());
        }
        right
    }

    async fn ask(&mut self) -> bool {
        let (path, yes) = QUESTIONS[self.dice.below(QUESTIONS.len())];
        let before = self.roles.look();
        let answer = self.t().get_as(&self.browser, path).await;
        let views = self.roles.since(before);
        let answers = views.iter().map(|view| match yes.contains(view) {
            true => format!("200 {} {view}", self.name),
            false => "403".to_owned(),
        });
        let right = self.right(&answers.collect::<Vec<_>>(), "401");
        let said = match answer.status() {
            200 => {
                let groups = answer.header("remote-groups");
                self.run.allows.fetch_add(1, Ordering::Relaxed);
                let permits = answer.header("remote-permissions").contains("reports:write");
                assert_eq!(permits, !groups.is_empty(), "seed {}, {groups}", self.run.seed);
                format!("200 {} {groups}", answer.header("remote-user"))
            }
            other => other.to_string(),
        };
        let is_answered = self.judge(path, &answer, &said, &right);
        if said == "401" {
            self.signed = Signed::Out;
        }
        // Whoever has no cookie of ours needs no database to be told so.
        assert!(is_answered || self.browser.session().is_some(), "{}: {said}", self.name);
        is_answered
    }

    /// Opens the own page; `Some` with the token of its forms, "" without being signed in.
    async fn look(&mut self) -> Option<String> {
        let answer = self.t().get_as(&self.browser, "/account").await;
        let right = self.right(&["200".to_owned()], "303 /login?next=%2Faccount");
        if !self.judge("/account", &answer, &answer.outcome(), &right) {
            return None;
        }
        if answer.status() != 200 {
            self.signed = Signed::Out;
            return Some(String::new());
        }
        if let Roles::Always(roles) = self.roles {
            let tells = roles.split(',').all(|role| answer.text().contains(role));
            assert!(tells, "seed {}, step {}: roles are missing", self.run.seed, self.step);
        }
        answer.hidden_field("form_token")
    }

    /// With a cookie of a session that has ended.
    async fn haunt(&mut self) -> bool {
        if self.former.is_empty() {
            return true;
        }
        let ghost = self.former[self.dice.below(self.former.len())].copy();
        let answer = self.t().get_as(&ghost, "/auth/check").await;
        let said = answer.outcome();
        let said = said.split(' ').next().unwrap();
        self.judge("an ended session", &answer, said, &["401".to_owned()])
    }

    async fn mistype(&mut self) -> bool {
        let answer = self.t().try_login(&self.browser, self.name, "wrong").await;
        let is_answered = self.judge("wrong login", &answer, &answer.outcome(), &["401".into()]);
        assert!(answer.set_cookies().is_empty(), "seed {}: {answer:?}", self.run.seed);
        is_answered
    }

    async fn log_in(&mut self) -> bool {
        if !self.has_password {
            return self.mistype().await;
        }
        let before = self.browser.copy();
        let answer = self.t().try_login(&self.browser, self.name, PASSWORD).await;
        let right = if self.is_nobody() { "401" } else { "303 /account" };
        let is_answered = self.judge("login", &answer, &answer.outcome(), &[right.into()]);
        if is_answered && !self.is_nobody() {
            if before.session().is_some() {
                self.former.push(before);
            }
            self.signed = Signed::In;
        } else if !is_answered && self.signed == Signed::In {
            self.signed = Signed::InDoubt;
        }
        is_answered
    }

    async fn log_out(&mut self) -> bool {
        let Some(token) = self.look().await else { return false };
        let before = self.browser.copy();
        let out = form(&[("form_token", &token)]);
        let answer = self.t().post(&self.browser, "/logout", out).await;
        let right = self.right(&["303 /login?done=signed-out".to_owned()], "303 /login");
        let is_answered = self.judge("logout", &answer, &answer.outcome(), &right);
        if is_answered {
            self.signed = Signed::Out;
            self.former.push(before);
        } else if self.signed == Signed::In {
            self.signed = Signed::InDoubt;
        }
        is_answered
    }

    async fn manage(&mut self) -> bool {
        match self.dice.once_in(2) {
            true => self.grant().await,
            false => self.revoke().await,
        }
    }

    /// Sends a form about the one in this admin's charge; how that was answered, if it was.
    async fn act(&mut self, what: &str, fields: &[(&str, &str)], refusal: &str) -> Option<String> {
        let Kind::Admin(held) = &self.kind else { return None };
        let held = held.clone();
        let token = self.look().await?;
        if token.is_empty() {
            return None;
        }
        let before = held.look();
        match what {
            "grant" => {
                held.set(|held| (held.may, held.grants_begun) = (true, held.grants_begun + 1))
            }
            _ => held.set(|held| {
                (held.must, held.revokes_begun) = (false, held.revokes_begun + 1);
            }),
        }
        let mut fields = fields.to_vec();
        fields.push(("form_token", &token));
        let path = format!("/admin/users/{}", held.user);
        let answer = self.t().post(&self.browser, &format!("{path}/{what}"), form(&fields)).await;
        let done = format!("303 {path}?done");
        let right = self.right(&[done.clone(), refusal.to_owned()], "303 /login");
        if !self.judge(what, &answer, &answer.outcome(), &right) {
            return None;
        }
        if answer.outcome() == "303 /login" {
            held.set(|held| (held.may, held.must) = (before.may, before.must));
            self.signed = Signed::Out;
        }
        if answer.outcome() == refusal {
            assert!(!before.must, "seed {}, step {}: not held?", self.run.seed, self.step);
        }
        Some(answer.outcome())
    }

    async fn grant(&mut self) -> bool {
        let reason = format!("step {}", self.step);
        let fields = [("role", "editor"), ("reason", reason.as_str())];
        let answer = self.act("grant", &fields, "").await;
        let is_done = answer.as_deref().is_some_and(|said| said.ends_with("?done"));
        if let (true, Kind::Admin(held)) = (is_done, &self.kind) {
            held.set(|held| (held.may, held.must) = (true, true));
            self.run.granted.lock().unwrap().push(reason);
        }
        is_done
    }

    async fn revoke(&mut self) -> bool {
        let answer = self.act("revoke", &[("role", "editor")], "409").await;
        let is_done = answer.is_some_and(|said| said == "409" || said.ends_with("?done"));
        if let (true, Kind::Admin(held)) = (is_done, &self.kind) {
            held.set(|held| (held.may, held.must) = (false, false));
        }
        is_done
    }

    /// Now that no fault happens any more: with the session that there is, and with a new one.
    pub async fn is_served_again(&mut self, since: Instant) {
        self.step = self.run.next_step();
        while self.look().await.is_none() {
            self.wait(since).await;
        }
        while !self.log_in().await {
            self.wait(since).await;
        }
        for _ in 0..10 {
            while !self.ask().await {
                self.wait(since).await;
            }
        }
        if matches!(self.kind, Kind::Admin(_)) {
            while !self.revoke().await {
                self.wait(since).await;
            }
            while !self.grant().await {
                // A grant that failed may have been made; with its reason.
                self.step = self.run.next_step();
                self.wait(since).await;
            }
        }
        for ghost in std::mem::take(&mut self.former) {
            self.former = vec![ghost];
            while !self.haunt().await {
                self.wait(since).await;
            }
        }
    }

    async fn wait(&self, since: Instant) {
        let failed = self.failed.lock().unwrap().clone();
        let place = format!("seed {}, {}, {failed}", self.run.seed, self.name);
        assert!(since.elapsed() < Duration::from_secs(5), "{place}: not served again in 5 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
