//! The server as somebody starts it at a terminal: `script` gives it one and repeats to us what
//! it shows there.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use crate::program::{Program, eventually};

/// A running `rolecall serve`; ends with the test.
pub struct Terminal {
    script: Child,
    /// The server's process, as the shell that became it told.
    server: String,
    lines: mpsc::Receiver<String>,
    screen: String,
}

impl Terminal {
    pub fn serve(program: &Program) -> Self {
        let rolecall = program.command();
        let mut script = Command::new("script");
        script
            .args(["-qec", r#"echo $$; exec "$PROGRAM" serve --listen 127.0.0.1:0"#])
            .arg("/dev/null")
            .env_clear()
            .envs(rolecall.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("PROGRAM", rolecall.get_program())
            .current_dir(rolecall.get_current_dir().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut script = script.spawn().unwrap_or_else(|error| {
            panic!("the browser tests need script: apt-get install bsdutils: {error}")
        });
        let (send, lines) = mpsc::channel();
        let shown = BufReader::new(script.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            shown.map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        let server = lines.recv_timeout(Duration::from_secs(30));
        let server = server.expect("a process id").trim().to_owned();
        Self { script, server, lines, screen: String::new() }
    }

    /// The setup link, from the screen.
    pub fn setup_link(&mut self) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no link on the screen:\n{}", self.screen));
            self.screen += &format!("{line}\n");
            if line.trim().starts_with("http") && line.contains("/link?token=") {
                return line.trim().to_owned();
            }
        }
    }

    /// Everything on the screen so far.
    pub fn screen(&mut self) -> &str {
        self.screen.extend(self.lines.try_iter().map(|line| line + "\n"));
        &self.screen
    }
}

impl Drop for Terminal {
    /// The server stops when asked to, and `script` with it; killed, that takes the terminal
    /// away, which ends the server too.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(&self.server).status();
        let ended =
            eventually(Duration::from_secs(10), || !matches!(self.script.try_wait(), Ok(None)));
        if !ended {
            let _ = self.script.kill();
            let _ = self.script.wait();
        }
    }
}
