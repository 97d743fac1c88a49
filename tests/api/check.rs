//! `/auth/check`, as reverse proxies ask it.

use axum::{body::Body, http::Method};
use rolecall::auth::{
    grants::{self, Until},
    name::{Email, PermissionName},
    users::{self, FirstPassword, NewUser},
};
use time::Duration;

use crate::support::{
    PASSWORD, TestApp, Visitor, both_engines, cli, password, role, roles, username,
};

both_engines!(
    commas_mean_any_of_and_repetition_all_of,
    an_anonymous_request_is_401_whatever_it_asks_for,
    an_unknown_parameter_is_400,
    no_answer_of_a_check_may_be_stored,
    the_application_is_told_who_it_is,
    an_admin_has_every_permission_but_no_other_role,
    included_roles_count_everywhere,
    permissions_over_4_kb_are_left_out,
    a_grant_is_refused_from_its_last_second_on,
);

fn permission(name: &str) -> PermissionName {
    PermissionName::parse(name).unwrap()
}

/// A role of an application with its permissions.
async fn new_role(t: &TestApp, name: &str, permissions: &[&str]) {
    roles::create(&t.app, &cli(), &role(name), "").await.unwrap();
    for name_of in permissions {
        roles::allow(&t.app, &cli(), &role(name), &permission(name_of)).await.unwrap();
    }
}

async fn commas_mean_any_of_and_repetition_all_of(t: TestApp) {
    new_role(&t, "editor", &["reports:write", "reports:read"]).await;
    new_role(&t, "viewer", &["reports:list"]).await;
    new_role(&t, "owner", &["reports:delete"]).await;
    let kim = t.signed_in("kim", &["editor", "viewer"]).await;
    for (query, status) in [
        ("", 200),
        ("?", 200),
        ("?role=editor", 200),
        ("?role=owner", 403),
        ("?role=owner,editor", 200),
        ("?role=owner,nobody", 403),
        ("?role=editor&role=viewer", 200),
        ("?role=editor&role=owner", 403),
        ("?role=owner,editor&role=viewer,nobody", 200),
        ("?role=nobody", 403),
        ("?role=nobody,editor", 200),
        ("?role=", 403),
        ("?role", 403),
        ("?role=,", 403),
        ("?role=editor&role=", 403),
        ("?role=EDITOR", 403),
        ("?role=edit", 403),
        ("?role=editor%20", 403),
        ("?role=%65ditor", 200),
        ("?role=owner%2Ceditor", 200),
        ("?role=editor%00", 403),
        ("?role=%ff", 403),
        ("?permission=reports:write", 200),
        ("?permission=reports%3Awrite", 200),
        ("?permission=reports:delete", 403),
        ("?permission=reports:delete,reports:list", 200),
        ("?permission=reports:write&permission=reports:list", 200),
        ("?permission=reports:write&permission=reports:delete", 403),
        ("?permission=nothing:ever", 403),
        ("?permission=editor", 403),
        ("?role=reports:write", 403),
        ("?role=editor&permission=reports:list", 200),
        ("?role=owner&permission=reports:list", 403),
        ("?role=editor&permission=reports:delete", 403),
    ] {
        let answer = t.get_as(&kim, &format!("/auth/check{query}")).await;
        assert_eq!(answer.outcome(), status.to_string(), "{query}");
        assert_eq!(answer.header("remote-user").is_empty(), status != 200, "{query}");
    }
}

async fn an_anonymous_request_is_401_whatever_it_asks_for(t: TestApp) {
    for query in ["", "?role=admin", "?role=", "?permission=nothing:ever", "?redirect=1"] {
        let answer = t.get(&format!("/auth/check{query}")).await;
        assert_eq!(answer.outcome(), "401", "{query}");
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("remote-")));
        assert_eq!(answer.header("www-authenticate"), "", "no browser may ask by itself");
    }
}

