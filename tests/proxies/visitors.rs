//! Who gets through to the application, and what it learns of them.

use std::time::Duration;

use crate::{
    client::CLIENT,
    program::eventually,
    site::{APP, LOGIN, with_each},
};

const HTML: &str = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

#[test]
fn each_visitor_gets_where_they_may_and_nowhere_else() {
    with_each(|site| {
        let [ada, kim, dis] = ["ada", "kim", "dis"].map(|name| site.visitor(name));
        assert_eq!(site.get("/admin", &dis).status, 200, "before");
        site.program.ok(&["user", "disable", "dis"]);
        assert!(eventually(Duration::from_secs(5), || site.get("/", &dis).status == 401));
        site.echo.take();
        for (visitor, cookies, anywhere, admin) in [
            ("nobody", "", 401, 401),
            ("kim", &*kim, 200, 403),
            ("ada", &ada, 200, 200),
            ("dis", &dis, 401, 401),
            ("a forger", "__Secure-rolecall-check=AAAAAAAAAAAAAAAAAAAAAA.x.y", 401, 401),
        ] {
            for (target, status) in [
                ("/", anywhere),
                ("/reports?week=47", anywhere),
                ("/admin", admin),
                ("/admin/", admin),
                ("/admin?x", admin),
                ("/Admin/users", admin),
                ("/%61dmin", admin),
                ("/admin.json", admin),
            ] {
                let answer = site.get(target, cookies);
                assert_eq!(answer.status, status, "{:?}: {visitor} at {target}", site.kind);
                let seen = site.echo.take();
                assert_eq!(seen.len(), usize::from(status == 200), "{visitor} at {target}");
            }
        }
    });
}

#[test]
fn a_browser_is_led_to_the_login_and_back_and_a_program_is_told() {
    with_each(|site| {
        let target = "/reports?week=47&a=%26&b=%2F%2Fx";
        let next = "%2Freports%3Fweek%3D47%26a%3D%2526%26b%3D%252F%252Fx";
        let app = site.origin(APP).replace(':', "%3A").replace('/', "%2F");
        let login = format!("302 {}/login?next={app}{next}", site.origin(LOGIN));
        for (method, lines, outcome) in [
            ("GET", &[HTML][..], &*login),
            ("HEAD", &[HTML], &login),
            ("GET", &[HTML, "Sec-Fetch-Mode: navigate"], &login),
            ("GET", &[HTML, "Sec-Fetch-Mode: cors"], "401"),
            ("GET", &["Accept: */*"], "401"),
            ("GET", &["Accept: application/json"], "401"),
            ("GET", &[], "401"),
            ("POST", &[HTML, "Content-Length: 0"], "401"),
            ("PUT", &[HTML, "Content-Length: 0"], "401"),
            ("OPTIONS", &[HTML], "401"),
            // What the client says of its request is nothing.
            ("POST", &[HTML, "Content-Length: 0", "X-Forwarded-Method: GET"], "401"),
            ("GET", &[HTML, "X-Forwarded-Host: evil.example", "X-Forwarded-Uri: /x"], &login),
            ("GET", &[HTML, "X-Forwarded-Proto: http", "X-Forwarded-Method: POST"], &login),
        ] {
            let answer = site.ask(method, target, lines);
            assert_eq!(answer.outcome(), outcome, "{:?}: {method} {lines:?}", site.kind);
            assert!(answer.all("cache-control").iter().any(|value| value.contains("no-store")));
        }
        assert_eq!(site.echo.take(), []);
    });
}

