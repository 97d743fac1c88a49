//! The way out: it ends the session in the database, and leaves alone what is not its own.

use crate::support::{PASSWORD, TestApp, Visitor, both_engines};

both_engines!(
    a_logout_ends_the_session_and_its_cookie_never_works_again,
    a_logout_takes_its_own_cookie_and_no_other,
    a_logout_leaves_other_sessions_alone,
    a_second_logout_changes_nothing,
    after_a_logout_the_form_of_the_old_session_is_worth_nothing,
);

async fn a_logout_ends_the_session_and_its_cookie_never_works_again(t: TestApp) {
    let visitor = t.signed_in("kim", &["admin"]).await;
    let before = visitor.copy();
    let answer = t.log_out(&visitor).await;
    assert_eq!(answer.outcome(), "303 /login?done=signed-out");
    assert_eq!(t.db.count("sessions").await, 0);
    assert_eq!(visitor.session(), None);
    for path in ["/account", "/admin", "/logout"] {
        let answer = t.get_as(&before, path).await;
        assert!(answer.outcome().starts_with("303 /login"), "{path}");
    }
    assert_eq!(t.get_as(&before, "/auth/check").await.outcome(), "401");
    let page = t.get_as(&visitor, answer.location()).await;
    assert!(page.text().contains("You are signed out."));
    // Nor after the same person has logged in again, here or in another process.
    t.login("kim").await;
    assert!(!t.is_signed_in(&before).await);
    assert!(!t.beside().await.is_signed_in(&before).await);
    assert_eq!(t.db.count("audit where action = 'session.end'").await, 1, "the end is on record");
}

async fn a_logout_takes_its_own_cookie_and_no_other(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    visitor.set_cookie("rolecall-device-abc", "x");
    visitor.set_cookie("theme", "dark");
    let answer = t.log_out(&visitor).await;
    let [cookie] = &answer.cookies()[..] else {
        panic!("one cookie, not {:?}", answer.set_cookies());
    };
    assert_eq!(cookie.name(), "rolecall");
    assert_eq!(cookie.value(), "");
    assert_eq!(cookie.max_age(), Some(time::Duration::ZERO));
    assert_eq!(cookie.path(), Some("/"), "else the browser keeps it");
    assert_eq!(answer.header("clear-site-data"), "");
    assert_eq!(visitor.cookie("rolecall-device-abc").as_deref(), Some("x"));
}

async fn a_logout_leaves_other_sessions_alone(t: TestApp) {
    let (here, there) = (t.signed_in("kim", &[]).await, t.login("kim").await);
    let lou = t.signed_in("lou", &[]).await;
    t.log_out(&here).await;
    assert!(t.is_signed_in(&there).await);
    assert!(t.is_signed_in(&lou).await);
}

async fn a_second_logout_changes_nothing(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    let token = t.form_token(&visitor).await.unwrap();
    let form = format!("form_token={token}");
    let again = visitor.copy();
    t.post(&visitor, "/logout", form.clone()).await;
    let audited = t.db.audited().await;
    let answer = t.post(&again, "/logout", form).await;
    assert_eq!(answer.outcome(), "303 /login");
    assert_eq!(t.db.audited().await, audited);
}

async fn after_a_logout_the_form_of_the_old_session_is_worth_nothing(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    let token = t.form_token(&visitor).await.unwrap();
    t.log_out(&visitor).await;
    t.try_login(&visitor, "kim", PASSWORD).await;
    let form = format!("form_token={token}");
    let answer = t.post(&visitor, "/logout", form.clone()).await;
    assert_eq!(answer.outcome(), "403");
    assert!(t.is_signed_in(&visitor).await);
    let answer = t.post(&Visitor::new(), "/logout", form).await;
    assert_eq!(answer.outcome(), "303 /login");
}
