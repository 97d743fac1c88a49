//! People who make changes until the server is gone, and what they were told of each.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    program::{PASSWORD, Program, Response, form_token_in, get_from, post_to},
    support::Dice,
};

/// Sessions that each of them keeps at most, and ended ones that are asked for again.
const SESSIONS: usize = 6;
const ENDED: usize = 20;

/// What is known of something that is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    Yes,
    No,
    /// Nobody has said whether the last change was made.
    Open,
}

impl Known {
    fn of(it_is: bool) -> Self {
        if it_is { Self::Yes } else { Self::No }
    }

    /// Holds what was said against what is, which is known from then on.
    pub fn settle(&mut self, it_is: bool, what: &str) {
        assert!(*self == Self::Open || *self == Self::of(it_is), "{what}: {self:?}, but {it_is}");
        *self = Self::of(it_is);
    }
}

/// Somebody whom nobody else changes, and what they were told.
pub struct Person {
    name: String,
    id: String,
    pub role: String,
    dice: Dice,
    pub sessions: Vec<String>,
    pub ended: Vec<String>,
    /// Sessions that ended all at once or not at all, as nobody has said.
    open: Vec<String>,
    grant: Known,
    pub permission: Known,
    /// Changes that were answered as done, and those that were asked for.
    pub done: i64,
    pub asked: i64,
    /// Those of everybody that were answered.
    pub of_all: Arc<AtomicUsize>,
}

pub struct Admin {
    pub cookie: String,
    pub token: String,
}

/// The server was killed before the whole answer was there, or has too much to do. Whether the
/// change was made, nobody has said.
struct Gone;

type Answered<T> = Result<T, Gone>;

fn answered(answer: std::io::Result<Response>) -> Answered<Response> {
    answer.ok().filter(|answer| answer.status != 503).ok_or(Gone)
}

impl Person {
    /// Makes changes until the server is gone.
    pub fn live(&mut self, port: u16, admin: &Admin) {
        while self.step(port, admin).is_ok() {}
    }

    fn step(&mut self, port: u16, admin: &Admin) -> Answered<()> {
        match self.dice.below(12) {
            0..=2 if self.sessions.len() < SESSIONS => self.log_in(port),
            3 if !self.sessions.is_empty() => self.log_out(port),
            4 if self.dice.once_in(3) => self.end_sessions(port, admin),
            5 | 6 => self.change_grant(port, admin),
            7 | 8 => self.change_permission(port, admin),
            _ => self.look(port),
        }
    }

    /// Whether a change was made: `Gone` when that was not said.
    fn change(
        &mut self,
        port: u16,
        path: &str,
        cookie: &str,
        fields: &[(&str, &str)],
    ) -> Answered<Response> {
        self.asked += 1;
        let answer = answered(post_to(port, path, cookie, fields))?;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        self.done += 1;
        self.of_all.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }

    fn log_in(&mut self, port: u16) -> Answered<()> {
        let name = self.name.clone();
        let fields = [("username", name.as_str()), ("password", PASSWORD)];
        let cookie = self.change(port, "/login", "", &fields)?.cookie();
        self.sessions.push(cookie);
        Ok(())
    }

    fn log_out(&mut self, port: u16) -> Answered<()> {
        let number = self.dice.below(self.sessions.len());
        let page = answered(get_from(port, "/account", &self.sessions[number]))?;
        let token = form_token_in(&page).expect("signed in");
        let cookie = self.sessions.swap_remove(number);
        self.open.push(cookie.clone());
        self.change(port, "/logout", &cookie, &[("form_token", token.as_str())])?;
        self.ended.append(&mut self.open);
        Ok(())
    }

    fn end_sessions(&mut self, port: u16, admin: &Admin) -> Answered<()> {
        self.open.append(&mut self.sessions);
        let path = format!("/admin/users/{}/sessions/end", self.id);
        self.change(port, &path, &admin.cookie, &[("form_token", admin.token.as_str())])?;
        self.ended.append(&mut self.open);
        Ok(())
    }

    fn change_grant(&mut self, port: u16, admin: &Admin) -> Answered<()> {
        let (what, next) = match self.grant {
            Known::Yes => ("revoke", Known::No),
            _ => ("grant", Known::Yes),
        };
        let (path, role) = (format!("/admin/users/{}/{what}", self.id), self.role.clone());
        let fields = [("role", role.as_str()), ("form_token", admin.token.as_str())];
        self.grant = Known::Open;
        self.change(port, &path, &admin.cookie, &fields)?;
        self.grant = next;
        Ok(())
    }

    fn change_permission(&mut self, port: u16, admin: &Admin) -> Answered<()> {
        let (what, next) = match self.permission {
            Known::Yes => ("deny", Known::No),
            _ => ("allow", Known::Yes),
        };
        let path = format!("/admin/roles/{}/{what}", self.role);
        let fields = [("permission", "reports:write"), ("form_token", admin.token.as_str())];
        self.permission = Known::Open;
        self.change(port, &path, &admin.cookie, &fields)?;
        self.permission = next;
        Ok(())
    }

    /// What was answered as done holds at once.
    fn look(&mut self, port: u16) -> Answered<()> {
        let path = format!("/auth/check?role={}", self.role);
        for (cookie, is_live) in [(self.sessions.last(), true), (self.ended.last(), false)] {
            let Some(cookie) = cookie else { continue };
            let status = answered(get_from(port, &path, cookie))?.status;
            let expected = match (is_live, self.grant) {
                (false, _) => 401,
                (true, Known::Yes) => 200,
                (true, _) => 403,
            };
            assert_eq!(status, expected, "{}", self.name);
        }
        Ok(())
    }

    /// After the kill, on a server that was started again.
    pub fn settle(&mut self, port: u16) {
        let name = self.name.clone();
        let check = |query: &str, cookie: &str| {
            let ask = || answered(get_from(port, &format!("/auth/check{query}"), cookie));
            (0..50).find_map(|_| ask().ok()).expect("an answer").status
        };
        for cookie in &self.sessions {
            assert_eq!(check("", cookie), 200, "a live session of {name} is gone");
        }
        for cookie in &self.ended {
            assert_eq!(check("", cookie), 401, "an ended session of {name} is back");
        }
        let mut open = self.open.iter().map(|cookie| check("", cookie));
        if let Some(first) = open.next() {
            assert!(open.all(|status| status == first), "some sessions of {name} alone ended");
            let all = if first == 200 { &mut self.sessions } else { &mut self.ended };
            all.append(&mut self.open);
        }
        self.ended.drain(..self.ended.len().saturating_sub(ENDED));
        if self.sessions.is_empty() {
            self.log_in(port).ok().expect("an answer");
        }
        let cookie = self.sessions[0].as_str();
        let has_role = check(&format!("?role={}", self.role), cookie) == 200;
        self.grant.settle(has_role, &format!("the grant of {name}"));
    }
}

pub fn person(program: &Program, number: usize, seed: u64, of_all: &Arc<AtomicUsize>) -> Person {
    let name = format!("kim{number}");
    program.add_user(&name, &[]);
    program.ok(&["role", "add", &format!("role-{number}")]);
    let id = program.json(&["user", "show", &name])["id"].as_str().unwrap().to_owned();
    Person {
        name,
        id,
        role: format!("role-{number}"),
        dice: Dice::new(seed + 1 + number as u64),
        sessions: Vec::new(),
        ended: Vec::new(),
        open: Vec::new(),
        grant: Known::No,
        permission: Known::No,
        done: 0,
        asked: 0,
        of_all: of_all.clone(),
    }
}
