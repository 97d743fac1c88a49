//! Names and texts of any kind: shown whole, escaped once, or refused beside their field.

use axum::http::StatusCode;
use rolecall::db::users::User;

use super::large::{assert_whole, look_at};
use crate::support::{Answer, TestApp, Visitor, both_engines, form};

both_engines!(
    names_that_nobody_may_have_are_refused_beside_their_field,
    a_name_of_markup_is_a_name_and_escaped_once,
    free_texts_of_any_kind_are_shown_escaped_once,
    an_end_in_the_year_9999_is_taken_and_shown,
    long_texts_in_a_query_or_a_form_come_back_whole,
);

/// What pages that show texts of people must withstand.
pub const STRANGE: [&str; 4] = [
    "<b onclick='x'>&amp;\"</b><!-- {{ 7 * 7 }}",
    "left \u{202e}right to left\u{2066} never ended",
    "👩‍👩‍👧‍👦🏳️‍🌈👩‍👩‍👧‍👦🏳️‍🌈👩‍👩‍👧‍👦🏳️‍🌈👩‍👩‍👧‍👦🏳️‍🌈👩‍👩‍👧‍👦🏳️‍🌈👩‍👩‍👧‍👦🏳️‍🌈",
    "Xyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\
     yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
];

/// As it stands in a page.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '"' | '\'' => escaped += &format!("&#{};", character as u32),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The text is in the page, as text, and in no other form.
fn assert_shown(page: &Answer, text: &str, place: &str) {
    let (html, once) = (page.text(), escaped(text));
    assert!(html.contains(&once), "{text:?} is not on {place}");
    if once != text {
        assert!(!html.contains(text), "{text:?} is markup on {place}");
        assert!(!html.contains(&escaped(&once)), "{text:?} is escaped twice on {place}");
    }
}

async fn names_that_nobody_may_have_are_refused_beside_their_field(t: TestApp) {
    let admin = t.signed_in("lee", &["admin"]).await;
    let emoji = "😀".repeat(64);
    for name in STRANGE.into_iter().chain([emoji.as_str(), "a\u{202e}b"]) {
        let fields = [("username", name), ("email", name), ("display_name", "")];
        let answer = t.post_form(&admin, "/admin/users", &fields).await;
        assert_whole(&answer, 422, name);
        assert_shown(&answer, name, "the form");
        for problem in ["id=\"username-problem\"", "id=\"email-problem\""] {
            assert!(answer.text().contains(problem), "{problem} for {name:?}");
        }
        let answer = t.post_form(&admin, "/admin/roles", &[("name", name)]).await;
        assert_whole(&answer, 422, name);
        assert_shown(&answer, name, "the form");
        assert!(answer.text().contains("id=\"name-problem\""), "for {name:?}");
    }
    assert_eq!(t.db.count("users").await, 1);
    assert_eq!(t.db.count("roles").await, 4);
}

async fn a_name_of_markup_is_a_name_and_escaped_once(t: TestApp) {
    let admin = t.signed_in("lee", &["admin"]).await;
    let name = "<b>&amp;\"it's\"</b>";
    let kim = t.user(name, &["auditor"]).await;
    let person = format!("/admin/users/{}", kim.id);
    let own = t.login(name).await;
    let asked = form(&[("q", name), ("user", name), ("target", name)]);
    for (visitor, path) in [
        (&admin, "/admin/audit".to_owned()),
        (&admin, format!("/admin/audit?{asked}")),
        (&admin, format!("/admin/users?{asked}")),
        (&admin, format!("/admin/sessions?{asked}")),
        (&admin, "/admin/roles/auditor".to_owned()),
        (&admin, person.clone()),
        (&admin, format!("{person}?explain=auditor")),
        (&admin, format!("{person}/remove")),
        (&admin, format!("{person}/disable")),
        (&admin, format!("{person}/sessions/end")),
        (&admin, format!("{person}/revoke?role=auditor")),
        (&own, "/account".to_owned()),
        (&own, "/logout".to_owned()),
    ] {
        let page = t.get_as(visitor, &path).await;
        assert_whole(&page, 200, &path);
        assert_shown(&page, name, &path);
    }
    let granted = grant(&t, &admin, &kim, &[("role", "user")]).await;
    assert_eq!(granted.outcome(), format!("303 {person}?done"));
    assert_shown(&t.get_as(&admin, &format!("{person}?done")).await, name, "the notice");
}

