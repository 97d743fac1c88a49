//! Debian's nginx, Caddy and HAProxy with the files of `deploy/`, before the real binary and an
//! application that echoes what it received.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "proxies/caches.rs"]
mod caches;
#[path = "proxies/changes.rs"]
mod changes;
#[path = "proxies/closed.rs"]
mod closed;
#[path = "proxies/forged.rs"]
mod forged;
#[path = "proxies/paths.rs"]
mod paths;
#[path = "proxies/readings.rs"]
mod readings;
#[path = "proxies/readme.rs"]
mod readme;
#[path = "proxies/soak.rs"]
mod soak;
mod support;
#[path = "proxies/visitors.rs"]
mod visitors;

use support::{
    program,
    site::{self, client, echo, proxy},
};
