//! How long sessions live, what extends them and what ends them.

use rolecall::auth::{sessions, users};
use time::Duration;

use crate::support::{Database, PASSWORD, TestApp, Visitor, both_engines, cli, form, password};

both_engines!(
    a_session_that_is_not_used_ends_at_the_idle_limit,
    use_extends_a_session_but_never_beyond_the_absolute_limit,
    a_remembered_session_ends_after_its_time_whatever_its_use,
    a_short_idle_limit_is_extended_by_use_too,
    a_use_written_down_late_does_not_bring_an_ended_session_back,
    expired_sessions_are_swept_and_live_ones_stay,
    a_disabled_user_is_out_on_the_next_request,
    enabling_an_account_brings_no_session_back,
    an_ended_session_is_out_on_the_next_request_and_others_stay,
    ending_all_sessions_signs_everybody_out,
    a_login_that_began_before_the_end_opens_no_session,
    a_password_change_ends_the_other_sessions_and_says_so_once,
    a_password_that_cannot_be_changed_stays_and_so_do_the_sessions,
    a_password_set_by_the_operator_ends_every_session,
    a_password_reset_is_not_undone_by_a_change_that_began_before,
    a_session_that_ends_during_a_request_does_not_fail_it,
);

async fn a_session_that_is_not_used_ends_at_the_idle_limit(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    t.advance(Duration::hours(12) - Duration::SECOND);
    assert!(t.is_signed_in(&visitor).await);
    // That use was not written down, as if the process had ended here.
    let other = t.beside().await;
    other.advance(Duration::SECOND);
    assert!(!other.is_signed_in(&visitor).await);
    assert_eq!(other.get_as(&visitor, "/auth/check").await.outcome(), "401");
}

async fn use_extends_a_session_but_never_beyond_the_absolute_limit(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    for _ in 0..16 {
        t.advance(Duration::hours(10));
        assert!(t.is_signed_in(&visitor).await);
        sessions::write_touched(&t.app).await.unwrap();
    }
    let beyond = "sessions where idle_expires_at > absolute_expires_at";
    assert_eq!(t.db.count(beyond).await, 0);
    t.advance(Duration::hours(8) - Duration::SECOND);
    assert!(t.is_signed_in(&visitor).await);
    sessions::write_touched(&t.app).await.unwrap();
    assert_eq!(t.db.count(beyond).await, 0);
    t.advance(Duration::SECOND);
    assert!(!t.is_signed_in(&visitor).await, "seven days after the login");
    sessions::write_touched(&t.app).await.unwrap();
    assert!(!t.is_signed_in(&visitor).await);
}

async fn a_remembered_session_ends_after_its_time_whatever_its_use(t: TestApp) {
    t.user("kim", &[]).await;
    let visitor = Visitor::new();
    let fields = form(&[("username", "kim"), ("password", PASSWORD), ("remember", "on")]);
    t.post(&visitor, "/login", fields).await;
    t.advance(Duration::days(29));
    assert!(t.is_signed_in(&visitor).await);
    sessions::write_touched(&t.app).await.unwrap();
    t.advance(Duration::days(1) - Duration::SECOND);
    assert!(t.is_signed_in(&visitor).await);
    sessions::write_touched(&t.app).await.unwrap();
    t.advance(Duration::SECOND);
    assert!(!t.is_signed_in(&visitor).await);
}

async fn a_short_idle_limit_is_extended_by_use_too(db: Database) {
    let t = TestApp::with(db, |chosen| chosen.idle_timeout = "40s".parse().ok()).await;
    let visitor = t.signed_in("kim", &[]).await;
    for _ in 0..6 {
        t.advance(Duration::seconds(30));
        assert!(t.is_signed_in(&visitor).await);
        sessions::write_touched(&t.app).await.unwrap();
    }
    t.advance(Duration::seconds(40));
    assert!(!t.is_signed_in(&visitor).await);
}

async fn a_use_written_down_late_does_not_bring_an_ended_session_back(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    t.advance(Duration::hours(1));
    assert!(t.is_signed_in(&visitor).await);
    let before = visitor.copy();
    t.log_out(&visitor).await;
    sessions::write_touched(&t.app).await.unwrap();
    assert_eq!(t.db.count("sessions").await, 0);
    assert!(!t.is_signed_in(&before).await);
}

