//! Nobody reaches above their own rights over the pages, by whatever way; and what they may do
//! works.

use rolecall::{
    auth::{
        Refusal, grants,
        grants::Until,
        name::PermissionName,
        roles::{RoleChange, change},
        users,
    },
    db::UserId,
    text,
};
use uuid::Uuid;

use crate::support::{Answer, PASSWORD, TestApp, Visitor, both_engines, cli, form, role, roles};

both_engines!(
    a_user_manager_reaches_nobody_who_has_more,
    a_user_manager_manages_who_has_no_more,
    an_auditor_changes_nothing,
    who_writes_roles_passes_on_no_more_than_they_have,
    who_writes_roles_may_pass_on_what_they_have,
    a_grantor_grants_that_role_to_others_and_nothing_else,
    what_became_stronger_after_the_form_was_opened_is_refused,
    a_link_reaches_no_further_than_who_made_it,
);

/// Everybody has the one role that is called like them, and roles-writers say what is in it.
const ROLES: [(&str, &[&str]); 8] = [
    ("reader", &["reports:read"]),
    ("editor", &["reports:write"]),
    ("vip", &[]),
    ("architect", &["rolecall.roles:read", "rolecall.roles:write", "reports:read"]),
    ("chief", &["rolecall.users:read", "rolecall.users:write", "rolecall.roles:write"]),
    ("lead", &["rolecall.users:read", "rolecall.roles:read"]),
    ("senior", &[]),
    ("junior", &[]),
];

/// ada is admin; mia and max manage users; aud is auditor; the others have a role of [`ROLES`]
/// each, and lou has none. `editor` and `chief` name `lead` as grantor and nobody else, `senior`
/// includes `editor`.
async fn populate(t: &TestApp) {
    let by = cli();
    for (name, permissions) in ROLES {
        roles::create(&t.app, &by, &role(name), "").await.unwrap();
        for permission in permissions {
            let permission = PermissionName::parse(permission).unwrap();
            roles::allow(&t.app, &by, &role(name), &permission).await.unwrap();
        }
    }
    for name in ["editor", "chief", "vip"] {
        let default = RoleChange::RemoveGrantor(role("user-manager"));
        let lead = RoleChange::AddGrantor(role("lead"));
        change(&t.app, &by, &role(name), &[default, lead]).await.unwrap();
    }
    roles::include(&t.app, &by, &role("senior"), &role("editor")).await.unwrap();
    for (name, role) in [
        ("ada", "admin"),
        ("bob", "admin"),
        ("mia", "user-manager"),
        ("max", "user-manager"),
        ("aud", "auditor"),
        ("kim", "editor"),
        ("sue", "senior"),
        ("art", "architect"),
        ("cleo", "chief"),
        ("lea", "lead"),
    ] {
        t.user(name, &[role]).await;
    }
    t.user("lou", &[]).await;
}

async fn id(t: &TestApp, name: &str) -> UserId {
    users::find(&t.app, name).await.unwrap().id
}

async fn path(t: &TestApp, name: &str, what: &str) -> String {
    format!("/admin/users/{}{what}", id(t, name).await)
}

/// Asserts that the answer refuses and says why, in words of the rule.
fn assert_refused(answer: &Answer, what: &str) {
    assert!([403, 422].contains(&answer.status()), "{what}: {}", answer.outcome());
    let page = answer.text();
    let reasons = [&Refusal::NotYours.to_string(), text::form::NOT_YOURS, text::error::FORBIDDEN];
    assert!(reasons.iter().any(|reason| page.contains(*reason)), "{what}: no reason in {page}");
}

/// Posts each form and asserts that it is refused with a reason and leaves no trace, not even in
/// the audit trail.
async fn all_refused(t: &TestApp, visitor: &Visitor, forms: &[(String, Vec<(&str, &str)>)]) {
    let before = t.db.dump().await;
    for (path, fields) in forms {
        let answer = t.post_form(visitor, path, fields).await;
        assert_refused(&answer, &format!("{path} {fields:?}"));
        t.db.assert_unchanged(&before).await;
    }
}

/// Posts each form and asserts that it is taken.
async fn all_done(t: &TestApp, visitor: &Visitor, forms: &[(String, Vec<(&str, &str)>)]) {
    for (path, fields) in forms {
        let records = t.db.count("audit").await;
        let answer = t.post_form(visitor, path, fields).await;
        let is_done = answer.status() == 200 || answer.location().ends_with("?done");
        assert!(is_done, "{path} {fields:?}: {} {}", answer.outcome(), answer.text());
        assert!(t.db.count("audit").await > records, "{path} {fields:?} is not in the trail");
    }
}

