//! What ends and who leaves, over the pages: a grant at its second, and a person with all that
//! is theirs.

use std::net::IpAddr;

use axum::http::{Method, header};
use rolecall::{
    auth::{
        Error,
        grants::{self, Until},
        link, users,
    },
    db::audit::{self, Filter},
    text,
    web::Peer,
};
use time::Duration;
use uuid::Uuid;

use crate::support::{
    PASSWORD, TestApp, Visitor, both_engines, cli, form, insist, markup, role, roles, username,
};

both_engines!(
    a_grant_ends_at_its_second_everywhere,
    whose_role_has_ended_changes_nothing_from_that_second_on,
    an_end_is_in_the_trail_once_however_many_look,
    an_end_is_in_the_trail_before_something_takes_its_place,
    nothing_personal_is_left_of_who_was_removed,
    the_trail_and_the_pages_speak_of_a_removed_person,
    removed_people_are_told_apart,
    who_takes_the_name_of_a_removed_person_inherits_nothing,
);

async fn path(t: &TestApp, name: &str, what: &str) -> String {
    format!("/admin/users/{}{what}", users::find(&t.app, name).await.unwrap().id)
}

async fn ends(t: &TestApp) -> Vec<audit::Record> {
    let filter = Filter { action: "grant.end".to_owned(), ..Filter::default() };
    let all = (Uuid::nil(), Uuid::max());
    audit::list(&t.app.db, &filter, all, 1000).await.unwrap()
}

async fn a_grant_ends_at_its_second_everywhere(t: TestApp) {
    let other = t.beside().await;
    let ada = t.signed_in("ada", &["admin"]).await;
    roles::create(&t.app, &cli(), &role("senior"), "").await.unwrap();
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    roles::include(&t.app, &cli(), &role("senior"), &role("editor")).await.unwrap();
    let kim = t.signed_in("kim", &[]).await;
    let user = path(&t, "kim", "").await;
    for (role, until) in [("auditor", "2026-11-22T22:00"), ("senior", "2026-11-22T22:00:00")] {
        let fields = [("role", role), ("until", until)];
        let answer = t.post_form(&ada, &format!("{user}/grant"), &fields).await;
        assert_eq!(answer.outcome(), format!("303 {user}?done"));
    }
    // The clock stands at 21:53:20.
    for (step, holds) in [(0, true), (399, true), (1, false), (1, false)] {
        t.advance(Duration::seconds(step));
        for process in [&t, &other] {
            let sees = async |visitor: &Visitor, path: &str| {
                let page = process.get_as(visitor, path).await;
                (page.outcome(), markup::unescaped(page.text()))
            };
            let allowed = if holds { "200" } else { "403" };
            for path in [
                "/admin",
                "/admin/audit",
                "/auth/check?role=auditor",
                "/auth/check?role=senior",
                "/auth/check?role=editor",
                "/auth/check?permission=rolecall.audit:read",
            ] {
                assert_eq!(sees(&kim, path).await.0, allowed, "{path} {step}");
            }
            let groups = process.get_as(&kim, "/auth/check").await;
            let expected = if holds { "auditor,editor,senior" } else { "" };
            assert_eq!(groups.header("remote-groups"), expected);
            let (_, account) = sees(&kim, "/account").await;
            assert_eq!(account.contains(text::account::NO_ROLES), !holds);
            assert_eq!(account.contains("href=\"/admin\""), holds);
            for what in ["editor", "rolecall.audit:read"] {
                let (_, page) = sees(&ada, &format!("{user}?explain={what}")).await;
                assert_eq!(page.contains("answer-yes"), holds, "{what}");
                let ended = text::explain::ended(
                    if what == "editor" { "senior" } else { "auditor" },
                    "22 Nov 2026, 22:00\u{a0}UTC",
                );
                assert_eq!(page.contains(&ended), !holds, "{page}");
            }
            let (_, page) = sees(&ada, &user).await;
            assert_eq!(page.matches(text::user::ENDED).count(), if holds { 0 } else { 2 });
            for role in ["auditor", "senior"] {
                let (_, list) = sees(&ada, &format!("/admin/users?role={role}")).await;
                let rows = markup::rows(&list);
                assert_eq!(rows.len(), usize::from(holds), "{role}");
                let (_, page) = sees(&ada, &format!("/admin/roles/{role}")).await;
                assert_eq!(page.contains(text::role::NO_HOLDERS), !holds, "{role}");
                let csv = sees(&ada, &format!("/admin/roles/{role}/holders.csv")).await.1;
                assert_eq!(csv.lines().count(), 1 + usize::from(holds), "{role}");
            }
            let (_, list) = sees(&ada, "/admin/users?q=kim").await;
            assert_eq!(list.contains("<bdi>auditor</bdi>"), holds);
            let (_, overview) = sees(&ada, "/admin").await;
            assert_eq!(overview.contains(text::overview::ENDING_EMPTY), !holds);
        }
    }
}

