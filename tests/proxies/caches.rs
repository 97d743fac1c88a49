//! A cache before or behind the proxy never gives one person's answer to another.

use std::net::SocketAddr;

use crate::{
    client::{self, Answer},
    echo::Echo,
    program::Program,
    proxy::{Behind, Certificate, Kind, Proxy, free_port, nginx},
    site::{APP, LOGIN, Site, with_each},
    support::Engine,
};

/// An nginx on this port that stores all it may, from whom it may, for ten minutes.
fn cache(program: &Program, port: u16, upstream: &str) -> Proxy {
    let folder = program.path("");
    let name = format!("cache-{port}.conf");
    let store = folder.join(format!("store-{port}"));
    let http = format!(
        "proxy_cache_path {} keys_zone=all:1m;\nserver {{\nlisten 127.0.0.1:{port};\n\
         proxy_cache all;\nproxy_cache_key $request_uri;\nproxy_cache_valid any 10m;\n\
         proxy_cache_methods GET HEAD;\nadd_header X-Cache $upstream_cache_status always;\n\
         proxy_ssl_server_name on;\nproxy_ssl_name {APP};\nproxy_set_header Host $http_host;\n\
         location / {{ proxy_pass {upstream}; }}\n}}",
        store.display(),
    );
    Proxy::run(nginx(&folder, &name, &http), port, &folder.join(format!("{name}.log")))
}

fn get(to: SocketAddr, host: &str, target: &str, cookies: &str) -> Answer {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\nAccept: text/html\r\n\
         Connection: close\r\n\r\n"
    );
    client::plainly(to, request.as_bytes()).unwrap()
}

#[test]
fn a_cache_before_the_proxy_stores_nobodys_page() {
    with_each(|site| {
        let cache = cache(&site.program, free_port(), &site.origin("127.0.0.1"));
        let [ada, kim] = ["ada", "kim"].map(|name| site.visitor(name));
        for _ in 0..2 {
            for target in ["/", "/admin", "/style.css?v=1"] {
                for (name, cookies) in [("ada", &*ada), ("kim", &kim), ("", ""), ("ada", &ada)] {
                    let answer = get(cache.address, &site.host(APP), target, cookies);
                    let allowed = !name.is_empty() && (name == "ada" || target != "/admin");
                    assert_eq!(answer.status == 200, allowed, "{:?}: {name} {target}", site.kind);
                    let whose = client::values(&answer.body, "remote-user");
                    assert_eq!(whose, if allowed { vec![name] } else { vec![] }, "{:?}", site.kind);
                    assert_ne!(answer.header("x-cache"), Some("HIT"), "{:?}: {target}", site.kind);
                }
            }
        }
    });
}

#[test]
fn a_cache_between_proxy_and_rolecall_stores_no_decision() {
    let site = Site::start(Kind::Nginx, Engine::Sqlite);
    let [ada, kim] = ["ada", "kim"].map(|name| site.visitor(name));
    let rolecall = format!("http://127.0.0.1:{}", site.server.port);
    let cache = cache(&site.program, free_port(), &rolecall);
    let certificate = Certificate::make(&site.program.path(""));
    let tls = client::trusting(&certificate.chain);
    for kind in Kind::ALL {
        let behind = Behind { rolecall: cache.address, app: site.echo.address };
        let proxy = Proxy::start(kind, free_port(), behind, &certificate, &site.program.path(""));
        for _ in 0..2 {
            for (name, cookies, status) in
                [("ada", &*ada, 200), ("kim", &kim, 403), ("", "", 401), ("ada", &ada, 200)]
            {
                let request = format!(
                    "GET /admin HTTP/1.1\r\nHost: {APP}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
                );
                let answer =
                    client::over_tls(&tls, proxy.address, APP, request.as_bytes()).unwrap();
                assert_eq!(answer.status, status, "{kind:?}: {name:?}");
            }
        }
    }
    // rolecall's pages and checks themselves.
    for target in ["/account", "/auth/check", "/login", "/auth/check?role=admin&redirect=1"] {
        for cookies in [&*ada, &kim, "", &ada] {
            let answer = get(cache.address, &site.host(LOGIN), target, cookies);
            assert_ne!(answer.header("x-cache"), Some("HIT"), "{target}");
        }
    }
}

#[test]
fn the_cache_of_these_tests_does_store_what_it_may() {
    let program = Program::new(Engine::Sqlite);
    let echo = Echo::start();
    let cache = cache(&program, free_port(), &format!("http://{}", echo.address));
    for expected in ["MISS", "HIT", "HIT"] {
        let answer = get(cache.address, APP, "/", "");
        assert_eq!((answer.status, answer.header("x-cache")), (200, Some(expected)));
    }
    assert_eq!(echo.take().len(), 1);
}