/// All that can be done to a person by forms, but granting and revoking.
async fn forms_about(t: &TestApp, name: &str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let user = users::find(&t.app, name).await.unwrap();
    let at = |what: &str| format!("/admin/users/{}{what}", user.id);
    let version: &'static str = user.version.to_string().leak();
    let username: &'static str = user.username.leak();
    vec![
        (at(""), vec![("username", "renamed"), ("version", version)]),
        (at(""), vec![("username", username), ("email", "me@example.com"), ("version", version)]),
        (at(""), vec![("username", username), ("display_name", "Other"), ("version", version)]),
        (at(""), vec![("username", ""), ("version", version)]),
        (at(""), vec![("username", username), ("version", "77")]),
        (at("/link"), vec![]),
        (at("/disable"), vec![]),
        (at("/remove"), vec![]),
        (at("/sessions/end"), vec![]),
    ]
}

async fn a_user_manager_reaches_nobody_who_has_more(t: TestApp) {
    populate(&t).await;
    let mia = t.login("mia").await;
    let mut forms = Vec::new();
    for name in ["ada", "art", "aud", "kim", "cleo"] {
        t.login(name).await;
        forms.extend(forms_about(&t, name).await);
    }
    let disabled = t.user("eve", &["admin"]).await;
    users::disable(&t.app, &cli(), disabled.id).await.unwrap();
    forms.push((path(&t, "eve", "/enable").await, vec![]));
    for session in sessions_of(&t, "ada").await {
        forms.push((format!("/admin/sessions/{session}/end"), vec![]));
    }
    for own in ["user-manager", "admin", "auditor", "editor", "reader", "user", "chief"] {
        forms.push((path(&t, "mia", "/grant").await, vec![("role", own)]));
    }
    for above in ["admin", "auditor", "architect", "chief", "editor", "vip"] {
        forms.push((path(&t, "lou", "/grant").await, vec![("role", above)]));
    }
    for (name, role) in [
        ("ada", "admin"),
        ("art", "architect"),
        ("aud", "auditor"),
        ("kim", "editor"),
        ("cleo", "chief"),
    ] {
        forms.push((path(&t, name, "/revoke").await, vec![("role", role)]));
    }
    // Nor by shortening a grant, nor by making somebody who is stronger.
    let soon = ("until", "2026-11-23T00:00");
    forms.push((path(&t, "ada", "/grant").await, vec![("role", "admin"), soon]));
    for role in ["admin", "auditor", "chief", "editor"] {
        forms.push(("/admin/users".to_owned(), vec![("username", "new"), ("role", role)]));
    }
    // An e-mail is a name to log in by, which only admins give.
    let email = ("email", "ada@elsewhere.example");
    forms.push((path(&t, "lou", "").await, vec![("username", "lou"), email]));
    forms.push(("/admin/users".to_owned(), vec![("username", "new"), email]));
    forms.push(("/admin/roles".to_owned(), vec![("name", "mine")]));
    forms.push(("/admin/roles/reader/allow".to_owned(), vec![("permission", "reports:write")]));
    all_refused(&t, &mia, &forms).await;
    // The pages that ask first are as closed.
    for what in ["/disable", "/remove", "/sessions/end", "/revoke?role=admin"] {
        let answer = t.get_as(&mia, &path(&t, "ada", what).await).await;
        assert_refused(&answer, what);
    }
    for session in sessions_of(&t, "ada").await {
        let answer = t.get_as(&mia, &format!("/admin/sessions/{session}/end")).await;
        assert_refused(&answer, "the end of ada's session");
    }
}

async fn sessions_of(t: &TestApp, name: &str) -> Vec<Uuid> {
    let id = id(t, name).await;
    let live = rolecall::db::sessions::list_of_user(&t.app.db, id, t.app.now()).await.unwrap();
    live.into_iter().map(|session| session.id).collect()
}

