//! How long sessions live by the roles of their users.

use rolecall::{
    auth::{
        grants::{self, Until},
        lifetime::Limit,
        roles::RoleChange,
        sessions, users,
    },
    db::{self, sessions::Session},
};
use time::Duration;

use super::remembered::epoch;
use crate::support::{PASSWORD, TestApp, Visitor, both_engines, cli, form, role, roles};

both_engines!(
    a_role_ends_sessions_sooner_than_the_settings_do,
    the_shortest_limit_of_all_roles_counts_those_that_are_included_too,
    a_limit_longer_than_the_settings_changes_nothing,
    a_limit_binds_sessions_that_are_open_at_the_next_request_and_elsewhere_too,
    use_extends_a_session_within_the_limits_of_its_roles_in_memory_too,
    a_limit_holds_while_the_grant_does_and_no_longer,
    a_session_that_a_role_has_ended_stays_ended_when_the_limit_goes,
    a_session_that_a_role_had_not_ended_lives_on_when_the_limit_goes,
    a_remembered_session_and_its_cookie_end_with_the_limit,
    lists_show_what_lives_and_until_when_by_its_roles,
    what_a_role_has_ended_is_swept_and_what_lives_stays,
    the_session_that_a_step_up_renews_keeps_its_limit,
);

pub const MINUTE: Duration = Duration::MINUTE;

fn limited(idle: &str, absolute: &str) -> RoleChange {
    let limit = |text: &str| text.parse::<Limit>().ok().filter(|_| text != "-");
    RoleChange::Limit { idle: limit(idle), absolute: limit(absolute) }
}

/// A role with these limits; `none` is none, and `-` leaves it as it is.
pub async fn limit(t: &TestApp, name: &str, idle: &str, absolute: &str) {
    let is_there = t.db.count(&format!("roles where name = '{name}'")).await == 1;
    if !is_there {
        roles::create(&t.app, &cli(), &role(name), "").await.unwrap();
    }
    let change = limited(idle, absolute);
    rolecall::auth::roles::change(&t.app, &cli(), &role(name), &[change]).await.unwrap();
}

pub async fn lives(t: &TestApp, visitor: &Visitor) -> bool {
    let page = t.is_signed_in(visitor).await;
    let check = t.get_as(visitor, "/auth/check").await.status();
    assert_eq!(check, if page { 200 } else { 401 });
    page
}

/// The visitor, who has done nothing since the login, is signed in until so long after it.
async fn assert_ends(t: &TestApp, visitor: &Visitor, after: Duration) {
    t.advance(after - Duration::SECOND);
    assert!(lives(t, visitor).await, "a second before {after}");
    t.advance(Duration::SECOND);
    // That use was not written down.
    assert!(!lives(t, visitor).await, "after {after}");
}

async fn listed(t: &TestApp, name: &str) -> Vec<Session> {
    let user = users::find(&t.app, name).await.unwrap();
    db::sessions::list_of_user(&t.app.db, user.id, t.app.now()).await.unwrap()
}

async fn a_role_ends_sessions_sooner_than_the_settings_do(t: TestApp) {
    limit(&t, "cashier", "15m", "none").await;
    limit(&t, "clerk", "none", "8h").await;
    let kim = t.signed_in("kim", &["cashier"]).await;
    assert_ends(&t, &kim, 15 * MINUTE).await;
    let lou = t.signed_in("lou", &["clerk"]).await;
    assert_ends(&t, &lou, Duration::hours(8)).await;
    let ann = t.signed_in("ann", &[]).await;
    assert_ends(&t, &ann, Duration::hours(12)).await;
}

async fn the_shortest_limit_of_all_roles_counts_those_that_are_included_too(t: TestApp) {
    limit(&t, "long", "3h", "none").await;
    limit(&t, "middle", "2h", "none").await;
    limit(&t, "short", "1h", "none").await;
    roles::include(&t.app, &cli(), &role("long"), &role("middle")).await.unwrap();
    let kim = t.signed_in("kim", &["long", "user"]).await;
    assert_ends(&t, &kim, Duration::hours(2)).await;
    roles::include(&t.app, &cli(), &role("middle"), &role("short")).await.unwrap();
    let kim = t.login("kim").await;
    assert_ends(&t, &kim, Duration::hours(1)).await;
    // `short` does not include `long`.
    let lou = t.signed_in("lou", &["middle"]).await;
    assert_ends(&t, &lou, Duration::hours(1)).await;
    let ann = t.signed_in("ann", &["admin", "short"]).await;
    assert_ends(&t, &ann, Duration::hours(1)).await;
}

