//! A primary ends and its standby takes its place: rolecall goes there by itself, and believes
//! nothing that only the old one knew.

use std::time::Duration;

use crate::{
    program::{PASSWORD, Program, Server, eventually},
    support::{
        Served,
        wire::{DEAD, WHOLE},
    },
};

/// How long it may take to be back at the new primary.
const BACK: Duration = Duration::from_secs(10);
/// A machine with much else to do takes longer for the rest.
const SOON: Duration = Duration::from_secs(20);
/// What is remembered is trusted for so long.
const TRUST: Duration = Duration::from_secs(1);
/// So often hosts are asked what they are, when something failed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

fn several(places: &[&str]) -> String {
    format!("postgres://postgres@{}/postgres", places.join(","))
}

/// Waits until the standby has all that is committed.
fn catch_up(primary: &Served, standby: &Served) {
    let end = primary.psql("select pg_current_wal_insert_lsn()");
    let has_it = format!("select pg_last_wal_replay_lsn() >= '{end}'");
    assert!(eventually(SOON, || standby.psql(&has_it) == "t"), "it does not follow");
}

fn promote(standby: &Served) {
    assert_eq!(standby.psql("select pg_promote()"), "t");
}

fn login(server: &Server, name: &str) -> u16 {
    server.post("/login", "", &[("username", name), ("password", PASSWORD)]).status
}

/// While nobody takes changes nothing is let in, and nobody is told to sign in anew.
fn assert_away(server: &Server, cookies: &[&str]) {
    for cookie in cookies {
        assert!(eventually(SOON, || server.check("user", cookie) == 503), "never away");
        let answer = server.get("/account", cookie);
        assert_eq!((answer.status, answer.header("set-cookie")), (503, None));
        assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok()));
    }
    assert_eq!(login(server, "kim"), 503);
    assert_eq!(server.check("user", "rolecall=forged.x.y"), 401);
}

#[test]
fn a_standby_that_is_promoted_takes_the_place_of_its_primary_without_a_restart() {
    let primary = Served::postgres();
    let standby = Served::standby_of(&primary.url);
    let program = Program::at(&several(&[standby.place(), primary.place()]), &primary.url);
    program.add_user("ada", &["admin"]);
    program.add_user("kim", &["user", "auditor"]);
    let alone = program.refused(&["--database-url", &standby.url, "user", "list"]);
    assert!(
        alone.contains(standby.place()) && alone.contains("a standby takes no changes"),
        "{alone}"
    );
    let dump = program.refused(&["backup", "backup.db"]);
    assert!(dump.contains(&format!("'{}'", program.url())), "{dump}");
    let looked = program.run(&["--database-url", &standby.url, "check"]);
    assert!(looked.out.contains("FAIL  database: it is a standby"), "{}", looked.out);

    let server = program.serve(&[]);
    let cookies = [server.login("ada"), server.login("kim")];
    let [ada, kim] = cookies.each_ref().map(String::as_str);
    assert_eq!(server.check("auditor", kim), 200);
    catch_up(&primary, &standby);
    primary.kill();
    assert_away(&server, &[ada, kim]);
    promote(&standby);
    assert!(eventually(BACK, || login(&server, "kim") == 303), "not back in {BACK:?}");
    assert_eq!(server.check("auditor", kim), 200, "who was signed in still is");
    assert_eq!(server.check("admin", ada), 200);
    assert_eq!(server.get("/readyz", "").status, 200);

    program.ok(&["revoke", "kim", "auditor"]);
    assert!(eventually(SOON, || server.check("auditor", kim) == 403), "never revoked");
    let token = server.form_token(kim);
    assert_eq!(server.post("/logout", kim, &[("form_token", &token)]).status, 303);
    for _ in 0..5 {
        assert_eq!((server.check("auditor", kim), server.check("user", kim)), (401, 401));
        std::thread::sleep(Duration::from_millis(60));
    }
    program.ok(&["audit", "verify"]);
    server.stop();
}

