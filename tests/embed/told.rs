//! What the author of an application finds in the log.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::{body::Body, http::Request};
use tracing::instrument::WithSubscriber;

use super::host::{HOST, Host, guarded, send};
use crate::support::both_engines;

both_engines!(a_guard_that_nobody_can_meet_and_a_missing_layer_are_told_with_what_to_do,);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines that `work` writes.
    async fn of(work: impl Future) -> Vec<String> {
        let log = Self::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        work.with_subscriber(lines.finish()).await;
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

async fn a_guard_that_nobody_can_meet_and_a_missing_layer_are_told_with_what_to_do(host: Host) {
    let editor = host.signed_in("editor1", &["editor"]).await;
    let ghosts = Log::of(async {
        for _ in 0..3 {
            assert_eq!(host.get(&editor, "/ghost").await.status(), 403);
        }
    });
    let ghosts = ghosts.await;
    let told: Vec<_> = ghosts.iter().filter(|line| line.contains("nobody-made-this")).collect();
    assert_eq!(told.len(), 1, "{ghosts:#?}");
    assert!(told[0].contains("does not exist") && told[0].contains("tests/embed/host.rs:"));

    let bare = guarded();
    let shut = Log::of(async {
        let request = Request::get("/notes").header("host", HOST);
        let answer = send(&bare, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), 500);
    });
    let shut = shut.await;
    assert!(shut.iter().any(|line| line.contains(".layer(auth.layer())")), "{shut:#?}");
}
