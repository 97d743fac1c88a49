//! A disk without room: checks go on, changes are told to come back and are not half made, and all
//! goes on when there is room again, without a restart.

use std::{path::PathBuf, process::Command, time::Duration};

use crate::{
    program::{PASSWORD, Program, Response, Server, eventually},
    support::Engine,
};

/// It takes less than five seconds; a machine with much else to do takes longer.
const SOON: Duration = Duration::from_secs(30);

/// The server, and how its disk gets full and has room again.
struct Disk<'d> {
    server: Server,
    fill: &'d dyn Fn(&Server),
    make_room: &'d dyn Fn(&Server),
}

fn try_login(server: &Server) -> Response {
    server.post("/login", "", &[("username", "ada"), ("password", PASSWORD)])
}

fn check(server: &Server, cookie: &str) -> u16 {
    server.get("/auth/check?role=admin", cookie).status
}

fn assert_sent_away(answer: &Response) {
    assert_eq!(answer.status, 503, "{}{}", answer.head, answer.body);
    let wait = answer.header("retry-after").expect("when to come back");
    assert!(wait.parse::<u32>().unwrap() > 0);
    assert_eq!(answer.header("set-cookie"), None);
}

impl Disk<'_> {
    fn goes_on_without_room(&self) {
        let server = &self.server;
        let (here, other) = (server.login("ada"), server.login("ada"));
        let (token, of_other) = (server.form_token(&here), server.form_token(&other));
        let role = |name: &str| {
            let fields = [("name", name), ("description", ""), ("form_token", token.as_str())];
            server.post("/admin/roles", &here, &fields)
        };
        let roles = || server.get("/admin/roles", &here).body;
        assert_eq!(role("before").status, 303);
        for _ in 0..2 {
            (self.fill)(server);
            assert!(eventually(SOON, || try_login(server).status == 503), "it is never full");
            for _ in 0..10 {
                assert_sent_away(&try_login(server));
                assert_sent_away(&role("meanwhile"));
                assert_sent_away(&server.post("/logout", &other, &[("form_token", &of_other)]));
                assert_eq!((check(server, &here), check(server, &other)), (200, 200));
                // Longer than what is remembered is trusted.
                std::thread::sleep(Duration::from_millis(150));
            }
            assert_eq!(server.get("/account", &here).status, 200);
            assert!(roles().contains("before") && !roles().contains("meanwhile"));
            (self.make_room)(server);
            assert!(eventually(SOON, || try_login(server).status == 303), "no room again");
            assert_eq!((check(server, &here), check(server, &other)), (200, 200));
            assert!(!roles().contains("meanwhile"), "half a change");
        }
        assert_eq!(role("meanwhile").status, 303);
        assert_eq!(server.post("/logout", &other, &[("form_token", &of_other)]).status, 303);
        assert_eq!(check(server, &other), 401);
    }
}

/// No file may grow: what a quota does, and nearly what a full disk does.
#[test]
fn when_no_file_can_grow_checks_go_on_and_changes_wait() {
    let program = Program::new(Engine::Sqlite);
    program.add_user("ada", &["admin"]);
    let shell = program.shell(&[], "trap '' XFSZ");
    let limit = |server: &Server, bytes: &str| {
        let id = server.id().to_string();
        let limit = format!("--fsize={bytes}:unlimited");
        let set = Command::new("prlimit").args(["--pid", &id, &limit]).status();
        assert!(set.unwrap().success());
    };
    let disk = Disk {
        server: program.serve_by(shell, &[], |_| {}),
        fill: &|server| limit(server, "8192"),
        make_room: &|server| limit(server, "unlimited"),
    };
    disk.goes_on_without_room();
    drop(disk);
    program.ok(&["audit", "verify"]);
    let damage = "select count(*) from pragma_integrity_check where integrity_check <> 'ok'";
    assert_eq!(program.number(damage), 0);
}

/// A small disk of its own, where the machine lets us mount one.
#[test]
fn on_a_full_disk_checks_go_on_and_changes_wait() {
    let own_mounts = ["unshare", "--map-root-user", "--mount"];
    let can_mount = Command::new(own_mounts[0]).args(&own_mounts[1..]).arg("true").status();
    if !can_mount.is_ok_and(|status| status.success()) {
        println!("nothing can be mounted here; the test above has to do");
        return;
    }
    let program = Program::new(Engine::Sqlite);
    std::fs::create_dir(program.path("disk")).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=4m none disk
         printf %s '{PASSWORD}' | \"$0\" user add ada --role admin --password-stdin >/dev/null"
    );
    let url = format!("sqlite://{}", program.path("disk/rolecall.db").display());
    let server = program.serve_by(program.shell(&own_mounts, &script), &[], |command| {
        command.env("ROLECALL_DATABASE_URL", &url);
    });
    // As the server sees it.
    let ballast = |server: &Server| {
        let path = program.path("disk/ballast").display().to_string();
        PathBuf::from(format!("/proc/{}/root{path}", server.id()))
    };
    let disk = Disk {
        server,
        fill: &|server| {
            use std::io::Write;
            let mut file = std::fs::File::create(ballast(server)).unwrap();
            while file.write_all(&[0; 4096]).is_ok() {}
        },
        make_room: &|server| std::fs::remove_file(ballast(server)).unwrap(),
    };
    disk.goes_on_without_room();
}
