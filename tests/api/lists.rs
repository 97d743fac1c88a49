//! The lists of the admin pages: what a search finds, that paging visits everybody once, that
//! the order is the same wherever the data lies, and what a spreadsheet gets.

use std::collections::BTreeSet;

use rolecall::{
    auth::{
        grants::{self, Until},
        name::PermissionName,
        roles::{RoleChange, change},
        users,
    },
    text,
};
use time::Duration;

use super::trail_lists::records;
use crate::support::{Database, TestApp, Visitor, both_engines, cli, form, markup, role, roles};

both_engines!(
    a_search_finds_what_a_name_or_email_begins_with,
    filters_narrow_the_search_alone_and_together,
    a_filter_that_is_none_of_those_offered_is_none,
    paging_visits_everybody_once_with_the_whole_search_in_the_address,
    the_list_of_sessions_is_paged_and_filtered,
    sessions_are_listed_newest_first,
    holders_are_listed_for_those_who_may_see_roles_and_users,
    lists_are_in_the_order_of_bytes,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_in_the_order_of_bytes_also_in_an_english_cluster() {
    let t = TestApp::with(Database::in_english().await, |_| {}).await;
    let english =
        t.db.texts("select x from (values ('ab'), ('a-b'), ('A')) v (x) order by x").await;
    assert_eq!(english, ["A", "a-b", "ab"], "else this test sees nothing");
    lists_are_in_the_order_of_bytes(t).await;
}

/// The first cell of each row of the page at this address.
async fn firsts(t: &TestApp, visitor: &Visitor, address: &str) -> Vec<String> {
    let page = t.get_as(visitor, address).await;
    assert_eq!(page.outcome(), "200", "{address}");
    markup::rows(page.text()).into_iter().map(|mut row| row.swap_remove(0)).collect()
}

async fn found(t: &TestApp, visitor: &Visitor, fields: &[(&str, &str)]) -> Vec<String> {
    firsts(t, visitor, &format!("/admin/users?{}", form(fields))).await
}

/// The first cells of this page and all that follow it. `search` is in each address.
pub async fn all_pages(
    t: &TestApp,
    visitor: &Visitor,
    path: &str,
    search: &str,
) -> Vec<Vec<String>> {
    let mut address = format!("{path}?{search}");
    let mut pages = Vec::new();
    loop {
        let page = t.get_as(visitor, &address).await;
        assert_eq!(page.outcome(), "200", "{address}");
        pages.push(match path {
            "/admin/audit" => records(page.text()),
            _ => markup::rows(page.text()).into_iter().map(|row| row.join("|")).collect(),
        });
        match markup::link(page.text(), "next") {
            Some(next) => address = next,
            None => return pages,
        }
        assert!(address.starts_with(&format!("{path}?{search}")), "{address}");
    }
}

async fn a_search_finds_what_a_name_or_email_begins_with(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    for (name, email) in [
        ("zoë", "someone@example.com"),
        ("zora", "zora@example.com"),
        ("a_b", "under@example.com"),
        ("axb", "score@example.com"),
        ("kim", "Zonk@Example.com"),
        ("100%", "percent@example.com"),
    ] {
        t.user_with_email(name, email).await;
    }
    for (typed, expected) in [
        ("zo", &["kim", "zora", "zoë"][..]),
        ("ZO", &["kim", "zora", "zoë"]),
        (" zo ", &["kim", "zora", "zoë"]),
        ("ｚｏ", &["kim", "zora", "zoë"]),
        ("zoë", &["zoë"]),
        ("ZOË", &["zoë"]),
        ("zoe\u{308}", &["zoë"]),
        ("zor", &["zora"]),
        ("zonk@example", &["kim"]),
        ("ZONK@EX", &["kim"]),
        ("ora", &[]),
        ("a_", &["a_b"]),
        ("a%", &[]),
        ("100%", &["100%"]),
        ("_", &[]),
        ("'; drop table users; --", &[]),
        ("\u{10ffff}", &[]),
    ] {
        // Whoever is found by both is listed once; by the name before the e-mail.
        let mut names = found(&t, &ada, &[("q", typed)]).await;
        names.sort();
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(names, expected, "{typed:?}");
    }
    let page = t.get_as(&ada, "/admin/users?q=%22%3E%3Cb%3E%26amp%3B").await;
    let search = markup::form_to(page.text(), "/admin/users").unwrap();
    assert_eq!(search.value("q"), Some("\"><b>&amp;"));
}

async fn filters_narrow_the_search_alone_and_together(t: TestApp) {
    for (name, roles) in [
        ("never", &["user"][..]),
        ("old", &["user"]),
        ("older", &["user", "auditor"]),
        ("recent", &["auditor"]),
        ("off", &["user"]),
        ("brief", &[]),
    ] {
        t.user(name, roles).await;
    }
    t.login("older").await;
    t.advance(Duration::days(340));
    t.login("old").await;
    t.advance(Duration::days(26));
    let id = |name: &'static str| {
        let t = t.clone();
        async move { users::find(&t.app, name).await.unwrap().id }
    };
    let soon = Until::At(t.app.now() + Duration::days(10));
    grants::grant(&t.app, &cli(), id("brief").await, &role("auditor"), soon, "").await.unwrap();
    for name in ["recent", "off"] {
        t.login(name).await;
    }
    users::disable(&t.app, &cli(), id("off").await).await.unwrap();
    t.advance(Duration::days(9));
    let ada = t.signed_in("ada", &["admin"]).await;
    let auditors = ["brief", "older", "recent"];
    assert_eq!(found(&t, &ada, &[("role", "auditor")]).await, auditors);
    t.advance(Duration::days(1));
    let ada2 = t.login("ada").await;
    drop(ada);
    for (fields, expected) in [
        (&[("role", "auditor")][..], &["older", "recent"][..]),
        (&[("role", "user")], &["never", "off", "old", "older"]),
        (&[("role", "no-such-role")], &[]),
        (&[("status", "disabled")], &["off"]),
        (&[("status", "active")], &["ada", "brief", "never", "old", "older", "recent"]),
        (&[("login", "never")], &["brief", "never"]),
        (&[("login", "30d")], &["ada", "off", "recent"]),
        (&[("login", "not30d")], &["brief", "never", "old", "older"]),
        (&[("login", "not365d")], &["brief", "never", "older"]),
        (&[("role", "user"), ("status", "active")], &["never", "old", "older"]),
        (&[("role", "user"), ("status", "disabled")], &["off"]),
        (&[("role", "user"), ("login", "not30d")], &["never", "old", "older"]),
        (&[("status", "disabled"), ("login", "never")], &[]),
        (&[("q", "o"), ("role", "user")], &["off", "old", "older"]),
        (&[("q", "o"), ("role", "user"), ("status", "active")], &["old", "older"]),
        (&[("q", "o"), ("role", "user"), ("status", "active"), ("login", "not365d")], &["older"]),
    ] {
        assert_eq!(found(&t, &ada2, fields).await, expected, "{fields:?}");
    }
}

