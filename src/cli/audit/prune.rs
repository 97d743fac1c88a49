//! `audit prune`.

use clap::Args;
use time::OffsetDateTime;

use super::{Failure, Outcome, found, output};
use crate::{
    app::App,
    auth::trail::{checkpoint, prune},
    cli::{grant::parse_time, operator},
    config::Span,
    text::count,
};

#[derive(Args)]
pub struct Prune {
    /// Delete what is older than this: a time (RFC 3339) or a span, such as 365d
    #[arg(long, value_name = "TIME-or-SPAN", value_parser = parse_age)]
    before: Age,
    /// Also where audit verify finds fault with the trail; the record of it says so
    #[arg(long)]
    despite_findings: bool,
}

#[derive(Clone)]
enum Age {
    Time(OffsetDateTime),
    Span(Span),
}

fn parse_age(text: &str) -> Result<Age, String> {
    let span = || text.parse().map(Age::Span).ok();
    let time = parse_time(text).map(Age::Time).ok();
    time.or_else(span).ok_or_else(|| {
        "neither a time, such as 2027-01-01T00:00:00Z, nor a span, such as 365d".to_owned()
    })
}

pub async fn run(app: &App, prune: Prune) -> Outcome {
    let before = match prune.before {
        Age::Time(time) => time,
        Age::Span(Span(span)) => app.now().checked_sub(span).unwrap_or(OffsetDateTime::UNIX_EPOCH),
    };
    if before > app.now() {
        return Err(Failure::Other("that time lies in the future; name an earlier one".to_owned()));
    }
    let before = before.max(OffsetDateTime::UNIX_EPOCH);
    let pruned = prune::prune(app, &operator(), before, prune.despite_findings).await?;
    let pruned = pruned.map_err(|finding| found(&finding))?;
    let Some(made) = pruned.checkpoint else {
        return output::line("no sealed record at the beginning is older than that");
    };
    output::line(&format!(
        "deleted {}; the trail begins after this checkpoint, which is worth keeping elsewhere:\n{}",
        count(pruned.records, "record", "records"),
        checkpoint::line(&made)
    ))
}
