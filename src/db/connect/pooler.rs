//! Whether a pooler stands before Postgres, and gives its connections to one transaction after the
//! other: then no statement, lock or setting of a connection lasts.

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row, postgres::PgConnectOptions};

use super::{
    ConnectError, cluster, hosts,
    postgres::{as_ours, place, reason},
};
use crate::config::Pooler;

/// So often two connections are asked which server process they have: other clients may have
/// taken theirs in between.
const TRIES: usize = 5;

/// Refuses a URL that leads to such a pooler, for what needs a connection of its own.
///
/// # Errors
/// That it does; or, where a pooler is set, that it does not lead to Postgres itself.
pub async fn require_direct(url: &str, set: Pooler) -> Result<(), ConnectError> {
    let is_direct = match (is_postgres(url), set) {
        (false, _) => true,
        (true, Pooler::Transaction) => is_direct(url).await?,
        (true, Pooler::Off) => !is_shared(url).await?,
    };
    if is_direct { Ok(()) } else { Err(ConnectError::Pooled) }
}

/// Whether the URL names a Postgres database.
pub fn is_postgres(url: &str) -> bool {
    matches!(url.split_once(':'), Some(("postgres" | "postgresql", _)))
}

/// Whether two connections share a server process, which is certain when it is so.
///
/// # Errors
/// When it cannot be connected to.
pub async fn is_shared(url: &str) -> Result<bool, ConnectError> {
    let options = options(url).await?;
    let asked = async {
        let (mut one, mut other) = (options.connect().await?, options.connect().await?);
        let mut is_shared = false;
        for _ in 0..TRIES {
            is_shared |= process(&mut one).await? == process(&mut other).await?;
        }
        close([one, other]).await;
        Ok(is_shared)
    };
    asked.await.map_err(|error| failed(&options, &error))
}

/// Whether nothing stands before Postgres: what is set with a connection arrives there. Poolers
/// refuse that or pass over it.
///
/// # Errors
/// When it cannot be connected to.
pub async fn is_direct(url: &str) -> Result<bool, ConnectError> {
    let options = options(url).await?;
    let asked = async {
        let mut connection =
            options.clone().options([("rolecall.is_direct", "on")]).connect().await?;
        let row =
            connection.fetch_one("select current_setting('rolecall.is_direct', true)").await?;
        close([connection]).await;
        row.try_get::<Option<String>, _>(0)
    };
    match asked.await {
        Ok(value) => Ok(value.as_deref() == Some("on")),
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(failed(&options, &error)),
    }
}

/// Of the host that takes changes.
async fn options(url: &str) -> Result<PgConnectOptions, ConnectError> {
    let hosts = hosts::read_without_options(url)?;
    // Some poolers refuse what the driver asks for beside.
    let plainly = |host| as_ours(host).extra_float_digits(None);
    let hosts: Vec<_> = hosts.into_iter().map(plainly).collect();
    let found = cluster::find_first(&hosts, true).await;
    let (at, _) = found.map_err(|reason| ConnectError::Open { place: place(&hosts), reason })?;
    Ok(hosts[at].clone())
}

async fn process(connection: &mut PgConnection) -> sqlx::Result<i32> {
    connection.fetch_one("select pg_backend_pid()").await?.try_get(0)
}

async fn close<const N: usize>(connections: [PgConnection; N]) {
    for connection in connections {
        let _ = connection.close().await;
    }
}

fn failed(options: &PgConnectOptions, error: &sqlx::Error) -> ConnectError {
    let place = place(std::slice::from_ref(options));
    ConnectError::Open { place, reason: reason(error) }
}