async fn an_unknown_parameter_is_400(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    for query in [
        "?roles=admin",
        "?Role=admin",
        "?role=admin&x=y",
        "?redirect=0",
        "?redirect=true",
        "?redirect",
        "?=admin",
        "?role[]=admin",
        "?%ff=admin",
    ] {
        for visitor in [&Visitor::new(), &ada] {
            let answer = t.get_as(visitor, &format!("/auth/check{query}")).await;
            assert_eq!(answer.outcome(), "400", "{query}");
        }
    }
}

async fn no_answer_of_a_check_may_be_stored(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let html = ("accept", "text/html");
    for (visitor, method, path, header, outcome) in [
        (&kim, Method::GET, "/auth/check", html, "200"),
        (&kim, Method::HEAD, "/auth/check", html, "200"),
        (&kim, Method::GET, "/auth/check?role=admin", html, "403"),
        (&kim, Method::GET, "/auth/check?x=y", html, "400"),
        (&kim, Method::POST, "/auth/check", html, "405"),
        (&Visitor::new(), Method::GET, "/auth/check", html, "401 http://127.0.0.1:8000/login"),
        (
            &Visitor::new(),
            Method::GET,
            "/auth/check?redirect=1",
            html,
            "302 http://127.0.0.1:8000/login",
        ),
    ] {
        let request = t.request(method.clone(), path).header(header.0, header.1);
        let answer = t.send_as(visitor, request, Body::empty()).await;
        assert_eq!(answer.outcome(), outcome, "{method} {path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{method} {path}");
    }
}

async fn the_application_is_told_who_it_is(t: TestApp) {
    new_role(&t, "editor", &["reports:write"]).await;
    let chosen = password(PASSWORD);
    let roles = [role("editor"), role("auditor")];
    let new = NewUser {
        username: username("zoë"),
        email: Some(Email::parse("Zoë.K@Example.com").unwrap()),
        display_name: "Zoë 💥 Krüger, \"Z\"".into(),
        roles: &roles,
        password: FirstPassword::Chosen(&chosen),
    };
    let user = users::create(&t.app, &cli(), new).await.unwrap().user;
    let zoe = t.login("zoë").await;
    let answer = t.get_as(&zoe, "/auth/check").await;
    assert_eq!(answer.outcome(), "200");
    assert!(answer.body.is_empty());
    for (name, value) in [
        ("remote-user", "zoë"),
        ("remote-user-id", &user.id.to_string()),
        ("remote-name", "Zoë 💥 Krüger, \"Z\""),
        ("remote-email", "Zoë.K@Example.com"),
        ("remote-groups", "auditor,editor"),
        (
            "remote-permissions",
            "reports:write,rolecall.audit:read,rolecall.roles:read,rolecall.sessions:read,\
             rolecall.settings:read,rolecall.users:read",
        ),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }

    // Who has less, tells less; and the id survives a rename.
    let kim = t.user("kim", &[]).await;
    let visitor = t.login("kim").await;
    users::rename(&t.app, &cli(), kim.id, &username("lou")).await.unwrap();
    let answer = t.get_as(&visitor, "/auth/check").await;
    assert_eq!(answer.header("remote-user"), "lou");
    assert_eq!(answer.header("remote-name"), "lou");
    assert_eq!(answer.header("remote-user-id"), kim.id.to_string());
    assert!(!answer.headers.contains_key("remote-email"));
    assert_eq!(answer.header("remote-groups"), "");
    assert_eq!(answer.header("remote-permissions"), "");
}

async fn an_admin_has_every_permission_but_no_other_role(t: TestApp) {
    new_role(&t, "editor", &["reports:write"]).await;
    let ada = t.signed_in("ada", &["admin"]).await;
    let answer = t.get_as(&ada, "/auth/check?role=admin&permission=reports:write").await;
    assert_eq!(answer.outcome(), "200");
    let permissions: Vec<_> = answer.header("remote-permissions").split(',').collect();
    assert!(permissions.contains(&"reports:write"));
    assert!(permissions.contains(&"rolecall.settings:read"));
    assert_eq!(permissions.len(), 9);
    assert_eq!(answer.header("remote-groups"), "admin");
    for (query, outcome) in [
        ("role=editor", "403"),
        ("role=auditor", "403"),
        ("permission=nothing:ever", "403"),
        ("permission=rolecall.users:write", "200"),
    ] {
        let answer = t.get_as(&ada, &format!("/auth/check?{query}")).await;
        assert_eq!(answer.outcome(), outcome, "{query}");
    }
}