async fn a_filter_that_is_none_of_those_offered_is_none(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    for search in ["status=removed", "status=Active", "login=yesterday"] {
        let page = t.get_as(&ada, &format!("/admin/users?{search}")).await;
        assert_eq!(page.outcome(), "200", "{search}");
        assert!(page.text().contains(">ada</bdi>"), "{search}");
    }
}

async fn paging_visits_everybody_once_with_the_whole_search_in_the_address(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let mut expected = BTreeSet::new();
    // Some are found by their names, some by their e-mails, some by both, some not at all.
    for number in 0..130 {
        let (name, email) = match number % 4 {
            0 => (format!("team-{number:03}"), format!("x{number}@example.com")),
            1 => (format!("name{number:03}"), format!("Team-{number:03}@example.com")),
            2 => (format!("team-{number:03}"), format!("team-{number:03}@example.com")),
            _ => (format!("other{number}"), format!("other{number}@example.com")),
        };
        let user = t.user_with_email(&name, &email).await;
        if number % 4 < 3 {
            let user_role = role("user");
            grants::grant(&t.app, &cli(), user.id, &user_role, Until::Always, "").await.unwrap();
            expected.insert(name);
        }
    }
    for search in ["q=Team-&role=user&status=active&login=not30d", "q=team-", "q=team-&role=user"] {
        let pages = all_pages(&t, &ada, "/admin/users", search).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 25, 23], "{search}");
        let names = pages.concat();
        let names: Vec<_> = names.iter().map(|row| row.split('|').next().unwrap()).collect();
        assert_eq!(names.len(), expected.len());
        assert_eq!(names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    }
    // Back to the first page leads the whole search, too.
    let search = "q=team-&role=user";
    let page = t.get_as(&ada, &format!("/admin/users?{search}")).await;
    let second = t.get_as(&ada, &markup::link(page.text(), "next").unwrap()).await;
    assert_eq!(markup::link(second.text(), "first"), Some(format!("/admin/users?{search}")));
    // Who is removed meanwhile makes nobody be missed or seen twice.
    let next = markup::link(page.text(), "next").unwrap();
    let before = firsts(&t, &ada, &next).await;
    let first = firsts(&t, &ada, "/admin/users?q=team-").await;
    let last = users::find(&t.app, first.last().unwrap()).await.unwrap();
    users::remove(&t.app, &cli(), last.id).await.unwrap();
    assert_eq!(firsts(&t, &ada, &next).await, before);
}

