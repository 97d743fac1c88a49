//! What goes wrong between a proxy and rolecall closes the door, and does rolecall no harm.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use crate::{
    client,
    echo::Echo,
    program::{Program, eventually},
    proxy::{Behind, Certificate, Kind, Proxy, free_port},
    site::{APP, Site, with_each},
    support::Engine,
};

/// What stands where rolecall should, and ends each connection after these bytes.
fn broken(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 8192];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn an_answer_that_is_none_opens_nothing() {
    let program = Program::new(Engine::Sqlite);
    let folder = program.path("");
    let certificate = Certificate::make(&folder);
    let tls = client::trusting(&certificate.chain);
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let answers = [
        "",
        "\r\n\r\n",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nRemote-User: ada\r\nRemote-Gro",
        "200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Later\r\nContent-Length: 0\r\nRemote-User: ada\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
    ];
    for kind in Kind::ALL {
        let others = answers.map(broken);
        for (rolecall, answer) in
            std::iter::once((nobody, "nobody")).chain(others.into_iter().zip(answers))
        {
            let echo = Echo::start();
            let port = free_port();
            let behind = Behind { rolecall, app: echo.address };
            let proxy = Proxy::start(kind, port, behind, &certificate, &folder);
            for target in ["/", "/admin"] {
                let request = format!(
                    "GET {target} HTTP/1.1\r\nHost: {APP}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
                );
                let given = client::over_tls(&tls, proxy.address, APP, request.as_bytes());
                let status = given.map_or(0, |given| given.status);
                assert!(status == 0 || status >= 300, "{kind:?}: {answer:?} gives {status}");
            }
            assert_eq!(echo.take(), [], "{kind:?}: {answer:?}");
        }
    }
}

#[test]
fn a_rolecall_that_says_nothing_is_not_waited_for_long() {
    for kind in Kind::ALL {
        let site = Site::start(kind, Engine::Sqlite);
        let kim = site.visitor("kim");
        assert_eq!(site.get("/", &kim).status, 200);
        site.echo.take();
        site.server.signal("STOP");
        let status = site.get("/", &kim).status;
        site.server.signal("CONT");
        assert!([500, 502, 503, 504].contains(&status), "{kind:?}: {status}");
        assert_eq!(site.echo.take(), []);
        assert_eq!(site.get("/", &kim).status, 200, "{kind:?}: and then goes on");
    }
}

#[test]
fn a_proxy_that_drops_the_connection_in_mid_answer_leaves_nothing_behind() {
    with_each(|site| {
        let kim = site.login("kim");
        let before = site.server.open_files();
        let head = |path: &str| {
            let host = site.host(crate::site::LOGIN);
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {kim}\r\n\r\n")
        };
        for round in 0..200 {
            let mut stream = TcpStream::connect(("127.0.0.1", site.server.port)).unwrap();
            let (whole, path) = match round % 4 {
                0 => (true, "/auth/check?role=admin"),
                1 => (true, "/account"),
                2 => (false, "/auth/check"),
                _ => (true, "/auth/envoy/admin/x"),
            };
            let text = head(path);
            let sent = if whole { text.len() } else { text.len() / 2 };
            stream.write_all(&text.as_bytes()[..sent]).unwrap();
            if round % 3 == 0 && whole {
                stream.read_exact(&mut [0; 20]).unwrap();
            }
        }
        // A client that goes in the midst, too.
        for _ in 0..20 {
            let mut stream = TcpStream::connect(site.proxy.address).unwrap();
            stream.write_all(b"\x16\x03\x01").unwrap();
        }
        assert_eq!(site.get("/", &site.shared(&kim)).status, 200, "signed in as before");
        assert!(
            eventually(Duration::from_secs(15), || site.server.open_files() < before + 20),
            "{before} {}",
            site.server.open_files()
        );
    });
}
