//! Every text as long as it may be, and as many as a page shows: no page gets too heavy, and
//! nothing is left out.

use serde_json::json;
use uuid::Uuid;

use crate::{
    api::large::{NOW, id, insert, look_at},
    support::{TestApp, both_engines, markup},
};

both_engines!(pages_stay_light_with_texts_as_long_as_they_may_be, long_texts_leave_nothing_out,);

/// So many characters, of the kinds that take most bytes: as UTF-8, and as HTML.
fn long(n: usize, count: usize) -> String {
    if n.is_multiple_of(2) { "𠀀".repeat(count) } else { "'".repeat(count) }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A role's name of 64 characters.
fn role(n: usize) -> String {
    format!("r{n:03}{}", "-".repeat(60))
}

/// A permission of 64 characters.
fn permission(n: usize) -> String {
    format!("p{n:03}{}:{}", "x".repeat(29), "y".repeat(30))
}

/// A user's name of 64 characters.
fn name(n: usize) -> String {
    format!("{}{n:04}", "𠀀".repeat(60))
}

fn user_id(n: usize) -> Uuid {
    Uuid::from_u128(n as u128 + 1)
}

/// 500 roles, each with 500 characters of description and 6 permissions. The first includes all
/// others, which may grant it; the last is included by all others.
async fn roles(t: &TestApp) {
    let columns = "roles (name, description, created_at)";
    insert(t, columns, 500, |n| format!("'{}', {}, {NOW}", role(n), quoted(&long(n, 500)))).await;
    insert(t, "permissions (name, description)", 500, |n| format!("'{}', ''", permission(n))).await;
    let columns = "role_permissions (role_name, permission_name)";
    insert(t, columns, 3000, |n| format!("'{}', '{}'", role(n / 6), permission(n % 500))).await;
    insert(t, columns, 400, |n| format!("'{}', '{}'", role(0), permission(n + 6))).await;
    let columns = "role_includes (role_name, included_name)";
    insert(t, columns, 498, |n| format!("'{}', '{}'", role(0), role(n + 1))).await;
    insert(t, columns, 499, |n| format!("'{}', '{}'", role(n), role(499))).await;
    let columns = "role_grantors (role_name, grantor_name)";
    insert(t, columns, 499, |n| format!("'{}', '{}'", role(0), role(n + 1))).await;
}

/// 100 users, who hold 8 roles each; the first holds all.
async fn users(t: &TestApp) {
    let columns = "users (id, status, username, display_name, email, session_epoch, created_at,
                          last_login_at)";
    insert(t, columns, 100, |n| {
        let mail = format!("{}{n:04}@{}.example", "m".repeat(60), "h".repeat(180));
        let (own, shown) = (id(t, user_id(n)), quoted(&long(n, 200)));
        format!("{own}, 'active', '{}', {shown}, '{mail}', 0, {NOW}, {NOW}", name(n))
    })
    .await;
    let columns = "login_keys (key, kind, user_id)";
    insert(t, columns, 100, |n| {
        let key = name(n);
        let key = match t.db.engine {
            crate::support::Engine::Sqlite => format!("cast('{key}' as blob)"),
            crate::support::Engine::Postgres => format!("'{key}'"),
        };
        format!("{key}, 'name', {}", id(t, user_id(n)))
    })
    .await;
    let columns = "grants (user_id, role_name, granted_at, granted_by, granted_by_id, reason,
                           ends_at)";
    let end = "'2026-11-25T00:00:00Z'";
    let grant = |user: usize, of: usize| {
        let (holder, by) = (id(t, user_id(user)), id(t, user_id(99)));
        let reason = quoted(&long(of, 500));
        format!("{holder}, '{}', {NOW}, 'user', {by}, {reason}, {end}", role(of))
    };
    insert(t, columns, 500, |n| grant(0, n)).await;
    insert(t, columns, 792, |n| grant(1 + n / 8, n % 8)).await;
}

/// 100 sessions of the first user and of others.
async fn sessions(t: &TestApp) {
    let columns = "sessions (id, digest, user_id, remember, created_at, last_seen_at,
                             idle_expires_at, absolute_expires_at, ip, user_agent)";
    let (end, agent) = ("'2026-11-23T09:00:00Z'", quoted(&"SamsungBrowser ".repeat(20)));
    let ip = "2001:0db8:0000:0000:0000:ff00:0042:8329";
    insert(t, columns, 200, |n| {
        let (own, user) = (id(t, user_id(n)), id(t, user_id(n.saturating_sub(100))));
        format!("{own}, 'd{n}', {user}, true, {NOW}, {NOW}, {end}, {end}, '{ip}', {agent}")
    })
    .await;
}