async fn a_limit_longer_than_the_settings_changes_nothing(t: TestApp) {
    limit(&t, "slow", "30d", "60d").await;
    let kim = t.signed_in("kim", &["slow"]).await;
    assert_ends(&t, &kim, Duration::hours(12)).await;
    limit(&t, "slow", "3650d", "3650d").await;
    assert!(!lives(&t, &kim).await);
    assert_eq!(listed(&t, "kim").await, []);
}

async fn a_limit_binds_sessions_that_are_open_at_the_next_request_and_elsewhere_too(t: TestApp) {
    let other = t.beside().await;
    roles::create(&t.app, &cli(), &role("clerk"), "").await.unwrap();
    for (round, what) in ["limit", "grant", "include", "by hand"].into_iter().enumerate() {
        let (name, limits) = (format!("kim{round}"), format!("limits{round}"));
        let granted: &[&str] = if what == "grant" { &[] } else { &["clerk"] };
        let kim = t.signed_in(&name, granted).await;
        t.advance(Duration::hours(2));
        for node in [&t, &other] {
            epoch(node).await;
            assert!(lives(node, &kim).await, "{what}");
        }
        match what {
            "limit" => limit(&t, "clerk", "none", "1h").await,
            "by hand" => {
                t.db.execute("update roles set absolute_timeout = 3600 where name = 'clerk'").await;
                t.app.db.follow_revision().await.unwrap();
            }
            "grant" => {
                limit(&t, &limits, "none", "1h").await;
                let user = users::find(&t.app, &name).await.unwrap().id;
                let limits = role(&limits);
                grants::grant(&t.app, &cli(), user, &limits, Until::Always, "").await.unwrap();
            }
            _ => {
                limit(&t, &limits, "none", "1h").await;
                let (clerk, limits) = (role("clerk"), role(&limits));
                roles::include(&t.app, &cli(), &clerk, &limits).await.unwrap();
            }
        }
        assert!(!lives(&t, &kim).await, "{what}");
        other.app.db.follow_revision().await.unwrap();
        assert!(!lives(&other, &kim).await, "{what}, elsewhere");
        let (clerk, limits) = (role("clerk"), role(&limits));
        roles::exclude(&t.app, &cli(), &clerk, &limits).await.unwrap_or_default();
        limit(&t, "clerk", "none", "none").await;
    }
}

async fn use_extends_a_session_within_the_limits_of_its_roles_in_memory_too(t: TestApp) {
    limit(&t, "cashier", "15m", "2h").await;
    let kim = t.signed_in("kim", &["cashier"]).await;
    for _ in 0..8 {
        t.advance(14 * MINUTE);
        epoch(&t).await;
        assert!(lives(&t, &kim).await);
        sessions::write_touched(&t.app).await.unwrap();
    }
    // The settings' limits are what is stored: a role may lose its own.
    let stored = t.db.count("sessions where idle_expires_at > last_seen_at").await;
    assert_eq!(stored, 1);
    t.advance(8 * MINUTE - Duration::SECOND);
    epoch(&t).await;
    assert!(lives(&t, &kim).await);
    t.advance(Duration::SECOND);
    assert!(!lives(&t, &kim).await, "two hours after the login");
    let kim = t.login("kim").await;
    epoch(&t).await;
    assert!(lives(&t, &kim).await);
    t.advance(15 * MINUTE);
    assert!(!lives(&t, &kim).await, "fifteen minutes without use");
}

async fn a_limit_holds_while_the_grant_does_and_no_longer(t: TestApp) {
    limit(&t, "clerk", "none", "1h").await;
    for is_recorded in [true, false] {
        let name = format!("kim-{is_recorded}");
        let user = t.user(&name, &[]).await;
        let until = Until::At(t.app.now() + 30 * MINUTE);
        grants::grant(&t.app, &cli(), user.id, &role("clerk"), until, "").await.unwrap();
        let kim = t.login(&name).await;
        t.advance(61 * MINUTE);
        if is_recorded {
            grants::record_ends(&t.app).await.unwrap();
        }
        assert!(lives(&t, &kim).await, "recorded: {is_recorded}");
        assert_eq!(listed(&t, &name).await.len(), 1, "recorded: {is_recorded}");
    }
}

