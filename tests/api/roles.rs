//! Roles: what may be done to them, and that the guards and `explain` see the same.

use std::collections::BTreeSet;

use rolecall::auth::{
    Error, Refusal, Result,
    explain::{Explanation, explain},
    grants::{self, Until},
    graph::Graph,
    name::{PermissionName, RoleName},
    users,
};
use time::Duration;

use crate::support::{Dice, TestApp, both_engines, cli, role, roles};

both_engines!(
    no_role_includes_itself_by_any_way,
    two_halves_of_a_cycle_that_come_at_once_do_not_close_it,
    built_in_roles_and_reserved_names_stay_as_they_are,
    a_deleted_role_is_gone_from_everybody_on_the_next_request,
    a_permission_is_declared_by_whoever_names_it_first_and_outlives_the_role,
    a_grant_of_nothing_or_into_the_past_is_refused,
    a_grant_that_is_given_again_changes_its_end_and_reason,
    explain_says_what_the_guards_do,
    explain_knows_only_roles_and_permissions_that_exist,
);

fn permission(name: &str) -> PermissionName {
    PermissionName::parse(name).unwrap()
}

async fn create(t: &TestApp, name: &str) {
    roles::create(&t.app, &cli(), &role(name), "").await.unwrap();
}

async fn include(t: &TestApp, name: &str, other: &str) -> Result<()> {
    roles::include(&t.app, &cli(), &role(name), &role(other)).await
}

