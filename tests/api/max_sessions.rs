//! How many sessions of one user there may be.

use rolecall::auth::{sessions, users};
use time::Duration;

use super::{
    lifetimes::{MINUTE, limit, lives},
    remembered::epoch,
};
use crate::support::{Database, PASSWORD, TestApp, both_engines, cli};

both_engines!(
    of_more_sessions_than_allowed_the_oldest_end,
    many_logins_at_once_leave_no_more_sessions_than_allowed,
    what_has_ended_takes_no_place_among_the_allowed,
    a_login_ends_what_is_remembered_only_when_it_ends_a_session,
);

async fn at_most(db: Database, most: usize) -> TestApp {
    TestApp::with(db, |chosen| chosen.max_sessions = Some(most)).await
}

async fn of_more_sessions_than_allowed_the_oldest_end(db: Database) {
    let t = at_most(db, 3).await;
    t.user("kim", &[]).await;
    let other = t.signed_in("lou", &[]).await;
    let mut visitors = Vec::new();
    for number in 0..6 {
        visitors.push(t.login("kim").await);
        for (index, visitor) in visitors.iter().enumerate() {
            assert_eq!(lives(&t, visitor).await, index + 3 > number, "{index} of {number}");
        }
    }
    assert!(lives(&t, &other).await);
    let ended = "select detail from audit where action = 'session.end' and actor = 'user'";
    assert_eq!(t.db.texts(ended).await, [r#"{"reason":"limit"}"#; 3]);
    let page = t.get_as(&visitors[5], "/account").await;
    assert!(page.text().contains("ended the oldest session of kim, as no more may be open"));
    // A browser that logs in again has its own place.
    t.try_login(&visitors[5], "kim", PASSWORD).await;
    assert!(lives(&t, &visitors[3]).await && lives(&t, &visitors[4]).await);
}

async fn many_logins_at_once_leave_no_more_sessions_than_allowed(db: Database) {
    let t = at_most(db, 5).await;
    t.user("kim", &[]).await;
    let other = t.beside().await;
    let logins = t.at_once(40, move |t, number| {
        let node = if number % 2 == 0 { t } else { other.clone() };
        async move {
            let app = &node.app;
            let user = users::find(app, "kim").await.unwrap();
            let wanted =
                sessions::Wanted { remember: false, user_agent: "", replaces: None, tried: None };
            sessions::open(app, &cli(), &user, wanted).await.unwrap().is_some()
        }
    });
    assert!(logins.await.unwrap().into_iter().all(|is_open| is_open));
    assert_eq!(t.db.count("sessions").await, 5);
    assert_eq!(t.db.count("audit where action = 'session.create'").await, 40);
    assert_eq!(t.db.count("audit where action = 'session.end'").await, 35);
}

async fn what_has_ended_takes_no_place_among_the_allowed(db: Database) {
    let t = at_most(db, 2).await;
    limit(&t, "cashier", "15m", "none").await;
    t.user("kim", &["cashier"]).await;
    let kept = t.login("kim").await;
    let left = t.login("kim").await;
    t.advance(10 * MINUTE);
    assert!(lives(&t, &kept).await);
    sessions::write_touched(&t.app).await.unwrap();
    // The younger one is over by now, by the role; a day later by the settings too.
    t.advance(10 * MINUTE);
    let third = t.login("kim").await;
    assert!(lives(&t, &kept).await && lives(&t, &third).await && !lives(&t, &left).await);
    assert_eq!(t.db.count("audit where action = 'session.end'").await, 0);
    t.advance(Duration::DAY);
    t.login("kim").await;
    t.login("kim").await;
    assert_eq!(t.db.count("audit where action = 'session.end'").await, 0);
}

async fn a_login_ends_what_is_remembered_only_when_it_ends_a_session(db: Database) {
    let t = at_most(db, 2).await;
    t.user("kim", &[]).await;
    let first = t.login("kim").await;
    let before = epoch(&t).await;
    let second = t.login("kim").await;
    assert_eq!(epoch(&t).await, before, "it ends nothing");
    assert!(lives(&t, &first).await);
    t.login("kim").await;
    assert_ne!(epoch(&t).await, before, "it ends the first one");
    assert!(!lives(&t, &first).await);
    let before = epoch(&t).await;
    let old = second.copy();
    t.try_login(&second, "kim", PASSWORD).await;
    assert_ne!(epoch(&t).await, before, "it ends that of the browser");
    assert!(!lives(&t, &old).await);
}
