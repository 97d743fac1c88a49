//! Two who change one grant: nobody undoes unnoticed what came between, and nobody who changes
//! another one is held up.

use rolecall::{
    auth::{
        grants::{self, Until},
        users,
    },
    text,
};
use time::Duration;

use crate::support::{
    Answer, PASSWORD, TestApp, Visitor, both_engines, cli, form, markup, role, roles,
};

both_engines!(
    the_second_editor_of_a_grant_sees_what_it_is_now_and_loses_nothing,
    a_role_that_was_granted_meanwhile_is_not_granted_over,
    a_grant_that_was_revoked_or_has_ended_meanwhile_is_said_to_be_gone,
    who_changes_other_roles_of_the_user_is_nobodys_conflict,
    of_many_who_change_a_grant_at_once_one_is_first,
    what_the_form_saw_stays_through_a_mistake_and_through_the_password,
    a_grant_that_the_page_had_no_room_for_is_shown_before_it_is_changed,
    a_grant_that_was_changed_meanwhile_is_not_revoked_before_that_is_seen,
    the_operator_says_what_should_be,
);

async fn kim(t: &TestApp) -> String {
    format!("/admin/users/{}", users::find(&t.app, "kim").await.unwrap().id)
}

/// The fields of the form to this address, as the page has them, with these instead.
fn filled(page: &Answer, action: &str, typed: &[(&str, &str)]) -> String {
    let form_to = markup::form_to(page.text(), action).expect("a form");
    let is_kept = |(name, _): &&(String, String)| typed.iter().all(|(typed, _)| typed != name);
    let kept = form_to.fields.iter().filter(is_kept);
    let mut fields: Vec<(&str, &str)> = kept.map(|(name, value)| (&**name, &**value)).collect();
    fields.extend(typed);
    form(&fields)
}

/// Sends the form to `{page}/grant` that `from` holds.
async fn send(
    t: &TestApp,
    visitor: &Visitor,
    path: &str,
    from: &Answer,
    typed: &[(&str, &str)],
) -> Answer {
    let action = format!("{path}/grant");
    let body = filled(from, &action, typed);
    t.post(visitor, &action, body).await
}

/// What the page says the grant is now.
fn now(answer: &Answer) -> String {
    assert_eq!(answer.outcome(), "409");
    let page = markup::unescaped(answer.text());
    let (_, shown) = page.split_once(text::form::GRANT_MEANWHILE).expect("what changed");
    shown.split_once("</dl>").expect("a list").0.to_owned()
}

/// End (`-` for none) and reason of kim's grant of the role; nothing when there is none.
async fn granted(t: &TestApp, name: &str) -> Vec<String> {
    let question = format!(
        "select coalesce(substr(cast(ends_at as text), 1, 10), '-') || ' ' || reason
         from grants g join users u on u.id = g.user_id
         where u.username = 'kim' and role_name = '{name}'"
    );
    t.db.texts(&question).await
}

async fn the_second_editor_of_a_grant_sees_what_it_is_now_and_loses_nothing(t: TestApp) {
    let (ada, bob) = (t.signed_in("ada", &["admin"]).await, t.signed_in("bob", &["admin"]).await);
    t.user("kim", &[]).await;
    let path = kim(&t).await;
    let first = [("role", "auditor"), ("reason", "spring")];
    t.post_form(&ada, &format!("{path}/grant"), &first).await;
    let (hers, his) = (t.get_as(&ada, &path).await, t.get_as(&bob, &path).await);
    let typed = [("role", "auditor"), ("until", "2099-01-31"), ("reason", "<b>summer</b>")];
    let saved = send(&t, &bob, &path, &his, &typed).await;
    assert_eq!(saved.outcome(), format!("303 {path}?done"));

    let before = t.db.dump().await;
    let typed = [("role", "auditor"), ("until", "2098-02-01T08:00"), ("reason", "autumn & all")];
    let answer = send(&t, &ada, &path, &hers, &typed).await;
    for stored in ["auditor", "by bob", "31 Jan 2099", "<b>summer</b>"] {
        assert!(now(&answer).contains(stored), "{stored}: {}", now(&answer));
    }
    assert!(answer.text().contains(&format!("<title>{}", text::layout::TITLE_WITH_PROBLEM)));
    let kept = markup::form_to(answer.text(), &format!("{path}/grant")).unwrap();
    assert_eq!(kept.value("until"), Some("2098-02-01T08:00"));
    assert_eq!(kept.value("reason"), Some("autumn & all"));
    let chosen = kept.choices.iter().find(|(name, _)| name == "role").unwrap();
    assert_eq!(chosen.1[0], "auditor");
    t.db.assert_unchanged(&before).await;
    // Having seen it she may; he then is the one who has to look.
    let saved = send(&t, &ada, &path, &answer, &[("role", "auditor")]).await;
    assert_eq!(saved.outcome(), format!("303 {path}?done"));
    assert_eq!(granted(&t, "auditor").await, ["2098-02-01 autumn & all"]);
    let typed = [("role", "auditor"), ("reason", "winter")];
    assert!(now(&send(&t, &bob, &path, &his, &typed).await).contains("autumn & all"));
}