fn refusal<T>(result: Result<T>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(error) => panic!("not refused, but failed: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

async fn no_role_includes_itself_by_any_way(t: TestApp) {
    for name in ["a", "b", "c", "d"] {
        create(&t, name).await;
    }
    for (name, other) in [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")] {
        include(&t, name, other).await.unwrap();
    }
    let before = t.db.dump().await;
    for (name, other, path) in [
        ("a", "a", "a"),
        ("b", "a", "a -> b"),
        ("c", "a", "a -> b -> c"),
        ("d", "a", "a -> d"),
        ("d", "b", "b -> c -> d"),
    ] {
        let refused = refusal(include(&t, name, other).await);
        assert_eq!(refused, Refusal::Cycle(name.into(), path.into()));
    }
    t.db.assert_unchanged(&before).await;
    roles::exclude(&t.app, &cli(), &role("b"), &role("c")).await.unwrap();
    include(&t, "d", "b").await.unwrap();
}

async fn two_halves_of_a_cycle_that_come_at_once_do_not_close_it(t: TestApp) {
    let beside = t.beside().await;
    for round in 0..10 {
        let names = ["a", "b", "c"].map(|letter| format!("{letter}{round}"));
        for name in &names {
            create(&t, name).await;
        }
        let other = beside.clone();
        let halves = t.at_once(3, move |t, number| {
            let t = if number == 0 { t } else { other.clone() };
            let (name, other) = (names[number].clone(), names[(number + 1) % 3].clone());
            async move { include(&t, &name, &other).await }
        });
        let halves = halves.await.unwrap();
        let refused: Vec<_> = halves.into_iter().filter(Result::is_err).map(refusal).collect();
        assert!(matches!(refused[..], [Refusal::Cycle(..)]), "round {round}: {refused:?}");
    }
    assert_eq!(t.db.count("role_includes").await, 20);
}

async fn built_in_roles_and_reserved_names_stay_as_they_are(t: TestApp) {
    create(&t, "mine").await;
    roles::allow(&t.app, &cli(), &role("mine"), &permission("reports:read")).await.unwrap();
    let before = t.db.dump().await;
    let (app, by, mine) = (&t.app, &cli(), role("mine"));
    for name in ["admin", "user-manager", "auditor", "user"] {
        let built_in = role(name);
        let refused = refusal(roles::create(app, by, &built_in, "").await);
        assert_eq!(refused, Refusal::RoleExists(name.into()));
        let reports = permission("reports:read");
        for refused in [
            refusal(roles::delete(app, by, &built_in).await),
            refusal(roles::allow(app, by, &built_in, &reports).await),
            refusal(roles::deny(app, by, &built_in, &permission("rolecall.users:read")).await),
            refusal(roles::include(app, by, &built_in, &mine).await),
            refusal(roles::exclude(app, by, &built_in, &mine).await),
        ] {
            assert_eq!(refused, Refusal::BuiltIn(name.into()));
        }
        let refused = refusal(roles::include(app, by, &mine, &built_in).await);
        assert_eq!(refused, Refusal::BuiltInIncluded(name.into()));
    }
    for name in ["rolecall.helper", "rolecall."] {
        let refused = refusal(roles::create(app, by, &role(name), "").await);
        assert_eq!(refused, Refusal::Reserved);
    }
    for name in ["rolecall.users:delete", "rolecall.reports:read", "rolecall.x:y"] {
        let refused = refusal(roles::allow(app, by, &mine, &permission(name)).await);
        assert!(matches!(refused, Refusal::NoPermission(_) | Refusal::Reserved), "{refused}");
    }
    let missing = role("missing");
    for refused in [
        refusal(roles::delete(app, by, &missing).await),
        refusal(roles::allow(app, by, &missing, &permission("reports:read")).await),
        refusal(roles::deny(app, by, &missing, &permission("reports:read")).await),
        refusal(roles::include(app, by, &missing, &mine).await),
        refusal(roles::include(app, by, &mine, &missing).await),
        refusal(roles::exclude(app, by, &missing, &mine).await),
    ] {
        assert_eq!(refused, Refusal::NoRole("missing".into()));
    }
    t.db.assert_unchanged(&before).await;
    // rolecall's own permissions may be given on by a role of one's own.
    roles::allow(app, by, &mine, &permission("rolecall.users:read")).await.unwrap();
    let kim = t.signed_in("kim", &["mine"]).await;
    assert_eq!(t.get_as(&kim, "/admin/users").await.outcome(), "200");
    assert_eq!(t.get_as(&kim, "/admin/roles").await.outcome(), "403");
    let page = t.get_as(&kim, "/admin").await;
    assert!(!page.text().contains("href=\"/admin/roles\""), "no link that leads nowhere");
}

async fn a_deleted_role_is_gone_from_everybody_on_the_next_request(t: TestApp) {
    for name in ["chief", "editor"] {
        create(&t, name).await;
    }
    roles::allow(&t.app, &cli(), &role("editor"), &permission("reports:write")).await.unwrap();
    include(&t, "chief", "editor").await.unwrap();
    let kim = t.signed_in("kim", &["editor"]).await;
    let lou = t.signed_in("lou", &["chief"]).await;
    let path = "/auth/check?permission=reports:write";
    for visitor in [&kim, &lou] {
        assert_eq!(t.get_as(visitor, path).await.outcome(), "200");
    }
    roles::delete(&t.app, &cli(), &role("editor")).await.unwrap();
    for visitor in [&kim, &lou] {
        assert_eq!(t.get_as(visitor, path).await.outcome(), "403");
    }
    assert_eq!(t.get_as(&lou, "/auth/check?role=chief").await.outcome(), "200");
    // A new role of that name is nobody's.
    create(&t, "editor").await;
    for visitor in [&kim, &lou] {
        assert_eq!(t.get_as(visitor, "/auth/check?role=editor").await.outcome(), "403");
    }
}

async fn a_permission_is_declared_by_whoever_names_it_first_and_outlives_the_role(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let path = "/auth/check?permission=reports:write";
    assert_eq!(t.get_as(&ada, path).await.outcome(), "403", "there is no such permission");
    create(&t, "editor").await;
    let (app, by) = (&t.app, &cli());
    roles::allow(app, by, &role("editor"), &permission("reports:write")).await.unwrap();
    assert_eq!(t.get_as(&ada, path).await.outcome(), "200");
    let kim = t.signed_in("kim", &["editor"]).await;
    assert_eq!(t.get_as(&kim, path).await.outcome(), "200");
    roles::deny(app, by, &role("editor"), &permission("reports:write")).await.unwrap();
    assert_eq!(t.get_as(&kim, path).await.outcome(), "403");
    roles::delete(app, by, &role("editor")).await.unwrap();
    assert_eq!(t.get_as(&ada, path).await.outcome(), "200");
}

async fn a_grant_of_nothing_or_into_the_past_is_refused(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let before = t.db.dump().await;
    let (app, by, auditor, now) = (&t.app, &cli(), role("auditor"), t.app.now());
    let grant = async |role: &RoleName, until, reason: &str| {
        refusal(grants::grant(app, by, kim.id, role, until, reason).await)
    };
    let missing = grant(&role("missing"), Until::Always, "").await;
    assert_eq!(missing, Refusal::NoRole("missing".into()));
    for end in [now, now - Duration::SECOND, now - Duration::days(10_000)] {
        assert_eq!(grant(&auditor, Until::At(end), "").await, Refusal::EndInPast);
    }
    for reason in ["a\nb", "a\0b", &"x".repeat(501)] {
        assert_eq!(grant(&auditor, Until::Always, reason).await, Refusal::Reason);
    }
    let revoked = refusal(grants::revoke(app, by, kim.id, &auditor).await);
    assert_eq!(revoked, Refusal::NotGranted("kim".into(), "auditor".into()));
    t.db.assert_unchanged(&before).await;
    grants::grant(app, by, kim.id, &auditor, Until::Always, &"é".repeat(500)).await.unwrap();
}

async fn a_grant_that_is_given_again_changes_its_end_and_reason(t: TestApp) {
    let kim = t.user("kim", &["auditor"]).await;
    let visitor = t.login("kim").await;
    let (app, by, auditor) = (&t.app, &cli(), role("auditor"));
    let soon = Until::At(t.app.now() + Duration::hours(1));
    grants::grant(app, by, kim.id, &auditor, soon, "for the audit").await.unwrap();
    assert_eq!(t.db.count("grants").await, 1);
    let reasons = t.db.texts("select reason from grants").await;
    assert_eq!(reasons, ["for the audit"]);
    t.advance(Duration::hours(1));
    let path = "/auth/check?role=auditor";
    assert_eq!(t.get_as(&visitor, path).await.outcome(), "403");
    grants::grant(app, by, kim.id, &auditor, Until::Always, "").await.unwrap();
    assert_eq!(t.get_as(&visitor, path).await.outcome(), "200");
    assert_eq!(t.db.audited().await.iter().filter(|action| *action == "grant.create").count(), 3);
}

/// A world of roles at random: who includes whom, who permits what, who holds which until when.
async fn populate(t: &TestApp, dice: &mut Dice) {
    let (app, by) = (&t.app, &cli());
    for n in 0..8 {
        create(t, &format!("r{n}")).await;
        for _ in 0..dice.below(3) {
            let name = permission(&format!("p{}:use", dice.below(6)));
            roles::allow(app, by, &role(&format!("r{n}")), &name).await.unwrap();
        }
    }
    for _ in 0..14 {
        let (name, other) = (format!("r{}", dice.below(8)), format!("r{}", dice.below(8)));
        match include(t, &name, &other).await {
            Ok(()) | Err(Error::Refused(Refusal::Cycle(..))) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let soon = t.app.now() + Duration::hours(1);
    for n in 0..6 {
        let user = t.user(&format!("u{n}"), &[]).await;
        for _ in 0..dice.below(4) {
            let held = match dice.below(12) {
                0 => "admin".into(),
                1 => "auditor".into(),
                n => format!("r{}", n % 8),
            };
            let until = match dice.below(4) {
                0 => Until::At(soon),
                1 => Until::At(soon + Duration::SECOND),
                _ => Until::Always,
            };
            grants::grant(app, by, user.id, &role(&held), until, "").await.unwrap();
        }
    }
}

async fn explain_says_what_the_guards_do(t: TestApp) {
    let mut dice = Dice::new(1729);
    populate(&t, &mut dice).await;
    let mut visitors = Vec::new();
    for n in 0..6 {
        visitors.push(t.login(&format!("u{n}")).await);
    }
    // Some grants have ended in this second, some end in the next.
    t.advance(Duration::hours(1));
    let last = users::find(&t.app, "u5").await.unwrap();
    users::disable(&t.app, &cli(), last.id).await.unwrap();

    let roles = t.db.texts("select name from roles order by name").await;
    let permissions = t.db.texts("select name from permissions order by name").await;
    let graph = Graph::load(&t.app.db).await.unwrap();
    let mut answers = BTreeSet::new();
    for (n, visitor) in visitors.iter().enumerate() {
        let user = users::find(&t.app, &format!("u{n}")).await.unwrap();
        for what in roles.iter().chain(&permissions) {
            let kind = if what.contains(':') { "permission" } else { "role" };
            let check = t.get_as(visitor, &format!("/auth/check?{kind}={what}")).await;
            let explained = explain(&t.app, &user, what).await.unwrap();
            let (expected, answer) = match &explained {
                Explanation::Yes { grant, through } => {
                    assert!(grant.holds_at(t.app.now()));
                    assert_leads(&graph, &grant.role_name, through, what);
                    (200, "yes")
                }
                Explanation::No => (403, "no"),
                Explanation::Ended(grant) => {
                    assert!(!grant.holds_at(t.app.now()));
                    (403, "ended")
                }
                Explanation::Disabled => (401, "disabled"),
            };
            assert_eq!(check.status(), expected, "u{n} {what}: {explained:?}");
            answers.insert(answer);
        }
        // And the sum of it is what the application is told.
        let check = t.get_as(visitor, "/auth/check").await;
        if check.status() == 200 {
            let grants = rolecall::db::grants::list_of_user(&t.app.db, user.id).await.unwrap();
            let all = permissions.iter().cloned().collect();
            let (held, permitted) =
                rolecall::auth::explain::effective(&graph, &all, &grants, t.app.now());
            let joined = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(",");
            assert_eq!(check.header("remote-groups"), joined(held));
            assert_eq!(check.header("remote-permissions"), joined(permitted));
        }
    }
    assert_eq!(answers.len(), 4, "else the dice fell badly: {answers:?}");
}

/// The way goes from the granted role by includes to one that is, or permits, what was asked.
fn assert_leads(graph: &Graph, granted: &str, through: &[String], what: &str) {
    assert_eq!(through[0], granted);
    for step in through.windows(2) {
        assert!(graph.includes(&step[0]).contains(&step[1]), "{through:?}");
    }
    let last = through.last().unwrap();
    let arrives =
        last == what || last == "admin" || graph.permissions(last).contains(&what.to_owned());
    assert!(arrives, "{through:?} to {what}");
}

async fn explain_knows_only_roles_and_permissions_that_exist(t: TestApp) {
    let ada = t.user("ada", &["admin"]).await;
    for what in ["missing", "", "ADMIN", "admin\0"] {
        let refused = refusal(explain(&t.app, &ada, what).await);
        assert_eq!(refused, Refusal::NoRole(what.into()));
    }
    for what in ["no:such", ":", "rolecall.users:delete"] {
        let refused = refusal(explain(&t.app, &ada, what).await);
        assert_eq!(refused, Refusal::NoPermission(what.into()));
    }
}
