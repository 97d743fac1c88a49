//! What the pages say when somebody was faster, when something will end, and when a field is
//! wrong: nothing that was typed is lost, and nothing happens that was not meant.

use rolecall::{
    auth::{
        Refusal,
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
    the_second_editor_of_a_user_sees_what_changed_and_loses_nothing,
    the_second_editor_of_a_role_sees_what_changed_and_loses_nothing,
    of_many_who_save_at_once_one_is_first,
    what_was_deleted_meanwhile_is_not_found,
    the_last_admin_stays_whatever_page_is_used,
    an_end_lies_ahead_and_is_a_time,
    a_field_left_empty_takes_nothing_from_a_grant_that_is_there,
    a_new_user_chooses_the_password_and_nobody_sees_it,
    a_mistake_stands_beside_its_field_and_what_was_typed_stays,
    a_role_that_is_mistyped_stands_beside_its_field_and_stays,
    a_password_never_comes_back,
);

async fn user_path(t: &TestApp, name: &str) -> String {
    format!("/admin/users/{}", users::find(&t.app, name).await.unwrap().id)
}

/// The version that the form at this address has.
async fn version(t: &TestApp, visitor: &Visitor, path: &str) -> String {
    let page = t.get_as(visitor, path).await;
    let form = markup::form_to(page.text(), path).expect("a form");
    form.value("version").expect("a version").to_owned()
}

/// What the page says is stored by now.
fn meanwhile(answer: &Answer) -> String {
    let (_, shown) = answer.text().split_once(text::form::MEANWHILE).expect("what changed");
    markup::unescaped(shown.split_once("</dl>").expect("a list").0)
}

async fn the_second_editor_of_a_user_sees_what_changed_and_loses_nothing(t: TestApp) {
    let (ada, bob) = (t.signed_in("ada", &["admin"]).await, t.signed_in("bob", &["admin"]).await);
    t.user_with_email("kim", "kim@example.com").await;
    let path = user_path(&t, "kim").await;
    let seen = version(&t, &ada, &path).await;
    let first = [
        ("username", "kim"),
        ("email", "kim@example.org"),
        ("display_name", "Kim <the first>"),
        ("version", &seen),
    ];
    let saved = t.post_form(&bob, &path, &first).await;
    assert_eq!(saved.outcome(), format!("303 {path}?done"));

    let second = [
        ("username", "kimberley"),
        ("email", "kim@example.com"),
        ("display_name", "Kim & \"co\""),
        ("version", &seen),
    ];
    let before = t.db.dump().await;
    let answer = t.post_form(&ada, &path, &second).await;
    assert_eq!(answer.outcome(), "409");
    for stored in ["kim", "kim@example.org", "Kim <the first>"] {
        assert!(meanwhile(&answer).contains(&format!("<bdi>{stored}</bdi>")), "{stored}");
    }
    let kept = markup::form_to(answer.text(), &path).unwrap();
    for (field, typed) in &second[..3] {
        assert_eq!(kept.value(field), Some(*typed));
    }
    t.db.assert_unchanged(&before).await;
    // What the page now holds is what is saved.
    let fields = kept.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let answer = t.post(&ada, &path, form(&fields.collect::<Vec<_>>())).await;
    assert_eq!(answer.outcome(), format!("303 {path}?done"));
    let kim = users::find(&t.app, "kimberley").await.unwrap();
    assert_eq!(kim.email.as_deref(), Some("kim@example.com"));
    assert_eq!(kim.display_name, "Kim & \"co\"");
}

async fn the_second_editor_of_a_role_sees_what_changed_and_loses_nothing(t: TestApp) {
    let (ada, bob) = (t.signed_in("ada", &["admin"]).await, t.signed_in("bob", &["admin"]).await);
    roles::create(&t.app, &cli(), &role("editor"), "Edits").await.unwrap();
    let path = "/admin/roles/editor";
    let seen = version(&t, &ada, path).await;
    let fields = [("description", "Edits <b>bold</b>"), ("version", &seen)];
    assert_eq!(t.post_form(&bob, path, &fields).await.outcome(), format!("303 {path}?done"));
    let before = t.db.dump().await;
    let fields = [("description", "Edits & reads"), ("version", &seen)];
    let answer = t.post_form(&ada, path, &fields).await;
    assert_eq!(answer.outcome(), "409");
    assert!(meanwhile(&answer).contains("<bdi>Edits <b>bold</b></bdi>"));
    let kept = markup::form_to(answer.text(), path).unwrap();
    assert_eq!(kept.value("description"), Some("Edits & reads"));
    t.db.assert_unchanged(&before).await;
    let fields = kept.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let answer = t.post(&ada, path, form(&fields.collect::<Vec<_>>())).await;
    assert_eq!(answer.outcome(), format!("303 {path}?done"));
    let page = t.get_as(&bob, path).await;
    assert!(page.text().contains("value=\"Edits &#38; reads\""), "{}", page.text());
    // Saving what is stored changes nothing for whoever has the page open.
    let seen = version(&t, &ada, path).await;
    let same = [("description", "Edits & reads"), ("version", &seen)];
    t.post_form(&bob, path, &same).await;
    let fields = [("description", "Edits"), ("version", &seen)];
    assert_eq!(t.post_form(&ada, path, &fields).await.outcome(), format!("303 {path}?done"));
}

async fn of_many_who_save_at_once_one_is_first(t: TestApp) {
    let t = t.unthrottled().await;
    t.user("ada", &["admin"]).await;
    t.user("kim", &[]).await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    let user = user_path(&t, "kim").await;
    for path in [user, "/admin/roles/editor".to_owned()] {
        let saving = t.at_once(8, move |t, number| {
            let path = path.clone();
            async move {
                let ada = t.login("ada").await;
                let typed = format!("number {number}");
                let name = if path.ends_with("editor") { "description" } else { "display_name" };
                let fields = [("username", "kim"), (name, &typed), ("version", "0")];
                t.post_form(&ada, &path, &fields).await.status()
            }
        });
        let mut answers = saving.await.unwrap();
        answers.sort();
        assert_eq!(answers, [vec![303], vec![409; 7]].concat());
    }
}

async fn what_was_deleted_meanwhile_is_not_found(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    t.user("kim", &["user"]).await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    let user = user_path(&t, "kim").await;
    users::remove(&t.app, &cli(), users::find(&t.app, "kim").await.unwrap().id).await.unwrap();
    roles::delete(&t.app, &cli(), &role("editor")).await.unwrap();
    let before = t.db.dump().await;
    let of_user = vec![
        ("", vec![("username", "kim"), ("display_name", "Kim"), ("version", "0")]),
        ("/link", vec![]),
        ("/disable", vec![]),
        ("/enable", vec![]),
        ("/remove", vec![]),
        ("/grant", vec![("role", "user")]),
        ("/revoke", vec![("role", "user")]),
        ("/sessions/end", vec![]),
    ];
    let of_role = vec![
        ("", vec![("description", "Edits"), ("version", "0")]),
        ("/allow", vec![("permission", "reports:write")]),
        ("/deny", vec![("permission", "reports:write")]),
        ("/include", vec![("other", "user")]),
        ("/exclude", vec![("other", "user")]),
        ("/grantor", vec![("other", "user")]),
        ("/limits", vec![("idle_timeout", "15m"), ("version", "0")]),
        ("/ungrantor", vec![("other", "user-manager")]),
        ("/delete", vec![]),
    ];
    let role = "/admin/roles/editor".to_owned();
    let of_user = (user.clone(), of_user, text::error::USER_GONE.to_owned());
    let of_role = (role, of_role, text::error::role_gone("editor"));
    for (base, forms, gone) in [of_user, of_role] {
        for (what, fields) in forms {
            let path = format!("{base}{what}");
            let answer = t.post_form(&ada, &path, &fields).await;
            assert_eq!(answer.outcome(), "404", "{path}");
            assert!(answer.text().contains(&gone), "{path}");
        }
        for what in [
            "",
            "/disable",
            "/remove",
            "/sessions/end",
            "/delete",
            "/revoke?role=user",
            "/deny?permission=reports:write",
            "/exclude?other=user",
            "/ungrantor?other=user-manager",
        ] {
            let answer = t.get_as(&ada, &format!("{base}{what}")).await;
            assert_eq!(answer.outcome(), "404", "{base}{what}");
        }
    }
    t.db.assert_unchanged(&before).await;
    // What is gone from a list is said beside the list.
    t.user("lou", &[]).await;
    let lou = user_path(&t, "lou").await;
    let answer = t.post_form(&ada, &format!("{lou}/grant"), &[("role", "editor")]).await;
    assert_problem(&answer, "role", text::form::ROLE_UNKNOWN);
    roles::create(&t.app, &cli(), &self::role("reader"), "").await.unwrap();
    for (what, field) in [("include", "other"), ("grantor", "other")] {
        let path = format!("/admin/roles/reader/{what}");
        let answer = t.post_form(&ada, &path, &[(field, "editor")]).await;
        assert_eq!(answer.outcome(), "422");
        assert!(answer.text().contains("There is no role editor"), "{}", answer.text());
    }
}

async fn the_last_admin_stays_whatever_page_is_used(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    // None of these can stand in for her: disabled, with an end, without a password.
    let off = t.user("off", &["admin"]).await;
    users::disable(&t.app, &cli(), off.id).await.unwrap();
    let brief = t.user("brief", &[]).await;
    let soon = Until::At(t.app.now() + Duration::days(1));
    grants::grant(&t.app, &cli(), brief.id, &role("admin"), soon, "").await.unwrap();
    let brief = t.login("brief").await;
    t.post_form(&ada, "/admin/users", &[("username", "invited"), ("role", "admin")]).await;
    let path = user_path(&t, "ada").await;
    let before = t.db.dump().await;
    for visitor in [&ada, &brief] {
        for (what, fields) in [
            ("/disable", vec![]),
            ("/remove", vec![]),
            ("/revoke", vec![("role", "admin")]),
            ("/grant", vec![("role", "admin"), ("until", "2027-01-01T00:00")]),
        ] {
            let answer = t.post_form(visitor, &format!("{path}{what}"), &fields).await;
            let reason = match what {
                "/grant" => text::form::LAST_ADMIN.to_owned(),
                _ => text::refusal::sentence(&Refusal::LastAdmin),
            };
            assert!([409, 422].contains(&answer.status()), "{what}: {}", answer.outcome());
            assert!(answer.text().contains(&reason), "{what}: {}", answer.text());
            t.db.assert_unchanged(&before).await;
        }
    }
    // Her page says so, and offers none of it.
    let ends = ["disable", "remove", "revoke?role=admin"].map(|what| format!("{path}/{what}"));
    let offered = async |visitor: &Visitor| {
        let page = t.get_as(visitor, &path).await;
        let links = markup::links(page.text());
        let offered = ends.each_ref().map(|end| links.contains(end));
        (offered, page.text().contains(text::user::LAST_ADMIN))
    };
    for visitor in [&ada, &brief] {
        assert_eq!(offered(visitor).await, ([false; 3], true));
    }
    let page = t.get_as(&ada, &user_path(&t, "brief").await).await;
    assert!(!page.text().contains(text::user::LAST_ADMIN), "that one can be spared");
    // With a second one she may go.
    t.user("bob", &["admin"]).await;
    assert_eq!(offered(&brief).await, ([true; 3], false));
    let answer = t.post_form(&ada, &format!("{path}/revoke"), &[("role", "admin")]).await;
    assert_eq!(answer.outcome(), "303 /account?done", "her page is closed to her now");
}

/// Asserts that the form was refused with this problem beside this field.
fn assert_problem(answer: &Answer, field: &str, problem: &str) {
    assert_eq!(problem_beside(answer, field), problem);
}

/// The problem for which the form was refused, beside this field.
fn problem_beside(answer: &Answer, field: &str) -> String {
    assert_eq!(answer.outcome(), "422", "{field}");
    let page = answer.text();
    let (_, said) = page.split_once(&format!("id=\"{field}-problem\">")).unwrap_or_else(|| {
        panic!("nothing is said beside {field}: {page}");
    });
    let said = markup::unescaped(said.split_once("</p>").unwrap().0);
    let (before, after) = page.split_once(&format!(" id=\"{field}\"")).unwrap();
    let tag = format!("{}{}", before.rsplit('<').next().unwrap(), after.split('>').next().unwrap());
    assert!(tag.contains("aria-invalid=\"true\""), "{tag}");
    assert!(tag.contains(&format!("{field}-problem")), "{tag}");
    assert!(page.contains(&format!("<title>{}", text::layout::TITLE_WITH_PROBLEM)));
    said
}

async fn an_end_lies_ahead_and_is_a_time(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    t.user("kim", &[]).await;
    let path = user_path(&t, "kim").await;
    let grant = format!("{path}/grant");
    let with = |until: &'static str| [("role", "user"), ("until", until), ("reason", "for <this>")];
    let before = t.db.dump().await;
    // The clock of the tests stands at 2026-11-22, 21:53:20.
    for past in
        ["2026-11-22T21:53", "2026-11-22T21:53:20", "2026-11-22", "1970-01-01", "-0001-01-01"]
    {
        let answer = t.post_form(&ada, &grant, &with(past)).await;
        assert_problem(&answer, "until", text::form::UNTIL_PAST);
        assert!(answer.text().contains(&format!("value=\"{past}\"")), "{past} is gone");
    }
    for garbage in [
        "tomorrow",
        "2026-02-30",
        "2027-01-01T24:00",
        "2027-01-01T12:00:00+02:00",
        "10000-01-01",
        "+10000-01-01T00:00",
        "2027-13-01T00:00",
        "２０２７-01-01",
        "<script>",
        "1",
    ] {
        let answer = t.post_form(&ada, &grant, &with(garbage)).await;
        assert_problem(&answer, "until", text::form::UNTIL_INVALID);
        let kept = markup::form_to(answer.text(), &grant).unwrap();
        assert_eq!(kept.value("until"), Some(garbage));
        assert_eq!(kept.value("reason"), Some("for <this>"));
    }
    t.db.assert_unchanged(&before).await;
    // As a browser sends it, as a person without one that helps types it, and at the end of time.
    for (until, shown) in [
        ("2027-01-31T18:00", "31 Jan 2027, 18:00\u{a0}UTC"),
        ("2027-01-31 18:01", "31 Jan 2027, 18:01\u{a0}UTC"),
        ("2027-02-01", "1 Feb 2027, 00:00\u{a0}UTC"),
        ("9999-12-31T23:59:59", "31 Dec 9999, 23:59\u{a0}UTC"),
    ] {
        let answer = t.post_form(&ada, &grant, &with(until)).await;
        assert_eq!(answer.outcome(), format!("303 {path}?done"), "{until}");
        for page in [&path, "/admin/roles/user"] {
            let page = t.get_as(&ada, page).await;
            assert!(page.text().contains(shown), "{until}");
        }
    }
    let csv = t.get_as(&ada, "/admin/roles/user/holders.csv").await;
    assert!(csv.text().contains("9999-12-31T23:59:59Z"), "{}", csv.text());
    let kim = t.login("kim").await;
    assert!(t.get_as(&kim, "/account").await.text().contains("31 Dec 9999"));
    for page in ["/admin", "/admin/audit", &format!("{path}?explain=user")] {
        assert_eq!(t.get_as(&ada, page).await.outcome(), "200", "{page}");
    }
}

async fn a_new_user_chooses_the_password_and_nobody_sees_it(t: TestApp) {
    let mia = t.signed_in("mia", &["user-manager"]).await;
    let fields = [("username", "Ned"), ("display_name", "Ned <N>"), ("role", "user")];
    let answer = t.post_form(&mia, "/admin/users", &fields).await;
    assert_eq!(answer.outcome(), "200");
    assert_eq!(answer.header("cache-control"), "no-store");
    let (_, link) = answer.text().split_once("/link?token=").expect("the invitation");
    let token = link.split_once('"').unwrap().0.to_owned();
    let page = format!("/link?token={token}");
    let ned = users::find(&t.app, "ned").await.unwrap();
    assert_eq!((ned.password_hash, ned.display_name.as_str()), (None, "Ned <N>"));
    // It is shown this once, and kept nowhere.
    let path = user_path(&t, "ned").await;
    for address in [path.as_str(), "/admin/users", "/admin"] {
        assert!(!t.get_as(&mia, address).await.text().contains(&token), "{address}");
    }
    assert!(!t.db.dump().await.contains(&token));
    // Opening it spends nothing, choosing does.
    let chosen = |password: &str| form(&[("token", &token), ("password", password)]);
    assert_eq!(t.get(&page).await.outcome(), "200");
    let short = t.post(&Visitor::new(), "/link", chosen("short")).await;
    assert_eq!(short.outcome(), "422");
    let answer = t.post(&Visitor::new(), "/link", chosen(PASSWORD)).await;
    assert!(answer.location().starts_with("/login"), "{}", answer.outcome());
    assert_eq!(t.get(&page).await.outcome(), "410");
    let again = t.post(&Visitor::new(), "/link", chosen("another horse battery staple")).await;
    assert_eq!(again.outcome(), "410");
    let ned = t.login("ned").await;
    assert_eq!(t.get_as(&ned, "/auth/check?role=user").await.outcome(), "200");
}

/// Texts that must be written once as text: not as markup, and not escaped twice.
const STRANGE: &str = "<b>&amp; \"x\" 'y'</b>";

async fn a_mistake_stands_beside_its_field_and_what_was_typed_stays(t: TestApp) {
    use text::form as words;
    let ada = t.signed_in("ada", &["admin"]).await;
    t.user_with_email("kim", "kim@example.com").await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    let kim = user_path(&t, "kim").await;
    let (new, grant) = ("/admin/users".to_owned(), format!("{}/grant", user_path(&t, "ada").await));
    let (new_role, editor) = ("/admin/roles".to_owned(), "/admin/roles/editor".to_owned());
    let long = "x".repeat(501);
    let before = t.db.dump().await;
    for (path, field, typed, problem) in [
        (&new, "username", STRANGE, words::USERNAME_INVALID),
        (&new, "username", "", words::USERNAME_INVALID),
        (&new, "username", "KIM", words::USERNAME_TAKEN),
        (&new, "email", STRANGE, words::EMAIL_INVALID),
        (&new, "email", "Kim@Example.com", words::EMAIL_TAKEN),
        (&new, "display_name", &long, words::DISPLAY_NAME_INVALID),
        (&kim, "username", STRANGE, words::USERNAME_INVALID),
        (&kim, "username", "ada", words::USERNAME_TAKEN),
        (&kim, "email", STRANGE, words::EMAIL_INVALID),
        (&kim, "display_name", &long, words::DISPLAY_NAME_INVALID),
        (&grant, "role", "no-such-role", words::ROLE_UNKNOWN),
        (&grant, "role", "", words::ROLE_MISSING),
        (&grant, "reason", &long, words::REASON_INVALID),
        (&new_role, "name", STRANGE, words::ROLE_NAME_INVALID),
        (&new_role, "name", "rolecall.mine", words::ROLE_NAME_INVALID),
        (&new_role, "name", "editor", words::ROLE_EXISTS),
        (&new_role, "description", &long, words::DESCRIPTION_INVALID),
        (&editor, "description", &long, words::DESCRIPTION_INVALID),
    ] {
        let right = [
            ("username", if *path == kim { "kim" } else { "ned" }),
            ("name", "fresh"),
            ("role", "user"),
            ("display_name", STRANGE),
            ("reason", STRANGE),
            ("description", STRANGE),
            ("version", "0"),
        ];
        let fields = right.into_iter().filter(|(name, _)| *name != field);
        let mut fields: Vec<_> = fields.collect();
        fields.push((field, typed));
        let answer = t.post_form(&ada, path, &fields).await;
        assert_problem(&answer, field, problem);
        let kept = markup::form_to(answer.text(), path).unwrap();
        for (name, typed) in fields {
            let value = kept.value(name);
            assert!(value.is_none_or(|value| value == typed), "{path} {name}: {value:?}");
        }
        if field != "role" {
            assert_eq!(kept.value(field), Some(typed), "{path}");
        }
    }
    // Ticked roles stay ticked.
    let fields = [("username", ""), ("role", "auditor"), ("role", "user")];
    let answer = t.post_form(&ada, &new, &fields).await;
    let kept = markup::form_to(answer.text(), &new).unwrap();
    let ticked: Vec<_> = kept.fields.iter().filter(|field| field.0 == "role").collect();
    assert_eq!(ticked.iter().map(|field| &*field.1).collect::<Vec<_>>(), ["auditor", "user"]);
    t.db.assert_unchanged(&before).await;
}

/// With few roles they are chosen from a list, with many the name is typed.
async fn a_role_that_is_mistyped_stands_beside_its_field_and_stays(t: TestApp) {
    use text::form as words;
    let ada = t.signed_in("ada", &["admin"]).await;
    for n in 0..40 {
        roles::create(&t.app, &cli(), &role(&format!("r{n}")), "").await.unwrap();
    }
    roles::include(&t.app, &cli(), &role("r1"), &role("r0")).await.unwrap();
    let before = t.db.dump().await;
    for (what, name, typed, problem) in [
        ("allow", "permission", "Reports", words::PERMISSION_INVALID),
        ("allow", "permission", STRANGE, words::PERMISSION_INVALID),
        ("include", "other", STRANGE, words::ROLE_UNKNOWN),
        ("include", "other", "", words::ROLE_MISSING),
        ("include", "other", "edittor", "There is no role edittor. Check its name."),
        ("include", "other", "r1", "A role cannot include itself, and r0 would"),
        ("grantor", "other", STRANGE, words::ROLE_UNKNOWN),
        ("grantor", "other", "", words::ROLE_MISSING),
        ("grantor", "other", "edittor", "There is no role edittor. Check its name."),
    ] {
        let path = format!("/admin/roles/r0/{what}");
        let answer = t.post_form(&ada, &path, &[(name, typed)]).await;
        let field = if name == "permission" { name } else { what };
        let said = problem_beside(&answer, field);
        assert!(said.starts_with(problem), "{what} {typed:?}: {said}");
        let kept = markup::form_to(answer.text(), &path).unwrap();
        assert_eq!(kept.value(name), Some(typed), "{what}");
        let said = answer.text().matches("class=\"field-problem\"").count();
        assert_eq!(said, 1, "beside one field alone");
    }
    t.db.assert_unchanged(&before).await;
}

async fn a_password_never_comes_back(t: TestApp) {
    const TYPED: &str = "typed-Pa55word";
    let kim = t.signed_in("kim", &["user-manager"]).await;
    t.user("lou", &[]).await;
    let linked = t.post_form(&kim, &format!("{}/link", user_path(&t, "lou").await), &[]).await;
    let (_, link) = linked.text().split_once("/link?token=").unwrap();
    let token = link.split_once('"').unwrap().0;
    let long = TYPED.repeat(400);
    for (path, fields) in [
        ("/account/password", vec![("current_password", TYPED), ("new_password", PASSWORD)]),
        ("/account/password", vec![("current_password", PASSWORD), ("new_password", &long)]),
        ("/account/password", vec![("current_password", TYPED), ("new_password", "short")]),
        ("/link", vec![("token", token), ("password", &long)]),
        ("/login", vec![("username", "kim"), ("password", TYPED)]),
        ("/login", vec![("username", TYPED), ("password", &long)]),
        // Nor from a form that does not ask for one.
        ("/admin/users", vec![("username", ""), ("password", TYPED)]),
    ] {
        let answer = t.post_form(&kim.copy(), path, &fields).await;
        assert!([401, 422].contains(&answer.status()), "{path}: {}", answer.outcome());
        let shown = markup::forms(answer.text());
        let values = shown.iter().flat_map(|form| &form.fields);
        for (name, value) in values.filter(|(name, _)| name.contains("password")) {
            assert_eq!(value, "", "{path}: {name}");
        }
        let times = answer.text().matches(TYPED).count();
        let typed_as_name = fields.contains(&("username", TYPED));
        assert_eq!(times, usize::from(typed_as_name), "{path}");
    }
}

async fn a_field_left_empty_takes_nothing_from_a_grant_that_is_there(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    let path = format!("/admin/users/{}/grant", kim.id);
    let kept = "select reason || ' ' || coalesce(substr(cast(ends_at as text), 1, 10), 'no end')
                from grants where role_name = 'auditor'";
    for (until, reason, expected) in [
        ("2099-01-31T18:00", "spring", "spring 2099-01-31"),
        ("", "summer", "summer 2099-01-31"),
        ("2098-01-31T18:00", "", "summer 2098-01-31"),
        ("", "", "summer 2098-01-31"),
    ] {
        let fields = [("role", "auditor"), ("until", until), ("reason", reason)];
        let answer = t.post_form(&ada, &path, &fields).await;
        let is_refused = until.is_empty() && reason.is_empty();
        assert_eq!(answer.status() == 422, is_refused, "{until:?} {reason:?}");
        assert_eq!(t.db.texts(kept).await, [expected], "{until:?} {reason:?}");
    }
}
