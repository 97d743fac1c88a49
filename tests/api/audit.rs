//! The trail: a record for each change, none for what did not happen, and nothing personal in it.

use rolecall::{
    auth::{
        Actor, By, grants,
        grants::Until,
        link,
        name::{Email, PermissionName},
        sessions,
        users::{self, FirstPassword, NewUser},
    },
    db::audit::Filter,
};
use uuid::Uuid;

use crate::support::{
    PASSWORD, TestApp, Visitor, both_engines, cli, form, password, role, roles, username,
};

both_engines!(
    every_change_leaves_exactly_one_record,
    what_changes_nothing_leaves_no_record,
    a_record_says_who_did_it_from_where_and_in_which_request,
    names_and_addresses_stand_beside_the_trail_and_not_in_it,
    a_change_that_cannot_be_recorded_does_not_happen,
);

/// What the trail gained since it had `before` records.
async fn gained(t: &TestApp, before: &mut usize) -> Vec<String> {
    let all = t.db.audited().await;
    let gained = all[*before..].to_vec();
    *before = all.len();
    gained
}

async fn every_change_leaves_exactly_one_record(t: TestApp) {
    let (app, by) = (&t.app, &cli());
    let mut seen = 0;
    let setup = link::make_setup(app, by).await.unwrap().unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["link.setup"]);
    link::set_up(app, by, setup, username("ada"), &password(PASSWORD)).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.create", "grant.create", "setup.finish"]);

    let kim = t.user("kim", &["user", "auditor"]).await;
    assert_eq!(gained(&t, &mut seen).await, ["user.create", "grant.create", "grant.create"]);
    let new = NewUser {
        username: username("lou"),
        email: None,
        display_name: String::new(),
        roles: &[],
        password: FirstPassword::Invite,
    };
    let lou = users::create(app, by, new).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.create", "link.invite"]);
    let token = lou.invitation.unwrap();
    link::set_password(app, by, token, &password(PASSWORD)).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.password"]);

    let visitor = t.login("kim").await;
    assert_eq!(gained(&t, &mut seen).await, ["session.create"]);
    t.try_login(&Visitor::new(), "kim", "wrong").await;
    t.try_login(&Visitor::new(), "nobody", "wrong").await;
    assert_eq!(gained(&t, &mut seen).await, ["login.refuse", "login.refuse"]);
    let fields = [("current_password", PASSWORD), ("new_password", "another horse battery staple")];
    t.post_form(&visitor, "/account/password", &fields).await;
    assert_eq!(gained(&t, &mut seen).await, ["user.password"]);
    t.log_out(&visitor).await;
    assert_eq!(gained(&t, &mut seen).await, ["session.end"]);

    users::rename(app, by, kim.id, &username("max")).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.edit"]);
    users::set_password(app, by, kim.id, &password(PASSWORD), None).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.password"]);
    link::make(app, by, kim.id).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["link.password"]);
    grants::grant(app, by, kim.id, &role("admin"), Until::Always, "").await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["grant.create"]);
    grants::revoke(app, by, kim.id, &role("admin")).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["grant.delete"]);
    t.login("max").await;
    sessions::end_of_user(app, by, kim.id).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["session.create", "user.sessions_end"]);
    t.login("max").await;
    sessions::end_all(app, by).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["session.create", "sessions.end_all"]);
    users::disable(app, by, kim.id).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.disable"]);
    users::enable(app, by, kim.id).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.enable"]);
    users::remove(app, by, kim.id).await.unwrap();
    assert_eq!(gained(&t, &mut seen).await, ["user.remove"]);

    let reports = PermissionName::parse("reports:read").unwrap();
    let (editor, viewer) = (role("editor"), role("viewer"));
    roles::create(app, by, &editor, "").await.unwrap();
    roles::create(app, by, &viewer, "").await.unwrap();
    roles::allow(app, by, &editor, &reports).await.unwrap();
    roles::include(app, by, &editor, &viewer).await.unwrap();
    roles::exclude(app, by, &editor, &viewer).await.unwrap();
    roles::deny(app, by, &editor, &reports).await.unwrap();
    roles::delete(app, by, &editor).await.unwrap();
    assert_eq!(
        gained(&t, &mut seen).await,
        [
            "role.create",
            "role.create",
            "role.allow",
            "role.include",
            "role.exclude",
            "role.deny",
            "role.delete",
        ]
    );
}

