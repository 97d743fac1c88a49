//! Two nodes that share a database and a key file, and HAProxy before them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::{
    program::{Program, Server},
    proxy::{Proxy, free_port, haproxy},
};

/// From where the balancer asks: no address of a client.
const BALANCER: &str = "127.0.0.4";

pub struct Node<'p> {
    program: &'p Program,
    pub address: SocketAddr,
    public_url: String,
    server: Option<Server>,
}

/// What a process takes at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub resident_kib: u64,
    pub open_files: usize,
}

impl<'p> Node<'p> {
    /// On an address where no outgoing connection takes its port while it is down.
    fn start(program: &'p Program, ip: [u8; 4], public_url: &str) -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::from(ip), 0));
        let address = TcpListener::bind(any_port).unwrap().local_addr().unwrap();
        let mut node = Self { program, address, public_url: public_url.to_owned(), server: None };
        node.begin();
        node
    }

    /// Starts it, after which it is listening.
    pub fn begin(&mut self) {
        let settings = [
            ["--public-url", self.public_url.as_str()],
            ["--trusted-proxies", BALANCER],
            // Longer than the balancer needs to see it.
            ["--drain-for", "2s"],
            // Longer than this runs.
            ["--step-up-after", "4h"],
        ];
        self.server = Some(self.program.serve_at(self.address, settings.as_flattened()));
    }

    pub fn stop(&mut self) {
        self.server.take().unwrap().stop();
    }

    pub fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }

    pub fn figures(&self) -> Figures {
        let server = self.server.as_ref().unwrap();
        Figures { resident_kib: server.resident_kib(), open_files: server.open_files() }
    }
}

/// The nodes, the balancer, and its port.
pub fn start(program: &Program) -> ([Node<'_>; 2], Proxy, u16) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let nodes = [[127, 0, 0, 2], [127, 0, 0, 3]].map(|ip| Node::start(program, ip, &url));
    let config = program.path("balancer.cfg");
    let [a, b] = [0, 1].map(|at: usize| nodes[at].address);
    // What a GET asks for may be asked again; a form is sent to one node alone.
    let text = format!(
        "defaults\n\
         mode http\n\
         timeout connect 2s\n\
         timeout client 30s\n\
         timeout server 30s\n\
         timeout http-request 10s\n\
         option redispatch 1\n\
         retries 3\n\
         retry-on conn-failure empty-response\n\
         frontend all\n\
         bind 127.0.0.1:{port}\n\
         http-request set-header X-Forwarded-For %[src]\n\
         http-request set-header X-Forwarded-Proto http\n\
         http-request set-header X-Forwarded-Host %[req.hdr(Host)]\n\
         default_backend nodes\n\
         backend nodes\n\
         balance roundrobin\n\
         http-reuse always\n\
         http-request disable-l7-retry unless METH_GET\n\
         option httpchk GET /readyz\n\
         http-check expect status 200\n\
         http-response set-header X-Node %s\n\
         default-server check inter 500ms fall 2 rise 1 source {BALANCER}\n\
         server a {a}\n\
         server b {b}\n"
    );
    std::fs::write(&config, text).unwrap();
    let balancer = Proxy::run(haproxy(&config), port, &program.path("balancer.log"));
    (nodes, balancer, port)
}
