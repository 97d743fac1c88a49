//! What checks remember between requests: nothing that was taken away, here or elsewhere, by us
//! or by hand, or that time took.

use axum::{body::Body, http::Method};
use rolecall::{
    auth::{
        grants::{self, Until},
        sessions, trail, users,
    },
    db::Epoch,
};
use time::Duration;

use crate::support::{
    Answer, Database, PASSWORD, TestApp, Visitor, both_engines, cli, password, role, roles,
};

both_engines!(
    a_check_is_answered_from_memory_until_the_revision_says_otherwise,
    an_answer_from_memory_says_what_the_first_one_said,
    what_this_process_takes_away_is_gone_at_the_next_request,
    what_another_process_takes_away_is_gone_when_the_revision_is_seen,
    any_change_by_hand_ends_what_is_remembered,
    what_happens_often_ends_nothing,
    a_grant_ends_at_its_second_in_memory_too,
    a_session_in_memory_lives_by_its_use_and_ends_without,
    the_proof_is_over_in_memory_too,
    memory_is_not_trusted_long_after_the_revision_was_asked_for,
);

const CHECK: &str = "/auth/check?role=editor";

async fn check(t: &TestApp, visitor: &Visitor) -> u16 {
    t.get_as(visitor, CHECK).await.status()
}

/// Somebody with the role `editor`, of whom the check is remembered.
async fn remembered(t: &TestApp, name: &str) -> Visitor {
    if t.db.count("roles where name = 'editor'").await == 0 {
        roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    }
    let visitor = t.signed_in(name, &["editor"]).await;
    t.app.db.follow_revision().await.unwrap();
    assert_eq!(check(t, &visitor).await, 200);
    visitor
}

async fn a_check_is_answered_from_memory_until_the_revision_says_otherwise(t: TestApp) {
    // Once in a hundred times a busy machine is quick enough for what is trusted for a second.
    for round in 0..100 {
        let visitor = remembered(&t, &format!("kim{round}")).await;
        t.db.execute("delete from sessions").await;
        let before = check(&t, &visitor).await;
        t.app.db.follow_revision().await.unwrap();
        assert_eq!(check(&t, &visitor).await, 401);
        if before == 200 {
            return;
        }
    }
    panic!("never answered from memory");
}

async fn an_answer_from_memory_says_what_the_first_one_said(t: TestApp) {
    let said = |answer: Answer| {
        let mut headers = answer.headers;
        let id = headers.remove("x-request-id").unwrap();
        // Whoever sends it says so in any case.
        headers.remove("content-length");
        (id, (answer.status, headers, answer.body))
    };
    let kim = t.user_with_email("kim", "kim@example.com").await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    grants::grant(&t.app, &cli(), kim.id, &role("editor"), Until::Always, "").await.unwrap();
    let kim = t.login("kim").await;
    let (first_id, first) = said(t.get_as(&kim, CHECK).await);
    t.app.db.follow_revision().await.unwrap();
    for _ in 0..3 {
        let (id, answer) = said(t.get_as(&kim, CHECK).await);
        assert_eq!(answer, first);
        assert_ne!(id, first_id);
    }
    assert_eq!(first.1["remote-user"], "kim");

    // Another kind of credential is nothing that memory knows.
    let asked = t.request(Method::GET, CHECK).header("authorization", "Basic a2ltOmtpbQ==");
    let (_, refused) = said(t.send_as(&Visitor::new(), asked, Body::empty()).await);
    assert_eq!(refused.0, 401);
    for visitor in [Visitor::new(), Visitor::with_cookie("rolecall", "a.b.c")] {
        assert_eq!(said(t.get_as(&visitor, CHECK).await).1, refused);
    }
}

/// What is done to kim, who has the role `editor`: afterwards the check is refused.
const TAKEN: [&str; 9] = [
    "logout",
    "session end",
    "sessions of user",
    "all sessions",
    "disable",
    "remove",
    "revoke",
    "role delete",
    "password",
];

