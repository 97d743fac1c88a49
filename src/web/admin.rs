//! `/admin`: how things stand.

use axum::response::IntoResponse;
use time::{Duration, OffsetDateTime};

use super::{
    Error,
    acting::Acting,
    page::Page,
    pages::{
        Frame, Room,
        admin::{Chart, ChartDay, EndingGrant, OverviewPage},
    },
    people,
};
use crate::{
    auth::{access::Permission, authority::Change, name::ADMIN},
    db::{
        UserId, audit, grants, roles, sessions,
        tallies::{self, Tally},
    },
    text,
};

const DAYS: i64 = 30;
const RECORDS: Room = Room { lines: 10, bytes: 6000 };
const MOST_COUNTED: i64 = 10_001;

pub async fn overview(acting: Acting, frame: Frame) -> Result<impl IntoResponse, Error> {
    let Acting { app, user, .. } = &acting;
    let now = app.now();
    let first_day = tallies::day(now - Duration::days(DAYS - 1));
    let tallies = tallies::list(&app.db, &first_day).await?;
    let total = |name: &str| {
        let found = tallies.iter().find(|tally| tally.name == name && tally.day.is_empty());
        found.map_or(0, |tally| tally.n)
    };
    let shown = |permission, href| user.may(permission).then_some(href);
    let active = total(tallies::ACTIVE);
    let users_at = shown(Permission::UsersRead, "/admin/users");
    let disabled_at = shown(Permission::UsersRead, "/admin/users?status=disabled");
    let mut counts = vec![
        (text::overview::COUNT_USERS, text::number(active), users_at),
        (text::overview::COUNT_DISABLED, text::number(total(tallies::DISABLED)), disabled_at),
    ];
    if let Some(href) = shown(Permission::RolesRead, "/admin/roles") {
        let roles = text::number(roles::count(&app.db).await?);
        counts.push((text::overview::COUNT_ROLES, roles, Some(href)));
    }
    if let Some(href) = shown(Permission::SessionsRead, "/admin/sessions") {
        let live = sessions::count(&app.db, now, MOST_COUNTED).await?;
        let live = people::counted(live, MOST_COUNTED);
        counts.push((text::overview::COUNT_SESSIONS, live, Some(href)));
    }
    let ending = grants::list_ending(&app.db, now, now + Duration::days(7), 10).await?;
    let records = if user.may(Permission::AuditRead) {
        let all = (uuid::Uuid::nil(), uuid::Uuid::max());
        let most = RECORDS.lines as i64;
        let records = audit::list(&app.db, &audit::Filter::default(), all, most).await?;
        Some(people::records_fitting(records, RECORDS).0)
    } else {
        None
    };
    Ok(Page(OverviewPage {
        frame,
        counts,
        few_admins: few_admins(&acting).await?,
        chart: chart(&tallies, now),
        ending: ending
            .into_iter()
            .map(|grant| EndingGrant {
                user_id: grant.user_id.to_string(),
                username: grant.username,
                role: grant.role_name,
                ends: grant.ends_at.map(text::time).unwrap_or_default(),
            })
            .collect(),
        records,
    }))
}

/// What to do about it when there are fewer than two lasting admins: by whom it can be done.
async fn few_admins(acting: &Acting) -> Result<Option<&'static str>, Error> {
    let mut tx = acting.app.db.begin_read().await?;
    if grants::count_lasting_admins(&mut tx).await? >= 2 {
        return Ok(None);
    }
    drop(tx);
    // Nobody yet: an id that no user has.
    let to = UserId(uuid::Uuid::nil());
    let may_grant = acting.authority().await?.may(Change::Grant { to, role: ADMIN });
    Ok(Some(if may_grant { text::overview::ONE_ADMIN } else { text::overview::ONE_ADMIN_ASK }))
}

/// The drawing's size, which its template knows too.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 160;

fn chart(tallies: &[Tally], now: OffsetDateTime) -> Chart {
    let of_day = |name: &str, day: &str| {
        let found = tallies.iter().find(|tally| tally.name == name && tally.day == day);
        found.map_or(0, |tally| tally.n)
    };
    let days: Vec<_> = (0..DAYS)
        .rev()
        .map(|ago| {
            let at = now - Duration::days(ago);
            let key = tallies::day(at);
            (at, of_day(tallies::LOGINS, &key), of_day(tallies::REFUSALS, &key))
        })
        .collect();
    let highest = days.iter().map(|(_, logins, refusals)| logins + refusals).max().unwrap_or(0);
    let column = WIDTH / DAYS;
    let height = |n: i64| if highest == 0 { 0 } else { n * HEIGHT / highest };
    let bars = days.iter().enumerate().map(|(index, (at, logins, refusals))| {
        let (login_height, refusal_height) = (height(*logins), height(*refusals));
        ChartDay {
            day: text::day(*at),
            logins: *logins,
            refusals: *refusals,
            x: index as i64 * column,
            width: column - 4,
            login_y: HEIGHT - login_height,
            login_height,
            refusal_y: HEIGHT - login_height - refusal_height,
            refusal_height,
        }
    });
    Chart {
        days: bars.collect(),
        highest,
        logins: days.iter().map(|(_, logins, _)| logins).sum(),
        refusals: days.iter().map(|(_, _, refusals)| refusals).sum(),
    }
}
