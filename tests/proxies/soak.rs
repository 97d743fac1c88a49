//! Two nodes and a balancer on one Postgres for ten minutes, with logins, checks, revocations and
//! restarts of either node: nothing is allowed that was taken away, no session is lost, nothing
//! fails but what a killed node was at, and no node grows.
//!
//! `SOAK_SECONDS=…` makes it shorter.

#[path = "soak/ledger.rs"]
mod ledger;
#[path = "soak/nodes.rs"]
mod nodes;
#[path = "soak/notes.rs"]
mod notes;
#[path = "soak/people.rs"]
mod people;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use self::{
    ledger::{Ledger, ROLE},
    nodes::{Figures, Node},
    notes::Notes,
    people::Town,
};
use crate::{
    client,
    program::{PASSWORD, Program, form_token_in, get_from, post_to},
    support::{Dice, Engine},
};

const PEOPLE: usize = 5;
const ASKING: usize = 4;
/// Restarts of each node, if there is time for so many.
const RESTARTS: u32 = 12;
const RESTART_AT_MOST_EVERY: Duration = Duration::from_secs(6);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What a node that is level may have more in the second half of its time than in the first.
const MORE_KIB: u64 = 4 * 1024;
const MORE_FILES: usize = 8;

#[test]
#[ignore = "takes ten minutes"]
fn two_nodes_behind_a_balancer_allow_nothing_wrong_and_lose_nothing_through_restarts() {
    let chosen = std::env::var("SOAK_SECONDS").ok();
    let seconds = chosen.map_or(600, |it| it.parse().expect("SOAK_SECONDS is a number"));
    let program = Program::new(Engine::Postgres);
    let (mut nodes, _balancer, port) = nodes::start(&program);
    let town = found(&program, port);
    let half = Duration::from_secs(seconds) / 2;
    let [of_a, of_b] = std::thread::scope(|scope| {
        let _over = Over(&town.is_over);
        let (town, mut threads) = (&town, Vec::new());
        for number in 0..PEOPLE {
            threads.push(scope.spawn(move || town.live(number, Dice::new(number as u64))));
        }
        for number in 0..ASKING {
            threads.push(scope.spawn(move || town.ask(Dice::new(100 + number as u64))));
        }
        let goes_on = || !threads.iter().any(|thread| thread.is_finished());
        let [a, b] = &mut nodes;
        let of_b = restart_beside(&town.notes, (a, b), half, goes_on);
        let of_a = restart_beside(&town.notes, (b, a), half, goes_on);
        [of_a, of_b]
    });
    town.notes.tell();
    assert_eq!(town.notes.faults(), Vec::<String>::new());
    assert_level("a", &of_a);
    assert_level("b", &of_b);
    for node in ["a", "b"] {
        assert!(town.notes.counted(node) > 0, "{node} was never asked");
    }
    assert_as_told(&town, &nodes);
    program.ok(&["audit", "verify"]);
}

/// Lets everybody go home, also when it ends by a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// People, the role that they get and lose, and an admin who is signed in.
fn found(program: &Program, port: u16) -> Town<'_> {
    program.add_user("ada", &["admin"]);
    program.ok(&["role", "add", ROLE]);
    let people = (0..PEOPLE).map(|number| {
        let name = format!("kim{number}");
        program.add_user(&name, &[]);
        let user = program.json(&["user", "show", &name]);
        (name, user["id"].as_str().unwrap().to_owned())
    });
    let ledger = Ledger::new(people);
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let cookie = post_to(port, "/login", "", &fields).unwrap().cookie();
    let token = form_token_in(&get_from(port, "/account", &cookie).unwrap()).unwrap();
    let (notes, is_over) = (Notes::default(), false.into());
    Town { program, port, ledger, notes, admin: (cookie, token), is_over }
}

/// Restarts one node again and again, by turns asked to stop and killed; returns what the other
/// one, which is left alone, took meanwhile.
fn restart_beside(
    notes: &Notes,
    (restarted, left_alone): (&mut Node<'_>, &mut Node<'_>),
    time: Duration,
    goes_on: impl Fn() -> bool,
) -> Vec<Figures> {
    let every = (time / RESTARTS).max(RESTART_AT_MOST_EVERY);
    let (begun, mut restarts, mut figures) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < time && goes_on() {
        figures.push(left_alone.figures());
        if begun.elapsed() >= every * restarts {
            if restarts % 2 == 0 {
                restarted.stop();
                notes.count("stops");
            } else {
                notes.kill();
                restarted.kill();
            }
            std::thread::sleep(LOOK_EVERY);
            restarted.begin();
            restarts += 1;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    figures
}

/// The first third of the time is for warming up.
fn assert_level(node: &str, figures: &[Figures]) {
    let warm = &figures[figures.len() / 3..];
    let (first, second) = warm.split_at(warm.len() / 2);
    let [(kib, files), (kib_then, files_then)] = [first, second].map(medians);
    println!("node {node}: {kib} KiB and {files} files, then {kib_then} KiB and {files_then}");
    assert!(kib_then <= kib + MORE_KIB, "node {node} takes more and more memory");
    assert!(files_then <= files + MORE_FILES, "node {node} opens more and more files");
}

fn medians(figures: &[Figures]) -> (u64, usize) {
    let mut kib: Vec<_> = figures.iter().map(|one| one.resident_kib).collect();
    let mut files: Vec<_> = figures.iter().map(|one| one.open_files).collect();
    kib.sort_unstable();
    files.sort_unstable();
    (kib[kib.len() / 2], files[files.len() / 2])
}

/// Every session that was said to be live is live on each node and in the list, every one that
/// was said to have ended is over, and roles are as they were said to be.
fn assert_as_told(town: &Town<'_>, nodes: &[Node<'_>; 2]) {
    std::thread::sleep(Duration::from_secs(1));
    let (mut live, mut ended) = (0, 0);
    for number in 0..town.ledger.people() {
        let person = town.ledger.person(number);
        let (name, has_role) = (&person.name, person.role.holds() == Some(true));
        let list = town.program.json(&["session", "list", name]);
        let listed = |id: &str| list.as_array().unwrap().iter().any(|one| one["id"] == id);
        for session in &person.sessions {
            let is_live = session.live.holds().expect("somebody has said so");
            assert_eq!(listed(&session.id), is_live, "a session of {name}");
            *(if is_live { &mut live } else { &mut ended }) += 1;
            let expected = match (is_live, has_role) {
                (false, _) => 401,
                (true, true) => 200,
                (true, false) => 403,
            };
            for node in nodes {
                let cookie = &session.cookie;
                let request = format!(
                    "GET /auth/check?role={ROLE} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\
                     Connection: close\r\n\r\n"
                );
                let answer = client::plainly(node.address, request.as_bytes()).unwrap();
                assert_eq!(answer.status, expected, "{name} on {}", node.address);
            }
        }
    }
    println!("at the end {live} sessions are live and {ended} that had ended stayed so");
    assert!(live > 0 && ended > 0, "that says little");
}
