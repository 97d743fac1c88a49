//! `grant`, `revoke` and `explain`.

use clap::Args;
use time::{Duration, OffsetDateTime};

use super::{Failure, Outcome, Place, operator, output, role::ends};
use crate::{
    auth::{
        explain::{self, Explanation},
        grants::{self, Until},
        name::RoleName,
        users,
    },
    clock,
    config::Span,
    db::{grants::Grant as Row, roles},
};

#[derive(Args)]
pub struct Grant {
    user: String,
    role: String,
    /// Ends by itself after this long: 2h, 30d
    #[arg(long = "for", value_name = "SPAN", conflicts_with = "until")]
    span: Option<Span>,
    /// Ends by itself at this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<OffsetDateTime>,
    /// Why, for the audit trail and the user
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
}

pub(super) fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    let wrong = || "no time in the form of RFC 3339, such as 2027-01-01T00:00:00Z".to_owned();
    clock::parse(text).ok_or_else(wrong)
}

pub async fn grant(place: &Place, grant: Grant) -> Outcome {
    let app = place.open().await?;
    let user = users::find(&app, &grant.user).await?;
    let role = RoleName::parse(&grant.role)?;
    let until = match (grant.span, grant.until) {
        (Some(Span(span)), _) => Until::At(app.now() + span.max(Duration::SECOND)),
        (None, Some(end)) => Until::At(end),
        (None, None) => Until::Always,
    };
    grants::grant(&app, &operator(), user.id, &role, until, &grant.reason).await?;
    let end = match until {
        Until::Always => String::new(),
        Until::At(end) => format!(" until {}", output::time(end)),
    };
    output::line(&format!("{} has {}{end}", user.username, role.as_str()))
}

pub async fn revoke(place: &Place, user: &str, role: &str) -> Outcome {
    let app = place.open().await?;
    let user = users::find(&app, user).await?;
    let role = RoleName::parse(role)?;
    grants::revoke(&app, &operator(), user.id, &role).await?;
    output::line(&format!("{} no longer has {} by a grant", user.username, role.as_str()))
}

pub async fn explain(place: &Place, user: &str, what: &str) -> Outcome {
    let app = place.open().await?;
    let user = users::find(&app, user).await?;
    match explain::explain(&app, &user, what).await? {
        Explanation::Yes { grant, through } => {
            output::line("yes")?;
            output::line(&format!("  {} was granted {}", user.username, described(&grant)))?;
            for pair in through.windows(2) {
                output::line(&format!("  {} includes {}", pair[0], pair[1]))?;
            }
            if let Some(last) = through.last().filter(|last| *last != what) {
                output::line(&format!("  {last} permits {what}"))?;
            }
            let mut tx = app.db.begin_read().await?;
            for role in &through {
                let limits = roles::find_limits(&mut tx, role).await?.unwrap_or_default();
                if !limits.are_none() {
                    output::line(&format!("  sessions with {role} end {}", ends(limits)))?;
                }
            }
            Ok(())
        }
        Explanation::No => no("no grant leads to it"),
        Explanation::Disabled => no("the account is disabled"),
        Explanation::Ended(grant) => {
            no(&format!("a grant that led to it has ended: {}", described(&grant)))
        }
    }
}

fn no(reason: &str) -> Outcome {
    output::line("no")?;
    output::line(&format!("  {reason}"))?;
    Err(Failure::Finding)
}

fn described(grant: &Row) -> String {
    let by = match grant.granted_by_id {
        Some(id) => format!("user {id}"),
        None => grant.granted_by.clone(),
    };
    let end = match grant.ends_at {
        Some(end) => format!("until {}", output::time(end)),
        None => "without end".to_owned(),
    };
    let reason = match grant.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({})", output::clean(reason)),
    };
    format!("{} by {by} at {}, {end}{reason}", grant.role_name, output::time(grant.granted_at))
}
