//! A proxy with rolecall and an application behind it, and people who use them.

pub mod client;
pub mod echo;
pub mod proxy;

use std::sync::Arc;

use rustls::ClientConfig;

use self::{
    client::Answer,
    echo::{Echo, Received},
    proxy::{Behind, Certificate, Kind, Proxy, free_port},
};
use super::{
    Engine,
    program::{PASSWORD, Program, Server},
};

pub const LOGIN: &str = "login.example.com";
pub const APP: &str = "app.example.com";
/// Another application under the same parent.
pub const OTHER: &str = "reports.example.com";

pub struct Site {
    pub kind: Kind,
    pub proxy: Proxy,
    pub server: Server,
    pub echo: Echo,
    pub program: Program,
    tls: Arc<ClientConfig>,
}

/// Runs the test with each proxy, and on both engines.
pub fn with_each(test: impl Fn(&Site)) {
    let engines = [Engine::Sqlite, Engine::Postgres, Engine::Sqlite];
    for (kind, engine) in Kind::ALL.into_iter().zip(engines) {
        println!("{kind:?} on {engine:?}");
        test(&Site::start(kind, engine));
    }
}

impl Site {
    pub fn start(kind: Kind, engine: Engine) -> Self {
        let program = Program::new(engine);
        for (name, roles) in [("ada", ["admin"]), ("kim", ["user"]), ("dis", ["admin"])] {
            program.add_user(name, &roles);
        }
        let port = free_port();
        let server = serve(&program, port);
        let echo = Echo::start();
        let folder = program.path("");
        let certificate = Certificate::make(&folder);
        let rolecall = ([127, 0, 0, 1], server.port).into();
        let behind = Behind { rolecall, app: echo.address };
        let proxy = Proxy::start(kind, port, behind, &certificate, &folder);
        let tls = client::trusting(&certificate.chain);
        Self { kind, proxy, server, echo, program, tls }
    }

    /// The host with the port that a browser would show.
    pub fn host(&self, name: &str) -> String {
        format!("{name}:{}", self.proxy.address.port())
    }

    pub fn origin(&self, name: &str) -> String {
        format!("https://{}", self.host(name))
    }

    /// Sends bytes as they are to the host of this name.
    pub fn send_to(&self, name: &str, request: &[u8]) -> Option<Answer> {
        client::over_tls(&self.tls, self.proxy.address, name, request)
    }

    /// A request to the application, `lines` being the rest of its head.
    pub fn ask(&self, method: &str, target: &str, lines: &[&str]) -> Answer {
        self.try_ask(method, target.as_bytes(), lines)
            .unwrap_or_else(|| panic!("no answer to {method} {target} {lines:?}"))
    }

    /// The same with a target of any bytes, which may find the door closed.
    pub fn try_ask(&self, method: &str, target: &[u8], lines: &[&str]) -> Option<Answer> {
        let lines = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
        let rest =
            format!(" HTTP/1.1\r\nHost: {}\r\n{lines}Connection: close\r\n\r\n", self.host(APP));
        self.send_to(APP, &[method.as_bytes(), b" ", target, rest.as_bytes()].concat())
    }

    pub fn get(&self, target: &str, cookies: &str) -> Answer {
        self.ask("GET", target, &[&format!("Cookie: {cookies}")])
    }

    /// What the application has received since the last time, which must be one request.
    pub fn received(&self) -> Received {
        let mut all = self.echo.take();
        assert_eq!(all.len(), 1, "{:?}: {all:?}", self.kind);
        all.remove(0)
    }

    /// Signs in through the proxy; all cookies that the browser then has.
    pub fn login(&self, name: &str) -> String {
        self.login_with(name, "X-Nothing: more")
    }

    /// The same with a line of its own in the head.
    pub fn login_with(&self, name: &str, line: &str) -> String {
        let body = format!("username={name}&password={}", PASSWORD.replace(' ', "+"));
        let request = format!(
            "POST /login HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nConnection: close\r\n{line}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.host(LOGIN),
            self.origin(LOGIN),
            body.len(),
        );
        let answer = self.send_to(LOGIN, request.as_bytes()).unwrap();
        assert_eq!(answer.outcome(), "303 /account", "{}", answer.body);
        let cookies = answer.all("set-cookie").into_iter();
        cookies.map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
    }

    /// Of these cookies, the one that the host of the application gets.
    pub fn shared(&self, cookies: &str) -> String {
        let mut all = cookies.split("; ");
        all.find(|cookie| cookie.starts_with("__Secure-rolecall-check=")).unwrap().to_owned()
    }

    /// Signs in and returns what the application's host is sent.
    pub fn visitor(&self, name: &str) -> String {
        self.shared(&self.login(name))
    }
}

/// rolecall as the heads of the examples say to start it.
fn serve(program: &Program, port: u16) -> Server {
    let url = format!("https://{LOGIN}:{port}");
    let origins = [APP, OTHER].map(|name| format!("https://{name}:{port}")).join(",");
    let settings = [
        ["--public-url", &*url],
        ["--cookie-domain", "example.com"],
        ["--allowed-return-origins", &*origins],
        ["--trusted-proxies", "127.0.0.1"],
    ];
    program.serve(settings.as_flattened())
}