async fn take(t: &TestApp, what: &str, name: &str) {
    let user = users::find(&t.app, name).await.unwrap();
    let by = cli();
    match what {
        "session end" => {
            let own = rolecall::db::sessions::list_of_user(&t.app.db, user.id, t.app.now());
            let own = own.await.unwrap();
            sessions::end(&t.app, &by, own[0].id).await.unwrap();
        }
        "sessions of user" => {
            sessions::end_of_user(&t.app, &by, user.id).await.unwrap();
        }
        "all sessions" => {
            sessions::end_all(&t.app, &by).await.unwrap();
        }
        "disable" => users::disable(&t.app, &by, user.id).await.unwrap(),
        "remove" => users::remove(&t.app, &by, user.id).await.unwrap(),
        "revoke" => grants::revoke(&t.app, &by, user.id, &role("editor")).await.unwrap(),
        "role delete" => roles::delete(&t.app, &by, &role("editor")).await.unwrap(),
        "password" => {
            let new = password("another horse battery staple");
            users::set_password(&t.app, &by, user.id, &new, None).await.unwrap();
        }
        other => panic!("{other}"),
    }
}

async fn what_this_process_takes_away_is_gone_at_the_next_request(t: TestApp) {
    for (number, what) in TAKEN.into_iter().enumerate() {
        let name = format!("kim{number}");
        let visitor = remembered(&t, &name).await;
        match what {
            "logout" => {
                let copy = visitor.copy();
                t.log_out(&visitor).await;
                assert_eq!(check(&t, &copy).await, 401, "{what}");
            }
            what => {
                take(&t, what, &name).await;
                let status = check(&t, &visitor).await;
                assert!([401, 403].contains(&status), "{what}: {status}");
            }
        }
    }
}

async fn what_another_process_takes_away_is_gone_when_the_revision_is_seen(t: TestApp) {
    let other = t.beside().await;
    for (number, what) in TAKEN.into_iter().enumerate() {
        let name = format!("kim{number}");
        let visitor = remembered(&t, &name).await;
        let copy = visitor.copy();
        match what {
            "logout" => {
                other.log_out(&visitor).await;
            }
            what => take(&other, what, &name).await,
        }
        t.app.db.follow_revision().await.unwrap();
        let status = check(&t, &copy).await;
        assert!([401, 403].contains(&status), "{what}: {status}");
    }
}

pub async fn epoch(t: &TestApp) -> Epoch {
    loop {
        t.app.db.follow_revision().await.unwrap();
        if let Some(epoch) = t.app.db.revision.epoch() {
            return epoch;
        }
    }
}

async fn any_change_by_hand_ends_what_is_remembered(t: TestApp) {
    remembered(&t, "kim").await;
    let mut statements = vec![
        "update users set display_name = 'Kim'",
        "update users set status = 'disabled'",
        "update sessions set idle_expires_at = '2026-11-22T00:00:00Z'",
        "delete from sessions",
        "update grants set ends_at = '2026-11-22T00:00:00Z'",
        "delete from grants",
        "insert into permissions (name, description) values ('a:b', '')",
        "insert into role_permissions (role_name, permission_name) values ('editor', 'a:b')",
        "delete from role_permissions",
        "insert into role_includes (role_name, included_name) values ('editor', 'user')",
        "delete from role_includes",
        "delete from roles where name = 'editor'",
    ];
    if t.db.engine == crate::support::Engine::Postgres {
        statements.push("truncate grants");
    }
    for statement in statements {
        let before = epoch(&t).await;
        assert_eq!(epoch(&t).await, before, "nothing changed");
        t.db.execute(statement).await;
        assert_ne!(epoch(&t).await, before, "{statement}");
    }
}

