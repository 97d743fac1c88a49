//! How far a long command is: a bar with rate and time left, at a terminal alone.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A bar on standard error; nothing where that is no terminal.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn new() -> Self {
        Self::drawn(Some(0), "{msg:26} {wide_bar} {human_pos}/{human_len}  {rate}  {eta} left")
    }

    /// The same through a file of so many bytes; where nobody knows how many, no time is told.
    pub fn of_bytes(length: Option<u64>) -> Self {
        let known = "{msg:26} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        Self::drawn(
            length,
            if length.is_some() { known } else { "{msg:26} {bytes}  {bytes_per_sec}" },
        )
    }

    fn drawn(length: Option<u64>, template: &str) -> Self {
        // It stays quiet by itself where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            let rate = |state: &ProgressState, to: &mut dyn Write| {
                let _ = write!(to, "{:.0}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        Self(bar)
    }

    pub fn set_length(&self, length: u64) {
        self.0.set_length(length);
    }

    pub fn at(&self, what: String) {
        self.0.set_message(what);
    }

    pub fn add(&self, done: u64) {
        self.0.inc(done);
    }

    /// Says something else meanwhile.
    pub fn aside<T>(&self, tell: impl FnOnce() -> T) -> T {
        self.0.suspend(tell)
    }
}

impl Drop for Progress {
    /// The bar makes room for what is said next.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
