//! The address at which metrics are read: of its own, and only where somebody named one.

use std::net::TcpListener;

use crate::{
    program::{Program, Server, get_from, on_both},
    support::{Engine, http::send_to, metrics::Scrape},
};

/// Sockets that the process listens on.
fn doors(server: &Server) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap();
    let names = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let inodes: Vec<String> = names
        .filter_map(|name| {
            Some(name.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let tables = ["tcp", "tcp6"].map(|kind| {
        std::fs::read_to_string(format!("/proc/{}/net/{kind}", server.id())).unwrap_or_default()
    });
    let listens = |line: &&str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(3) == Some(&"0A")
            && inodes.iter().any(|inode| columns.get(9) == Some(&&**inode))
    };
    tables.iter().flat_map(|table| table.lines()).filter(listens).count()
}

fn metrics_port(server: &Server) -> u16 {
    let line = server.seen().lines().find(|line| line.contains("serving metrics")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["address"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn metrics_are_served_at_an_address_of_their_own_and_nowhere_else() {
    on_both(|program| {
        program.add_user("kim", &["user"]);
        let server = program.serve(&["--metrics-listen", "127.0.0.1:0"]);
        let port = metrics_port(&server);
        assert_ne!(port, server.port);
        assert_eq!(doors(&server), 2);
        let cookie = server.login("kim");
        assert_eq!(server.check("user", &cookie), 200);
        let answer = get_from(port, "/metrics", "").unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
        let found = Scrape::parse(&answer.body);
        assert_eq!(found.find("rolecall_ready", &[]), Some(1.0));
        let check = [("route", "/auth/check"), ("status", "200")];
        assert_eq!(found.find("rolecall_http_requests_total", &check), Some(1.0));

        let head = send_to(port, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        for path in ["/", "/login", "/healthz", "/auth/check", "/metrics/", "/metrics2"] {
            assert_eq!(get_from(port, path, &cookie).unwrap().status, 404, "{path}");
        }
        let post = "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        let refused = send_to(port, post).unwrap();
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
        assert_eq!(server.get("/metrics", &cookie).status, 404, "not among the pages");
        assert!(!server.stop().contains("may read the metrics"), "nobody else reaches it");
    });
}

#[test]
fn unless_somebody_names_an_address_there_is_none() {
    let program = Program::new(Engine::Sqlite);
    let server = program.serve(&[]);
    assert_eq!(doors(&server), 1);
    assert!(!server.stop().contains("metrics"));
}

#[test]
fn an_address_that_others_reach_is_warned_of() {
    let program = Program::new(Engine::Sqlite);
    let log = program.serve(&["--metrics-listen", "0.0.0.0:0"]).stop();
    assert!(log.contains("may read the metrics"), "{log}");
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let program = Program::new(Engine::Sqlite);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = program.refused(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &address]);
    assert!(line.contains("--metrics-listen") && line.contains(&address), "{line}");
    let both = ["serve", "--listen", "127.0.0.1:8123", "--metrics-listen", "127.0.0.1:8123"];
    assert!(program.refused(&both).contains("an address of their own"));
}

/// Whoever connects and says nothing takes a place for a while, and not for ever.
#[test]
fn who_says_nothing_keeps_nobody_from_the_metrics_for_long() {
    let program = Program::new(Engine::Sqlite);
    let server = program.serve(&["--metrics-listen", "127.0.0.1:0"]);
    let port = metrics_port(&server);
    let silent: Vec<_> =
        (0..4).map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    assert_eq!(get_from(port, "/metrics", "").unwrap().status, 200);
    drop(silent);
}
