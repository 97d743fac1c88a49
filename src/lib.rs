//! rolecall gives an application its people: web login, sessions, users, roles and permissions,
//! in a SQLite file or a Postgres schema.
//!
//! The code in reading order, each layer using only those above it:

pub mod app;
pub mod auth;
#[cfg(test)]
mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod metrics;
pub mod random;
pub mod telemetry;
pub mod text;
#[cfg(feature = "otlp")]
pub mod traces;
pub mod web;