async fn a_role_that_was_granted_meanwhile_is_not_granted_over(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let id = t.user("kim", &[]).await.id;
    let path = kim(&t).await;
    let open = t.get_as(&ada, &path).await;
    let soon = Until::At(t.app.now() + Duration::days(1));
    grants::grant(&t.app, &cli(), id, &role("auditor"), soon, "one day").await.unwrap();
    let before = t.db.dump().await;
    for typed in [
        vec![("role", "auditor")],
        vec![("role", "auditor"), ("reason", "for good")],
        vec![("role", "auditor"), ("until", "2099-01-31")],
    ] {
        let said = now(&send(&t, &ada, &path, &open, &typed).await);
        assert!(said.contains("one day") && said.contains("by Operator test"), "{said}");
    }
    t.db.assert_unchanged(&before).await;
    // A form that is empty besides has nothing to change, once it was seen.
    let answer = send(&t, &ada, &path, &open, &[("role", "auditor")]).await;
    let answer = send(&t, &ada, &path, &answer, &[("role", "auditor")]).await;
    assert_eq!(answer.outcome(), "422");
    assert!(answer.text().contains(text::form::ROLE_HELD));
}

async fn a_grant_that_was_revoked_or_has_ended_meanwhile_is_said_to_be_gone(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let id = t.user("kim", &["auditor"]).await.id;
    let path = kim(&t).await;
    let soon = Until::At(t.app.now() + Duration::minutes(5));
    grants::grant(&t.app, &cli(), id, &role("user"), soon, "a while").await.unwrap();
    let open = t.get_as(&ada, &path).await;
    grants::revoke(&t.app, &cli(), id, &role("auditor")).await.unwrap();
    t.advance(Duration::minutes(5));
    for name in ["auditor", "user"] {
        let typed = [("role", name), ("reason", "longer")];
        let answer = send(&t, &ada, &path, &open, &typed).await;
        assert!(now(&answer).contains(text::form::NOT_GRANTED), "{name}");
        let done = send(&t, &ada, &path, &answer, &[("role", name)]).await;
        assert_eq!(done.outcome(), format!("303 {path}?done"), "{name}");
        assert_eq!(granted(&t, name).await, ["- longer"]);
    }
}

async fn who_changes_other_roles_of_the_user_is_nobodys_conflict(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let id = t.user("kim", &["auditor", "user"]).await.id;
    let path = kim(&t).await;
    let open = t.get_as(&ada, &path).await;
    grants::revoke(&t.app, &cli(), id, &role("user")).await.unwrap();
    let always = Until::Always;
    grants::grant(&t.app, &cli(), id, &role("user-manager"), always, "new").await.unwrap();
    // Granting what is granted just so changes nothing either.
    grants::grant(&t.app, &cli(), id, &role("auditor"), always, "").await.unwrap();
    let done = send(&t, &ada, &path, &open, &[("role", "auditor"), ("reason", "mine")]).await;
    assert_eq!(done.outcome(), format!("303 {path}?done"));
    let done = send(&t, &ada, &path, &open, &[("role", "admin")]).await;
    assert_eq!(done.outcome(), format!("303 {path}?done"));
}

async fn of_many_who_change_a_grant_at_once_one_is_first(t: TestApp) {
    let t = t.unthrottled().await;
    let ada = t.signed_in("ada", &["admin"]).await;
    t.user("kim", &["auditor"]).await;
    let path = kim(&t).await;
    let open = t.get_as(&ada, &path).await;
    for name in ["auditor", "user"] {
        let (path, open, ada) = (path.clone(), open.clone(), ada.copy());
        let cookies = ada.cookie("rolecall").unwrap();
        let changing = t.at_once(8, move |t, number| {
            let (path, open, cookies) = (path.clone(), open.clone(), cookies.clone());
            async move {
                let ada = Visitor::with_cookie("rolecall", &cookies);
                let reason = format!("number {number}");
                let typed = [("role", name), ("reason", &reason)];
                send(&t, &ada, &path, &open, &typed).await.status()
            }
        });
        let mut answers = changing.await.unwrap();
        answers.sort();
        assert_eq!(answers, [vec![303], vec![409; 7]].concat(), "{name}");
    }
}