#[test]
fn the_application_learns_who_it_is_and_none_of_our_cookies() {
    with_each(|site| {
        site.program.ok(&["user", "add", "zoë", "--role", "auditor", "--generate-password"]);
        let all = site.login("kim");
        assert_eq!(all.split("; ").count(), 3, "session, check and device");
        let theirs = "a=1; theme=d\u{fc}nkel; my-rolecall=x; b=rolecall; last=";
        let device = |n| format!("__Host-rolecall-device-{n}=1");
        let many = (0..5).map(device).collect::<Vec<_>>().join(";");
        for sent in [
            format!("{theirs}; {all}; {many}"),
            format!("{all};{many}; {theirs}"),
            format!("a=1; {all}; theme=d\u{fc}nkel; my-rolecall=x; {many}; b=rolecall; last="),
        ] {
            assert_eq!(site.get("/x", &sent).status, 200);
            let received = site.received();
            let cookies = received.all("cookie").join("; ");
            let parts: Vec<_> =
                cookies.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
            // The client sends UTF-8, and the echo reads bytes.
            let expected = theirs.replace('\u{fc}', "\u{c3}\u{bc}");
            assert_eq!(parts, expected.split("; ").collect::<Vec<_>>(), "{:?}", site.kind);
        }
        let answer = site.get("/x", &all);
        assert_eq!(answer.status, 200);
        let received = site.received();
        assert_eq!(received.all("cookie").join(""), "", "{:?}", site.kind);
        let id = site.program.json(&["user", "show", "kim"])["id"].as_str().unwrap().to_owned();
        let host = site.host(APP);
        for (name, value) in [
            ("remote-user", "kim"),
            ("remote-user-id", &id),
            ("remote-name", "kim"),
            ("remote-email", ""),
            ("remote-groups", "user"),
            ("remote-permissions", ""),
            ("x-forwarded-for", CLIENT),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", &host),
            ("x-forwarded-uri", "/x"),
        ] {
            assert_eq!(received.all(name).join("|"), value, "{:?}: {name}", site.kind);
        }
    });
}

#[test]
fn no_method_no_program_and_no_probe_is_an_exception() {
    with_each(|site| {
        let kim = format!("Cookie: {}", site.visitor("kim"));
        for method in
            ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "X"]
        {
            for agent in ["", "kube-probe/1.31", "ELB-HealthChecker/2.0", "Googlebot/2.1", "curl/8"]
            {
                let agent = format!("User-Agent: {agent}");
                for target in [
                    "/",
                    "/admin",
                    "/healthz",
                    "/readyz",
                    "/metrics",
                    "/robots.txt",
                    "/.well-known/acme",
                ] {
                    let lines = [
                        &*agent,
                        "Content-Length: 0",
                        "X-HTTP-Method-Override: OPTIONS",
                        "Origin: https://app.example.com",
                        "Access-Control-Request-Method: GET",
                    ];
                    let answer = site.try_ask(method, target.as_bytes(), &lines);
                    let status = answer.map_or(0, |answer| answer.status);
                    assert!(
                        [0, 400, 401, 405].contains(&status),
                        "{:?}: {method} {target} {agent}: {status}",
                        site.kind
                    );
                }
            }
            let answer = site.try_ask(method, b"/admin", &[&kim, "Content-Length: 0"]);
            let status = answer.map_or(0, |answer| answer.status);
            assert!([0, 400, 403, 405].contains(&status), "{:?}: {method}: {status}", site.kind);
        }
        for request in [
            "OPTIONS * HTTP/1.1",
            "CONNECT app.example.com:443 HTTP/1.1",
            "CONNECT 127.0.0.1:9000 HTTP/1.1",
            "GET / HTTP/1.0",
            "GET /admin",
            "PRI * HTTP/2.0",
            "GET https://app.example.com/ HTTP/1.1",
        ] {
            for host in ["app.example.com", "localhost", "127.0.0.1", "other.example.com", ""] {
                let text = format!("{request}\r\nHost: {host}\r\nConnection: close\r\n\r\n");
                // Some are answered by the proxy itself, with nothing in it.
                site.send_to(APP, text.as_bytes());
                assert_eq!(site.echo.take(), [], "{:?}: {request} {host:?}", site.kind);
            }
        }
        let options = site.ask("OPTIONS", "/", &[&kim]);
        assert_eq!((options.status, site.received().method()), (200, "OPTIONS"), "for whom may");
    });
}