async fn a_user_manager_manages_who_has_no_more(t: TestApp) {
    populate(&t).await;
    let mia = t.login("mia").await;
    t.login("max").await;
    let at = async |name: &str, what: &str| path(&t, name, what).await;
    let until = ("until", "2026-12-01T00:00");
    all_done(
        &t,
        &mia,
        &[
            (at("lou", "/grant").await, vec![("role", "user")]),
            (at("lou", "/grant").await, vec![("role", "reader"), until, ("reason", "holiday")]),
            // What one holds, one may hand on.
            (at("lou", "/grant").await, vec![("role", "user-manager")]),
            (at("lou", "/revoke").await, vec![("role", "reader")]),
            (at("lou", "/link").await, vec![]),
            (at("lou", "").await, vec![("username", "lu"), ("display_name", "Lou")]),
            (at("max", "/sessions/end").await, vec![]),
            (at("max", "/disable").await, vec![]),
            (at("max", "/enable").await, vec![]),
            (at("max", "/revoke").await, vec![("role", "user-manager")]),
            (at("max", "/remove").await, vec![]),
            ("/admin/users".to_owned(), vec![("username", "new"), ("role", "reader")]),
        ],
    )
    .await;
}

async fn an_auditor_changes_nothing(t: TestApp) {
    populate(&t).await;
    let aud = t.login("aud").await;
    t.login("lou").await;
    let mut forms = forms_about(&t, "lou").await;
    forms.extend(forms_about(&t, "aud").await);
    for (name, role) in [("lou", "user"), ("lou", "auditor"), ("aud", "auditor"), ("aud", "admin")]
    {
        forms.push((path(&t, name, "/grant").await, vec![("role", role)]));
    }
    forms.push((path(&t, "kim", "/revoke").await, vec![("role", "editor")]));
    forms.push(("/admin/users".to_owned(), vec![("username", "new")]));
    forms.push(("/admin/roles".to_owned(), vec![("name", "mine")]));
    for (what, field, value) in ROLE_FORMS {
        forms.push((format!("/admin/roles/reader/{what}"), vec![(field, value)]));
    }
    for session in sessions_of(&t, "lou").await {
        forms.push((format!("/admin/sessions/{session}/end"), vec![]));
    }
    all_refused(&t, &aud, &forms).await;
    // Their own account is theirs.
    assert_eq!(t.get_as(&aud, "/admin/audit").await.outcome(), "200");
    let new = [("current_password", PASSWORD), ("new_password", "another horse battery staple")];
    let answer = t.post_form(&aud, "/account/password", &new).await;
    assert_eq!(answer.outcome(), "303 /account?done");
}

const ROLE_FORMS: [(&str, &str, &str); 7] = [
    ("allow", "permission", "reports:read"),
    ("deny", "permission", "reports:read"),
    ("include", "other", "vip"),
    ("exclude", "other", "vip"),
    ("grantor", "other", "auditor"),
    ("ungrantor", "other", "user-manager"),
    ("delete", "", ""),
];