async fn included_roles_count_everywhere(t: TestApp) {
    new_role(&t, "viewer", &["reports:read"]).await;
    new_role(&t, "editor", &["reports:write"]).await;
    new_role(&t, "chief", &[]).await;
    for (name, other) in [("chief", "editor"), ("editor", "viewer")] {
        roles::include(&t.app, &cli(), &role(name), &role(other)).await.unwrap();
    }
    let kim = t.signed_in("kim", &["chief"]).await;
    let all = "/auth/check?role=chief&role=viewer&permission=reports:read&permission=reports:write";
    let answer = t.get_as(&kim, all).await;
    assert_eq!(answer.outcome(), "200");
    assert_eq!(answer.header("remote-groups"), "chief,editor,viewer");
    assert_eq!(answer.header("remote-permissions"), "reports:read,reports:write");
    // Not the other way round, and no longer than the include lasts.
    let lou = t.signed_in("lou", &["viewer"]).await;
    assert_eq!(t.get_as(&lou, "/auth/check?role=editor").await.outcome(), "403");
    roles::exclude(&t.app, &cli(), &role("chief"), &role("editor")).await.unwrap();
    assert_eq!(t.get_as(&kim, all).await.outcome(), "403");
    assert_eq!(t.get_as(&kim, "/auth/check?role=chief").await.outcome(), "200");
}

async fn permissions_over_4_kb_are_left_out(t: TestApp) {
    // Each of 31 bytes, and a comma between them.
    let names: Vec<_> = (0..129).map(|n| format!("reports.number-{n:04}:write-it-up")).collect();
    assert_eq!(names[0].len(), 31);
    let fitting: Vec<_> = names[..128].iter().map(String::as_str).collect();
    new_role(&t, "editor", &fitting).await;
    let kim = t.signed_in("kim", &["editor"]).await;
    let answer = t.get_as(&kim, "/auth/check").await;
    assert_eq!(answer.header("remote-permissions").len(), 128 * 32 - 1);

    roles::allow(&t.app, &cli(), &role("editor"), &permission(&names[128])).await.unwrap();
    let last = format!("/auth/check?permission={}", names[128]);
    let answer = t.get_as(&kim, &last).await;
    assert_eq!(answer.outcome(), "200");
    assert!(!answer.headers.contains_key("remote-permissions"));
    assert_eq!(answer.header("remote-groups"), "editor");
    assert_eq!(answer.header("remote-user"), "kim");
}

async fn a_grant_is_refused_from_its_last_second_on(t: TestApp) {
    let kim = t.user("kim", &["user"]).await;
    let visitor = t.login("kim").await;
    let end = Until::At(t.app.now() + Duration::minutes(1));
    grants::grant(&t.app, &cli(), kim.id, &role("auditor"), end, "an hour").await.unwrap();
    let outcomes = async || {
        let mut outcomes = Vec::new();
        for path in [
            "/auth/check?role=auditor",
            "/auth/check?permission=rolecall.audit:read",
            "/admin/users",
        ] {
            outcomes.push(t.get_as(&visitor, path).await.status());
        }
        outcomes
    };
    assert_eq!(outcomes().await, [200, 200, 200]);
    t.advance(Duration::seconds(59));
    assert_eq!(outcomes().await, [200, 200, 200]);
    t.advance(Duration::SECOND);
    assert_eq!(outcomes().await, [403, 403, 403]);
    let answer = t.get_as(&visitor, "/auth/check?role=user").await;
    assert_eq!(answer.header("remote-groups"), "user", "the rest stays");
}