async fn what_happens_often_ends_nothing(t: TestApp) {
    let visitor = remembered(&t, "kim").await;
    let before = epoch(&t).await;
    t.login("kim").await;
    t.try_login(&Visitor::new(), "kim", "wrong").await;
    t.try_login(&Visitor::new(), "nobody", PASSWORD).await;
    t.advance(Duration::minutes(2));
    assert_eq!(check(&t, &visitor).await, 200);
    sessions::write_touched(&t.app).await.unwrap();
    sessions::sweep(&t.app).await.unwrap();
    grants::record_ends(&t.app).await.unwrap();
    assert!(trail::seal_as_node(&t.app).await.unwrap() > 0);
    assert_eq!(epoch(&t).await, before);
    // And what does, does.
    let kim = users::find(&t.app, "kim").await.unwrap();
    grants::grant(&t.app, &cli(), kim.id, &role("user"), Until::Always, "").await.unwrap();
    assert_ne!(epoch(&t).await, before);
}

async fn a_grant_ends_at_its_second_in_memory_too(t: TestApp) {
    let visitor = remembered(&t, "kim").await;
    let kim = users::find(&t.app, "kim").await.unwrap();
    let end = t.app.now() + Duration::minutes(5);
    grants::grant(&t.app, &cli(), kim.id, &role("editor"), Until::At(end), "").await.unwrap();
    epoch(&t).await;
    t.advance(Duration::seconds(299));
    assert_eq!(check(&t, &visitor).await, 200);
    assert_eq!(check(&t, &visitor).await, 200);
    t.advance(Duration::seconds(1));
    assert_eq!(check(&t, &visitor).await, 403);
}

async fn a_session_in_memory_lives_by_its_use_and_ends_without(t: TestApp) {
    let visitor = remembered(&t, "kim").await;
    // Twelve hours without use end it, seven days end it anyway.
    for _ in 0..15 {
        t.advance(Duration::hours(11));
        epoch(&t).await;
        assert_eq!(check(&t, &visitor).await, 200);
        sessions::write_touched(&t.app).await.unwrap();
    }
    t.advance(Duration::hours(3) - Duration::seconds(1));
    assert_eq!(check(&t, &visitor).await, 200);
    t.advance(Duration::seconds(1));
    assert_eq!(check(&t, &visitor).await, 401, "after seven days");
    let visitor = t.login("kim").await;
    epoch(&t).await;
    assert_eq!(check(&t, &visitor).await, 200);
    t.advance(Duration::hours(12));
    assert_eq!(check(&t, &visitor).await, 401, "after twelve hours without use");
}

async fn the_proof_is_over_in_memory_too(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let disable = format!("/admin/users/{}/disable", kim.id);
    epoch(&t).await;
    assert_eq!(t.get_as(&ada, "/admin").await.outcome(), "200");
    t.advance(Duration::minutes(10));
    assert_eq!(t.post_form(&ada, &disable, &[]).await.outcome(), "401");
}

async fn memory_is_not_trusted_long_after_the_revision_was_asked_for(t: TestApp) {
    let visitor = remembered(&t, "kim").await;
    t.db.execute("delete from sessions").await;
    tokio::time::sleep(std::time::Duration::from_millis(1_010)).await;
    assert_eq!(check(&t, &visitor).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_triggers_a_change_by_hand_is_not_seen_and_with_them_it_is() {
    let db = Database::create(crate::support::Engine::Postgres).await;
    let t = TestApp::with(db, |_| {}).await;
    remembered(&t, "kim").await;
    assert!(t.app.db.has_triggers().await.unwrap());
    t.db.execute("drop trigger raise_revision on grants").await;
    assert!(!t.app.db.has_triggers().await.unwrap());
    let before = epoch(&t).await;
    t.db.execute("delete from grants").await;
    assert_eq!(epoch(&t).await, before, "the control");
    let _started_again = t.beside().await;
    assert!(t.app.db.has_triggers().await.unwrap());
    let before = epoch(&t).await;
    t.db.execute("delete from grants").await;
    assert_ne!(epoch(&t).await, before);
}