/// The standby lacks the last grant. By other changes it comes to the same number of changes as
/// the primary had, by which alone one would take what is remembered for true.
#[test]
fn what_only_the_old_primary_knew_is_not_believed_at_the_new_one() {
    let primary = Served::postgres();
    let standby = Served::standby_of(&primary.url);
    let program = Program::at(&several(&[primary.place(), standby.place()]), &primary.url);
    program.add_user("kim", &["user"]);
    let server = program.serve(&[]);
    let kim = server.login("kim");
    catch_up(&primary, &standby);
    standby.psql("alter system set primary_conninfo = ''");
    standby.psql("select pg_reload_conf()");
    let is_cut = || standby.psql("select count(*) from pg_stat_wal_receiver") == "0";
    assert!(eventually(SOON, is_cut), "it follows on");
    program.ok(&["grant", "kim", "auditor"]);
    for _ in 0..5 {
        assert!(eventually(SOON, || server.check("auditor", &kim) == 200), "never granted");
        std::thread::sleep(Duration::from_millis(60));
    }
    let number = primary.psql("select taken from turns where name = 'revision'");

    server.signal("STOP");
    primary.kill();
    promote(&standby);
    standby.psql(&format!("update turns set taken = {number} where name = 'revision'"));
    assert_eq!(standby.psql("select taken from turns where name = 'revision'"), number);
    // By then nothing is trusted that the primary said.
    std::thread::sleep(TRUST);
    server.signal("CONT");
    let mut answer = 503;
    let is_back = || {
        answer = server.check("auditor", &kim);
        answer != 503
    };
    assert!(eventually(BACK, is_back), "not back in {BACK:?}");
    assert_eq!(answer, 403, "the grant is lost");
    assert_eq!(server.check("user", &kim), 200);
}

/// The machine is gone without a word, and comes back when another one has taken its place.
#[test]
fn a_primary_that_falls_silent_is_left_and_not_gone_back_to() {
    let primary = Served::postgres();
    let standby = Served::standby_of(&primary.url);
    let own = Program::at(&primary.url, &primary.url);
    let wire = own.wire();
    let wired = wire.url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let program = Program::at(&several(&[&wired, standby.place()]), &primary.url);
    program.add_user("kim", &["user"]);
    let server = program.serve(&[]);
    let kim = server.login("kim");
    catch_up(&primary, &standby);
    wire.set(DEAD);
    assert_away(&server, &[&kim]);
    promote(&standby);
    assert!(eventually(BACK, || login(&server, "kim") == 303), "not back in {BACK:?}");
    wire.set(WHOLE);
    let sessions = |server: &Served| server.psql("select count(*) from sessions");
    let (old, new) = (sessions(&primary), sessions(&standby).parse::<u32>().unwrap());
    for _ in 0..20 {
        server.login("kim");
        assert_eq!(server.check("user", &kim), 200);
    }
    assert_eq!(sessions(&primary), old);
    assert_eq!(sessions(&standby), (new + 20).to_string());
    // Whatever happens at the new one, it is where it was.
    let ours = "from pg_stat_activity where application_name = 'rolecall'";
    standby.psql(&format!("select pg_terminate_backend(pid) {ours}"));
    assert!(eventually(SOON, || server.check("user", "rolecall=forged.x.y") == 401));
    for _ in 0..20 {
        assert!(eventually(SOON, || login(&server, "kim") == 303), "not back");
        std::thread::sleep(LOOK_EVERY / 10);
    }
    assert_eq!(sessions(&primary), old);
}

#[test]
fn connections_to_a_server_that_takes_no_changes_are_closed() {
    let primary = Served::postgres();
    let program = Program::at(&primary.url, &primary.url);
    program.add_user("kim", &["user"]);
    let server = program.serve(&[]);
    let kim = server.login("kim");
    let ours = "from pg_stat_activity where application_name = 'rolecall'";
    let oldest = || primary.psql(&format!("select min(backend_start) {ours}"));
    let before = oldest();
    primary.psql("alter system set default_transaction_read_only = on");
    primary.psql("select pg_reload_conf()");
    assert!(eventually(SOON, || login(&server, "kim") == 503), "it still takes changes");
    primary.psql("alter system reset default_transaction_read_only");
    primary.psql("select pg_reload_conf()");
    assert!(eventually(BACK, || login(&server, "kim") == 303), "not back in {BACK:?}");
    assert!(eventually(SOON, || oldest() > before), "they are used on");
    assert_eq!(server.check("user", &kim), 200);
}