async fn whose_role_has_ended_changes_nothing_from_that_second_on(t: TestApp) {
    let t = t.unthrottled().await;
    t.user("lou", &[]).await;
    let mia = t.user("mia", &[]).await;
    let soon = Until::At(t.app.now() + Duration::seconds(10));
    let manager = role("user-manager");
    grants::grant(&t.app, &cli(), mia.id, &manager, soon, "").await.unwrap();
    let visitor = t.login("mia").await;
    let token = t.form_token(&visitor).await.unwrap();
    let fields = form(&[("role", "user"), ("form_token", &token)]);
    let grant = path(&t, "lou", "/grant").await;
    t.advance(Duration::seconds(9));
    let answer = t.post(&visitor, &grant, fields.clone()).await;
    assert!(answer.outcome().starts_with("303"), "{}", answer.outcome());
    let linked = t.post_form(&visitor, &path(&t, "lou", "/link").await, &[]).await;
    let (_, token) = linked.text().split_once("/link?token=").unwrap();
    let link = format!("/link?token={}", token.split_once('"').unwrap().0);
    assert_eq!(t.get(&link).await.outcome(), "200");
    t.advance(Duration::seconds(1));
    let before = t.db.dump().await;
    assert_eq!(t.post(&visitor, &grant, fields).await.outcome(), "403");
    assert_eq!(t.get(&link).await.outcome(), "410", "a link is as good as its maker");
    t.db.assert_unchanged(&before).await;
}

async fn an_end_is_in_the_trail_once_however_many_look(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let end = t.app.now() + Duration::seconds(60);
    for number in 0..120 {
        let user = t.user(&format!("kim{number}"), &[]).await;
        let until = if number == 0 { end + Duration::seconds(1) } else { end };
        let until = Until::At(until);
        grants::grant(&t.app, &cli(), user.id, &role("user"), until, "a while").await.unwrap();
    }
    t.advance(Duration::seconds(59));
    grants::record_ends(&t.app).await.unwrap();
    assert_eq!(ends(&t).await.len(), 0, "none has ended yet");
    t.advance(Duration::seconds(1));
    let looking = t.at_once(6, |t, _| async move {
        let process = t.beside().await;
        let is_busy =
            |looked: &Result<_, Error>| looked.as_ref().is_err_and(|error| error.is_temporary());
        insist(is_busy, || grants::record_ends(&process.app)).await
    });
    for looked in looking.await.unwrap() {
        looked.unwrap();
    }
    let records = ends(&t).await;
    assert_eq!(records.len(), 119);
    let mut targets: Vec<_> = records.iter().map(|record| record.target_id.clone()).collect();
    targets.sort();
    targets.dedup();
    assert_eq!(targets.len(), 119, "each once");
    assert!(records.iter().all(|record| record.actor == "system" && record.at == end));
    let page = t.get_as(&ada, "/admin/audit?action=grant.end&target=kim1").await;
    assert!(page.text().contains("user"), "{}", page.text());
    assert_eq!(page.text().matches("<li>\n<p class=\"when\">").count(), 1);
}

async fn an_end_is_in_the_trail_before_something_takes_its_place(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    let soon = Until::At(t.app.now() + Duration::seconds(10));
    for name in ["again", "revoked", "removed", "deleted", "disabled"] {
        let user = t.user(name, &[]).await;
        grants::grant(&t.app, &cli(), user.id, &role("editor"), soon, "").await.unwrap();
    }
    t.advance(Duration::seconds(10));
    let at = async |name: &str, what: &str| path(&t, name, what).await;
    let mut count = 0;
    for (name, form, fields) in [
        ("again", at("again", "/grant").await, vec![("role", "editor")]),
        ("revoked", at("revoked", "/revoke").await, vec![("role", "editor")]),
        ("removed", at("removed", "/remove").await, vec![]),
        ("deleted", "/admin/roles/editor/delete".to_owned(), vec![]),
    ] {
        let answer = t.post_form(&ada, &form, &fields).await;
        assert!(answer.location().ends_with("?done"), "{name}: {}", answer.outcome());
        // The last one takes those that were left with it.
        count += if name == "deleted" { 2 } else { 1 };
        assert_eq!(ends(&t).await.len(), count, "{name}");
        let actions = t.db.audited().await;
        assert_eq!(actions.iter().filter(|one| *one == "grant.end").count(), count);
        assert_ne!(actions.last().unwrap(), "grant.end", "the end came before {name}");
    }
    grants::record_ends(&t.app).await.unwrap();
    assert_eq!(ends(&t).await.len(), count, "none twice");
}

