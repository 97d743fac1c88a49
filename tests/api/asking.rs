//! Pages that ask before something ends: they say what ends, change nothing, and lead back.

use rolecall::{
    auth::{
        grants::{self, Until},
        name::PermissionName,
        roles::{RoleChange, change},
        users,
    },
    text::{
        self,
        confirm::{self, Excluded, Having, delete_role_lines},
    },
};
use time::Duration;
use uuid::Uuid;

use crate::support::{Answer, TestApp, Visitor, both_engines, cli, markup, role, roles};

both_engines!(
    a_page_that_asks_first_says_what_ends,
    the_page_before_a_role_is_deleted_says_who_loses_it,
    names_of_holders_are_told_to_those_alone_who_may_see_users,
    the_page_before_a_permission_is_removed_says_who_loses_it,
    the_page_before_an_include_is_removed_says_what_goes_with_it,
    the_page_before_an_include_is_removed_counts_those_alone_who_lose_it,
    the_page_before_a_grantor_is_removed_says_who_may_no_longer_grant,
    the_page_before_a_session_ends_says_whose_and_where_it_is,
    the_pages_before_ones_own_sessions_end_say_which,
    what_is_not_there_to_end_is_told_with_a_way_back,
    an_error_below_a_user_or_role_leads_back_to_it,
);

async fn user_path(t: &TestApp, name: &str) -> String {
    format!("/admin/users/{}", users::find(&t.app, name).await.unwrap().id)
}