async fn who_writes_roles_passes_on_no_more_than_they_have(t: TestApp) {
    populate(&t).await;
    t.user("vic", &["vip"]).await;
    let art = t.login("art").await;
    let forms = [
        // To their own role, and so to themselves.
        ("architect", "allow", "permission", "rolecall.users:write"),
        ("architect", "allow", "permission", "rolecall.audit:read"),
        ("architect", "allow", "permission", "reports:write"),
        ("architect", "allow", "permission", "never:heard-of"),
        ("architect", "include", "other", "editor"),
        ("architect", "include", "other", "senior"),
        ("architect", "include", "other", "chief"),
        ("architect", "include", "other", "lead"),
        // A role that carries nothing is one all the same: applications ask for it by name.
        ("architect", "include", "other", "vip"),
        // Through another role.
        ("junior", "allow", "permission", "reports:write"),
        ("junior", "include", "other", "editor"),
        ("junior", "include", "other", "vip"),
        ("editor", "grantor", "other", "architect"),
        ("chief", "grantor", "other", "architect"),
        ("senior", "grantor", "other", "architect"),
        ("vip", "grantor", "other", "architect"),
        // Nor is such a role given what they have, so that it would come into their reach.
        ("vip", "allow", "permission", "reports:read"),
        ("vip", "include", "other", "reader"),
        // Nor is what is stronger taken away.
        ("editor", "deny", "permission", "reports:write"),
        ("senior", "exclude", "other", "editor"),
        ("editor", "ungrantor", "other", "lead"),
        ("editor", "delete", "", ""),
        ("senior", "delete", "", ""),
        ("chief", "delete", "", ""),
        // Nor a role that carries nothing, which applications ask for by its name.
        ("vip", "delete", "", ""),
        // Nor are the sessions of who is stronger ended, or kept open.
        ("editor", "limits", "idle_timeout", "1m"),
        ("senior", "limits", "absolute_timeout", "1m"),
        ("chief", "limits", "idle_timeout", ""),
        ("vip", "limits", "idle_timeout", "1m"),
        ("admin", "limits", "idle_timeout", "1m"),
        ("user-manager", "limits", "idle_timeout", "1m"),
        ("auditor", "limits", "idle_timeout", "1m"),
        ("user", "limits", "idle_timeout", "1m"),
    ];
    let forms = forms.map(|(role, what, field, value)| {
        (format!("/admin/roles/{role}/{what}"), vec![(field, value)])
    });
    all_refused(&t, &art, &forms).await;
    for asks in [
        "chief/delete",
        "vip/delete",
        "editor/deny?permission=reports:write",
        "senior/exclude?other=editor",
        "editor/ungrantor?other=lead",
    ] {
        let answer = t.get_as(&art, &format!("/admin/roles/{asks}")).await;
        assert_refused(&answer, asks);
    }
    for (name, is_offered) in [("vip", false), ("reader", true)] {
        let page = t.get_as(&art, &format!("/admin/roles/{name}")).await;
        assert_eq!(page.text().contains("/delete\""), is_offered, "{name}");
    }
    // What the page offers is what the rule allows.
    let page = t.get_as(&art, "/admin/roles/architect").await;
    for not_offered in ["vip", "editor", "senior", "chief", "lead"] {
        let option = format!("<option>{not_offered}</option>");
        let (_, includes) =
            page.text().split_once("action=\"/admin/roles/architect/include\"").unwrap();
        let (includes, _) = includes.split_once("</form>").unwrap();
        assert!(!includes.contains(&option), "{not_offered} is offered");
    }
    // Built-in roles stay as they are, whoever asks.
    let before = t.db.dump().await;
    for (what, field, value) in ROLE_FORMS {
        let path = format!("/admin/roles/user-manager/{what}");
        let answer = t.post_form(&art, &path, &[(field, value)]).await;
        assert!([409, 422].contains(&answer.status()), "{path}: {}", answer.outcome());
        assert!(answer.text().contains("is built in"), "{path}");
    }
    t.db.assert_unchanged(&before).await;
}

async fn who_writes_roles_may_pass_on_what_they_have(t: TestApp) {
    populate(&t).await;
    let art = t.login("art").await;
    let on = |role: &str, what: &str| format!("/admin/roles/{role}{what}");
    all_done(
        &t,
        &art,
        &[
            ("/admin/roles".to_owned(), vec![("name", "mine"), ("description", "My own")]),
            (on("mine", ""), vec![("description", "Ours"), ("version", "0")]),
            (on("mine", "/allow"), vec![("permission", "reports:read")]),
            (on("mine", "/grantor"), vec![("other", "lead")]),
            (on("mine", "/ungrantor"), vec![("other", "lead")]),
            (on("mine", "/include"), vec![("other", "reader")]),
            (on("mine", "/exclude"), vec![("other", "reader")]),
            (on("junior", "/include"), vec![("other", "mine")]),
            (on("architect", "/include"), vec![("other", "reader")]),
            (on("mine", "/limits"), vec![("idle_timeout", "15m"), ("version", "1")]),
            (on("architect", "/limits"), vec![("absolute_timeout", "8h")]),
            (on("mine", "/deny"), vec![("permission", "reports:read")]),
            (on("mine", "/allow"), vec![("permission", "reports:read")]),
            (on("mine", "/delete"), vec![]),
        ],
    )
    .await;
}

