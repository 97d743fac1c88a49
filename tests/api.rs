//! rolecall in process, on both engines: requests against the router, and the rules below it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

/// One file per theme, in `tests/api/`.
mod api {
    mod admins;
    mod asking;
    mod audit;
    mod audit_chain;
    mod audit_prune;
    mod audit_tampered;
    mod check;
    mod check_envoy;
    mod check_proxied;
    mod check_traefik;
    mod conflicts;
    mod cookies;
    mod dead_ends;
    mod documents;
    mod ended;
    mod faults;
    mod foreign_hashes;
    mod forms;
    mod grant_conflicts;
    mod headers;
    mod heavy;
    mod jumps;
    mod keys;
    mod large;
    mod layout;
    mod leaving;
    mod lifetimes;
    mod limits;
    mod links;
    mod lists;
    mod login;
    mod logout;
    mod max_sessions;
    mod metrics;
    mod metrics_documented;
    mod migrations;
    mod nothing_lost;
    mod one_connection;
    mod outage;
    mod passwords;
    mod people;
    mod prefix;
    mod prefix_walk;
    mod race;
    mod ready;
    mod refusals;
    mod remembered;
    mod rests;
    mod role_limits;
    mod roles;
    mod routes;
    mod served;
    mod sessions;
    mod step_up;
    mod strange;
    mod sweep;
    mod throttle;
    #[cfg(feature = "otlp")]
    mod traces;
    mod trail_lists;
    mod ways_up;
}
