//! How long a session lives: as the settings say, or as a role of its user says, if that is
//! shorter. A session that was over at any time stays over, whatever is said later: before a
//! limit goes, what it ended is deleted.

use std::{fmt, str::FromStr};

use time::{Duration, OffsetDateTime};

use super::Result;
use crate::{
    app::App,
    config::Span,
    db::{
        Tx, UserId,
        lifetimes::{self, Limits},
        roles,
        sessions::{self, Current},
    },
};

/// The shortest limit of a role: a use may be written down that much later.
pub const SHORTEST: Duration = Duration::minutes(1);

/// A limit as it is typed: `15m`, `8h`, `30d`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub Option<Duration>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if ["", "none"].contains(&text) {
            return Ok(Self(None));
        }
        let span = text.parse().ok().filter(|Span(span)| *span >= SHORTEST);
        let limit = span.map(|Span(span)| Self(Some(span)));
        limit.ok_or_else(|| {
            format!("{text:?} is no length of time from 1m to ten years, such as 15m, 8h or 30d, nor none")
        })
    }
}

impl fmt::Display for Limit {
    /// In the greatest unit that is exact; nothing for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(seconds) = self.0.map(Duration::whole_seconds) else { return Ok(()) };
        let units = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
        let (size, unit) =
            units.into_iter().find(|(size, _)| seconds % size == 0).unwrap_or((1, 's'));
        write!(f, "{}{unit}", seconds / size)
    }
}

/// What is left of a session.
pub(super) struct Life {
    /// If it is not used until then.
    pub idle_until: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    /// Without use, by a role.
    pub idle: Option<Duration>,
}

impl Life {
    /// `None` when a role has ended it.
    pub fn of(row: &Current, now: OffsetDateTime) -> Option<Self> {
        let ends = |limits: Limits| limits.ends(row.created_at, row.last_seen_at);
        let limits = Limits::least(row.limits.as_deref());
        let (idle, absolute) = ends(limits);
        let idle_until = first(row.idle_expires_at, idle);
        let ends_at = first(row.absolute_expires_at, absolute);
        // Over while a grant held that has ended since.
        let former = ends(Limits::least(row.former_limits.as_deref()));
        let was_over = |end| [former.0, former.1].into_iter().flatten().any(|over| over < end);
        let lives = now < idle_until && now < ends_at && !row.former_end.is_some_and(was_over);
        lives.then_some(Self { idle_until, ends_at, idle: limits.idle })
    }
}

fn first(end: OffsetDateTime, other: Option<OffsetDateTime>) -> OffsetDateTime {
    other.map_or(end, |other| end.min(other))
}

/// Deletes what the limits of roles have ended, before one of them may go.
pub(super) async fn bury(tx: &mut Tx, now: OffsetDateTime) -> Result<()> {
    for role in roles::list_limited_in(tx).await? {
        lifetimes::delete_overdue_of_role(tx, &role.name, role.limits(), now).await?;
    }
    Ok(())
}

/// The same of one user.
pub(super) async fn bury_of(tx: &mut Tx, user_id: UserId, now: OffsetDateTime) -> Result<()> {
    let limits = lifetimes::of_user(tx, user_id, now).await?;
    bury_within(tx, user_id, limits, now).await
}

/// The same of one user whose limits are known.
pub(super) async fn bury_within(
    tx: &mut Tx,
    user_id: UserId,
    limits: Limits,
    now: OffsetDateTime,
) -> Result<()> {
    if !limits.are_none() {
        lifetimes::delete_overdue_of_user(tx, user_id, limits, now).await?;
    }
    Ok(())
}

/// The same of one user by a role that they had until `end`.
pub(super) async fn bury_by(
    tx: &mut Tx,
    user_id: UserId,
    role: &str,
    end: OffsetDateTime,
) -> Result<()> {
    let limits = lifetimes::of_role(tx, role).await?;
    bury_within(tx, user_id, limits, end.saturating_sub(Duration::SECOND)).await
}

/// Deletes what the limits of roles have ended. Looks for it without keeping a writer waiting.
pub(super) async fn sweep(app: &App, batch: i64) -> Result<()> {
    let all = roles::list(&app.db).await?;
    for role in all.iter().filter(|role| !role.limits().are_none()) {
        loop {
            let (name, limits, now) = (&role.name, role.limits(), app.now());
            let over = lifetimes::list_overdue_of_role(&app.db, name, limits, now, batch).await?;
            if over.is_empty() {
                break;
            }
            let mut tx = app.db.begin_aside().await?;
            let mut deleted = 0;
            for id in &over {
                deleted += u64::from(sessions::delete(&mut tx, *id).await?);
            }
            tx.commit().await?;
            app.metrics.swept(deleted);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_read_as_it_is_written() {
        for text in ["1m", "90s", "15m", "8h", "36h", "30d", "3650d"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        assert_eq!("60m".parse::<Limit>().unwrap().to_string(), "1h");
        for none in ["", "none"] {
            assert_eq!(none.parse(), Ok(Limit(None)), "{none:?}");
        }
        assert_eq!(Limit(None).to_string(), "");
        for wrong in ["0", "59s", "3651d", "-1h", "1", "soon", " ", "1h none"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong:?}");
        }
    }
}