/// 100 records of the first user, with all that a record can say.
async fn records(t: &TestApp) {
    let record = |n: usize| Uuid::from_u128((0x0190_0000_0000 + n as u128) << 80);
    let columns = "audit (id, at, action, actor, actor_id, target, target_id, detail, request_id)";
    let (user, request) = (id(t, user_id(0)), Uuid::max());
    insert(t, columns, 100, |n| {
        let (before, after) = (long(n, 500), long(n + 1, 500));
        let (action, kind, target, detail) = match n % 3 {
            0 => {
                let side =
                    |reason: &str| json!({ "until": "2026-11-25T00:00:00Z", "reason": reason });
                let detail =
                    json!({ "role": role(n), "before": side(&before), "after": side(&after) });
                ("grant.create", "user", user_id(0).to_string(), detail)
            }
            1 => {
                let detail = json!({ "before": before, "after": after });
                ("role.describe", "role", role(n), detail)
            }
            _ => ("user.edit", "user", user_id(0).to_string(), json!({})),
        };
        let (own, detail) = (id(t, record(n)), quoted(&detail.to_string()));
        format!(
            "{own}, {NOW}, '{action}', 'user', {user}, '{kind}', '{target}', {detail}, '{request}'"
        )
    })
    .await;
    let columns = "audit_personal (audit_id, part, user_id, content)";
    let ip = "2001:0db8:0000:0000:0000:ff00:0042:8329";
    insert(t, columns, 200, |n| {
        let side = |n: usize| {
            json!({ "username": name(n), "email": "m".repeat(254), "display_name": long(n, 200) })
        };
        let content = match n % 2 {
            0 => json!({ "name": name(0), "ip": ip }),
            _ => json!({ "name": name(0), "before": side(n), "after": side(n + 1) }),
        };
        let (part, own) = (["actor", "target"][n % 2], id(t, record(n / 2)));
        format!("{own}, '{part}', {user}, {}", quoted(&content.to_string()))
    })
    .await;
}

async fn pages_stay_light_with_texts_as_long_as_they_may_be(t: TestApp) {
    roles(&t).await;
    users(&t).await;
    sessions(&t).await;
    records(&t).await;
    let admin = t.signed_in(&name(5000), &["admin", "user-manager"]).await;
    let hash = "(select password_hash from users where password_hash is not null)";
    let first = id(&t, user_id(0));
    t.db.execute(&format!("update users set password_hash = {hash} where id = {first}")).await;
    let person = format!("/admin/users/{}", user_id(0));
    let hub = format!("/admin/roles/{}", role(0));
    let end = format!("/admin/roles/{}", role(499));
    let pages = [
        "/admin".to_owned(),
        "/admin/users".to_owned(),
        format!("/admin/users?role={}", role(0)),
        format!("/admin/users/{}", user_id(1)),
        "/admin/users/new".to_owned(),
        person.clone(),
        format!("{person}?grants={}", role(200)),
        format!("{person}?permissions={}", permission(200)),
        format!("{person}?explain={}", permission(499)),
        format!("{person}?explain={}", role(499)),
        format!("{person}/remove"),
        format!("{person}/disable"),
        format!("{person}/sessions/end"),
        format!("{person}/revoke?role={}", role(9)),
        "/admin/roles".to_owned(),
        "/admin/roles/new".to_owned(),
        "/admin/roles/admin".to_owned(),
        hub.clone(),
        format!("{hub}?includes={}", role(200)),
        format!("{hub}?after={}", user_id(9)),
        format!("{hub}/delete"),
        end.clone(),
        format!("{end}?included_in={}", role(200)),
        format!("{end}/delete"),
        "/admin/sessions".to_owned(),
        format!("/admin/sessions?user={}", user_id(0)),
        "/admin/audit".to_owned(),
        "/admin/audit?action=grant.create".to_owned(),
        "/admin/audit?action=role.describe".to_owned(),
        "/admin/audit?action=user.edit".to_owned(),
        format!("/admin/audit?target={}", user_id(0)),
        "/account".to_owned(),
        "/logout".to_owned(),
    ];
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    look_at(&t, &admin, &pages).await;
    let manager = t.signed_in(&name(5001), &["user-manager"]).await;
    look_at(&t, &manager, &[&person, "/admin/users", &hub, &end, "/admin"]).await;
    let own = t.login(&name(0)).await;
    let pages =
        ["/account", "/account?roles=r200", "/account?permissions=p200", "/account?sessions=x"];
    look_at(&t, &own, &pages).await;
}

async fn long_texts_leave_nothing_out(t: TestApp) {
    roles(&t).await;
    users(&t).await;
    sessions(&t).await;
    records(&t).await;
    let admin = t.signed_in("lee", &["admin"]).await;
    for (path, expected) in [
        ("/admin/users", 101),
        ("/admin/roles", 504),
        ("/admin/sessions", 201),
        ("/admin/audit?action=role.describe", 33),
        ("/admin/audit?action=user.edit", 33),
    ] {
        let (mut address, mut seen) = (path.to_owned(), Vec::new());
        loop {
            let page = t.get_as(&admin, &address).await;
            assert_eq!(page.outcome(), "200", "{address}");
            match markup::rows(page.text()) {
                rows if rows.is_empty() => {
                    let lines = page.text().split("<p class=\"when\">").skip(1);
                    seen.extend(lines.map(str::to_owned));
                }
                // Sessions of one person differ in nothing but what their link ends.
                rows if path == "/admin/sessions" => {
                    let mut ends = markup::links(page.text());
                    ends.retain(|link| link.contains("/end?"));
                    assert_eq!(ends.len(), rows.len());
                    seen.extend(ends);
                }
                rows => seen.extend(rows.into_iter().map(|row| row.join("|"))),
            }
            let Some(next) = markup::link(page.text(), "next") else { break };
            address = next;
        }
        assert_eq!(seen.len(), expected, "{path}");
        if !path.starts_with("/admin/audit") {
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), expected, "{path}: each once");
        }
    }
}
