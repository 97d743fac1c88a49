//! Ctrl-C and the like, for commands that leave nothing half done behind.

use tokio::signal::unix::{SignalKind, signal};

/// Comes back when somebody asks the command to stop.
pub async fn requested() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