async fn what_changes_nothing_leaves_no_record(t: TestApp) {
    let (app, by) = (&t.app, &cli());
    t.user("ada", &["admin"]).await;
    let kim = t.user("kim", &["user"]).await;
    let reports = PermissionName::parse("reports:read").unwrap();
    let (editor, viewer) = (role("editor"), role("viewer"));
    for name in [&editor, &viewer] {
        roles::create(app, by, name, "").await.unwrap();
    }
    roles::allow(app, by, &editor, &reports).await.unwrap();
    roles::include(app, by, &editor, &viewer).await.unwrap();
    let before = t.db.dump().await;

    users::enable(app, by, kim.id).await.unwrap();
    users::rename(app, by, kim.id, &username("KIM")).await.unwrap();
    grants::grant(app, by, kim.id, &role("user"), Until::Always, "  ").await.unwrap();
    roles::allow(app, by, &editor, &reports).await.unwrap();
    roles::include(app, by, &editor, &viewer).await.unwrap();
    roles::deny(app, by, &viewer, &reports).await.unwrap();
    roles::exclude(app, by, &viewer, &editor).await.unwrap();
    assert!(link::make_setup(app, by).await.unwrap().is_none());
    // The counters of turns alone may move.
    let calm = |dump: &str| -> Vec<String> {
        let lines = dump.lines().filter(|line| !line.starts_with("turns:"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(calm(&t.db.dump().await), calm(&before));

    users::disable(app, by, kim.id).await.unwrap();
    let before = t.db.audited().await;
    users::disable(app, by, kim.id).await.unwrap();
    assert_eq!(t.db.audited().await, before);
}

async fn a_record_says_who_did_it_from_where_and_in_which_request(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let visitor = t.login("kim").await;
    let fields = [("current_password", PASSWORD), ("new_password", "another horse battery staple")];
    let answer = t.post_form(&visitor, "/account/password", &fields).await;
    let records =
        rolecall::db::audit::list(&t.app.db, &Filter::default(), (Uuid::nil(), Uuid::max()), 10)
            .await
            .unwrap();
    let [changed, opened, created] = &records[..] else {
        panic!("three records, not {records:?}");
    };
    assert_eq!(changed.action, "user.password");
    assert_eq!(changed.actor, "user");
    assert_eq!(changed.actor_id, Some(kim.id.0));
    assert_eq!(changed.target, "user");
    assert_eq!(changed.target_id, kim.id.to_string());
    assert_eq!(changed.request_id.as_deref(), Some(answer.header("x-request-id")));
    assert_eq!(changed.at, t.app.now());
    assert!(changed.actor_personal.as_ref().unwrap().contains("127.0.0.1"));
    assert_eq!(opened.action, "session.create");
    assert_eq!(opened.target, "session");
    assert_eq!(created.actor, "cli:test");
    assert_eq!(created.request_id, None);
    // The newest first, and page by page.
    let rest =
        rolecall::db::audit::list(&t.app.db, &Filter::default(), (Uuid::nil(), changed.id), 1)
            .await
            .unwrap();
    assert_eq!(rest, std::slice::from_ref(opened));
}

async fn names_and_addresses_stand_beside_the_trail_and_not_in_it(t: TestApp) {
    let chosen = password(PASSWORD);
    let new = NewUser {
        username: username("kim-of-the-trail"),
        email: Some(Email::parse("trail@example.com").unwrap()),
        display_name: "Kim Trail".into(),
        roles: &[role("user")],
        password: FirstPassword::Chosen(&chosen),
    };
    let kim = users::create(&t.app, &cli(), new).await.unwrap().user;
    t.login("kim-of-the-trail").await;
    t.try_login(&Visitor::new(), "kim-of-the-trail", "wrong").await;
    users::rename(&t.app, &cli(), kim.id, &username("trail-of-kim")).await.unwrap();
    let dump = t.db.dump().await;
    for line in dump.lines().filter(|line| line.starts_with("audit:")) {
        for personal in ["kim-of-the-trail", "trail-of-kim", "trail@", "Kim Trail", "127.0.0.1"] {
            assert!(!line.contains(personal), "{personal} in {line}");
        }
    }
    let beside = |word: &str| {
        dump.lines()
            .filter(|line| line.starts_with("audit_personal:") && line.contains(word))
            .count()
    };
    assert!(beside("kim-of-the-trail") > 0 && beside("trail@") > 0 && beside("127.0.0.1") > 0);
}

/// A trail that takes no record undoes what it should have recorded.
async fn a_change_that_cannot_be_recorded_does_not_happen(t: TestApp) {
    let t = t.unthrottled().await;
    let kim = t.user("kim", &["user"]).await;
    let visitor = t.login("kim").await;
    let token = t.form_token(&visitor).await.unwrap();
    t.db.execute("alter table audit rename to audit_of_old").await;
    let before = t.db.dump().await;
    let (app, by) = (&t.app, &By::new(Actor::System));
    assert!(users::disable(app, by, kim.id).await.is_err());
    assert!(users::rename(app, by, kim.id, &username("max")).await.is_err());
    assert!(users::remove(app, by, kim.id).await.is_err());
    assert!(users::set_password(app, by, kim.id, &password(PASSWORD), None).await.is_err());
    assert!(grants::revoke(app, by, kim.id, &role("user")).await.is_err());
    assert!(grants::grant(app, by, kim.id, &role("admin"), Until::Always, "").await.is_err());
    assert!(roles::create(app, by, &role("editor"), "").await.is_err());
    assert!(sessions::end_of_user(app, by, kim.id).await.is_err());
    assert!(link::make(app, by, kim.id).await.is_err());
    let answer = t.try_login(&Visitor::new(), "kim", PASSWORD).await;
    assert_eq!(answer.outcome(), "500", "no login without its record");
    let answer = t.post(&visitor, "/logout", form(&[("form_token", &token)])).await;
    assert_eq!(answer.outcome(), "500");
    t.db.assert_unchanged(&before).await;
    // The account page shows the trail.
    t.db.execute("alter table audit_of_old rename to audit").await;
    assert!(t.is_signed_in(&visitor).await);
}
