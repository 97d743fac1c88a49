//! `kill -9` at any moment: what was answered as done is done, what was not is done whole or not
//! at all, who is signed in stays so, who was signed out too, and the trail is whole.
//!
//! `KILLED_SEED=…` draws the same changes and moments again; how they fall together is up to the
//! scheduler. `KILLED_ROUNDS=…` makes the long tests shorter.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rolecall::random::Random;

use crate::{
    program::{PASSWORD, Program, Response, eventually, form_token_in, get_from, post_to},
    support::{Dice, Engine},
};

const PEOPLE: usize = 4;
/// Sessions that each of them keeps at most, and ended ones that are asked for again.
const SESSIONS: usize = 6;
const ENDED: usize = 20;
/// What a seed file gives to its role, in one transaction.
const SEEDED: i64 = 30;

#[test]
fn a_kill_at_any_moment_loses_nothing_on_sqlite() {
    kill_again_and_again(Engine::Sqlite, 4);
}

#[test]
fn a_kill_at_any_moment_loses_nothing_on_postgres() {
    kill_again_and_again(Engine::Postgres, 4);
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn a_thousand_kills_lose_nothing_on_sqlite() {
    kill_again_and_again(Engine::Sqlite, many());
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn a_thousand_kills_lose_nothing_on_postgres() {
    kill_again_and_again(Engine::Postgres, many());
}

/// What is known of something that is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
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
    fn settle(&mut self, it_is: bool, what: &str) {
        assert!(*self == Self::Open || *self == Self::of(it_is), "{what}: {self:?}, but {it_is}");
        *self = Self::of(it_is);
    }
}

/// Somebody whom nobody else changes, and what they were told.
struct Person {
    name: String,
    id: String,
    role: String,
    dice: Dice,
    sessions: Vec<String>,
    ended: Vec<String>,
    /// Sessions that ended all at once or not at all, as nobody has said.
    open: Vec<String>,
    grant: Known,
    permission: Known,
    /// Changes that were answered as done, and those that were asked for.
    done: i64,
    asked: i64,
    /// Those of everybody that were answered.
    of_all: Arc<AtomicUsize>,
}

struct Admin {
    cookie: String,
    token: String,
}

/// The server was killed before the whole answer was there.
struct Gone;

type Answered<T> = Result<T, Gone>;

impl Person {
    /// Makes changes until the server is gone.
    fn live(&mut self, port: u16, admin: &Admin) {
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
        let answer = post_to(port, path, cookie, fields).map_err(|_| Gone)?;
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
        let page = get_from(port, "/account", &self.sessions[number]).map_err(|_| Gone)?;
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
            let status = get_from(port, &path, cookie).map_err(|_| Gone)?.status;
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
    fn settle(&mut self, port: u16) {
        let name = self.name.clone();
        let check = |query: &str, cookie: &str| {
            get_from(port, &format!("/auth/check{query}"), cookie).expect("a whole answer").status
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
            self.log_in(port).ok().expect("a whole answer");
        }
        let cookie = self.sessions[0].as_str();
        let has_role = check(&format!("?role={}", self.role), cookie) == 200;
        self.grant.settle(has_role, &format!("the grant of {name}"));
    }
}

fn many() -> u64 {
    let chosen = std::env::var("KILLED_ROUNDS").ok();
    chosen.map_or(1_000, |rounds| rounds.parse().expect("KILLED_ROUNDS is a number"))
}

/// The seed of this run, told so that it can be repeated.
fn seed() -> u64 {
    let chosen = std::env::var("KILLED_SEED").ok();
    let chosen = chosen.map(|seed| seed.parse().expect("KILLED_SEED is a number"));
    let seed = chosen.unwrap_or_else(|| {
        u64::from(u32::from_le_bytes(Random::system().bytes().expect("random bytes")))
    });
    println!("KILLED_SEED={seed}");
    seed
}

fn kill_again_and_again(engine: Engine, rounds: u64) {
    let seed = seed();
    let program = Program::new(engine);
    let mut dice = Dice::new(seed);
    program.add_user("ada", &["admin"]);
    write_seed(&program);
    program.ok(&["seed", "seed.toml"]);
    let of_all = Arc::<AtomicUsize>::default();
    let mut people: Vec<_> =
        (0..PEOPLE).map(|number| person(&program, number, seed, &of_all)).collect();
    let mut seeded = Known::Yes;
    let before = changes(&program);
    for round in 0..rounds {
        println!("round {round}");
        live_until_killed(&program, &mut people, &mut dice);
        if dice.once_in(3) {
            kill_a_start(&program, &mut dice);
        }
        kill_a_command(&program, &mut seeded, &mut dice);
        seeded.settle(has_all_or_nothing(&program), "the seed file");
        {
            let server = program.serve_with(&[], unthrottled);
            people.iter_mut().for_each(|person| person.settle(server.port));
        }
        for person in people.iter_mut() {
            let of_role = format!("role_permissions where role_name = '{}'", person.role);
            let has_it = program.number(&format!("select count(*) from {of_role}")) == 1;
            person.permission.settle(has_it, &format!("the permission of {}", person.role));
        }
        program.ok(&["audit", "verify"]);
        let (done, asked) =
            people.iter().fold((0, 0), |sum, person| (sum.0 + person.done, sum.1 + person.asked));
        let recorded = changes(&program) - before;
        assert!(done <= recorded && recorded <= asked, "{done} {recorded} {asked}");
        if round % 20 == 19 {
            program.ok(&["session", "end", "--all"]);
            for person in people.iter_mut() {
                person.ended.append(&mut person.sessions);
            }
        }
    }
    println!("{} changes were made", of_all.load(Ordering::Relaxed));
}

fn unthrottled(command: &mut Command) {
    command.env("ROLECALL_THROTTLE", "off");
}

fn write_seed(program: &Program) {
    let names: Vec<_> = (0..SEEDED).map(|number| format!("\"seeded:do-{number}\"")).collect();
    let declared = names.iter().map(|name| format!("{{ name = {name} }}")).collect::<Vec<_>>();
    let seed = format!(
        "permission = [{}, {{ name = \"reports:write\" }}]\n\
         [[role]]\nname = \"seeded\"\npermissions = [{}]\n",
        declared.join(", "),
        names.join(", ")
    );
    std::fs::write(program.path("seed.toml"), seed).unwrap();
}

fn person(program: &Program, number: usize, seed: u64, of_all: &Arc<AtomicUsize>) -> Person {
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

fn live_until_killed(program: &Program, people: &mut [Person], dice: &mut Dice) {
    let server = program.serve_with(&[], unthrottled);
    let port = server.port;
    let cookie = server.login("ada");
    let admin = Admin { token: server.form_token(&cookie), cookie };
    // By what was done, since a busy machine does less in the same time.
    let of_all = people[0].of_all.clone();
    let enough = of_all.load(Ordering::Relaxed) + 1 + dice.below(60);
    let moment = Duration::from_millis(dice.below(20) as u64);
    std::thread::scope(|scope| {
        for person in people {
            let admin = &admin;
            scope.spawn(move || person.live(port, admin));
        }
        let is_enough = || of_all.load(Ordering::Relaxed) >= enough;
        let has_done = eventually(Duration::from_secs(60), is_enough);
        std::thread::sleep(moment);
        server.kill();
        assert!(has_done, "nothing gets done");
    });
}

/// A server that is killed before it listens, or soon after.
fn kill_a_start(program: &Program, dice: &mut Dice) {
    kill_soon(program, &["serve", "--listen", "127.0.0.1:0"], dice);
}

/// A command that changes much at once, and is killed or done.
fn kill_a_command(program: &Program, seeded: &mut Known, dice: &mut Dice) {
    let (arguments, next) = match *seeded {
        Known::Yes => (["role", "remove", "seeded"].as_slice(), Known::No),
        _ => (["seed", "seed.toml"].as_slice(), Known::Yes),
    };
    let is_done = kill_soon(program, arguments, dice);
    *seeded = if is_done { next } else { Known::Open };
}

/// Whether it was done before.
fn kill_soon(program: &Program, arguments: &[&str], dice: &mut Dice) -> bool {
    let mut command = program.command();
    let command = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(dice.below(150) as u64));
    child.kill().unwrap();
    child.wait().unwrap().success()
}

fn has_all_or_nothing(program: &Program) -> bool {
    let seeded = program.number("select count(*) from role_permissions where role_name = 'seeded'");
    assert!([0, SEEDED].contains(&seeded), "{seeded} of {SEEDED}");
    seeded == SEEDED
}

/// How many changes of people the trail has.
fn changes(program: &Program) -> i64 {
    program.number(
        "select count(*) from audit where (action = 'session.create' and actor_id in
             (select id from users where username like 'kim%'))
         or action in ('session.end', 'user.sessions_end', 'grant.create', 'grant.delete')
         or (action in ('role.allow', 'role.deny') and target_id like 'role-%')",
    )
}
