//! The real binary: its commands, its exit codes, its server beside its commands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/away.rs"]
mod away;
#[path = "cli/backup.rs"]
mod backup;
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/check_files.rs"]
mod check_files;
#[path = "cli/check_postgres.rs"]
mod check_postgres;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/copy.rs"]
mod copy;
#[path = "cli/copy_compared.rs"]
mod copy_compared;
#[path = "cli/deployed.rs"]
mod deployed;
#[path = "cli/forged.rs"]
mod forged;
#[path = "cli/full_disk.rs"]
mod full_disk;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/import_bad_input.rs"]
mod import_bad_input;
#[path = "cli/import_beside.rs"]
mod import_beside;
#[path = "cli/import_full_disk.rs"]
mod import_full_disk;
#[path = "cli/import_long.rs"]
mod import_long;
#[path = "cli/invite.rs"]
mod invite;
#[path = "cli/killed.rs"]
mod killed;
#[path = "cli/memory.rs"]
mod memory;
#[path = "cli/metrics.rs"]
mod metrics;
#[path = "cli/pooler.rs"]
mod pooler;
#[path = "cli/progress.rs"]
mod progress;
#[path = "cli/revoked.rs"]
mod revoked;
#[path = "cli/seed.rs"]
mod seed;
#[path = "cli/seed_bad_input.rs"]
mod seed_bad_input;
#[path = "cli/seed_round_trip.rs"]
mod seed_round_trip;
#[path = "cli/server.rs"]
mod server;
#[path = "cli/standby.rs"]
mod standby;
mod support;
#[cfg(feature = "otlp")]
#[path = "cli/traces.rs"]
mod traces;

use support::program;