/// Ways in which kim, who has `clerk`, which includes `cashier`, loses the limit of the latter.
const LOST: [&str; 8] = [
    "limit taken away",
    "limit made longer",
    "revoke",
    "exclude",
    "role deleted",
    "including role deleted",
    "grant ended",
    "grant ended and recorded",
];

async fn lose_limit(t: &TestApp, name: &str, what: &str) {
    let (app, by) = (&t.app, cli());
    let user = users::find(app, name).await.unwrap().id;
    match what {
        "limit taken away" => limit(t, "cashier", "none", "none").await,
        "limit made longer" => limit(t, "cashier", "11h", "6d").await,
        "revoke" => grants::revoke(app, &by, user, &role("clerk")).await.unwrap(),
        "exclude" => {
            roles::exclude(app, &by, &role("clerk"), &role("cashier")).await.unwrap();
        }
        "role deleted" => roles::delete(app, &by, &role("cashier")).await.unwrap(),
        "including role deleted" => roles::delete(app, &by, &role("clerk")).await.unwrap(),
        "grant ended and recorded" => grants::record_ends(app).await.unwrap(),
        _ => {}
    }
}

/// Somebody with `clerk` for an hour more, or without end.
async fn clerk(t: &TestApp, name: &str, what: &str) -> Visitor {
    limit(t, "cashier", "none", "none").await;
    limit(t, "clerk", "none", "none").await;
    roles::include(&t.app, &cli(), &role("clerk"), &role("cashier")).await.unwrap();
    let user = t.user(name, &[]).await;
    let until = match what.starts_with("grant ended") {
        true => Until::At(t.app.now() + 60 * MINUTE),
        false => Until::Always,
    };
    grants::grant(&t.app, &cli(), user.id, &role("clerk"), until, "").await.unwrap();
    t.login(name).await
}

async fn a_session_that_a_role_has_ended_stays_ended_when_the_limit_goes(t: TestApp) {
    for (idle, absolute) in [("20m", "none"), ("none", "20m")] {
        for what in LOST {
            let name = format!("{}-{}", what.replace(' ', "-"), idle);
            let kim = clerk(&t, &name, what).await;
            t.advance(10 * MINUTE);
            // Only now, so that nothing in the session's row tells of it.
            limit(&t, "cashier", idle, absolute).await;
            // Nobody looks at the session while it is over by the role.
            t.advance(if what.starts_with("grant") { 50 * MINUTE } else { 20 * MINUTE });
            lose_limit(&t, &name, what).await;
            assert!(!lives(&t, &kim).await, "{what}, {idle} {absolute}");
            t.login(&name).await;
        }
    }
}

async fn a_session_that_a_role_had_not_ended_lives_on_when_the_limit_goes(t: TestApp) {
    for what in LOST {
        let name = what.replace(' ', "-");
        let kim = clerk(&t, &name, what).await;
        limit(&t, "cashier", "60m", "60m").await;
        t.advance(if what.starts_with("grant") { 60 * MINUTE } else { 59 * MINUTE });
        lose_limit(&t, &name, what).await;
        t.advance(MINUTE);
        assert!(lives(&t, &kim).await, "{what}");
    }
}

async fn a_remembered_session_and_its_cookie_end_with_the_limit(t: TestApp) {
    limit(&t, "clerk", "2d", "3d").await;
    for (name, role, days) in [("kim", "clerk", 3), ("lou", "user", 30)] {
        t.user(name, &[role]).await;
        let visitor = Visitor::new();
        let fields = form(&[("username", name), ("password", PASSWORD), ("remember", "on")]);
        let answer = t.post(&visitor, "/login", fields).await;
        let cookies = answer.cookies();
        let cookie = cookies.iter().find(|cookie| cookie.name() == "rolecall").unwrap();
        assert_eq!(cookie.max_age().map(|age| age.whole_days()), Some(days), "{name}");
        if days == 3 {
            t.advance(Duration::days(2) - Duration::SECOND);
            assert!(lives(&t, &visitor).await);
            sessions::write_touched(&t.app).await.unwrap();
            t.advance(Duration::days(1));
            assert!(lives(&t, &visitor).await);
            t.advance(Duration::SECOND);
            assert!(!lives(&t, &visitor).await);
        }
    }
}

