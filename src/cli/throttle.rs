//! `throttle`: who is held back after failed tries, and letting them try again.

use std::net::IpAddr;

use clap::Args;
use serde_json::json;
use time::OffsetDateTime;

use super::{
    Outcome, Place, operator,
    output::{self, List},
};
use crate::{
    app::App,
    auth::{self, throttle as rules, users},
    db::throttles::{self, Kind, Throttle},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the counters of failed tries: by account, known device and address
    List {
        #[arg(long)]
        json: bool,
    },
    /// Forget the failed tries at an account, from an address, or all
    Clear(Clear),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Clear {
    /// Name or e-mail of the account, or a name that nobody has
    user: Option<String>,
    /// An address; its network is meant (IPv6: the /64)
    #[arg(long)]
    address: Option<IpAddr>,
    /// Everything that is counted
    #[arg(long)]
    all: bool,
}

pub async fn run(place: &Place, command: Command) -> Outcome {
    let app = place.open().await?;
    match command {
        Command::List { json } => list(&app, json).await,
        Command::Clear(clear) => clear_some(&app, clear).await,
    }
}

async fn list(app: &App, json: bool) -> Outcome {
    let mut list = List::new(json, ["KIND", "OF", "FAILURES", "FAILED", "FREE AT"]);
    let mut after = (String::new(), String::new());
    loop {
        let batch = throttles::list(&app.db, (&after.0, &after.1), 500).await?;
        let Some(last) = batch.last() else { return list.finish() };
        after = (last.kind.to_string(), last.key.clone());
        for throttle in batch {
            push(app, &mut list, throttle).await?;
        }
    }
}

async fn push(app: &App, list: &mut List<5>, throttle: Throttle) -> Outcome {
    let unknown = throttle.key.strip_prefix(rules::UNKNOWN);
    let whose = match (throttle.kind, unknown) {
        (Kind::Address, _) => throttle.key.clone(),
        (_, Some(hash)) => format!("(a name that nobody has, {hash})"),
        _ => {
            let id = throttle.key.split(' ').next().unwrap_or_default();
            users::find(app, id).await.map_or_else(|_| id.to_owned(), |user| user.username)
        }
    };
    let now = app.pen.clock.now_ms();
    let free_at = rules::free_at(&throttle, now).filter(|free_at| *free_at > now);
    let is_closed = rules::free_at(&throttle, now).is_none();
    let row = [
        throttle.kind.to_string(),
        whose.clone(),
        throttle.failures.to_string(),
        // An address keeps when its counting began, the others when they failed last.
        match throttle.kind {
            Kind::Address => format!("first {}", time(throttle.since)),
            Kind::Account | Kind::Device => format!("last {}", time(throttle.since)),
        },
        match free_at {
            _ if is_closed => "closed".to_owned(),
            Some(free_at) => time(free_at),
            None => "now".to_owned(),
        },
    ];
    list.push(row, || {
        json!({
            "kind": throttle.kind,
            "key": throttle.key,
            "of": whose,
            "failures": throttle.failures,
            "since": time(throttle.since),
            "closed": is_closed,
            "free_at": free_at.map(time),
        })
    })
}

fn time(ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000));
    at.map(output::time).unwrap_or_default()
}

async fn clear_some(app: &App, clear: Clear) -> Outcome {
    let by = operator();
    let cleared = match (clear.user, clear.address) {
        (Some(user), _) => match users::find(app, &user).await {
            Ok(user) => rules::clear(app, &by, user.id).await?,
            Err(nobody @ auth::Error::Refused(_)) => {
                match rules::clear_unknown(app, &by, &user).await? {
                    0 => return Err(nobody.into()),
                    cleared => cleared,
                }
            }
            Err(error) => return Err(error.into()),
        },
        (None, Some(address)) => rules::clear_address(app, &by, address).await?,
        (None, None) => rules::clear_all(app, &by).await?,
    };
    output::line(&format!("{cleared} counter{} cleared", if cleared == 1 { "" } else { "s" }))
}