const ADDRESS: &str = "203.0.113.77";

/// Logs in as a browser of its own from an address of its own would.
async fn login_from_elsewhere(t: &TestApp, name: &str, password: &str) -> Visitor {
    let visitor = Visitor::new();
    let address: IpAddr = ADDRESS.parse().unwrap();
    let builder = t
        .request(Method::POST, "/login")
        .header(header::ORIGIN, t.origin())
        .header(header::USER_AGENT, "KimBrowser/7")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .extension(Peer(Some(address)));
    let fields = form(&[("username", name), ("password", password)]);
    t.send_as(&visitor, builder, fields.into()).await;
    visitor
}

/// Somebody with a profile, roles, sessions and links, who has done things to others.
async fn a_person_with_a_past(t: &TestApp, ada: &Visitor) -> Visitor {
    t.user("kim-of-old", &["user-manager", "user"]).await;
    t.user("lou", &[]).await;
    let edit = [
        ("username", "kim-renamed"),
        ("email", "Kim.Mail@Example.com"),
        ("display_name", "Kim Displayed"),
        ("version", "0"),
    ];
    t.post_form(ada, &path(t, "kim-of-old", "").await, &edit).await;
    login_from_elsewhere(t, "kim-renamed", "wrong password").await;
    login_from_elsewhere(t, "Kim.Mail@Example.com", "wrong password").await;
    let kim = login_from_elsewhere(t, "kim-renamed", PASSWORD).await;
    assert!(t.is_signed_in(&kim).await);
    let grant = [("role", "user"), ("reason", "first day")];
    t.post_form(&kim, &path(t, "lou", "/grant").await, &grant).await;
    t.post_form(ada, &path(t, "kim-renamed", "/link").await, &[]).await;
    let kim_login = t.login("kim-renamed").await;
    t.log_out(&kim_login).await;
    kim
}

async fn nothing_personal_is_left_of_who_was_removed(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = a_person_with_a_past(&t, &ada).await;
    let id = users::find(&t.app, "kim-renamed").await.unwrap().id;
    let words = [
        "kim-of-old",
        "kim-renamed",
        "kim.mail@example.com",
        "kim displayed",
        "kimbrowser",
        ADDRESS,
    ];
    let dump = t.db.dump().await.to_lowercase();
    for word in words {
        assert!(dump.contains(word), "else this test sees nothing: {word}");
    }
    let records = t.db.count("audit").await;
    let answer = t.post_form(&ada, &path(&t, "kim-renamed", "/remove").await, &[]).await;
    assert_eq!(answer.outcome(), "303 /admin/users?done");
    // The notice names them this once.
    t.get_as(&ada, answer.location()).await;
    let dump = t.db.dump().await.to_lowercase();
    for word in words {
        let lines =
            dump.lines().filter(|line| line.contains(word) || line.contains(&hex::encode(word)));
        // An address that failed is counted for a quarter of an hour, whoever it tried to be.
        let is_count = |line: &&str| line.starts_with("throttles: ") && line.contains("address");
        let lines = lines.filter(|line| !is_count(line));
        assert_eq!(lines.collect::<Vec<_>>(), [""; 0], "{word} is still there");
    }
    assert_eq!(t.db.count("audit").await, records + 1, "the trail stays, and grew");
    assert_eq!(t.db.count("users where status = 'removed'").await, 1);
    assert!(!t.is_signed_in(&kim).await);
    for what in ["", "/disable", "/remove", "/sessions/end"] {
        let page = t.get_as(&ada, &format!("/admin/users/{id}{what}")).await;
        assert_eq!(page.outcome(), "404", "{what}");
    }
}