/// Asserts that there is nothing to ask about, said so, with this way back.
fn assert_nothing_to_end(answer: &Answer, said: &str, href: &str, label: &str) {
    assert_eq!(answer.outcome(), "404", "{said}");
    let page = markup::unescaped(answer.text());
    assert!(page.contains(said), "{said}: {page}");
    assert!(page.contains(&format!("href=\"{href}\">{label}</a>")), "{said}: {page}");
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn allow(t: &TestApp, name: &str, permission: &str) {
    let permission = PermissionName::parse(permission).unwrap();
    roles::allow(&t.app, &cli(), &role(name), &permission).await.unwrap();
}

/// `chief` includes `senior` includes `editor` includes `reader`, each with a permission; kim has
/// `editor`, lou `senior` and `editor`, max `chief`, and somebody has `editor` no more.
async fn a_house(t: &TestApp) -> Visitor {
    for name in ["reader", "editor", "senior", "chief"] {
        roles::create(&t.app, &cli(), &role(name), "").await.unwrap();
        allow(t, name, &format!("{name}s:write")).await;
    }
    for (name, other) in [("chief", "senior"), ("senior", "editor"), ("editor", "reader")] {
        roles::include(&t.app, &cli(), &role(name), &role(other)).await.unwrap();
    }
    t.user("kim", &["editor"]).await;
    t.user("lou", &["editor", "senior"]).await;
    t.user("max", &["chief"]).await;
    let gone = t.user("gone", &[]).await;
    let soon = Until::At(t.app.now() + Duration::hours(1));
    grants::grant(&t.app, &cli(), gone.id, &role("editor"), soon, "").await.unwrap();
    t.advance(Duration::hours(1));
    t.signed_in("ada", &["admin"]).await
}

/// Asserts that the page asks, in exactly these lines, and that asking has changed nothing.
async fn assert_asks(t: &TestApp, visitor: &Visitor, path: &str, lines: &[String]) {
    let before = t.db.dump().await;
    let page = t.get_as(visitor, path).await;
    assert_eq!(page.outcome(), "200", "{path}");
    let (_, list) = page.text().split_once("<ul class=\"bullets\">").unwrap();
    let list = list.split_once("</ul>").unwrap().0;
    let said: Vec<_> = list.split("<li>").skip(1).collect();
    let said: Vec<_> = said.iter().map(|line| line.split_once("</li>").unwrap().0).collect();
    let said: Vec<_> = said.into_iter().map(markup::unescaped).collect();
    assert_eq!(said, lines, "{path}");
    t.db.assert_unchanged(&before).await;
}

async fn a_page_that_asks_first_says_what_ends(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &["user", "auditor"]).await;
    let soon = Until::At(t.app.now() + Duration::hours(1));
    let manager = role("user-manager");
    grants::grant(&t.app, &cli(), kim.id, &manager, soon, "").await.unwrap();
    for _ in 0..3 {
        t.login("kim").await;
    }
    let path = user_path(&t, "kim").await;
    let at = |what: &str| format!("{path}{what}");
    assert_asks(
        &t,
        &ada,
        &at("/remove"),
        &confirm::remove_lines(3, &names(&["auditor", "user", "user-manager"])),
    )
    .await;
    // What has ended by itself is not lost once more.
    t.advance(Duration::hours(1));
    let ada = t.login("ada").await;
    assert_asks(&t, &ada, &at("/disable"), &confirm::disable_lines(3)).await;
    assert_asks(&t, &ada, &at("/remove"), &confirm::remove_lines(3, &names(&["auditor", "user"])))
        .await;
    assert_asks(&t, &ada, &at("/sessions/end"), &confirm::end_sessions_lines(3)).await;
    let revoke = at("/revoke?role=auditor");
    let audits = ["audit:read", "roles:read", "sessions:read", "settings:read", "users:read"];
    let audits = audits.map(|name| format!("rolecall.{name}"));
    let lost = confirm::revoke_lines("kim", &names(&["auditor"]), &audits);
    assert_asks(&t, &ada, &revoke, &lost).await;
    // What comes through another grant is not lost.
    roles::create(&t.app, &cli(), &role("chief"), "").await.unwrap();
    roles::create(&t.app, &cli(), &role("clerk"), "").await.unwrap();
    roles::include(&t.app, &cli(), &role("chief"), &role("clerk")).await.unwrap();
    let lou = t.user("lou", &["chief", "clerk"]).await;
    let revoke = |role: &str| format!("/admin/users/{}/revoke?role={role}", lou.id);
    assert_asks(&t, &ada, &revoke("clerk"), &confirm::revoke_lines("lou", &[], &[])).await;
    let lost = confirm::revoke_lines("lou", &names(&["chief"]), &[]);
    assert_asks(&t, &ada, &revoke("chief"), &lost).await;
    for missing in ["admin", "zz", ""] {
        let answer = t.get_as(&ada, &at(&format!("/revoke?role={missing}"))).await;
        let said = format!("kim does not have the role {missing} (any more).");
        assert_nothing_to_end(&answer, &said, &path, text::error::TO_USER);
    }

    let notice = async |answer: Answer, expected: &str| {
        let page = t.get_as(&ada, answer.location()).await;
        assert!(markup::unescaped(page.text()).contains(expected), "{expected}");
    };
    notice(t.post_form(&ada, &at("/sessions/end"), &[]).await, "3 sessions have ended.").await;
    assert_asks(&t, &ada, &at("/disable"), &confirm::disable_lines(0)).await;
    t.login("kim").await;
    notice(
        t.post_form(&ada, &at("/disable"), &[]).await,
        "The account is disabled: nobody can sign in to it. 1 session has",
    )
    .await;
    let taken = t.post_form(&ada, &at("/revoke"), &[("role", "auditor")]).await;
    notice(taken, text::notice::REVOKED).await;
    assert_asks(&t, &ada, &at("/remove"), &confirm::remove_lines(0, &names(&["user"]))).await;
    notice(t.post_form(&ada, &at("/remove"), &[]).await, text::notice::USER_REMOVED).await;
}

async fn the_page_before_a_role_is_deleted_says_who_loses_it(t: TestApp) {
    let ada = a_house(&t).await;
    let path = |name: &str| format!("/admin/roles/{name}/delete");
    let (own, below) = (names(&["editors:write"]), names(&["reader"]));
    let lines = delete_role_lines(
        ("2", &names(&["kim", "lou"])),
        (&own, &below),
        (&names(&["chief", "senior"]), "3"),
    );
    assert_eq!(lines[0], "2 users hold it and lose it at once: kim, lou.");
    let above = "Whoever has it through these roles loses it too: chief, senior. In all, 3 users";
    assert!(lines[1].starts_with(above), "{}", lines[1]);
    assert_asks(&t, &ada, &path("editor"), &lines).await;
    let lines = delete_role_lines(
        ("1", &names(&["max"])),
        (&names(&["chiefs:write"]), &names(&["senior"])),
        (&[], "1"),
    );
    assert_asks(&t, &ada, &path("chief"), &lines).await;
    roles::create(&t.app, &cli(), &role("unused"), "").await.unwrap();
    let lines = delete_role_lines(("0", &[]), (&[], &[]), (&[], "0"));
    assert_asks(&t, &ada, &path("unused"), &lines).await;

    let visitors = [t.login("kim").await, t.login("lou").await, t.login("max").await];
    for visitor in &visitors {
        assert_eq!(t.get_as(visitor, "/auth/check?role=editor").await.outcome(), "200");
    }
    let answer = t.post_form(&ada, &path("editor"), &[]).await;
    assert_eq!(answer.outcome(), "303 /admin/roles?done");
    for visitor in &visitors {
        assert_eq!(t.get_as(visitor, "/auth/check?role=editor").await.outcome(), "403");
    }
}

