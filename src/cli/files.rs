//! How many files may be open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For the database, the log and the like.
const OTHERS: usize = 64;

/// Raises the limit of open files as far as so many connections need, and returns for how many
/// there is room then.
pub fn make_room(connections: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = connections.saturating_add(OTHERS) as u64;
    if current.is_none_or(|current| current >= wanted) {
        return connections;
    }
    let raised = Some(maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    let limit = match setrlimit(Resource::Nofile, Rlimit { current: raised, maximum }) {
        Ok(()) => raised,
        Err(_) => current,
    };
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let room = limit.saturating_sub(OTHERS).max(1);
    if room < connections {
        tracing::warn!(
            max_connections = room,
            open_files = limit,
            "fewer connections than set: the system lets us open too few files (ulimit -n)"
        );
    }
    room.min(connections)
}
