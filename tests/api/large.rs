//! Very much of something: the pages stay whole and small.

use rolecall::db::UserId;
use uuid::Uuid;

use super::strange::STRANGE;
use crate::support::{Answer, Engine, TestApp, Visitor, both_engines};

both_engines!(
    five_hundred_roles_deep_and_wide_are_shown,
    a_thousand_sessions_of_one_user_are_shown,
    five_hundred_grants_of_one_user_are_shown,
    whoever_is_far_behind_others_is_found_page_by_page,
);

/// Elements that have no end.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "path", "rect"];

/// An answer of this status, a page with every element closed in its order.
pub fn assert_whole(page: &Answer, status: u16, place: &str) {
    assert_eq!(page.status(), status, "{place}");
    let mut open = Vec::new();
    let mut rest = page.text();
    assert!(rest.trim_end().ends_with("</html>"), "{place} is cut");
    while let Some((_, tag)) = rest.split_once('<') {
        let end =
            end_of_tag(tag).unwrap_or_else(|| panic!("{place}: a tag without an end: {tag:.80}"));
        let (inside, after) = tag.split_at(end);
        rest = &after[1..];
        let name =
            inside.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        if inside.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{place} closes {name}");
        } else if !inside.starts_with('!') && !inside.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{place} leaves open {open:?}");
}

/// Where the `>` of a tag is, which may stand in a quoted value too.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut is_quoted = false;
    tag.find(|character| {
        is_quoted ^= character == '"';
        character == '>' && !is_quoted
    })
}

/// Most bytes of a page's HTML, so that with style, script and icon it is no larger than 60 KB.
fn most() -> usize {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static")).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().unwrap().len() as usize);
    60_000 - sizes.sum::<usize>()
}

/// Each of these pages is whole, and none too large.
pub async fn look_at(t: &TestApp, visitor: &Visitor, paths: &[&str]) {
    let (mut large, most) = (Vec::new(), most());
    for path in paths {
        let page = t.get_as(visitor, path).await;
        assert_whole(&page, 200, path);
        if page.body.len() > most {
            large.push(format!("{path}: {} bytes", page.body.len()));
        }
    }
    assert!(large.is_empty(), "too large:\n{}", large.join("\n"));
}

pub const NOW: &str = "'2026-11-22T21:53:20Z'";

pub fn id(t: &TestApp, id: Uuid) -> String {
    match t.db.engine {
        Engine::Sqlite => format!("x'{}'", id.simple()),
        Engine::Postgres => format!("'{id}'"),
    }
}

/// Inserts the rows that `row` writes for the numbers below `count`.
pub async fn insert(t: &TestApp, into: &str, count: usize, row: impl Fn(usize) -> String) {
    let rows: Vec<_> = (0..count).map(|number| format!("({})", row(number))).collect();
    t.db.execute(&format!("insert into {into} values {}", rows.join(","))).await;
}

/// Makes the roles `r-000` to `r-499`: the first half a chain, each with a permission; the second
/// half all in `r-250`, and each grantor of it.
pub async fn five_hundred_roles(t: &TestApp) {
    let role = |n: usize| format!("'r-{n:03}'");
    let columns = "roles (name, description, created_at)";
    insert(t, columns, 500, |n| format!("{}, 'Part {n}', {NOW}", role(n))).await;
    insert(t, "permissions (name, description)", 500, |n| format!("'thing-{n}:read', ''")).await;
    let columns = "role_permissions (role_name, permission_name)";
    insert(t, columns, 500, |n| format!("{}, 'thing-{n}:read'", role(n))).await;
    let columns = "role_includes (role_name, included_name)";
    insert(t, columns, 249, |n| format!("{}, {}", role(n), role(n + 1))).await;
    insert(t, columns, 249, |n| format!("{}, {}", role(250), role(n + 251))).await;
    let columns = "role_grantors (role_name, grantor_name)";
    insert(t, columns, 249, |n| format!("{}, {}", role(250), role(n + 251))).await;
}

/// Grants one user the first so many of the roles, from their end backwards.
pub async fn grants(t: &TestApp, user: UserId, count: usize) {
    let columns = "grants (user_id, role_name, granted_at, granted_by, reason, ends_at)";
    let user = id(t, user.0);
    let row = |n: usize| {
        let end = if n.is_multiple_of(2) { "null" } else { "'9999-12-31T23:59:00Z'" };
        format!("{user}, 'r-{:03}', {NOW}, 'cli:root', 'Reason {n}', {end}", 499 - n)
    };
    insert(t, columns, count, row).await;
}

async fn five_hundred_roles_deep_and_wide_are_shown(t: TestApp) {
    five_hundred_roles(&t).await;
    let kim = t.user("kim", &["r-000", "r-250"]).await;
    let person = format!("/admin/users/{}", kim.id);
    let explained = format!("{person}?explain=thing-249:read");
    let admin = t.signed_in("lee", &["admin"]).await;
    let pages = [
        "/admin",
        "/admin/roles",
        "/admin/roles?after=r-400",
        "/admin/roles/r-000",
        "/admin/roles/r-249",
        "/admin/roles/r-250",
        "/admin/roles/r-499",
        "/admin/roles/r-250/delete",
        "/admin/roles/r-249/deny?permission=thing-249:read",
        "/admin/roles/r-100/exclude?other=r-101",
        "/admin/roles/r-250/ungrantor?other=r-400",
        "/admin/roles/admin",
        "/admin/users",
        "/admin/users/new",
        "/admin/audit",
        "/account",
        &person,
        &explained,
    ];
    look_at(&t, &admin, &pages).await;
    let page = t.get_as(&admin, &explained).await;
    assert!(page.text().contains("r-248"), "both ends of the path are told");
    // Somebody who may not do everything is asked about each role, too.
    let manager = t.signed_in("mo", &["user-manager"]).await;
    look_at(&t, &manager, &[&person, "/admin/users", "/admin/users/new", "/admin/roles/r-000"])
        .await;
    let own = t.login("kim").await;
    look_at(&t, &own, &["/account"]).await;
    let answer =
        t.get_as(&own, "/auth/check?permission=thing-249:read&permission=thing-499:read").await;
    assert_eq!(answer.outcome(), "200");
}