async fn the_list_of_sessions_is_paged_and_filtered(t: TestApp) {
    let t = t.beside_with(|settings| settings.max_sessions = 60).await;
    t.user_with_email("kim", "Kim@Example.com").await;
    t.user("lou", &[]).await;
    for _ in 0..60 {
        t.login("kim").await;
        t.login("lou").await;
    }
    let ada = t.signed_in("ada", &["admin"]).await;
    let all = all_pages(&t, &ada, "/admin/sessions", "").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 25, 25, 21]);
    let count = |name: &str| all.concat().iter().filter(|row| row.starts_with(name)).count();
    assert_eq!((count("ada"), count("kim"), count("lou")), (1, 60, 60));
    for typed in ["kim", "KIM", "kim%40example.com"] {
        let pages = all_pages(&t, &ada, "/admin/sessions", &format!("user={typed}")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 10], "{typed}");
        assert!(pages.concat().iter().all(|row| row.starts_with("kim")));
    }
    let page = t.get_as(&ada, "/admin/sessions?user=nobody").await;
    assert!(page.text().contains(text::sessions::NO_SUCH_USER));
    assert_eq!(markup::rows(page.text()).len(), 0);
    // What has ended is not listed.
    t.advance(Duration::hours(13));
    let ada = t.login("ada").await;
    let live = all_pages(&t, &ada, "/admin/sessions", "").await;
    assert_eq!(live.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
}

async fn sessions_are_listed_newest_first(t: TestApp) {
    let mut names = Vec::new();
    for number in 0..30 {
        let name = format!("kim{number:02}");
        t.signed_in(&name, &[]).await;
        t.advance(Duration::seconds(1));
        names.push(name);
    }
    let ada = t.signed_in("ada", &["admin"]).await;
    names.push("ada".to_owned());
    names.reverse();
    let pages = all_pages(&t, &ada, "/admin/sessions", "").await;
    let seen = pages.concat().into_iter().map(|row| row.split('|').next().unwrap().to_owned());
    assert_eq!(seen.collect::<Vec<_>>(), names);
    // Who comes meanwhile is seen on the first page, and nobody twice.
    let page = t.get_as(&ada, "/admin/sessions").await;
    let next = markup::link(page.text(), "next").unwrap();
    t.signed_in("zoe", &[]).await;
    assert_eq!(firsts(&t, &ada, &next).await, names[25..]);
    let second = t.get_as(&ada, &next).await;
    let first = markup::link(second.text(), "first").unwrap();
    assert_eq!(firsts(&t, &ada, &first).await[0], "zoe");
    assert_eq!(firsts(&t, &ada, "/admin/sessions?user=kim07").await, ["kim07"]);
}

