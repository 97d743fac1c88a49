//! Headers by which a client says who it is, or makes a proxy say less.

use crate::{
    client::CLIENT,
    echo::Received,
    proxy::Kind,
    site::{APP, with_each},
    support::Dice,
};

/// The identity headers that an application could read out of a request, whatever it takes for
/// the same name, with their values.
fn identity(received: &Received) -> Vec<(String, String)> {
    let lines = received.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let mut found: Vec<_> = lines
        .map(|(name, value)| {
            let plain = name.trim().chars().map(|c| if c.is_alphanumeric() { c } else { '-' });
            (plain.collect::<String>(), value.trim().to_owned())
        })
        .filter(|(name, value)| {
            let is_ours = NAMES.iter().any(|ours| ours.eq_ignore_ascii_case(name));
            is_ours && !value.is_empty()
        })
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    found.sort();
    found
}

const NAMES: [&str; 6] = [
    "Remote-User",
    "Remote-User-Id",
    "Remote-Name",
    "Remote-Email",
    "Remote-Groups",
    "Remote-Permissions",
];

/// A spelling of a header's name.
fn spelt(name: &str, dice: &mut Dice) -> String {
    let joint = ["-", "_", "-", ".", "--", "_"][dice.below(6)];
    let name = name.replace('-', joint);
    match dice.below(4) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name,
    }
}

#[test]
fn what_a_client_says_of_itself_changes_nothing() {
    with_each(|site| {
        let kim = format!("Cookie: {}", site.visitor("kim"));
        site.ask("GET", "/", &[&kim]);
        let honest = identity(&site.received());
        assert_eq!(honest.len(), 4, "{honest:?}");
        let mut dice = Dice::new(7);
        for round in 0..150 {
            let mut lines = vec![kim.clone()];
            for _ in 0..=dice.below(5) {
                let name = spelt(NAMES[dice.below(6)], &mut dice);
                let value = ["ada", "admin", "", "ada, kim", "rolecall.users:write"][dice.below(5)];
                lines.insert(dice.below(lines.len() + 1), format!("{name}: {value}"));
            }
            // Alone and at the front, the first header of all.
            if dice.once_in(4) {
                lines.insert(0, "Remote_User: ada".into());
            }
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let status = site.ask("GET", "/", &lines).status;
            // A name that is none may be refused altogether.
            if status == 200 {
                assert_eq!(
                    identity(&site.received()),
                    honest,
                    "{:?} {round}: {lines:?}",
                    site.kind
                );
            } else {
                assert_eq!((status, site.echo.take()), (400, vec![]), "{:?}: {lines:?}", site.kind);
            }
            assert_eq!(site.ask("GET", "/admin", &lines).status / 100, 4);
            assert_eq!(site.echo.take(), []);
            let without: Vec<_> = lines.iter().copied().filter(|line| *line != kim).collect();
            assert_eq!(site.ask("GET", "/", &without).status / 100, 4);
            assert_eq!(site.echo.take(), [], "{:?}: {without:?}", site.kind);
        }
    });
}