async fn lists_show_what_lives_and_until_when_by_its_roles(t: TestApp) {
    limit(&t, "cashier", "15m", "8h").await;
    t.user("kim", &["cashier"]).await;
    t.user("ada", &["admin"]).await;
    for _ in 0..30 {
        t.login("kim").await;
    }
    t.advance(10 * MINUTE);
    t.login("kim").await;
    let ada = t.login("ada").await;
    let now = t.app.now();
    let session = listed(&t, "kim").await.swap_remove(0);
    assert_eq!(session.idle_expires_at, now + 15 * MINUTE);
    assert_eq!(session.absolute_expires_at, now + Duration::hours(8));
    assert_eq!(listed(&t, "kim").await.len(), 31);
    // Those that are over stand between others.
    t.advance(5 * MINUTE);
    let old = t.login("ada").await;
    let all = db::sessions::list(&t.app.db, uuid::Uuid::max(), 3, t.app.now()).await.unwrap();
    let names: Vec<_> = all.iter().map(|one| one.username.as_str()).collect();
    assert_eq!(names, ["ada", "ada", "kim"]);
    assert_eq!(listed(&t, "kim").await.len(), 1);
    let page = t.get_as(&ada, "/admin/sessions?user=kim").await;
    assert_eq!(page.text().matches("data-label=\"Signed in\"").count(), 1, "{}", page.text());
    t.advance(10 * MINUTE);
    let all = db::sessions::list(&t.app.db, uuid::Uuid::max(), 3, t.app.now()).await.unwrap();
    assert_eq!(all.len(), 2, "thirty that are over are passed by");
    assert!(lives(&t, &old).await);
}

async fn what_a_role_has_ended_is_swept_and_what_lives_stays(t: TestApp) {
    limit(&t, "cashier", "15m", "none").await;
    limit(&t, "clerk", "none", "1h").await;
    limit(&t, "nobody-has-it", "1m", "1m").await;
    limit(&t, "shop", "none", "none").await;
    roles::include(&t.app, &cli(), &role("shop"), &role("cashier")).await.unwrap();
    let left = [t.signed_in("kim", &["shop"]).await, t.signed_in("lou", &["clerk"]).await];
    let ann = t.signed_in("ann", &["user"]).await;
    for (minutes, swept) in [(15, 1), (45, 1)] {
        t.advance(minutes * MINUTE - Duration::SECOND);
        let before = t.db.count("sessions").await;
        sessions::sweep(&t.app).await.unwrap();
        assert_eq!(t.db.count("sessions").await, before, "a second before");
        t.advance(Duration::SECOND);
        let other = t.login("kim").await;
        sessions::sweep(&t.app).await.unwrap();
        assert_eq!(t.db.count("sessions").await, before + 1 - swept, "{minutes}");
        assert!(lives(&t, &other).await && lives(&t, &ann).await);
        t.log_out(&other).await;
    }
    assert!(!lives(&t, &left[0]).await && !lives(&t, &left[1]).await);
}

async fn the_session_that_a_step_up_renews_keeps_its_limit(t: TestApp) {
    let change = limited("none", "2h");
    rolecall::auth::roles::change(&t.app, &cli(), &role("admin"), &[change]).await.unwrap();
    t.user("ada", &["admin"]).await;
    let ada = Visitor::new();
    let fields = form(&[("username", "ada"), ("password", PASSWORD), ("remember", "on")]);
    t.post(&ada, "/login", fields).await;
    t.advance(60 * MINUTE);
    let before = ada.copy();
    let fields = [("name", "editor"), ("current_password", PASSWORD)];
    let answer = t.post_form(&ada, "/admin/roles", &fields).await;
    let cookies = answer.cookies();
    let cookie = cookies.iter().find(|cookie| cookie.name() == "rolecall").unwrap();
    assert_eq!(cookie.max_age().map(|age| age.whole_minutes()), Some(60));
    assert!(t.is_signed_in(&before).await, "by the id it had before");
    t.advance(60 * MINUTE);
    assert!(!lives(&t, &ada).await);
}
