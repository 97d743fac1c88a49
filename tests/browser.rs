//! Debian's chromium, driven through chromedriver, against the real binary on both engines: what
//! a person sees and does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "browser/access.rs"]
mod access;
#[path = "browser/driver.rs"]
mod driver;
#[path = "browser/first_day.rs"]
mod first_day;
#[path = "browser/judges.rs"]
mod judges;
#[path = "browser/keyboard.rs"]
mod keyboard;
#[path = "browser/layout.rs"]
mod layout;
#[path = "browser/leaving.rs"]
mod leaving;
#[path = "browser/managing_people.rs"]
mod managing_people;
#[path = "browser/managing_roles.rs"]
mod managing_roles;
#[path = "browser/own_account.rs"]
mod own_account;
#[path = "browser/password.rs"]
mod password;
#[path = "browser/plain.rs"]
mod plain;
#[path = "browser/prefix.rs"]
mod prefix;
#[path = "browser/reading.rs"]
mod reading;
#[path = "browser/screenshots.rs"]
mod screenshots;
#[path = "browser/single_sign_on.rs"]
mod single_sign_on;
#[path = "browser/step_up.rs"]
mod step_up;
mod support;
#[path = "browser/terminal.rs"]
mod terminal;
#[path = "browser/tour.rs"]
mod tour;
#[path = "browser/window.rs"]
mod window;

use support::program;
