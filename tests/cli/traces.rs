//! Traces of the real binary: what its log says of the collector, and what a stop sends.

use std::time::Duration;

use crate::{
    program::{Program, eventually},
    support::{Engine, collector::Collector},
};

const REFUSED: &str = "the collector takes no traces";

#[test]
fn a_collector_that_takes_nothing_is_one_line_until_it_does() {
    let program = Program::new(Engine::Sqlite);
    let collector = Collector::start();
    collector.answer(503);
    let mut server = program.serve_with(&["--otlp-endpoint", &collector.endpoint()], |command| {
        command.env("OTEL_BSP_SCHEDULE_DELAY", "20");
    });
    let several = eventually(Duration::from_secs(30), || {
        assert_eq!(server.get("/login", "").status, 200);
        collector.batches().len() > 3
    });
    assert!(several);
    collector.answer(200);
    server.get("/login", "");
    server.wait_for("the collector takes traces again");
    let log = server.stop();
    assert_eq!(log.matches(REFUSED).count(), 1, "{log}");
    assert!(log.contains("503 Service Unavailable"), "{log}");
}

#[test]
fn a_stop_sends_what_is_left() {
    let program = Program::new(Engine::Sqlite);
    let collector = Collector::start();
    let server = program.serve(&["--otlp-endpoint", &collector.endpoint()]);
    server.get("/login", "");
    let log = server.stop();
    assert!(collector.spans().iter().any(|span| span.name == "GET /login"), "{log}");
    assert!(!log.contains(REFUSED), "{log}");
}

#[test]
fn a_collector_that_is_away_fails_neither_start_nor_stop() {
    let program = Program::new(Engine::Sqlite);
    let away = Collector::start().endpoint();
    let server = program.serve(&["--otlp-endpoint", &away]);
    assert_eq!(server.get("/login", "").status, 200);
    assert_eq!(server.stop().matches(REFUSED).count(), 1);
}

#[test]
fn a_compression_that_is_not_built_in_is_passed_over() {
    let program = Program::new(Engine::Sqlite);
    let collector = Collector::start();
    let server = program.serve_with(&["--otlp-endpoint", &collector.endpoint()], |command| {
        command.env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    });
    server.get("/login", "");
    let log = server.stop();
    assert!(collector.spans().iter().any(|span| span.name == "GET /login"), "{log}");
}
