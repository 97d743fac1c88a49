//! The real proxies with the files of `deploy/`, in which ports and the place of files alone
//! are changed.

use std::{
    fs::{read_to_string, write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{APP, OTHER};
use crate::support::program::eventually;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    HaProxy,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Nginx, Self::Caddy, Self::HaProxy];
}

/// A running proxy; ends with the test.
pub struct Proxy {
    child: Child,
    pub address: SocketAddr,
}

/// The certificate that all of them serve, and its key.
pub struct Certificate {
    pub chain: PathBuf,
    key: PathBuf,
}

impl Certificate {
    pub fn make(folder: &Path) -> Self {
        let (chain, key) = (folder.join("proxy.pem"), folder.join("proxy.pem.key"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=rolecall test"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", "subjectAltName=DNS:example.com,DNS:*.example.com"])
            .arg("-out")
            .arg(&chain)
            .arg("-keyout")
            .arg(&key)
            .output()
            .expect("the tests of proxies need openssl: apt-get install openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { chain, key }
    }
}

/// A port of this machine that nobody uses. Whoever takes it must do so soon.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What stands behind a proxy.
#[derive(Clone, Copy)]
pub struct Behind {
    pub rolecall: SocketAddr,
    pub app: SocketAddr,
}

impl Proxy {
    /// Starts it on this port, with its files in the folder.
    pub fn start(
        kind: Kind,
        port: u16,
        behind: Behind,
        certificate: &Certificate,
        folder: &Path,
    ) -> Self {
        let place = Place { kind, port, behind, certificate, folder };
        let command = match kind {
            Kind::Nginx => place.nginx(),
            Kind::Caddy => place.caddy(),
            Kind::HaProxy => place.haproxy(),
        };
        Self::run(command, port, &folder.join(format!("{kind:?}.log")))
    }

    /// Runs the command, which stays in the foreground, until it listens.
    pub fn run(mut command: Command, port: u16, log: &Path) -> Self {
        let to_log = std::fs::File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(to_log.try_clone().unwrap()).stderr(to_log);
        let program = command.get_program().to_owned();
        let mut child = command
            .spawn()
            .unwrap_or_else(|_| panic!("the tests of proxies need {program:?}: scripts/test"));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listens = eventually(Duration::from_secs(30), || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{program:?}: {}", read_to_string(log).unwrap());
            TcpStream::connect(address).is_ok()
        });
        assert!(listens, "{program:?}: {}", read_to_string(log).unwrap());
        Self { child, address }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx is a family, which its head takes along when it is asked to go.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

struct Place<'a> {
    kind: Kind,
    port: u16,
    behind: Behind,
    certificate: &'a Certificate,
    folder: &'a Path,
}

impl Place<'_> {
    /// A file of `deploy/` with these changes beside those of the ports. Each has to be there.
    fn deployed(&self, file: &str, changes: &[(&str, &str)]) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
        let mut text = read_to_string(source).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{file} has no {from}");
            text = text.replace(from, to);
        }
        text = text.replace("127.0.0.1:8000", &self.behind.rolecall.to_string());
        text = text.replace("127.0.0.1:9000", &self.behind.app.to_string());
        let target = self.folder.join(Path::new(file).file_name().unwrap());
        write(&target, text).unwrap();
        target
    }

    fn nginx(&self) -> Command {
        let (chain, key) = (shown(&self.certificate.chain), shown(&self.certificate.key));
        let changes = [
            ("listen 443 ssl", &*format!("listen 127.0.0.1:{} ssl", self.port)),
            ("/etc/ssl/example.com.pem", &chain),
            ("/etc/ssl/example.com.key", &key),
            // Two applications.
            (&*format!("server_name {APP};"), &*format!("server_name {APP} {OTHER};")),
        ];
        let site = self.deployed("nginx/rolecall.conf", &changes);
        self.deployed("nginx/rolecall_check.conf", &[]);
        self.deployed("nginx/rolecall_forward.conf", &[]);
        nginx(self.folder, "nginx.conf", &format!("include {};", site.display()))
    }

    fn caddy(&self) -> Command {
        // Without it Caddy would ask an authority on the internet for one.
        let (chain, key) = (shown(&self.certificate.chain), shown(&self.certificate.key));
        let tls = format!("{{\n\ttls {chain} {key}\n");
        let changes = [
            ("\nlogin.example.com {\n", &*format!("\nlogin.example.com {tls}")),
            ("\napp.example.com {\n", &format!("\n{APP}, {OTHER} {tls}")),
        ];
        let sites = self.deployed("caddy/Caddyfile", &changes);
        let around = format!(
            "{{\n\tadmin off\n\tauto_https disable_redirects\n\thttps_port {}\n\t\
             default_bind 127.0.0.1\n}}\nimport {}\n",
            self.port,
            sites.display(),
        );
        let main = self.folder.join("Caddyfile.main");
        write(&main, around).unwrap();
        let mut command = Command::new("caddy");
        command.arg("run").args(["--adapter", "caddyfile", "--config"]).arg(main);
        for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(variable, self.folder);
        }
        command
    }

    fn haproxy(&self) -> Command {
        // HAProxy looks for the key beside the certificate.
        let chain = shown(&self.certificate.chain);
        let script = shown(&self.deployed("haproxy/rolecall.lua", &[]));
        let changes = [
            ("bind :443 ", &*format!("bind 127.0.0.1:{} ", self.port)),
            ("/etc/ssl/example.com.pem", &chain),
            ("/etc/haproxy/rolecall.lua", &script),
        ];
        let config = self.deployed("haproxy/haproxy.cfg", &changes);
        haproxy(&config)
    }
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A HAProxy in the foreground.
pub fn haproxy(config: &Path) -> Command {
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(config).env("PATH", with_sbin());
    command
}

/// An nginx in the foreground with this in its `http` block.
pub fn nginx(folder: &Path, name: &str, http: &str) -> Command {
    let here = folder.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {here}/{name}.{kind};"))
        .join("\n");
    let text = format!(
        "daemon off;\nuser root root;\nworker_processes 1;\npid {here}/{name}.pid;\n\
         error_log stderr warn;\nevents {{ worker_connections 512; }}\n\
         http {{\naccess_log off;\n{temporary}\n{http}\n}}\n"
    );
    let config = folder.join(name);
    write(&config, text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg(config);
    command.env("PATH", with_sbin());
    command
}

/// Debian puts nginx and HAProxy where the path of a plain user does not lead.
fn with_sbin() -> String {
    format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}
