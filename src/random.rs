//! The one place where randomness comes from. Everything else is handed a [`Random`].

use std::{fmt, sync::Arc};

type Fill = dyn Fn(&mut [u8]) -> Result<(), RandomFailed> + Send + Sync;

/// A source of bytes that nobody can guess.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

/// The source gave nothing; whoever needed it must not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct RandomFailed;

impl Random {
    /// The operating system's source.
    #[expect(clippy::disallowed_methods, reason = "randomness enters the program here")]
    pub fn system() -> Self {
        Self::new(|buffer| getrandom::fill(buffer).map_err(|_| RandomFailed))
    }

    /// A source that `fill` stands for.
    pub fn new(
        fill: impl Fn(&mut [u8]) -> Result<(), RandomFailed> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(fill))
    }

    /// `N` fresh bytes.
    ///
    /// # Errors
    /// When the source fails.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], RandomFailed> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