async fn names_of_holders_are_told_to_those_alone_who_may_see_users(t: TestApp) {
    a_house(&t).await;
    roles::create(&t.app, &cli(), &role("writer"), "").await.unwrap();
    for permission in ["rolecall.roles:write", "editors:write", "readers:write"] {
        allow(&t, "writer", permission).await;
    }
    let writer = t.signed_in("wim", &["writer"]).await;
    let above = names(&["chief", "senior"]);
    let parts = (&names(&["editors:write"])[..], &names(&["reader"])[..]);
    let path = "/admin/roles/editor/delete";
    let lines = delete_role_lines(("2", &[]), parts, (&above, "3"));
    assert_asks(&t, &writer, path, &lines).await;
    // And is led to what they may open.
    let page = t.get_as(&writer, path).await;
    assert!(page.text().contains("href=\"/account\">Cancel"));
    allow(&t, "writer", "rolecall.users:read").await;
    let lines = delete_role_lines(("2", &names(&["kim", "lou"])), parts, (&above, "3"));
    assert_asks(&t, &writer, path, &lines).await;
}

async fn the_page_before_a_permission_is_removed_says_who_loses_it(t: TestApp) {
    let ada = a_house(&t).await;
    let above = names(&["chief", "senior"]);
    let of = Having { role: "editor", people: "3", above: &above };
    let lines = confirm::deny_lines(&of, "editors:write");
    let counted = "3 users have editor, directly or through roles that include it, and lose \
                   editors:write at once, unless another role gives it.";
    assert_eq!(lines[0], counted);
    assert!(lines[1].contains("chief, senior"), "{}", lines[1]);
    let path = "/admin/roles/editor/deny?permission=editors:write";
    assert_asks(&t, &ada, path, &lines).await;
    let page = t.get_as(&ada, "/admin/roles/editor").await;
    assert!(markup::links(page.text()).contains(&path.to_owned()), "{}", page.text());
    let asked = t.get_as(&ada, path).await;
    assert!(markup::links(asked.text()).contains(&"/admin/roles/editor".to_owned()));
    let form = markup::form_to(asked.text(), "/admin/roles/editor/deny").unwrap();
    assert_eq!(form.value("permission"), Some("editors:write"));
    let max = t.login("max").await;
    let check = "/auth/check?permission=editors:write";
    assert_eq!(t.get_as(&max, check).await.outcome(), "200");
    let fields = [("permission", "editors:write")];
    let done = t.post_form(&ada, "/admin/roles/editor/deny", &fields).await;
    assert_eq!(done.outcome(), "303 /admin/roles/editor?done");
    assert_eq!(t.get_as(&max, check).await.outcome(), "403");
    let of = Having { role: "chief", people: "1", above: &[] };
    let path = "/admin/roles/chief/deny?permission=chiefs:write";
    assert_asks(&t, &ada, path, &confirm::deny_lines(&of, "chiefs:write")).await;
    roles::create(&t.app, &cli(), &role("unused"), "").await.unwrap();
    allow(&t, "unused", "nothing:read").await;
    let of = Having { role: "unused", people: "0", above: &[] };
    let path = "/admin/roles/unused/deny?permission=nothing:read";
    assert_asks(&t, &ada, path, &confirm::deny_lines(&of, "nothing:read")).await;
}

