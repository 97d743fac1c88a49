//! Thousands of paths that are written to get past the rule for `/admin`.

use crate::{
    client::latin_1,
    readings::may_be_admin,
    site::{Site, with_each},
    support::Dice,
};

const SEPARATORS: [&[u8]; 14] = [
    b"/", b"/", b"/", b"/", b"//", b"/./", b"\\", b"%2f", b"%5C", b"%c0%af", b"/;x/", b"/.;/",
    b"%252f", b"///",
];

const SEGMENTS: [&[u8]; 26] = [
    b"x",
    b"reports",
    b".",
    b"..",
    b"..",
    b"%2e",
    b"%2e%2E",
    b".%2e",
    b"%252e%252e",
    b"..;",
    b"..;a=b",
    b";",
    b";a=b",
    b"",
    b"%00",
    b"\x01",
    b"\xff",
    b"%ff",
    b"%c0%ae%c0%ae",
    b"%e0%80%ae",
    b"%",
    b"%zz",
    b"%u002e",
    b"#",
    b"x#",
    b"x?",
];

const ENDS: [&[u8]; 20] = [
    b"", b"", b"", b"/", b"/users", b"?a=b", b"?/../x", b";a", b".json", b"%00", b"%20", b"%0a",
    b"#", b"#/../x", b"..", b"/..", b"/../x", b"%3f", b"%3b", b"\t",
];

/// A letter, mostly as it is.
fn letter(letter: u8, dice: &mut Dice) -> Vec<u8> {
    match dice.below(24) {
        0 => format!("%{letter:02x}").into(),
        1 => format!("%{letter:02X}").into(),
        2 => format!("%{:02x}", letter.to_ascii_uppercase()).into(),
        3 => vec![letter.to_ascii_uppercase()],
        4 if dice.once_in(2) => format!("%25{letter:02x}").into(),
        // Overlong: two bytes where one would do.
        5 if dice.once_in(2) => {
            format!("%{:02x}%{:02x}", 0xc0 | (letter >> 6), 0x80 | (letter & 0x3f)).into()
        }
        6 if dice.once_in(4) => vec![0xc0 | (letter >> 6), 0x80 | (letter & 0x3f)],
        7 if dice.once_in(4) => format!("%u00{letter:02x}").into(),
        8 if dice.once_in(4) => vec![letter, 1],
        9 if dice.once_in(2) => {
            let stray =
                [&b"%80"[..], b"%c3", b"%ed%a0%80", b"%f4%90%80%80", b"\x80"][dice.below(5)];
            [&[letter], stray].concat()
        }
        _ => vec![letter],
    }
}

fn path(dice: &mut Dice) -> Vec<u8> {
    let mut path = Vec::new();
    if dice.once_in(20) {
        path.extend_from_slice(b"https://app.example.com");
    }
    path.push(b'/');
    for _ in 0..dice.below(4) {
        // Among what is plain, something odd is rather let through.
        let (segments, separators) = if dice.once_in(2) {
            (&SEGMENTS[..2], &SEPARATORS[..1])
        } else {
            (&SEGMENTS[..], &SEPARATORS[..])
        };
        path.extend_from_slice(segments[dice.below(segments.len())]);
        path.extend_from_slice(separators[dice.below(separators.len())]);
    }
    for byte in b"admin" {
        path.extend(letter(*byte, dice));
    }
    path.extend_from_slice(ENDS[dice.below(ENDS.len())]);
    if dice.once_in(50) {
        path.extend(std::iter::repeat_n(b'x', 9_000));
    }
    if dice.once_in(12) {
        let (at, byte) = (dice.below(path.len()), dice.below(256) as u8);
        path[at] = if matches!(byte, b' ' | b'\r' | b'\n') { b'-' } else { byte };
    }
    path
}

fn throw(site: &Site, times: usize) {
    let [ada, kim, dis] =
        ["ada", "kim", "dis"].map(|name| format!("Cookie: {}", site.visitor(name)));
    site.program.ok(&["user", "disable", "dis"]);
    crate::program::eventually(std::time::Duration::from_secs(5), || {
        site.ask("GET", "/", &[&dis]).status == 401
    });
    site.echo.take();
    let mut dice = Dice::new(11);
    let (mut harmless, mut as_admin) = (0, 0);
    for _ in 0..times {
        let path = path(&mut dice);
        let shown = latin_1(&path);
        let method = ["GET", "GET", "GET", "POST", "HEAD", "OPTIONS"][dice.below(6)];
        // Who may not be there at all.
        for lines in [&["Content-Length: 0"][..], &["Content-Length: 0", &dis]] {
            site.try_ask(method, &path, lines);
            assert_eq!(site.echo.take(), [], "{:?}: {shown:?}", site.kind);
        }
        // Who may be anywhere but there: a check that asked for the role would have refused kim.
        let answer = site.try_ask(method, &path, &["Content-Length: 0", &kim]);
        for seen in site.echo.take() {
            let target: Vec<u8> = seen.target().chars().map(|c| c as u8).collect();
            assert!(
                !may_be_admin(&target),
                "{:?}: {shown:?} arrives as {:?}",
                site.kind,
                seen.target()
            );
            assert_eq!(seen.all("remote-user"), ["kim"]);
            harmless += 1;
        }
        let status = answer.map_or(400, |answer| answer.status);
        assert!(status < 500, "{:?}: {shown:?}: {status}", site.kind);
        if dice.once_in(8) {
            site.try_ask(method, &path, &["Content-Length: 0", &ada]);
            as_admin += site.echo.take().len();
        }
    }
    println!("{:?}: of {times}, {harmless} arrived for kim and {as_admin} for ada", site.kind);
    assert!(harmless > times / 100 && as_admin > times / 100, "the paths say something");
    assert_eq!(site.server.check("user", "").to_string(), "401", "rolecall is there as before");
}

#[test]
fn no_spelling_of_a_path_gets_past_the_rule_for_it() {
    with_each(|site| throw(site, 400));
}

#[test]
#[ignore = "minutes"]
fn no_spelling_of_ten_thousand_paths_gets_past_the_rule_for_it() {
    with_each(|site| throw(site, 10_000));
}
