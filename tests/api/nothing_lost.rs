//! What was entered stays, also where the answer is an error: the user or role is gone, or the
//! form is of another session.

use axum::{
    body::Body,
    http::{Method, header},
};
use rolecall::{auth::users, text};
use time::Duration;

use crate::support::{
    Answer, PASSWORD, TestApp, Visitor, both_engines, cli, form, markup, role, roles,
};

both_engines!(
    what_was_entered_for_a_user_who_is_gone_is_shown_and_leads_on,
    what_was_entered_for_a_role_that_is_gone_is_shown_and_leads_on,
    what_is_entered_comes_back_through_the_password_too,
    a_form_of_an_earlier_session_is_shown_and_goes_through_when_sent_again,
    a_form_of_an_earlier_session_says_whom_it_is_about,
    a_password_is_never_in_a_form_that_comes_back,
    what_only_ends_something_is_asked_about_anew,
    a_form_from_elsewhere_never_comes_back,
    who_may_not_send_a_form_is_not_shown_it,
    forms_outside_stay_as_they_were,
);

const STRANGE: &str = "<b>&amp; \"x\"</b>";

/// What the page says was entered, as label and value.
fn entered(answer: &Answer) -> Vec<(String, String)> {
    let heading = format!("<h2>{}</h2>", text::error::ENTERED);
    let Some((_, list)) = answer.text().split_once(&heading) else { return Vec::new() };
    let list = list.split_once("</dl>").unwrap().0;
    let pairs = list.split("<dt>").skip(1).map(|pair| {
        let (label, rest) = pair.split_once("</dt><dd><bdi>").unwrap();
        (label.to_owned(), markup::unescaped(rest.split_once("</bdi>").unwrap().0))
    });
    pairs.collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn assert_leads_to(answer: &Answer, href: &str, label: &str) {
    let link = format!("href=\"{href}\">{label}</a>");
    assert!(markup::unescaped(answer.text()).contains(&link), "{}", answer.text());
}

/// The page's form to this address as a browser sends it, with these fields besides.
async fn send_again(
    t: &TestApp,
    visitor: &Visitor,
    page: &Answer,
    path: &str,
    more: &[(&str, &str)],
) -> Answer {
    let again = markup::form_to(page.text(), path).expect("the form");
    let kept = again.fields.iter().filter(|(name, _)| more.iter().all(|(typed, _)| typed != name));
    let mut fields: Vec<(&str, &str)> = kept.map(|(name, value)| (&**name, &**value)).collect();
    fields.extend(more);
    t.post(visitor, path, form(&fields)).await
}

async fn what_was_entered_for_a_user_who_is_gone_is_shown_and_leads_on(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let path = format!("/admin/users/{}", kim.id);
    users::remove(&t.app, &cli(), kim.id).await.unwrap();
    let before = t.db.dump().await;
    let edit = [
        ("username", "kim2"),
        ("email", ""),
        ("display_name", STRANGE),
        ("version", "0"),
        ("current_password", PASSWORD),
    ];
    let grant = [("role", "user"), ("until", "2099-01-31"), ("reason", STRANGE), ("seen", "x=y")];
    for (what, fields, shown) in [
        ("", &edit[..], pairs(&[("User name", "kim2"), ("Display name", STRANGE)])),
        ("/grant", &grant, pairs(&[("Role", "user"), ("Ends", "2099-01-31"), ("Reason", STRANGE)])),
        ("/revoke", &[("role", "user")], pairs(&[("Role", "user")])),
        ("/enable", &[], Vec::new()),
    ] {
        let answer = t.post_form(&ada, &format!("{path}{what}"), fields).await;
        assert_eq!(answer.outcome(), "404", "{what}");
        assert!(answer.text().contains(text::error::USER_GONE_TITLE), "{what}");
        assert!(answer.text().contains(text::error::USER_GONE), "{what}");
        assert_eq!(entered(&answer), shown, "{what}");
        assert_leads_to(&answer, "/admin/users", text::error::TO_USERS);
        assert!(!answer.text().contains(PASSWORD), "{what}");
    }
    t.db.assert_unchanged(&before).await;
    // Looking at it is no loss.
    let answer = t.get_as(&ada, &path).await;
    assert_eq!(answer.outcome(), "404");
    assert!(answer.text().contains(text::error::NOT_FOUND));
}

async fn what_was_entered_for_a_role_that_is_gone_is_shown_and_leads_on(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    roles::delete(&t.app, &cli(), &role("editor")).await.unwrap();
    let before = t.db.dump().await;
    for (what, field, label, typed) in [
        ("", "description", "Description", STRANGE),
        ("/allow", "permission", "Permission", "reports:write"),
        ("/allow", "permission", "Permission", STRANGE),
        ("/include", "other", "Role", "user"),
        ("/grantor", "other", "Role", "user"),
        ("/limits", "idle_timeout", "Without use", "15m"),
        ("/limits", "absolute_timeout", "In all", STRANGE),
    ] {
        let path = format!("/admin/roles/editor{what}");
        let answer = t.post_form(&ada, &path, &[(field, typed), ("version", "0")]).await;
        assert_eq!(answer.outcome(), "404", "{what}");
        assert!(answer.text().contains(text::error::ROLE_GONE_TITLE), "{what}");
        assert!(answer.text().contains(&text::error::role_gone("editor")), "{what}");
        assert_eq!(entered(&answer), pairs(&[(label, typed)]), "{what}");
        assert_leads_to(&answer, "/admin/roles", text::error::TO_ROLES);
    }
    t.db.assert_unchanged(&before).await;
}

async fn what_is_entered_comes_back_through_the_password_too(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let path = format!("/admin/users/{}", kim.id);
    t.advance(Duration::minutes(10));
    let fields = [("username", "kim2"), ("display_name", STRANGE), ("version", "0")];
    let asked = t.post_form(&ada, &path, &fields).await;
    assert_eq!(asked.outcome(), "401");
    users::remove(&t.app, &cli(), kim.id).await.unwrap();
    let answer = send_again(&t, &ada, &asked, &path, &[("current_password", PASSWORD)]).await;
    assert_eq!(answer.outcome(), "404");
    assert_eq!(entered(&answer), pairs(&[("User name", "kim2"), ("Display name", STRANGE)]));
    // The session has another id now, and the visitor knows it.
    t.advance(Duration::seconds(10));
    assert!(t.is_signed_in(&ada).await);
}

/// The token of a session that has ended.
async fn old_token(t: &TestApp, name: &str) -> String {
    let before = t.login(name).await;
    let token = t.form_token(&before).await.unwrap();
    t.log_out(&before).await;
    token
}

fn assert_again(answer: &Answer) {
    assert_eq!(answer.outcome(), "403");
    assert!(answer.text().contains(text::error::FORM_EXPIRED_TITLE));
    assert!(answer.text().contains(text::error::FORM_AGAIN), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
}

async fn a_form_of_an_earlier_session_is_shown_and_goes_through_when_sent_again(t: TestApp) {
    t.user("ada", &["admin"]).await;
    let old = old_token(&t, "ada").await;
    let of_kim = t.form_token(&t.signed_in("kim", &["admin"]).await).await.unwrap();
    let ada = t.login("ada").await;
    let fields = [
        ("username", "lou"),
        ("email", ""),
        ("display_name", STRANGE),
        ("role", "auditor"),
        ("role", "user"),
    ];
    let before = t.db.dump().await;
    let shown = [("User name", "lou"), ("Display name", STRANGE), ("Role", "auditor")];
    let shown = [pairs(&shown), pairs(&[("Role", "user")])].concat();
    for token in [Some(&*old), Some(&*of_kim), Some(""), Some("x.y"), None] {
        let signed = token.map(|token| ("form_token", token));
        let sent: Vec<_> = fields.into_iter().chain(signed).collect();
        let answer = t.post(&ada, "/admin/users", form(&sent)).await;
        assert_again(&answer);
        assert_eq!(entered(&answer), shown, "{token:?}");
        let again = markup::form_to(answer.text(), "/admin/users").unwrap();
        let tokens = again.fields.iter().filter(|(name, _)| name == "form_token");
        assert_eq!(tokens.count(), 1, "the fresh one alone");
    }
    t.db.assert_unchanged(&before).await;
    let sent: Vec<_> = fields.into_iter().chain([("form_token", &*old)]).collect();
    let answer = t.post(&ada, "/admin/users", form(&sent)).await;
    let done = send_again(&t, &ada, &answer, "/admin/users", &[]).await;
    assert_eq!(done.outcome(), "200", "the page with the invitation");
    assert_eq!(users::find(&t.app, "lou").await.unwrap().display_name, STRANGE);
    assert_eq!(t.db.count("grants where role_name in ('auditor', 'user')").await, 2);
    // Where the password is due, it is asked for at once.
    t.advance(Duration::minutes(10));
    let sent = [("name", "editor"), ("description", STRANGE), ("form_token", &*old)];
    let answer = t.post(&ada, "/admin/roles", form(&sent)).await;
    assert_again(&answer);
    let proof = [("current_password", PASSWORD)];
    let done = send_again(&t, &ada, &answer, "/admin/roles", &proof).await;
    assert_eq!(done.outcome(), "303 /admin/roles/editor?done");
}

async fn a_form_of_an_earlier_session_says_whom_it_is_about(t: TestApp) {
    t.user("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    let old = old_token(&t, "ada").await;
    let ada = t.login("ada").await;
    let user = format!("/admin/users/{}", kim.id);
    let grant = format!("{user}/grant");
    for (path, sent, shown, back) in [
        (
            grant.as_str(),
            vec![("role", "user"), ("reason", "new"), ("seen", "")],
            vec![("User", "kim"), ("Role", "user"), ("Reason", "new")],
            user.as_str(),
        ),
        (
            "/admin/roles/editor/allow",
            vec![("permission", "reports:write")],
            vec![("Role", "editor"), ("Permission", "reports:write")],
            "/admin/roles/editor",
        ),
        (
            "/admin/roles/editor",
            vec![("description", "Edits"), ("version", "0")],
            vec![("Role", "editor"), ("Description", "Edits")],
            "/admin/roles/editor",
        ),
    ] {
        let signed: Vec<_> = sent.into_iter().chain([("form_token", &*old)]).collect();
        let answer = t.post(&ada, path, form(&signed)).await;
        assert_again(&answer);
        assert_eq!(entered(&answer), pairs(&shown), "{path}");
        assert!(markup::links(answer.text()).contains(&back.to_owned()), "{path}");
        let done = send_again(&t, &ada, &answer, path, &[]).await;
        assert_eq!(done.outcome(), format!("303 {back}?done"));
    }
    // Gone meanwhile as well: that is told when it is sent.
    users::remove(&t.app, &cli(), kim.id).await.unwrap();
    let sent = [("role", "user"), ("reason", "new"), ("form_token", &*old)];
    let answer = t.post(&ada, &grant, form(&sent)).await;
    assert_eq!(answer.outcome(), "403");
    assert!(answer.text().contains(text::error::USER_GONE_TITLE));
    assert_eq!(entered(&answer), pairs(&[("Role", "user"), ("Reason", "new")]));
}

async fn a_password_is_never_in_a_form_that_comes_back(t: TestApp) {
    t.user("kim", &["admin"]).await;
    let old = old_token(&t, "kim").await;
    let kim = t.login("kim").await;
    const TYPED: &str = "another horse battery staple";
    let path = "/account/password";
    let sent = [("current_password", PASSWORD), ("new_password", TYPED), ("form_token", &*old)];
    let answer = t.post(&kim, path, form(&sent)).await;
    assert_again(&answer);
    assert!(!answer.text().contains(PASSWORD) && !answer.text().contains(TYPED));
    let again = markup::form_to(answer.text(), path).unwrap();
    for field in ["current_password", "new_password"] {
        assert_eq!(again.value(field), Some(""));
    }
    let typed = [("current_password", PASSWORD), ("new_password", TYPED)];
    let done = send_again(&t, &kim, &answer, path, &typed).await;
    assert_eq!(done.outcome(), "303 /account?done");
    let sent = [("name", "editor"), ("Password2", TYPED), ("current_password", TYPED)];
    let answer = t.post(&kim, "/admin/roles", form(&sent)).await;
    assert_again(&answer);
    assert!(!answer.text().contains(TYPED), "{}", answer.text());
}

async fn what_only_ends_something_is_asked_about_anew(t: TestApp) {
    t.user("ada", &["admin"]).await;
    let kim = t.user("kim", &["user"]).await;
    let old = old_token(&t, "ada").await;
    let ada = t.login("ada").await;
    let user = format!("/admin/users/{}", kim.id);
    let before = t.db.dump().await;
    for (what, fields, next) in [
        ("/remove", vec![], "/remove?"),
        ("/revoke", vec![("role", "user")], "/revoke?role=user"),
        ("/sessions/end", vec![], "/sessions/end?"),
        ("/enable", vec![], ""),
        ("/link", vec![], ""),
    ] {
        let path = format!("{user}{what}");
        let signed: Vec<_> = fields.into_iter().chain([("form_token", &*old)]).collect();
        let answer = t.post(&ada, &path, form(&signed)).await;
        assert_eq!(answer.outcome(), "403", "{what}");
        assert!(answer.text().contains(text::error::FORM_EXPIRED), "{what}");
        assert_eq!(markup::form_to(answer.text(), &path).map(|form| form.action), None);
        let next = format!("{user}{next}");
        assert!(markup::links(answer.text()).contains(&next), "{what}: {}", answer.text());
        assert_eq!(t.get_as(&ada, &next).await.outcome(), "200", "{what}");
    }
    t.db.assert_unchanged(&before).await;
}

async fn a_form_from_elsewhere_never_comes_back(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let before = t.db.dump().await;
    for (name, value) in
        [("origin", "http://evil.example"), ("sec-fetch-site", "same-site"), ("x-none", "")]
    {
        let request = t
            .request(Method::POST, "/admin/roles")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let sent = form(&[("name", "evil"), ("description", "planted"), ("form_token", "x.y")]);
        let answer = t.send_as(&ada, request, Body::from(sent)).await;
        assert_eq!(answer.outcome(), "403", "{name}");
        assert!(answer.text().contains(text::error::CROSS_SITE_TITLE), "{name}");
        assert!(!answer.text().contains("planted"), "{name}");
        assert!(markup::forms(answer.text()).is_empty(), "{name}");
    }
    t.db.assert_unchanged(&before).await;
}

async fn who_may_not_send_a_form_is_not_shown_it(t: TestApp) {
    let kim = t.signed_in("kim", &["auditor"]).await;
    let sent = [("name", "mine"), ("description", "planted")];
    for visitor in [&kim, &Visitor::new()] {
        let answer = t.post(visitor, "/admin/roles", form(&sent)).await;
        assert!(["403", "303 /login"].contains(&&*answer.outcome()), "{}", answer.outcome());
        assert!(!answer.text().contains("planted"));
    }
}

async fn forms_outside_stay_as_they_were(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    for path in ["/logout", "/account/sessions/end"] {
        let answer = t.post(&kim, path, form(&[("username", "kim"), ("others", "on")])).await;
        assert_eq!(answer.outcome(), "403", "{path}");
        assert!(answer.text().contains(text::error::FORM_EXPIRED), "{path}");
        assert!(markup::forms(answer.text()).is_empty(), "{path}");
    }
    assert!(t.is_signed_in(&kim).await);
}