async fn free_texts_of_any_kind_are_shown_escaped_once(t: TestApp) {
    let admin = t.signed_in("lee", &["admin"]).await;
    for (n, text) in STRANGE.into_iter().enumerate() {
        let (name, role) = (format!("kim-{n}"), format!("role-{n}"));
        let kim = t.user(&name, &[]).await;
        let person = format!("/admin/users/{}", kim.id);
        let made =
            t.post_form(&admin, "/admin/roles", &[("name", &role), ("description", text)]).await;
        assert_eq!(made.outcome(), format!("303 /admin/roles/{role}?done"), "{text:?}");
        let edit = [("username", name.as_str()), ("display_name", text), ("version", "0")];
        let edited = t.post_form(&admin, &person, &edit).await;
        assert_eq!(edited.outcome(), format!("303 {person}?done"), "{text:?}");
        let granted = grant(&t, &admin, &kim, &[("role", &role), ("reason", text)]).await;
        assert_eq!(granted.outcome(), format!("303 {person}?done"), "{text:?}");
        let own = t.login(&name).await;
        for (visitor, path) in [
            (&admin, "/admin/users"),
            (&admin, person.as_str()),
            (&admin, &format!("{person}?explain={role}")),
            (&admin, "/admin/roles"),
            (&admin, &format!("/admin/roles/{role}")),
            (&admin, "/admin/audit?action=grant.create"),
            (&admin, "/admin/audit?action=role.create"),
            (&own, "/account"),
        ] {
            let page = t.get_as(visitor, path).await;
            assert_whole(&page, 200, path);
            if path.starts_with("/admin/audit?action=role") {
                continue;
            }
            assert_shown(&page, text, path);
        }
    }
}

async fn an_end_in_the_year_9999_is_taken_and_shown(t: TestApp) {
    let admin = t.signed_in("lee", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let person = format!("/admin/users/{}", kim.id);
    let fields = [("role", "auditor"), ("until", "9999-12-31T23:59")];
    let granted = grant(&t, &admin, &kim, &fields).await;
    assert_eq!(granted.outcome(), format!("303 {person}?done"));
    let own = t.login("kim").await;
    for (visitor, path) in
        [(&admin, person.as_str()), (&admin, "/admin/roles/auditor"), (&own, "/account")]
    {
        let page = t.get_as(visitor, path).await;
        assert_whole(&page, 200, path);
        assert!(page.text().contains("31 Dec 9999"), "{path}");
    }
    look_at(&t, &admin, &["/admin", "/admin/users", "/admin/audit"]).await;
    // What lies behind the last year that can be written is no time.
    for until in ["10000-01-01T00:00", "+10000-01-01T00:00", "99999-12-31"] {
        let answer = grant(&t, &admin, &kim, &[("role", "user"), ("until", until)]).await;
        assert_whole(&answer, 422, until);
        assert!(answer.text().contains("id=\"until-problem\""), "{until}");
    }
    for days in ["from=9999-12-31", "to=9999-12-31", "from=9999-12-31&to=9999-12-31"] {
        look_at(&t, &admin, &[&format!("/admin/audit?{days}")]).await;
    }
}

async fn grant(t: &TestApp, admin: &Visitor, to: &User, fields: &[(&str, &str)]) -> Answer {
    t.post_form(admin, &format!("/admin/users/{}/grant", to.id), fields).await
}

async fn long_texts_in_a_query_or_a_form_come_back_whole(t: TestApp) {
    let admin = t.signed_in("lee", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let long = "y".repeat(501);
    let answer = grant(&t, &admin, &kim, &[("role", "user"), ("reason", &long)]).await;
    assert_whole(&answer, StatusCode::UNPROCESSABLE_ENTITY.as_u16(), "grant");
    assert!(answer.text().contains("id=\"reason-problem\""));
    for text in STRANGE.into_iter().chain([long.as_str()]) {
        let asked = form(&[
            ("q", text),
            ("role", text),
            ("status", text),
            ("login", text),
            ("after", text),
        ]);
        look_at(&t, &admin, &[&format!("/admin/users?{asked}")]).await;
        let asked = form(&[("actor", text), ("target", text), ("action", text)]);
        look_at(&t, &admin, &[&format!("/admin/audit?{asked}")]).await;
        let asked = form(&[("user", text)]);
        look_at(&t, &admin, &[&format!("/admin/sessions?{asked}")]).await;
        let asked = form(&[("explain", text)]);
        look_at(&t, &admin, &[&format!("/admin/users/{}?{asked}", kim.id)]).await;
    }
}
