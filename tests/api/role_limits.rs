//! How long sessions with a role last, on the page of the role.

use rolecall::text;
use time::Duration;

use super::lifetimes::{limit, lives};
use crate::support::{TestApp, Visitor, both_engines, cli, form, markup, role, roles};

both_engines!(
    the_page_of_a_role_limits_it_built_in_or_not_and_the_trail_says_so,
    a_limit_that_is_none_stands_beside_its_field_and_stays,
    the_second_editor_of_limits_sees_what_changed_and_loses_nothing,
    of_two_who_set_one_limit_each_at_once_both_are_heard,
);

async fn version(t: &TestApp, visitor: &Visitor, name: &str) -> String {
    let page = t.get_as(visitor, &format!("/admin/roles/{name}")).await;
    let form = markup::form_to(page.text(), &format!("/admin/roles/{name}/limits"));
    form.expect("a form").value("version").unwrap().to_owned()
}

async fn the_page_of_a_role_limits_it_built_in_or_not_and_the_trail_says_so(t: TestApp) {
    roles::create(&t.app, &cli(), &role("clerk"), "").await.unwrap();
    let (ada, aud) = (t.signed_in("ada", &["admin"]).await, t.signed_in("aud", &["auditor"]).await);
    for name in ["clerk", "admin"] {
        let path = format!("/admin/roles/{name}");
        let page = t.get_as(&aud, &path).await;
        assert!(page.text().contains("As the settings say."));
        let seen = version(&t, &ada, name).await;
        let fields = [("idle_timeout", " 900s "), ("absolute_timeout", "8h"), ("version", &seen)];
        let answer = t.post_form(&ada, &format!("{path}/limits"), &fields).await;
        assert_eq!(answer.outcome(), format!("303 {path}?done"));
        let page = t.get_as(&ada, &path).await;
        let form = markup::form_to(page.text(), &format!("{path}/limits")).unwrap();
        assert_eq!(form.value("idle_timeout"), Some("15m"));
        assert_eq!(form.value("absolute_timeout"), Some("8h"));
        // Who may not change it reads it.
        let page = t.get_as(&aud, &path).await;
        assert!(markup::form_to(page.text(), &format!("{path}/limits")).is_none());
        assert!(page.text().contains("<dd>15m</dd>") && page.text().contains("<dd>8h</dd>"));
        // The same again is no change; an empty field takes the limit away.
        let seen = version(&t, &ada, name).await;
        for (idle, records) in [("15m", 1), ("", 2)] {
            let fields = [("idle_timeout", idle), ("absolute_timeout", "8h"), ("version", &seen)];
            t.post_form(&ada, &format!("{path}/limits"), &fields).await;
            let about = format!("audit where action = 'role.limit' and target_id = '{name}'");
            assert_eq!(t.db.count(&about).await, records, "{name} {idle}");
        }
        assert_eq!(version(&t, &ada, name).await, "2");
    }
    let details = t.db.texts("select detail from audit where action = 'role.limit' order by id");
    let none = r#"{"absolute_timeout":null,"idle_timeout":null}"#;
    let both = r#"{"absolute_timeout":"8h","idle_timeout":"15m"}"#;
    assert_eq!(details.await[0], format!(r#"{{"after":{both},"before":{none}}}"#));
    let page = t.get_as(&ada, "/admin/audit").await;
    assert!(page.text().contains("changed how long sessions with admin last"));
    t.advance(Duration::hours(8));
    assert!(!lives(&t, &ada).await && lives(&t, &aud).await);
}

async fn a_limit_that_is_none_stands_beside_its_field_and_stays(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    for name in ["admin", "nobody"] {
        let path = format!("/admin/roles/{name}/limits");
        let before = t.db.dump().await;
        for wrong in ["soon", "59s", "0", "-1h", "3651d", "1h <b>", "99999999999999999999d"] {
            let fields = [("idle_timeout", "15m"), ("absolute_timeout", wrong)];
            let answer = t.post_form(&ada, &path, &fields).await;
            if name == "nobody" {
                assert_eq!(answer.outcome(), "404", "{wrong}");
                continue;
            }
            assert_eq!(answer.outcome(), "422", "{wrong}");
            let form = markup::form_to(answer.text(), &path).unwrap();
            assert_eq!(form.value("idle_timeout"), Some("15m"), "{wrong}");
            assert_eq!(form.value("absolute_timeout"), Some(wrong));
            assert_eq!(answer.text().matches(text::form::LIMIT_INVALID).count(), 1, "{wrong}");
        }
        t.db.assert_unchanged(&before).await;
    }
}

async fn the_second_editor_of_limits_sees_what_changed_and_loses_nothing(t: TestApp) {
    let (ada, bob) = (t.signed_in("ada", &["admin"]).await, t.signed_in("bob", &["admin"]).await);
    let path = "/admin/roles/auditor/limits";
    let seen = version(&t, &ada, "auditor").await;
    let first = [("idle_timeout", "45m"), ("version", &seen)];
    t.post_form(&bob, path, &first).await;
    let second = [("idle_timeout", "15m"), ("absolute_timeout", "8h"), ("version", &seen)];
    let answer = t.post_form(&ada, path, &second).await;
    assert_eq!(answer.outcome(), "409");
    let (_, meanwhile) = answer.text().split_once(text::form::MEANWHILE).unwrap();
    assert!(meanwhile.split_once("</dl>").unwrap().0.contains("<bdi>45m</bdi>"));
    let kept = markup::form_to(answer.text(), path).unwrap();
    assert_eq!(kept.value("idle_timeout"), Some("15m"));
    let fields = kept.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let answer = t.post(&ada, path, form(&fields.collect::<Vec<_>>())).await;
    assert_eq!(answer.outcome(), "303 /admin/roles/auditor?done");
}

async fn of_two_who_set_one_limit_each_at_once_both_are_heard(t: TestApp) {
    for round in 0..10 {
        let name = format!("clerk{round}");
        roles::create(&t.app, &cli(), &role(&name), "").await.unwrap();
        let both = t.at_once(2, move |t, number| {
            let name = name.clone();
            async move {
                let (idle, absolute) = [("15m", "-"), ("-", "8h")][number];
                limit(&t, &name, idle, absolute).await;
            }
        });
        both.await.unwrap();
    }
    let limited = "roles where idle_timeout = 900 and absolute_timeout = 28800";
    assert_eq!(t.db.count(limited).await, 10);
}