async fn the_page_before_an_include_is_removed_says_what_goes_with_it(t: TestApp) {
    let ada = a_house(&t).await;
    let above = names(&["chief"]);
    let of = Having { role: "senior", people: "2", above: &above };
    let mut goes = Excluded {
        people: Some("1".to_owned()),
        above: above.clone(),
        roles: names(&["reader"]),
        permissions: names(&["editors:write", "readers:write"]),
    };
    let lines = confirm::exclude_lines(&of, "editor", &goes);
    assert_eq!(lines.len(), 4, "{lines:?}");
    // lou has it by a grant too.
    let said = "Of 2 users who have senior, directly or through roles that include it, 1 loses \
                editor at once. To the others another role gives it.";
    assert_eq!(lines[0], said);
    let path = "/admin/roles/senior/exclude?other=editor";
    assert_asks(&t, &ada, path, &lines).await;
    goes.people = None;
    let said = confirm::exclude_lines(&of, "editor", &goes)[0].clone();
    assert!(said.ends_with("lose editor at once, unless another role gives it."), "{said}");
    let page = t.get_as(&ada, "/admin/roles/senior").await;
    assert!(markup::links(page.text()).contains(&path.to_owned()), "{}", page.text());
    let asked = t.get_as(&ada, path).await;
    let form = markup::form_to(asked.text(), "/admin/roles/senior/exclude").unwrap();
    assert_eq!(form.value("other"), Some("editor"));
    let max = t.login("max").await;
    assert_eq!(t.get_as(&max, "/auth/check?role=reader").await.outcome(), "200");
    let fields = [("other", "editor")];
    let done = t.post_form(&ada, "/admin/roles/senior/exclude", &fields).await;
    assert_eq!(done.outcome(), "303 /admin/roles/senior?done");
    assert_eq!(t.get_as(&max, "/auth/check?role=reader").await.outcome(), "403");
}

async fn the_page_before_an_include_is_removed_counts_those_alone_who_lose_it(t: TestApp) {
    let ada = a_house(&t).await;
    let asks =
        async |path: &str, people: (&str, &str), above: (&[&str], &[&str]), gone: &[&str]| {
            let (name, other) = path.split_once('/').unwrap();
            let of = Having { role: name, people: people.0, above: &names(above.0) };
            let lost = Excluded {
                people: Some(people.1.to_owned()),
                above: names(above.1),
                roles: names(
                    &gone.iter().filter(|one| !one.contains(':')).copied().collect::<Vec<_>>(),
                ),
                permissions: names(
                    &gone.iter().filter(|one| one.contains(':')).copied().collect::<Vec<_>>(),
                ),
            };
            let path = format!("/admin/roles/{name}/exclude?other={other}");
            let lines = confirm::exclude_lines(&of, other, &lost);
            assert_asks(&t, &ada, &path, &lines).await;
            lines[0].clone()
        };
    let (above, goes) = (["chief", "senior"], ["readers:write"]);
    let said = asks("editor/reader", ("3", "3"), (&above, &above), &goes).await;
    assert!(said.ends_with("and lose reader at once."), "{said}");
    let goes = ["editor", "editors:write", "reader", "readers:write", "seniors:write"];
    let said = asks("chief/senior", ("1", "1"), (&[], &[]), &goes).await;
    assert_eq!(said, "1 user has chief and loses senior at once.");
    // Another way: through another role of theirs, through another include, and by a grant.
    roles::include(&t.app, &cli(), &role("chief"), &role("reader")).await.unwrap();
    let said = asks("editor/reader", ("3", "2"), (&above, &["senior"]), &["readers:write"]).await;
    assert!(said.contains(", 2 lose reader at once."), "{said}");
    let ned = t.user("ned", &["chief", "reader"]).await;
    let goes = ["editor", "editors:write", "seniors:write"];
    asks("chief/senior", ("2", "2"), (&[], &[]), &goes).await;
    let said = asks("chief/reader", ("2", "0"), (&[], &[]), &[]).await;
    assert_eq!(said, "2 users have chief and keep reader: another role gives it.");
    // What has ended is no other way, and nobody's loss.
    let soon = Until::At(t.app.now() + Duration::hours(1));
    grants::grant(&t.app, &cli(), ned.id, &role("senior"), soon, "").await.unwrap();
    asks("chief/senior", ("2", "1"), (&[], &[]), &goes).await;
    t.advance(Duration::hours(1));
    let ada = t.login("ada").await;
    let of = Having { role: "chief", people: "2", above: &[] };
    let lost = Excluded {
        people: Some("2".to_owned()),
        above: Vec::new(),
        roles: names(&["editor"]),
        permissions: names(&["editors:write", "seniors:write"]),
    };
    let path = "/admin/roles/chief/exclude?other=senior";
    assert_asks(&t, &ada, path, &confirm::exclude_lines(&of, "senior", &lost)).await;
    roles::create(&t.app, &cli(), &role("unused"), "").await.unwrap();
    roles::include(&t.app, &cli(), &role("unused"), &role("chief")).await.unwrap();
    let page = t.get_as(&ada, "/admin/roles/unused/exclude?other=chief").await;
    assert!(page.text().contains("Nobody has unused, so nobody loses chief."));
}

