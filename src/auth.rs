//! The rules: who may log in, what a role permits, who may change what. Knows no HTTP and no
//! SQL. Functions that change something take [`By`], and write the audit record themselves.

pub mod access;
pub mod admins;
pub mod authority;
pub mod cache;
pub mod device;
pub mod explain;
pub mod grants;
pub mod graph;
pub mod hasher;
pub mod import;
pub mod key;
pub mod lifetime;
pub mod link;
pub mod login;
pub mod name;
pub mod next;
pub mod password;
pub mod permissions;
mod refusal;
pub mod roles;
pub mod seed;
pub mod sessions;
pub mod step_up;
pub mod throttle;
pub mod token;
pub mod trail;
pub mod users;

pub use crate::db::audit::{Actor, By};
pub use refusal::{Error, Refusal, Result};