async fn expired_sessions_are_swept_and_live_ones_stay(t: TestApp) {
    t.user("kim", &[]).await;
    for _ in 0..3 {
        t.login("kim").await;
    }
    t.advance(Duration::hours(6));
    let live = t.login("kim").await;
    t.advance(Duration::hours(6));
    sessions::sweep(&t.app).await.unwrap();
    assert_eq!(t.db.count("sessions").await, 1);
    assert!(t.is_signed_in(&live).await);
}

async fn a_disabled_user_is_out_on_the_next_request(t: TestApp) {
    let kim = t.user("kim", &["admin"]).await;
    t.user("ada", &["admin"]).await;
    let visitor = t.login("kim").await;
    users::disable(&t.app, &cli(), kim.id).await.unwrap();
    assert!(!t.is_signed_in(&visitor).await);
    assert_eq!(t.get_as(&visitor, "/auth/check").await.outcome(), "401");
    assert!(t.get_as(&visitor, "/admin").await.outcome().starts_with("303 /login"));
    assert_eq!(t.db.count("sessions").await, 0);
}

async fn enabling_an_account_brings_no_session_back(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let visitor = t.login("kim").await;
    users::disable(&t.app, &cli(), kim.id).await.unwrap();
    users::enable(&t.app, &cli(), kim.id).await.unwrap();
    assert!(!t.is_signed_in(&visitor).await);
    t.login("kim").await;
}

async fn an_ended_session_is_out_on_the_next_request_and_others_stay(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let (first, second) = (t.login("kim").await, t.login("kim").await);
    let open = rolecall::db::sessions::list_of_user(&t.app.db, kim.id, t.app.now());
    let open = open.await.unwrap();
    assert_eq!(open.len(), 2);
    sessions::end(&t.app, &cli(), open[1].id).await.unwrap();
    assert!(!t.is_signed_in(&first).await);
    assert!(t.is_signed_in(&second).await);
    assert!(sessions::end(&t.app, &cli(), open[1].id).await.is_err());
}

async fn ending_all_sessions_signs_everybody_out(t: TestApp) {
    let everybody = [t.signed_in("kim", &[]).await, t.signed_in("lou", &[]).await];
    assert_eq!(sessions::end_all(&t.app, &cli()).await.unwrap(), 2);
    for visitor in everybody {
        assert!(!t.is_signed_in(&visitor).await);
    }
    t.login("kim").await;
}

async fn a_login_that_began_before_the_end_opens_no_session(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let (app, by) = (&t.app, &cli());
    let wanted =
        || sessions::Wanted { remember: false, user_agent: "", replaces: None, tried: None };
    for round in 0..4 {
        // The password was right, and then …
        let user = users::find(app, "kim").await.unwrap();
        match round {
            0 => users::disable(app, by, kim.id).await.unwrap(),
            1 => drop(sessions::end_of_user(app, by, kim.id).await.unwrap()),
            2 => {
                let new = password("another horse battery staple");
                users::set_password(app, by, kim.id, &new, None).await.unwrap();
            }
            _ => drop(sessions::end_all(app, by).await.unwrap()),
        }
        let opened = sessions::open(app, by, &user, wanted()).await.unwrap();
        assert!(opened.is_none(), "round {round}");
        assert_eq!(t.db.count("sessions").await, 0, "round {round}");
        if round == 0 {
            users::enable(app, by, kim.id).await.unwrap();
        }
    }
}

async fn a_password_change_ends_the_other_sessions_and_says_so_once(t: TestApp) {
    let here = t.signed_in("kim", &[]).await;
    let elsewhere = [t.login("kim").await, t.login("kim").await];
    let new = "another horse battery staple";
    let fields = [("current_password", PASSWORD), ("new_password", new)];
    let answer = t.post_form(&here, "/account/password", &fields).await;
    assert_eq!(answer.outcome(), "303 /account?done");
    for visitor in elsewhere {
        assert!(!t.is_signed_in(&visitor).await);
    }
    let page = t.get_as(&here, "/account?done").await;
    assert!(page.text().contains("2 other sessions are signed out"));
    let page = t.get_as(&here, "/account?done").await;
    assert!(!page.text().contains("signed out"), "said once");
    let old = t.try_login(&Visitor::new(), "kim", PASSWORD).await;
    assert_eq!(old.outcome(), "401");
    let new = t.try_login(&Visitor::new(), "kim", new).await;
    assert_eq!(new.outcome(), "303 /account");
    let changed = "audit where action = 'user.password'";
    assert_eq!(t.db.count(changed).await, 1);
}