async fn the_page_before_a_grantor_is_removed_says_who_may_no_longer_grant(t: TestApp) {
    let ada = a_house(&t).await;
    let grantor = RoleChange::AddGrantor(role("editor"));
    change(&t.app, &cli(), &role("reader"), &[grantor]).await.unwrap();
    let above = names(&["chief", "senior"]);
    let of = Having { role: "editor", people: "3", above: &above };
    let lines = confirm::remove_grantor_lines(&of, "reader");
    assert!(lines[0].contains("may no longer grant or revoke reader"), "{}", lines[0]);
    let path = "/admin/roles/reader/ungrantor?other=editor";
    assert_asks(&t, &ada, path, &lines).await;
    let page = t.get_as(&ada, "/admin/roles/reader").await;
    assert!(markup::links(page.text()).contains(&path.to_owned()), "{}", page.text());
    let asked = t.get_as(&ada, path).await;
    let form = markup::form_to(asked.text(), "/admin/roles/reader/ungrantor").unwrap();
    assert_eq!(form.value("other"), Some("editor"));
    // Nobody manages users here.
    let of = Having { role: "user-manager", people: "0", above: &[] };
    let path = "/admin/roles/reader/ungrantor?other=user-manager";
    assert_asks(&t, &ada, path, &confirm::remove_grantor_lines(&of, "reader")).await;
}

const ENDED: &str = "This session has ended already.";

/// Ids of the user's live sessions.
async fn sessions_of(t: &TestApp, name: &str) -> Vec<Uuid> {
    let user = users::find(&t.app, name).await.unwrap();
    let live = rolecall::db::sessions::list_of_user(&t.app.db, user.id, t.app.now()).await;
    live.unwrap().into_iter().map(|session| session.id).collect()
}

/// Asserts that the page says this of the session, and returns where it leads instead.
async fn says(t: &TestApp, visitor: &Visitor, path: &str, said: &[&str]) -> Vec<String> {
    let before = t.db.dump().await;
    let page = t.get_as(visitor, path).await;
    assert_eq!(page.outcome(), "200", "{path}");
    let text = markup::unescaped(page.text());
    for said in said {
        assert!(text.contains(said), "{path} does not say {said}: {text}");
    }
    t.db.assert_unchanged(&before).await;
    markup::links(page.text())
}

async fn the_page_before_a_session_ends_says_whose_and_where_it_is(t: TestApp) {
    let mia = t.signed_in("mia", &["user-manager"]).await;
    t.signed_in("kim", &["user"]).await;
    let kim = user_path(&t, "kim").await;
    let session = sessions_of(&t, "kim").await[0];
    let path = format!("/admin/sessions/{session}/end");
    let said = [
        "End this session of kim?",
        text::sessions::UNKNOWN_DEVICE,
        "at 127.0.0.1",
        "signed in 22 Nov 2026, 21:53",
        "last used 22 Nov 2026, 21:53",
        "signed out at once",
    ];
    for (back, to) in [
        (kim.as_str(), kim.as_str()),
        ("", "/admin/sessions"),
        ("https://evil.example/", "/admin/sessions"),
    ] {
        let address = format!("{path}?back={back}");
        let links = says(&t, &mia, &address, &said).await;
        assert!(links.contains(&to.to_owned()), "{back}: {links:?}");
        assert!(!links.iter().any(|link| link.contains("evil")), "{links:?}");
        let page = t.get_as(&mia, &address).await;
        let form = markup::form_to(page.text(), &path).unwrap();
        assert_eq!(form.value("back"), Some(to));
    }
    for (page, back) in [(kim.as_str(), kim.as_str()), ("/admin/sessions", "/admin/sessions")] {
        let shown = t.get_as(&mia, page).await;
        let link = format!("{path}?back={back}");
        assert!(markup::links(shown.text()).contains(&link), "{page}");
    }
    let own = sessions_of(&t, "mia").await[0];
    let path_of_own = format!("/admin/sessions/{own}/end");
    says(&t, &mia, &path_of_own, &["the one that you use now"]).await;
    let done = t.post_form(&mia, &path, &[("back", &kim)]).await;
    assert_eq!(done.outcome(), format!("303 {kim}?done"));
    assert!(sessions_of(&t, "kim").await.is_empty());
    let gone = t.get_as(&mia, &path).await;
    assert_nothing_to_end(&gone, ENDED, "/admin/sessions", text::error::TO_SESSIONS);
}

