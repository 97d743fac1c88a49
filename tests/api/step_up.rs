//! The password is asked for again before changes to people and roles.

use axum::http::{Method, header};
use rolecall::{
    auth::{access::Access, users},
    web,
};
use time::Duration;

use crate::support::{
    Answer, PASSWORD, TestApp, Visitor, both_engines, cli, form, markup, role, roles,
};

both_engines!(
    every_change_to_people_and_roles_asks_for_the_password_when_it_is_long_ago,
    the_form_comes_back_with_all_that_was_typed_and_goes_through_with_the_password,
    the_password_counts_in_its_session_alone_and_for_ten_minutes,
    a_wrong_password_changes_nothing_loses_nothing_and_is_held_back_in_time,
    the_old_id_answers_ten_seconds_more_and_proves_nothing,
    of_many_at_once_one_gives_the_session_another_id,
    a_form_that_was_open_before_still_works_and_says_what_it_has_done,
    a_remembered_session_ends_when_it_would_have,
    a_change_of_the_password_gives_the_session_another_id,
    who_may_not_is_not_asked,
);

const LONG_AGO: Duration = Duration::minutes(10);

async fn dump_but_trail(t: &TestApp) -> String {
    let dump = t.db.dump().await;
    let lines = dump.lines().filter(|line| !line.starts_with("audit"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Sends the form that an answer holds, with these fields besides.
async fn send_again(
    t: &TestApp,
    visitor: &Visitor,
    page: &Answer,
    more: &[(&str, &str)],
) -> Answer {
    let asking = markup::forms(page.text())
        .into_iter()
        .find(|form| form.fields.iter().any(|(name, _)| name == "current_password"));
    let asking = asking.expect("a form that asks for the password");
    let mut fields: Vec<(&str, &str)> = Vec::new();
    for (name, value) in &asking.fields {
        if name != "current_password" {
            fields.push((name, value));
        }
    }
    fields.extend(more);
    t.post(visitor, &asking.action, form(&fields)).await
}

fn asks(answer: &Answer) -> bool {
    answer.text().contains("name=\"current_password\"")
}

async fn every_change_to_people_and_roles_asks_for_the_password_when_it_is_long_ago(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let path = format!("/admin/users/{}", t.user("kim", &[]).await.id);
    t.login("kim").await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    let session = markup::forms(t.get_as(&ada, &path).await.text())
        .into_iter()
        .find_map(|form| form.action.strip_prefix("/admin/sessions/").map(str::to_owned));
    t.advance(LONG_AGO);
    let token = t.form_token(&ada).await.unwrap();
    let before = t.db.dump().await;
    let mut asked = 0;
    for route in web::routes().iter().filter(|route| route.path.starts_with("/admin")) {
        for (method, access) in &route.methods {
            if *method != Method::POST {
                continue;
            }
            assert!(matches!(access, Access::Proven(_)), "{}", route.path);
            let path = route.path.replace("/admin/users/{id}", &path).replace("{name}", "editor");
            let path = match &session {
                Some(end) => path.replace("{id}/end", end),
                None => path.replace("{id}", &uuid::Uuid::nil().to_string()),
            };
            let body = format!("form_token={token}&username=new&name=new&role=editor");
            let answer = t.post(&ada, &path, body).await;
            assert_eq!(answer.outcome(), "401", "{path}");
            assert!(asks(&answer), "{path}");
            asked += 1;
        }
    }
    assert!(asked >= 18, "{asked}");
    assert_eq!(t.db.dump().await, before);
}

async fn the_form_comes_back_with_all_that_was_typed_and_goes_through_with_the_password(
    t: TestApp,
) {
    let ada = t.signed_in("ada", &["admin"]).await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    t.advance(LONG_AGO);
    let old = ada.session().unwrap();
    let fields = [
        ("username", "kim"),
        ("email", ""),
        ("display_name", "Kim \"<b>&amp;</b>\" \u{202e}מ"),
        ("role", "editor"),
        ("role", "user"),
    ];
    let page = t.post_form(&ada, "/admin/users", &fields).await;
    assert_eq!(page.outcome(), "401");
    let done = send_again(&t, &ada, &page, &[("current_password", PASSWORD)]).await;
    assert_eq!(done.outcome(), "200", "the page with the invitation");
    assert_ne!(ada.session().unwrap(), old);
    assert!(t.is_signed_in(&ada).await);
    let kim = users::find(&t.app, "kim").await.unwrap();
    let path = format!("/admin/users/{}", kim.id);
    let shown = t.get_as(&ada, &path).await;
    let shown = markup::unescaped(shown.text());
    assert!(shown.contains("Kim \"<b>&amp;</b>\" \u{202e}מ"), "{shown}");
    assert_eq!(t.db.count("grants").await, 3);
    let audited = t.db.audited().await;
    assert!(audited.iter().any(|action| action.contains("session.prove")), "{audited:?}");
    // The page that asks first has the field itself.
    t.advance(LONG_AGO);
    let at = format!("{path}/disable");
    let page = t.get_as(&ada, &at).await;
    let done = send_again(&t, &ada, &page, &[("current_password", PASSWORD)]).await;
    assert_eq!(done.status(), 303, "{}", done.text());
    assert!(!asks(&t.get_as(&ada, &at).await), "it was entered just now");
}

async fn the_password_counts_in_its_session_alone_and_for_ten_minutes(t: TestApp) {
    let here = t.signed_in("ada", &["admin"]).await;
    let there = t.login("ada").await;
    let new_role = async |visitor: &Visitor, name: &str, password: &str| {
        let mut fields = vec![("name", name)];
        if !password.is_empty() {
            fields.push(("current_password", password));
        }
        t.post_form(visitor, "/admin/roles", &fields).await.outcome()
    };
    t.advance(LONG_AGO - Duration::seconds(1));
    assert_eq!(new_role(&here, "a", "").await, "303 /admin/roles/a?done");
    t.advance(Duration::seconds(1));
    assert_eq!(new_role(&here, "b", "").await, "401");
    assert_eq!(new_role(&here, "b", PASSWORD).await, "303 /admin/roles/b?done");
    assert_eq!(new_role(&here, "c", "").await, "303 /admin/roles/c?done");
    assert_eq!(new_role(&there, "d", "").await, "401");
    t.advance(LONG_AGO);
    assert_eq!(new_role(&here, "d", "").await, "401");
}

async fn a_wrong_password_changes_nothing_loses_nothing_and_is_held_back_in_time(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    t.advance(LONG_AGO);
    let long = "x".repeat(1025);
    let session = ada.session();
    for wrong in ["", "wrong", &PASSWORD.to_uppercase(), &long, "wrong"] {
        let fields = [("name", "editor"), ("description", "kept"), ("current_password", wrong)];
        let answer = t.post_form(&ada, "/admin/roles", &fields).await;
        assert_eq!(answer.outcome(), "401", "{wrong:?}");
        assert_eq!(answer.hidden_field("description").as_deref(), Some("kept"));
        assert!(!answer.text().contains(&format!("value=\"{wrong}\"")) || wrong.is_empty());
    }
    let fields = [("name", "editor"), ("description", "kept"), ("current_password", PASSWORD)];
    let answer = t.post_form(&ada, "/admin/roles", &fields).await;
    assert_eq!(answer.outcome(), "429", "the sixth has to wait, even with the right one");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.hidden_field("description").as_deref(), Some("kept"));
    assert_eq!(t.db.count("roles where name = 'editor'").await, 0);
    assert_eq!(ada.session(), session);
    t.advance(Duration::seconds(1));
    let answer = send_again(&t, &ada, &answer, &[("current_password", PASSWORD)]).await;
    assert_eq!(answer.outcome(), "303 /admin/roles/editor?done");
}

async fn the_old_id_answers_ten_seconds_more_and_proves_nothing(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    t.advance(LONG_AGO);
    let late = ada.copy();
    let fields = [("name", "editor"), ("current_password", PASSWORD)];
    assert_eq!(t.post_form(&ada, "/admin/roles", &fields).await.status(), 303);
    let digests = "select digest from sessions";
    let digest = t.db.texts(digests).await;
    assert!(t.is_signed_in(&late).await);
    for password in [None, Some(PASSWORD), Some("wrong")] {
        let mut fields = vec![("name", "writer")];
        fields.extend(password.map(|password| ("current_password", password)));
        let answer = t.post_form(&late, "/admin/roles", &fields).await;
        assert_eq!(answer.outcome(), "401", "{password:?}");
        assert!(answer.cookies().is_empty(), "{password:?}");
    }
    assert_eq!(t.db.texts(digests).await, digest, "the old id renews nothing");
    assert_eq!(t.db.count("roles where name = 'writer'").await, 0);
    t.advance(Duration::seconds(9));
    assert!(t.is_signed_in(&late).await);
    t.advance(Duration::seconds(1));
    assert!(!t.is_signed_in(&late).await);
    assert!(t.is_signed_in(&ada).await);
    t.log_out(&ada).await;
    assert_eq!(t.db.count("sessions").await, 0);
}

async fn of_many_at_once_one_gives_the_session_another_id(t: TestApp) {
    let t = t.unthrottled().await;
    let ada = t.signed_in("ada", &["admin"]).await;
    t.advance(LONG_AGO);
    let token = t.form_token(&ada).await.unwrap();
    let cookies = ada.cookie_header().unwrap();
    let answers = t.at_once(20, move |t, number| {
        let (token, cookies) = (token.clone(), cookies.clone());
        async move {
            let visitor = Visitor::new();
            for pair in cookies.split("; ") {
                let (name, value) = pair.split_once('=').unwrap();
                visitor.set_cookie(name, value);
            }
            let name = format!("role{number}");
            let fields = [("name", &*name), ("current_password", PASSWORD), ("form_token", &token)];
            (t.post(&visitor, "/admin/roles", form(&fields)).await, visitor)
        }
    });
    let answers = answers.await.unwrap();
    let through: Vec<_> = answers.iter().filter(|(answer, _)| answer.status() == 303).collect();
    assert_eq!(through.len(), 1);
    assert!(answers.iter().all(|(answer, _)| [303, 401].contains(&answer.status())));
    t.advance(Duration::seconds(10));
    assert!(t.is_signed_in(&through[0].1).await);
    assert_eq!(t.db.count("sessions").await, 1);
}

async fn a_form_that_was_open_before_still_works_and_says_what_it_has_done(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let open_before = t.form_token(&ada).await.unwrap();
    t.advance(LONG_AGO);
    let fields = [("name", "editor"), ("current_password", PASSWORD)];
    let done = t.post_form(&ada, "/admin/roles", &fields).await;
    let page = t.get_as(&ada, done.location()).await;
    assert!(page.text().contains(rolecall::text::notice::ROLE_CREATED), "the notice came along");
    let fields = [("name", "writer"), ("form_token", &*open_before)];
    let done = t.post(&ada, "/admin/roles", form(&fields)).await;
    assert_eq!(done.outcome(), "303 /admin/roles/writer?done");
}

async fn a_remembered_session_ends_when_it_would_have(t: TestApp) {
    t.user("ada", &["admin"]).await;
    let ada = Visitor::new();
    let fields = form(&[("username", "ada"), ("password", PASSWORD), ("remember", "on")]);
    t.post(&ada, "/login", fields).await;
    let ends = "select cast(absolute_expires_at as text) from sessions";
    let end = t.db.texts(ends).await;
    t.advance(Duration::days(1));
    let fields = [("name", "editor"), ("current_password", PASSWORD)];
    let answer = t.post_form(&ada, "/admin/roles", &fields).await;
    let cookie = answer.cookies().into_iter().find(|cookie| cookie.name() == "rolecall").unwrap();
    assert_eq!(cookie.max_age().map(|age| age.whole_days()), Some(29));
    assert_eq!(t.db.texts(ends).await, end);
}

async fn a_change_of_the_password_gives_the_session_another_id(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let late = kim.copy();
    let new = "another horse battery staple";
    let fields = [("current_password", PASSWORD), ("new_password", new)];
    let done = t.post_form(&kim, "/account/password", &fields).await;
    assert_eq!(done.outcome(), "303 /account?done");
    assert!(t.get_as(&kim, done.location()).await.text().contains("role=\"status\""));
    assert_ne!(kim.session(), late.session());
    assert!(t.is_signed_in(&late).await);
    t.advance(Duration::seconds(10));
    assert!(!t.is_signed_in(&late).await);
    assert!(t.is_signed_in(&kim).await);
}

async fn who_may_not_is_not_asked(t: TestApp) {
    let kim = t.signed_in("kim", &["auditor"]).await;
    t.advance(LONG_AGO);
    let fields = [("name", "editor"), ("current_password", PASSWORD)];
    let session = kim.session();
    let answer = t.post_form(&kim, "/admin/roles", &fields).await;
    assert_eq!(answer.outcome(), "403");
    assert!(!asks(&answer));
    assert_eq!(kim.session(), session);
    // Nor does a password make up for the token of the form.
    let ada = t.signed_in("ada", &["admin"]).await;
    t.advance(LONG_AGO);
    let answer = t.post(&ada, "/admin/roles", form(&fields)).await;
    assert_eq!(answer.status(), 403, "{}", answer.header(header::CONTENT_TYPE.as_str()));
    assert_eq!(t.db.count("roles where name = 'editor'").await, 0);
    let before = dump_but_trail(&t).await;
    let token = t.form_token(&kim).await.unwrap();
    let fields = [("name", "editor"), ("current_password", PASSWORD), ("form_token", &*token)];
    assert_eq!(t.post(&ada, "/admin/roles", form(&fields)).await.status(), 403);
    assert_eq!(dump_but_trail(&t).await, before);
}