async fn a_thousand_sessions_of_one_user_are_shown(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let admin = t.signed_in("lee", &["admin"]).await;
    let columns = "sessions (id, digest, user_id, remember, created_at, last_seen_at,
                             idle_expires_at, absolute_expires_at, ip, user_agent)";
    let user = id(&t, kim.id.0);
    let strange = STRANGE.map(|text| text.replace('\'', "''"));
    insert(&t, columns, 1000, |n| {
        let (own, end) = (id(&t, Uuid::from_u128(n as u128 + 1)), "'2026-11-23T09:00:00Z'");
        let agent = &strange[n % strange.len()];
        format!(
            "{own}, 'digest {n}', {user}, {}, {NOW}, {NOW}, {end}, {end}, '203.0.113.1', '{agent}'",
            n % 2 == 0
        )
    })
    .await;
    let person = format!("/admin/users/{}", kim.id);
    let (ask, more) =
        (format!("{person}/sessions/end"), format!("user=kim&after={}", Uuid::from_u128(500)));
    let pages = [
        "/admin",
        "/admin/sessions",
        "/admin/sessions?user=kim",
        &format!("/admin/sessions?{more}"),
        &person,
        &ask,
    ];
    look_at(&t, &admin, &pages).await;
    let own = t.login("kim").await;
    look_at(&t, &own, &["/account"]).await;
    let answer = t.post_form(&own, "/account/sessions/end", &[("others", "1")]).await;
    assert_eq!(answer.outcome(), "303 /account?done");
    assert!(t.is_signed_in(&own).await);
    assert_eq!(t.db.count("sessions").await, 2);
}

async fn five_hundred_grants_of_one_user_are_shown(t: TestApp) {
    five_hundred_roles(&t).await;
    let kim = t.user("kim", &[]).await;
    grants(&t, kim.id, 500).await;
    let admin = t.signed_in("lee", &["admin"]).await;
    let person = format!("/admin/users/{}", kim.id);
    let explained = format!("{person}?explain=r-249");
    let pages = [
        "/admin/users",
        "/admin/users?role=r-250",
        "/admin/roles/r-250",
        &person,
        &explained,
        &format!("{person}/remove"),
        &format!("{person}/disable"),
        &format!("{person}/revoke?role=r-250"),
    ];
    look_at(&t, &admin, &pages).await;
    let manager = t.signed_in("mo", &["user-manager"]).await;
    look_at(&t, &manager, &[&person, "/admin/users"]).await;
    let own = t.login("kim").await;
    look_at(&t, &own, &["/account"]).await;
    assert_eq!(t.get_as(&own, "/auth/check?role=r-000&role=r-499").await.outcome(), "200");
}

/// Who meets a filter is looked for among so many users at once, and no more.
async fn whoever_is_far_behind_others_is_found_page_by_page(t: TestApp) {
    let admin = t.signed_in("lee", &["admin"]).await;
    let last = t.user("zoe", &[]).await;
    let user = |n: usize| id(&t, Uuid::from_u128(n as u128 + 1));
    let columns = "users (id, status, username, display_name, session_epoch, created_at,
                          last_login_at)";
    insert(&t, columns, 10_010, |n| {
        format!("{}, 'active', 'kim-{n:05}', '', 0, {NOW}, {NOW}", user(n))
    })
    .await;
    let key = |n: usize| match t.db.engine {
        Engine::Sqlite => format!("cast('kim-{n:05}' as blob)"),
        Engine::Postgres => format!("'kim-{n:05}'"),
    };
    let columns = "login_keys (key, kind, user_id)";
    insert(&t, columns, 10_010, |n| format!("{}, 'name', {}", key(n), user(n))).await;
    let (mut path, mut pages) = ("/admin/users?login=never".to_owned(), 0);
    let zoe = format!("/admin/users/{}", last.id);
    loop {
        let page = t.get_as(&admin, &path).await;
        assert_whole(&page, 200, &path);
        pages += 1;
        let next = page.text().split_once("rel=\"next\"").map(|(before, _)| before);
        if page.text().contains(&zoe) {
            assert_eq!(next, None, "she is the last one");
            break;
        }
        let before = next.expect("a next page, though nobody is on this one");
        let (_, href) = before.rsplit_once("href=\"").expect("a link");
        path = href.split('"').next().expect("an address").replace("&#38;", "&");
    }
    assert_eq!(pages, 5);
    // All of them are found by what they share.
    look_at(&t, &admin, &["/admin/users?q=kim", "/admin/users?q=kim&after=kim-09990"]).await;
    assert!(
        t.get_as(&admin, "/admin/users?q=kim&after=kim-09990").await.text().contains("kim-10009")
    );
    let nobody = t.get_as(&admin, "/admin/users?q=kim-1&login=never").await;
    assert!(!nobody.text().contains("rel=\"next\""), "ten are looked through at once");
}