async fn the_pages_before_ones_own_sessions_end_say_which(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let this = sessions_of(&t, "kim").await[0];
    t.login("kim").await;
    let other = sessions_of(&t, "kim").await.into_iter().find(|id| *id != this).unwrap();
    t.signed_in("lou", &[]).await;
    let lous = sessions_of(&t, "lou").await[0];
    let at = |query: &str| format!("/account/sessions/end?{query}");
    let account = t.get_as(&kim, "/account").await;
    for (query, said) in [
        (format!("id={other}"), "Whoever uses it is signed out at once."),
        (format!("id={this}"), "the one that you use now, so you are signed out."),
        ("others=1".to_owned(), "1 open session ends at once."),
    ] {
        assert!(markup::links(account.text()).contains(&at(&query)), "{query}");
        let links = says(&t, &kim, &at(&query), &[said]).await;
        assert!(links.contains(&"/account".to_owned()), "{query}: {links:?}");
        let page = t.get_as(&kim, &at(&query)).await;
        let form = markup::form_to(page.text(), "/account/sessions/end").unwrap();
        let (name, value) = query.split_once('=').unwrap();
        assert_eq!(form.value(name), Some(value));
    }
    // Of somebody else's nothing is told.
    for id in [lous, Uuid::nil()] {
        let answer = t.get_as(&kim, &at(&format!("id={id}"))).await;
        assert_nothing_to_end(&answer, ENDED, "/account", text::error::TO_ACCOUNT);
    }
    let done = t.post_form(&kim, "/account/sessions/end", &[("others", "1")]).await;
    assert_eq!(done.outcome(), "303 /account?done");
    assert_eq!(sessions_of(&t, "kim").await, [this]);
    says(&t, &kim, &at("others=1"), &["There is no open session to end."]).await;
}

async fn what_is_not_there_to_end_is_told_with_a_way_back(t: TestApp) {
    let ada = a_house(&t).await;
    for (what, said) in [
        ("deny?permission=no:such", text::refusal::not_carried("editor", "no:such")),
        ("deny?permission=", text::refusal::not_carried("editor", "")),
        // It comes through an include, and is not to be taken out here.
        ("deny?permission=readers:write", text::refusal::not_carried("editor", "readers:write")),
        ("exclude?other=chief", text::refusal::not_included("editor", "chief")),
        ("exclude", text::refusal::not_included("editor", "")),
        ("ungrantor?other=zz", text::refusal::no_grantor("editor", "zz")),
    ] {
        let answer = t.get_as(&ada, &format!("/admin/roles/editor/{what}")).await;
        assert_nothing_to_end(&answer, &said, "/admin/roles/editor", text::error::TO_ROLE);
    }
}

async fn an_error_below_a_user_or_role_leads_back_to_it(t: TestApp) {
    let ada = a_house(&t).await;
    let kim = user_path(&t, "kim").await;
    let own = user_path(&t, "ada").await;
    let role = |name: &str| format!("/admin/roles/{name}");
    let back = |answer: &Answer, status: u16, href: &str| {
        assert_eq!(answer.status(), status, "{href}");
        let links = markup::links(answer.text());
        assert!(links.contains(&href.to_owned()), "{href}: {links:?}");
    };
    let revoked = t.post_form(&ada, &format!("{kim}/revoke"), &[("role", "chief")]).await;
    back(&revoked, 409, &kim);
    back(&t.post_form(&ada, &format!("{own}/disable"), &[]).await, 409, &own);
    back(&t.get_as(&ada, &format!("{kim}/nothing")).await, 404, &kim);
    back(&t.post_form(&ada, &format!("{}/delete", role("user")), &[]).await, 409, &role("user"));
    back(&t.get_as(&ada, &format!("{}/nothing", role("editor"))).await, 404, &role("editor"));
    // What is not there, or is nobody's business, leads elsewhere.
    let nobody = format!("/admin/users/{}", Uuid::nil());
    let visitor = t.login("kim").await;
    for (visitor, page) in [(&ada, &nobody), (&ada, &role("none")), (&visitor, &kim)] {
        let answer = t.get_as(visitor, &format!("{page}/nothing")).await;
        assert_eq!(answer.outcome(), "404");
        assert!(!markup::links(answer.text()).contains(page), "{page}");
    }
}