async fn what_the_form_saw_stays_through_a_mistake_and_through_the_password(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let id = t.user("kim", &["auditor"]).await.id;
    let path = kim(&t).await;
    let open = t.get_as(&ada, &path).await;
    let always = Until::Always;
    grants::grant(&t.app, &cli(), id, &role("auditor"), always, "his").await.unwrap();
    let typed = [("role", "auditor"), ("until", "tomorrow"), ("reason", "hers")];
    let mistaken = send(&t, &ada, &path, &open, &typed).await;
    assert_eq!(mistaken.outcome(), "422");
    let typed = [("role", "auditor"), ("until", "2099-01-31")];
    assert!(now(&send(&t, &ada, &path, &mistaken, &typed).await).contains("his"));

    t.advance(Duration::minutes(10));
    let asked = send(&t, &ada, &path, &mistaken, &typed).await;
    assert_eq!(asked.outcome(), "401");
    let answer = send(&t, &ada, &path, &asked, &[("current_password", PASSWORD)]).await;
    assert!(now(&answer).contains("his"));
    assert_eq!(granted(&t, "auditor").await, ["- his"]);
}

async fn a_grant_that_the_page_had_no_room_for_is_shown_before_it_is_changed(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let id = t.user("kim", &[]).await.id;
    let name = |number: usize| role(&format!("role{number:02}"));
    for number in 0..20 {
        roles::create(&t.app, &cli(), &name(number), "").await.unwrap();
        let always = Until::Always;
        grants::grant(&t.app, &cli(), id, &name(number), always, "old").await.unwrap();
    }
    let path = kim(&t).await;
    let open = t.get_as(&ada, &path).await;
    let change = [("role", "role00"), ("reason", "new")];
    assert_eq!(send(&t, &ada, &path, &open, &change).await.status(), 303);
    let change = [("role", "role19"), ("reason", "new")];
    let answer = send(&t, &ada, &path, &open, &change).await;
    assert!(now(&answer).contains("old"));
    assert_eq!(send(&t, &ada, &path, &answer, &change).await.status(), 303);
    // It stands on the next page of the list, whose form saw it.
    let rest = t.get_as(&ada, &format!("{path}?grants=role15")).await;
    let change = [("role", "role18"), ("reason", "new")];
    assert_eq!(send(&t, &ada, &path, &rest, &change).await.status(), 303);
}

async fn a_grant_that_was_changed_meanwhile_is_not_revoked_before_that_is_seen(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let id = t.user("kim", &["auditor", "user"]).await.id;
    let path = kim(&t).await;
    let revoke = format!("{path}/revoke");
    let asked = t.get_as(&ada, &format!("{revoke}?role=auditor")).await;
    let end = t.app.now() + Duration::days(1);
    let (name, until) = (role("auditor"), Until::At(end));
    grants::grant(&t.app, &cli(), id, &name, until, "until <the> audit").await.unwrap();
    let before = t.db.dump().await;
    let again = t.post(&ada, &revoke, filled(&asked, &revoke, &[])).await;
    assert_eq!(again.outcome(), "409");
    let said = markup::unescaped(again.text());
    for told in ["until <the> audit", &text::time(end), "by Operator test", "Revoke auditor from"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    t.db.assert_unchanged(&before).await;
    let done = t.post(&ada, &revoke, filled(&again, &revoke, &[])).await;
    assert_eq!(done.outcome(), format!("303 {path}?done"));
    // Revoked by another, there is nothing left to revoke; ended meanwhile, it may go.
    let gone = t.post(&ada, &revoke, filled(&again, &revoke, &[])).await;
    assert_eq!(gone.outcome(), "409");
    assert!(gone.text().contains("does not have the role auditor"), "{}", gone.text());
    grants::grant(&t.app, &cli(), id, &name, until, "").await.unwrap();
    let asked = t.get_as(&ada, &format!("{revoke}?role=auditor")).await;
    t.advance(Duration::days(1));
    let ada = t.login("ada").await;
    let token = t.form_token(&ada).await.unwrap();
    let body = filled(&asked, &revoke, &[("form_token", &token)]);
    assert_eq!(t.post(&ada, &revoke, body).await.outcome(), format!("303 {path}?done"));
    assert_eq!(granted(&t, "auditor").await, [""; 0]);
}

async fn the_operator_says_what_should_be(t: TestApp) {
    let id = t.user("kim", &["auditor"]).await.id;
    for reason in ["one", "two"] {
        let (name, until) = (role("auditor"), Until::Always);
        grants::grant(&t.app, &cli(), id, &name, until, reason).await.unwrap();
        assert_eq!(granted(&t, "auditor").await, [format!("- {reason}")]);
    }
    // So does a form that does not say what it was made of.
    let ada = t.signed_in("ada", &["admin"]).await;
    let path = kim(&t).await;
    let fields = [("role", "auditor"), ("reason", "three")];
    let done = t.post_form(&ada, &format!("{path}/grant"), &fields).await;
    assert_eq!(done.outcome(), format!("303 {path}?done"));
    let done = t.post_form(&ada, &format!("{path}/revoke"), &[("role", "auditor")]).await;
    assert_eq!(done.outcome(), format!("303 {path}?done"));
}
