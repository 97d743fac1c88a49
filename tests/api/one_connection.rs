//! A request takes one connection at a time: with a single one left, every page and every form is
//! answered. Two at once would have each wait for what another one holds.

use axum::http::Method;

use crate::support::{Answer, Engine, PASSWORD, TestApp, Visitor, both_engines, insist};

both_engines!(with_one_connection_left_every_page_and_form_is_answered,);

/// All connections but one for reading, which on Postgres is for writing too.
async fn take_all_but_one(t: &TestApp) -> Vec<rolecall::db::Tx> {
    let all = match t.db.engine {
        Engine::Sqlite => 8,
        Engine::Postgres => 16,
    };
    let mut taken = Vec::new();
    for _ in 1..all {
        taken.push(t.app.db.begin_read().await.unwrap());
    }
    taken
}

async fn with_one_connection_left_every_page_and_form_is_answered(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let other = t.login("kim").await;
    let sessions = rolecall::db::sessions::list_of_user(&t.app.db, kim.id, t.app.now());
    let session = sessions.await.unwrap()[0].id;
    let token = t.form_token(&ada).await.unwrap();
    let taken = take_all_but_one(&t).await;
    let last = t.app.db.begin_read().await.expect("one is left");
    assert!(t.app.db.begin_read().await.is_err(), "one alone");
    drop(last);

    for route in rolecall::web::routes() {
        let path = route.path.replace("{id}", &kim.id.to_string());
        let path =
            path.replace("{name}", if path.contains("static") { "style.css" } else { "user" });
        let offers_get = route.methods.iter().any(|(method, _)| *method == Method::GET);
        if offers_get {
            let answer = insist(Answer::is_busy, || t.get_as(&ada, &path)).await;
            assert!(answer.status() < 500, "{path}: {}", answer.outcome());
        }
    }
    let user = format!("/admin/users/{}", kim.id);
    let on_user = |what: &str| format!("{user}/{what}");
    let forms: Vec<(String, Vec<(&str, &str)>)> = vec![
        ("/admin/roles".into(), vec![("name", "editor"), ("description", "")]),
        ("/admin/roles".into(), vec![("name", "viewer"), ("description", "")]),
        ("/admin/roles/editor/allow".into(), vec![("permission", "reports:write")]),
        ("/admin/roles/editor/include".into(), vec![("other", "viewer")]),
        ("/admin/roles/editor/exclude".into(), vec![("other", "viewer")]),
        (on_user("grant"), vec![("role", "editor")]),
        (on_user("revoke"), vec![("role", "editor")]),
        (on_user("throttle/clear"), vec![]),
        (format!("/admin/sessions/{session}/end"), vec![]),
        (on_user("sessions/end"), vec![]),
        (on_user("disable"), vec![]),
        (on_user("enable"), vec![]),
        (on_user("link"), vec![]),
        (user.clone(), vec![("username", "kim2"), ("display_name", ""), ("version", "0")]),
        ("/admin/users".into(), vec![("username", "lou"), ("role", "user")]),
        ("/admin/roles/editor/delete".into(), vec![]),
        (on_user("remove"), vec![]),
        ("/account/sessions/end".into(), vec![("others", "on")]),
        (
            "/account/password".into(),
            vec![("current_password", PASSWORD), ("new_password", "another horse battery staple")],
        ),
        ("/logout".into(), vec![]),
    ];
    for (path, fields) in forms {
        let fields: Vec<_> = fields.into_iter().chain([("form_token", token.as_str())]).collect();
        let send = || t.post(&ada, &path, crate::support::form(&fields));
        let answer = insist(Answer::is_busy, send).await;
        assert!([200, 303].contains(&answer.status()), "{path}: {}", answer.outcome());
    }
    let login =
        || async { t.try_login(&Visitor::new(), "ada", "another horse battery staple").await };
    assert_eq!(insist(Answer::is_busy, login).await.outcome(), "303 /account");
    drop((taken, other));
}