async fn the_trail_and_the_pages_speak_of_a_removed_person(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    a_person_with_a_past(&t, &ada).await;
    let answer = t.post_form(&ada, &path(&t, "kim-renamed", "/remove").await, &[]).await;
    t.get_as(&ada, answer.location()).await;
    let lou = path(&t, "lou", "").await;
    let pages = ["/admin", "/admin/users", "/admin/audit", "/admin/roles/user", &lou];
    for page in pages.into_iter().chain(["/admin/audit.csv", "/admin/roles/user/holders.csv"]) {
        let shown = t.get_as(&ada, page).await;
        let shown = shown.text().to_lowercase();
        assert!(!shown.contains("kim"), "{page}: {shown}");
        if page != "/admin/users" {
            assert!(shown.contains(&text::audit::REMOVED_PERSON.to_lowercase()), "{page}");
        }
    }
}

async fn removed_people_are_told_apart(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let holder = t.user("holder", &[]).await;
    let mut ids = Vec::new();
    for (name, granted) in [("kim", "auditor"), ("lou", "user")] {
        ids.push(t.user(name, &["admin"]).await.id.to_string());
        let visitor = t.login(name).await;
        let grant = format!("/admin/users/{}/grant", holder.id);
        let answer = t.post_form(&visitor, &grant, &[("role", granted)]).await;
        assert_eq!(answer.status(), 303);
        t.post_form(&ada, &path(&t, name, "/remove").await, &[]).await;
    }
    let holder = path(&t, "holder", "").await;
    for (id, role) in ids.iter().zip(["auditor", "user"]) {
        let short = text::audit::removed_person(id);
        assert!(short.len() < 40 && short.contains(&id[28..]), "{short}");
        let by_id = format!("/admin/audit?actor={id}");
        for page in ["/admin", "/admin/audit", &by_id, &holder, &format!("/admin/roles/{role}")] {
            let shown = t.get_as(&ada, page).await;
            assert!(shown.text().contains(&short), "{short} on {page}");
        }
        let holders = t.get_as(&ada, &format!("/admin/roles/{role}/holders.csv")).await;
        assert!(holders.text().contains(&format!("{} ({id})", text::audit::REMOVED_PERSON)));
        let trail = t.get_as(&ada, "/admin/audit.csv").await;
        assert!(trail.text().contains(id.as_str()));
    }
    assert_ne!(ids[0][28..], ids[1][28..], "else this test sees nothing");
}

async fn who_takes_the_name_of_a_removed_person_inherits_nothing(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let old = t.user("kim", &["admin", "auditor"]).await;
    let cookie = t.login("kim").await;
    let old_link = link::make(&t.app, &cli(), old.id).await.unwrap().reveal();
    t.post_form(&ada, &path(&t, "kim", "/remove").await, &[]).await;
    let made = t.post_form(&ada, "/admin/users", &[("username", "KIM")]).await;
    let (_, token) = made.text().split_once("/link?token=").unwrap();
    let token = token.split_once('"').unwrap().0.to_owned();
    assert_eq!(t.get(&format!("/link?token={old_link}")).await.outcome(), "410");
    let chosen = form(&[("token", &token), ("password", "another horse battery staple")]);
    t.post(&Visitor::new(), "/link", chosen).await;
    let visitor = Visitor::new();
    assert_eq!(t.try_login(&visitor, "kim", PASSWORD).await.outcome(), "401");
    t.try_login(&visitor, "kim", "another horse battery staple").await;
    let check = t.get_as(&visitor, "/auth/check").await;
    let new = users::find(&t.app, username("kim").as_str()).await.unwrap();
    assert_ne!(new.id, old.id);
    assert_eq!(check.header("remote-user-id"), new.id.to_string());
    assert_eq!(check.header("remote-groups"), "");
    assert_eq!(t.get_as(&visitor, "/admin").await.outcome(), "403");
    assert!(!t.is_signed_in(&cookie).await);
    // Their part of the trail begins with them.
    let account = t.get_as(&visitor, "/account").await;
    assert!(!account.text().contains("auditor"), "{}", account.text());
    let records = |page: &str| page.matches("<p class=\"when\">").count();
    assert_eq!(records(account.text()), 5, "made, invited, password, refused, signed in");
    let page = t.get_as(&ada, &path(&t, "kim", "").await).await;
    assert!(page.text().contains(text::user::NO_GRANTS));
    let trail = t.get_as(&ada, "/admin/audit?target=kim").await;
    assert_eq!(records(trail.text()), 4, "the same without the session");
}