#[test]
fn a_connection_header_takes_nothing_away() {
    with_each(|site| {
        let cookie = format!("Cookie: {}; a=b", site.visitor("kim"));
        site.ask("GET", "/", &[&cookie]);
        let honest = identity(&site.received());
        for hops in [
            "Remote-User",
            "Remote-User, Remote-Groups, close",
            "close, remote-user, remote_user, Remote-User-Id",
            "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Uri",
            "Upgrade, Remote-User",
            "keep-alive, Remote-Groups",
        ] {
            // The one that `ask` sends stands behind this one.
            for more in [
                &[][..],
                &["Upgrade: websocket"],
                &["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
            ] {
                let line = format!("Connection: {hops}");
                let lines = [&[&*cookie, &line], more].concat();
                let answer = site.ask("GET", "/", &lines);
                if answer.status == 400 && !more.is_empty() {
                    // HAProxy knows that this is no whole handshake.
                    assert_eq!(site.echo.take(), []);
                    continue;
                }
                assert_eq!(answer.status, 200, "{:?}: {lines:?}", site.kind);
                let received = site.received();
                assert_eq!(identity(&received), honest, "{:?}: {lines:?}", site.kind);
                assert_eq!(
                    received.all("x-forwarded-proto"),
                    ["https"],
                    "{:?}: {lines:?}",
                    site.kind
                );
                assert_eq!(received.all("x-forwarded-uri"), ["/"], "{:?}: {lines:?}", site.kind);
            }
        }
    });
}

#[test]
fn trailers_and_folded_lines_say_nothing_either() {
    with_each(|site| {
        let kim = site.visitor("kim");
        let host = site.host(APP);
        let head =
            format!("POST / HTTP/1.1\r\nHost: {host}\r\nCookie: {kim}\r\nConnection: close\r\n");
        let chunked = "Transfer-Encoding: chunked\r\nTrailer: Remote-User\r\n\r\n2\r\nok\r\n0\r\nRemote-User: ada\r\n\r\n";
        for rest in [
            chunked,
            "X-Folded: a\r\n Remote-User: ada\r\nContent-Length: 0\r\n\r\n",
            "X-Folded: a\r\n\tRemote-Groups: admin\r\nContent-Length: 0\r\n\r\n",
            "X-Cut: a\nRemote-User: ada\r\nContent-Length: 0\r\n\r\n",
            "X-Cut: a\rRemote-User: ada\r\nContent-Length: 0\r\n\r\n",
            "Remote-User : ada\r\nContent-Length: 0\r\n\r\n",
            "Remote-User\0: ada\r\nContent-Length: 0\r\n\r\n",
            " Remote-User: ada\r\nContent-Length: 0\r\n\r\n",
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n",
            "Content-Length: 0\r\nContent-Length: 40\r\n\r\nGET /admin HTTP/1.1\r\nRemote-User: ada\r\n\r\n",
        ] {
            site.send_to(APP, format!("{head}{rest}").as_bytes());
            for received in site.echo.take() {
                let said = identity(&received);
                let users: Vec<_> = said.iter().filter(|(name, _)| name == "remote-user").collect();
                assert!(users.len() == 1 && users[0].1 == "kim", "{:?}: {received:?}", site.kind);
                assert_eq!(received.target(), "/", "{:?}: {rest:?}", site.kind);
                // HAProxy hands on what trails, behind the body, where nobody reads headers.
                let trailing = received.body.to_lowercase();
                let is_dropped = site.kind != Kind::HaProxy;
                assert!(
                    !is_dropped || !trailing.contains("remote-user"),
                    "{:?}: {received:?}",
                    site.kind
                );
            }
        }
    });
}

#[test]
fn a_forged_address_is_not_believed() {
    with_each(|site| {
        let addresses = || {
            let list = site.program.json(&["session", "list", "kim"]);
            let all = list.as_array().unwrap().iter();
            all.map(|session| session["ip"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let kim = site.visitor("kim");
        for line in [
            "X-Forwarded-For: 198.51.100.1",
            "X-Forwarded-For: 198.51.100.1, 127.0.0.1",
            "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1",
            "X-Real-IP: 198.51.100.1",
            "Forwarded: for=198.51.100.1;proto=http;host=evil.example",
            "X_Forwarded_For: 198.51.100.1",
        ] {
            site.login_with("kim", line);
            site.ask("GET", "/", &[&format!("Cookie: {kim}"), line]);
            let seen = site.received().all("x-forwarded-for").join(",");
            let nearest = seen.rsplit(',').next().unwrap().trim();
            assert_eq!(nearest, CLIENT, "{:?}: {line}", site.kind);
        }
        let all = addresses();
        assert_eq!(all, vec![CLIENT; 7], "{:?}", site.kind);
    });
}
