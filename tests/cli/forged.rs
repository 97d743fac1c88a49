//! Cookies that we did not make, by the ten thousand: neither memory nor database grows.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use rolecall::random::Random;

use crate::{
    program::{Program, Server, on_both},
    support::Dice,
};

/// How many are sent at once, before the first answer is read.
const AT_ONCE: usize = 50;
/// How much memory may differ from one moment to another.
const KIB: u64 = 8 * 1024;

#[test]
fn forged_cookies_leave_no_trace() {
    on_both(|program| leave_no_trace(&program, 20_000));
}

#[test]
#[ignore = "takes minutes"]
fn a_million_forged_cookies_leave_no_trace() {
    on_both(|program| leave_no_trace(&program, 1_000_000));
}

fn leave_no_trace(program: &Program, cookies: usize) {
    program.add_user("kim", &["user"]);
    let server = program.serve_with(&[], |command| {
        command.env("ROLECALL_LOG", "warn,rolecall::cli=info");
    });
    let good = server.login("kim");
    let mut dice = Dice::new(u64::from_le_bytes(Random::system().bytes().unwrap()));
    send(&server, &good, &mut dice, 2_000);
    let (memory, rows) = (server.resident_kib(), rows(program));
    send(&server, &good, &mut dice, cookies);
    let grown = server.resident_kib().saturating_sub(memory);
    println!("{cookies} cookies: {memory} KiB and {grown} more");
    assert!(grown < KIB, "{grown} KiB more than {memory}");
    assert_eq!(self::rows(program), rows);
    assert_eq!(server.check("user", &good), 200);
}

fn rows(program: &Program) -> [i64; 5] {
    ["sessions", "session_data", "audit", "throttles", "users"]
        .map(|table| program.number(&format!("select count(*) from {table}")))
}

/// Sends that many on one connection; all are refused.
fn send(server: &Server, good: &str, dice: &mut Dice, cookies: usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for _ in 0..cookies / AT_ONCE {
        let mut requests = String::new();
        for _ in 0..AT_ONCE {
            let cookie = forged(good, dice);
            requests += &format!("GET /auth/check HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n");
        }
        stream.write_all(requests.as_bytes()).unwrap();
        for _ in 0..AT_ONCE {
            assert_refused(&mut answers);
        }
    }
}

fn assert_refused(answers: &mut impl BufRead) {
    let (mut first, mut length) = (String::new(), 0);
    answers.read_line(&mut first).unwrap();
    assert!(first.starts_with("HTTP/1.1 401"), "{first}");
    loop {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        if line == "\r\n" {
            break;
        }
        if let Some(bytes) = line.to_lowercase().strip_prefix("content-length: ") {
            length = bytes.trim().parse().unwrap();
        }
    }
    answers.read_exact(&mut vec![0; length]).unwrap();
}

/// Of the right form, nearly right, or long.
fn forged(good: &str, dice: &mut Dice) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut drawn = |count: usize| -> String {
        (0..count).map(|_| char::from(LETTERS[dice.below(LETTERS.len())])).collect()
    };
    let parts: Vec<&str> = good.split_once('=').unwrap().1.split('.').collect();
    let (id, key, mac) = (parts[0], parts[1], parts[2]);
    let (other_id, other_key, other_mac) = (drawn(id.len()), drawn(key.len()), drawn(mac.len()));
    let long = drawn(8 * 1024);
    match dice.below(50) {
        0 => format!("rolecall={long}"),
        1 => format!("rolecall={good}{long}"),
        2 => format!("rolecall={id}.{key}.{mac}.{long}"),
        3..=9 => format!("rolecall={id}.{key}.{other_mac}"),
        10..=19 => format!("rolecall={other_id}.{other_key}.{other_mac}"),
        _ => format!("rolecall={other_id}.{key}.{other_mac}"),
    }
}