async fn a_grantor_grants_that_role_to_others_and_nothing_else(t: TestApp) {
    populate(&t).await;
    let lea = t.login("lea").await;
    let at = async |name: &str, what: &str| path(&t, name, what).await;
    let mut forms = forms_about(&t, "kim").await;
    forms.extend(forms_about(&t, "lou").await);
    for (name, role) in [
        ("lea", "editor"),
        ("lea", "lead"),
        ("lea", "vip"),
        ("lea", "admin"),
        ("lou", "lead"),
        ("lou", "reader"),
        ("lou", "user"),
        ("lou", "admin"),
        // Names her as grantor, and carries of rolecall's own what she lacks.
        ("lou", "chief"),
        // Carries what `editor` does, and does not name her.
        ("lou", "senior"),
    ] {
        forms.push((at(name, "/grant").await, vec![("role", role)]));
    }
    for (name, role) in [("cleo", "chief"), ("ada", "admin"), ("sue", "senior"), ("lea", "lead")] {
        forms.push((at(name, "/revoke").await, vec![("role", role)]));
    }
    all_refused(&t, &lea, &forms).await;
    all_done(
        &t,
        &lea,
        &[
            (at("lou", "/grant").await, vec![("role", "editor"), ("reason", "new in the team")]),
            (at("lou", "/revoke").await, vec![("role", "editor")]),
            (at("kim", "/revoke").await, vec![("role", "editor")]),
            (at("lou", "/grant").await, vec![("role", "vip")]),
        ],
    )
    .await;
    // The page of lou offers these and no others.
    let page = t.get_as(&lea, &at("kim", "").await).await;
    let (_, offered) = page.text().split_once("<select id=\"role\"").unwrap();
    let (offered, _) = offered.split_once("</select>").unwrap();
    let offered: Vec<_> = offered.split("<option>").skip(1).collect();
    let offered: Vec<_> = offered.iter().map(|one| one.split_once('<').unwrap().0).collect();
    assert_eq!(offered, ["editor", "vip"]);
}

async fn what_became_stronger_after_the_form_was_opened_is_refused(t: TestApp) {
    populate(&t).await;
    let mia = t.login("mia").await;
    let lou = path(&t, "lou", "").await;
    let page = t.get_as(&mia, &lou).await;
    for seen in ["<option>reader</option>", &format!("{lou}/link"), &format!("{lou}/disable")] {
        assert!(page.text().contains(seen), "else this test sees nothing: {seen}");
    }
    // A permission of rolecall's own comes into the role, by itself or by what it includes.
    let reader = role("reader");
    let secret = PermissionName::parse("rolecall.audit:read").unwrap();
    let grant = [(format!("{lou}/grant"), vec![("role", "reader")])];
    roles::allow(&t.app, &cli(), &reader, &secret).await.unwrap();
    all_refused(&t, &mia, &grant).await;
    roles::deny(&t.app, &cli(), &reader, &secret).await.unwrap();
    roles::include(&t.app, &cli(), &reader, &role("chief")).await.unwrap();
    all_refused(&t, &mia, &grant).await;
    roles::exclude(&t.app, &cli(), &reader, &role("chief")).await.unwrap();
    all_done(&t, &mia, &grant).await;
    // The person becomes an admin.
    let user = id(&t, "lou").await;
    grants::grant(&t.app, &cli(), user, &role("admin"), Until::Always, "").await.unwrap();
    all_refused(&t, &mia, &forms_about(&t, "lou").await).await;
    // The manager loses the role.
    let manager = role("user-manager");
    grants::revoke(&t.app, &cli(), id(&t, "mia").await, &manager).await.unwrap();
    all_refused(&t, &mia, &forms_about(&t, "max").await).await;
}

/// Somebody who keeps a copy of a link does not become who the link's person became.
async fn a_link_reaches_no_further_than_who_made_it(t: TestApp) {
    let t = t.unthrottled().await;
    populate(&t).await;
    let mia = t.login("mia").await;
    let admin = role("admin");
    let invited = t.post_form(&mia, "/admin/users", &[("username", "ned")]).await;
    let linked = t.post_form(&mia, &path(&t, "lou", "/link").await, &[]).await;
    for (name, answer) in [("ned", invited), ("lou", linked)] {
        let (_, link) = answer.text().split_once("/link?token=").unwrap();
        let token = link.split_once('"').unwrap().0.to_owned();
        let user = id(&t, name).await;
        grants::grant(&t.app, &cli(), user, &admin, Until::Always, "").await.unwrap();
        let before = t.db.dump().await;
        let path = format!("/link?token={token}");
        assert_eq!(t.get(&path).await.outcome(), "410", "{name}");
        let chosen = form(&[("token", &token), ("password", "what mia has chosen")]);
        let answer = t.post(&Visitor::new(), "/link", chosen.clone()).await;
        assert_eq!(answer.outcome(), "410", "{name}");
        t.db.assert_unchanged(&before).await;
        // Nothing was spent: it is as good as its maker.
        grants::revoke(&t.app, &cli(), user, &admin).await.unwrap();
        assert_eq!(t.get(&path).await.outcome(), "200", "{name}");
        let answer = t.post(&Visitor::new(), "/link", chosen).await;
        assert!(answer.outcome().starts_with("303 /login"), "{name}: {}", answer.outcome());
    }
}
