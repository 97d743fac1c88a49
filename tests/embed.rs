//! rolecall inside applications, in process and on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

/// One file per theme, in `tests/embed/`.
mod embed {
    mod beside;
    mod declared;
    mod guards;
    mod host;
    mod look;
    mod surface;
    mod told;
    #[allow(dead_code)]
    #[path = "../../examples/tutorial.rs"]
    mod tutorial;
    mod verbs;
}
