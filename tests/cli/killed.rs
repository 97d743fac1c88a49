//! `kill -9` at any moment: what was answered as done is done, what was not is done whole or not
//! at all, who is signed in stays so, who was signed out too, and the trail is whole.
//!
//! `KILLED_SEED=…` draws the same changes and moments again; how they fall together is up to the
//! scheduler. `KILLED_ROUNDS=…` makes the long tests shorter.

#[path = "killed/people.rs"]
mod people;

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rolecall::random::Random;

use people::{Admin, Known, Person, person};

use crate::{
    program::{Program, eventually},
    support::{Dice, Engine},
};

const PEOPLE: usize = 4;
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
        wait_for_last_commits(&program);
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

/// Postgres may still be at what it was asked for last. That row is the last that a change takes.
fn wait_for_last_commits(program: &Program) {
    program.execute("update turns set taken = taken where name = 'revision'");
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
