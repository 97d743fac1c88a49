//! Which file of a SQLite database has its name by now.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    time::Instant,
};

/// A connection stays with its file when that is moved away or another one takes its name: what it
/// writes would be lost, and what others write not seen. Younger connections have the file that is
/// there now.
pub(super) struct There {
    file: PathBuf,
    /// Device and number of the file that has the name, and since when as far as we know.
    seen: Mutex<(Option<(u64, u64)>, Instant)>,
}

impl There {
    pub(super) fn new(file: PathBuf) -> Self {
        let seen = Mutex::new((Self::look(&file), Instant::now()));
        Self { file, seen }
    }

    pub(super) fn since(&self) -> Instant {
        let there = Self::look(&self.file);
        let mut seen = self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if seen.0 != there {
            *seen = (there, Instant::now());
        }
        seen.1
    }

    fn look(file: &Path) -> Option<(u64, u64)> {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(file).ok().map(|found| (found.dev(), found.ino()))
    }
}