async fn holders_are_listed_for_those_who_may_see_roles_and_users(t: TestApp) {
    for (name, permissions, expected) in [
        ("both", &["rolecall.users:read", "rolecall.roles:read"][..], "200"),
        ("users", &["rolecall.users:read"], "403"),
        ("roles", &["rolecall.roles:read"], "403"),
        ("none", &[], "403"),
    ] {
        roles::create(&t.app, &cli(), &role(name), "").await.unwrap();
        for permission in permissions {
            let permission = PermissionName::parse(permission).unwrap();
            roles::allow(&t.app, &cli(), &role(name), &permission).await.unwrap();
        }
        let visitor = t.signed_in(&format!("kim-{name}"), &[name]).await;
        let path = format!("/admin/roles/{name}/holders.csv");
        assert_eq!(t.get_as(&visitor, &path).await.outcome(), expected, "{name}");
        let page = t.get_as(&visitor, &format!("/admin/roles/{name}")).await;
        let is_offered = markup::links(page.text()).contains(&path);
        assert_eq!(is_offered, expected == "200", "{name}");
    }
}

async fn lists_are_in_the_order_of_bytes(t: TestApp) {
    let names = ["a-b", "ab", "A_b", "ä", "Z", "10", "9", "a.b", "é", "zz", "-"];
    for name in names {
        t.user(name, &[]).await;
    }
    let role_names = ["a-b", "ab", "a_b", "a.b", "10", "9", "z", "b", "a-c", "a"];
    let top = role("top");
    roles::create(&t.app, &cli(), &top, "").await.unwrap();
    for name in role_names {
        roles::create(&t.app, &cli(), &role(name), "").await.unwrap();
        let permission = PermissionName::parse(&format!("{name}:x")).unwrap();
        let changes = [
            RoleChange::Allow(permission),
            RoleChange::Include(role(name)),
            RoleChange::AddGrantor(role(name)),
        ];
        change(&t.app, &cli(), &top, &changes).await.unwrap();
    }
    let roles_of_ada: Vec<_> = role_names.into_iter().chain(["admin"]).collect();
    let ada = t.signed_in("ada", &roles_of_ada).await;

    let mut people: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    people.push("ada".into());
    people.sort();
    assert_eq!(firsts(&t, &ada, "/admin/users").await, people);
    let mut all = role_names.to_vec();
    all.extend(["admin", "user-manager", "auditor", "user", "top"]);
    all.sort();
    let listed = firsts(&t, &ada, "/admin/roles").await;
    for (cell, name) in listed.iter().zip(&all) {
        assert!(cell.starts_with(name), "{listed:?}");
    }
    assert_eq!(listed.len(), all.len());
    let user = users::find(&t.app, "ada").await.unwrap();
    let own = format!("/admin/users/{}", user.id);
    let mut granted: Vec<_> = roles_of_ada.clone();
    granted.sort();
    assert_eq!(firsts(&t, &ada, &own).await[..granted.len()], granted);
    for address in ["/admin/users", "/admin/users/new", &own, "/admin/roles/top", "/admin/roles/b"]
    {
        let page = t.get_as(&ada, address).await;
        for form in markup::forms(page.text()) {
            for (name, values) in &form.choices {
                let is_of_names = values.iter().any(|value| value == "a-b");
                assert!(!is_of_names || values.is_sorted(), "{address} {name}: {values:?}");
            }
            assert!(form.unticked.is_sorted(), "{address}: {:?}", form.unticked);
        }
        // What can be taken out of each list.
        for what in ["/deny?", "/exclude?", "/ungrantor?"] {
            let mut links = markup::ordered_links(page.text());
            links.retain(|link| link.contains(what));
            assert!(links.is_sorted(), "{address}: {links:?}");
            assert!(links.len() > 8 || address != "/admin/roles/top", "{what}: {links:?}");
        }
    }
}