async fn a_password_that_cannot_be_changed_stays_and_so_do_the_sessions(t: TestApp) {
    let t = t.unthrottled().await;
    let here = t.signed_in("kim", &[]).await;
    let elsewhere = t.login("kim").await;
    // The trail alone tells of it.
    let but_trail = |dump: String| {
        let lines = dump.lines().filter(|line| !line.starts_with("audit"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = but_trail(t.db.dump().await);
    let new = "another horse battery staple";
    let long = "x".repeat(1025);
    for (current, new) in [
        ("", new),
        ("wrong", new),
        (PASSWORD, ""),
        (PASSWORD, "fourteen chars"),
        (PASSWORD, "a password with a\ttab in it"),
        (PASSWORD, "a password with a \0 in it"),
        (PASSWORD, long.as_str()),
        (long.as_str(), new),
    ] {
        let fields = [("current_password", current), ("new_password", new)];
        let answer = t.post_form(&here, "/account/password", &fields).await;
        assert_eq!(answer.outcome(), "422", "{current:?} {new:?}");
        assert!(!answer.text().contains(PASSWORD), "a password comes back");
    }
    assert_eq!(but_trail(t.db.dump().await), before);
    let refused = "select action from audit where action = 'user.password_refuse'";
    assert_eq!(t.db.texts(refused).await.len(), 3);
    assert!(t.is_signed_in(&here).await && t.is_signed_in(&elsewhere).await);
}

async fn a_password_set_by_the_operator_ends_every_session(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let visitors = [t.login("kim").await, t.login("kim").await];
    let new = password("another horse battery staple");
    let ended = users::set_password(&t.app, &cli(), kim.id, &new, None).await;
    assert_eq!(ended.unwrap(), 2);
    for visitor in visitors {
        assert!(!t.is_signed_in(&visitor).await);
    }
}

/// Whoever has got hold of a password and a session must not win against the operator who
/// takes both away: whichever comes first, the operator's password is the one that holds.
async fn a_password_reset_is_not_undone_by_a_change_that_began_before(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.argon2 = "m=2048,t=1,p=1".parse().ok();
        chosen.hash_slots = Some(4);
    })
    .await;
    for round in 0..12 {
        let name = format!("kim{round}");
        let kim = t.user(&name, &[]).await;
        let thief = t.login(&name).await;
        let token = t.form_token(&thief).await.unwrap();
        let stolen = "the password of a thief";
        let fields = form(&[
            ("current_password", PASSWORD),
            ("new_password", stolen),
            ("form_token", &token),
        ]);
        let theirs = t.clone();
        let theirs =
            tokio::spawn(
                async move { theirs.post(&thief, "/account/password", fields).await.status() },
            );
        tokio::time::sleep(std::time::Duration::from_millis(round)).await;
        let new = password("the password of the operator");
        users::set_password(&t.app, &cli(), kim.id, &new, None).await.unwrap();
        let status = theirs.await.unwrap();
        let answer = t.try_login(&Visitor::new(), &name, stolen).await;
        assert_eq!(answer.outcome(), "401", "round {round}, the change got {status}");
        let answer = t.try_login(&Visitor::new(), &name, "the password of the operator").await;
        assert_eq!(answer.outcome(), "303 /account", "round {round}");
    }
}

async fn a_session_that_ends_during_a_request_does_not_fail_it(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.argon2 = "m=16384,t=2,p=1".parse().ok();
    })
    .await;
    let visitor = t.signed_in("kim", &[]).await;
    let token = t.form_token(&visitor).await.unwrap();
    let fields = form(&[
        ("current_password", PASSWORD),
        ("new_password", "another horse battery staple"),
        ("form_token", &token),
    ]);
    let (changing, same_browser) = (t.clone(), visitor.copy());
    let changing =
        tokio::spawn(
            async move { changing.post(&same_browser, "/account/password", fields).await },
        );
    // Two hashes take longer than this, so the guard has let the change in by now.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let form = format!("form_token={token}");
    let out = t.post(&visitor, "/logout", form).await;
    assert_eq!(out.outcome(), "303 /login?done=signed-out");
    let answer = changing.await.unwrap();
    assert!(
        answer.status.is_redirection() || answer.status.is_client_error(),
        "{}: not our fault, and nothing to try again",
        answer.outcome()
    );
    assert_eq!(t.db.count("sessions").await, 0);
    assert_eq!(t.db.count("session_data").await, 0);
}
