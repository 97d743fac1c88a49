//! Opens a Postgres database.

use std::sync::Arc;

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{
    ConnectError,
    cluster::{Cluster, find_first},
    hosts,
};
use crate::{
    config::Pooler,
    db::{Backend, Db, Place, Revision, plain},
};

/// Connects to the host that takes changes; only to look at it, to one that does not if there is
/// no other.
pub(super) async fn connect(url: &str, pooler: Pooler, is_look: bool) -> Result<Db, ConnectError> {
    let mut hosts = Vec::new();
    for host in hosts::read(url)? {
        hosts.push(for_use(host, pooler, is_look)?);
    }
    let failed = |reason| ConnectError::Open { place: place(&hosts), reason };
    let found = find_first(&hosts, is_look).await.map_err(failed)?;
    // The stock session store names the schema in its statements.
    let schema = found.1.schema.clone().ok_or(ConnectError::NoSchema)?;
    let revision = Arc::new(Revision::new());
    let cluster = Cluster::new(hosts, &found, pooler, is_look, revision.clone());
    Ok(Db {
        read: Backend::Postgres(cluster.clone()),
        write: Backend::Postgres(cluster),
        place: Place::Schema(schema),
        revision,
    })
}

fn for_use(
    host: PgConnectOptions,
    pooler: Pooler,
    is_look: bool,
) -> Result<PgConnectOptions, ConnectError> {
    let host = as_ours(host);
    match pooler {
        Pooler::Off if is_look => Ok(host.options([("default_transaction_read_only", "on")])),
        Pooler::Off => Ok(host),
        Pooler::Transaction if host.get_options().is_some() => Err(ConnectError::PoolerOptions),
        Pooler::Transaction => Ok(host.statement_cache_capacity(0).extra_float_digits(None)),
    }
}

/// With the name by which the triggers know us.
pub(super) fn as_ours(host: PgConnectOptions) -> PgConnectOptions {
    host.application_name("rolecall").disable_statement_logging()
}

/// Hosts with their ports, for a person.
pub(super) fn place(hosts: &[PgConnectOptions]) -> String {
    let places = hosts.iter().map(|host| format!("{}:{}", host.get_host(), host.get_port()));
    places.collect::<Vec<_>>().join(", ")
}

/// Whether somebody on the way to another machine could read or answer what goes to Postgres.
pub fn is_unprotected(url: &str) -> bool {
    let is_open = |options: &PgConnectOptions| {
        let host = options.get_host();
        let is_here = options.get_socket().is_some()
            || host.starts_with('/')
            || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host);
        !is_here && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
    };
    hosts::read(url).is_ok_and(|hosts| hosts.iter().any(is_open))
}

pub(super) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => {
            "no answer; is Postgres running there, and does it take more connections?".into()
        }
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "it is refused; is Postgres running there?".into()
        }
        _ => plain(error),
    }
}
