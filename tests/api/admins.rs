//! There is always one admin who can log in, and there is only one first one.

use rolecall::{
    auth::{
        Actor, By, Error, Refusal, Result,
        grants::{self, Until},
        link,
        users::{self, FirstPassword, NewUser},
    },
    text,
};
use time::Duration;

use crate::support::{
    PASSWORD, TestApp, Visitor, both_engines, cli, insist, password, role, username,
};

both_engines!(
    the_last_admin_stays_on_every_path,
    only_an_admin_who_can_log_in_and_stays_one_counts,
    of_two_admins_one_remains_however_many_try_at_once,
    of_two_setups_and_a_command_one_makes_the_first_admin,
    a_setup_link_works_only_while_there_is_no_admin,
    the_overview_tells_each_what_they_can_do_about_a_single_admin,
);

/// Admins who can log in and whose role has no end.
const LASTING: &str = "grants g join users u on u.id = g.user_id
                       where g.role_name = 'admin' and g.ends_at is null
                         and u.status = 'active' and u.password_hash is not null";

fn is_last_admin(result: &Result<()>) -> bool {
    matches!(result, Err(Error::Refused(Refusal::LastAdmin)))
}

/// The ways to take an admin away.
async fn take_away(t: &TestApp, name: &str, how: usize) -> Result<()> {
    let (app, by, admin) = (&t.app, &cli(), role("admin"));
    let id = users::find(app, name).await?.id;
    match how {
        0 => users::disable(app, by, id).await,
        1 => grants::revoke(app, by, id, &admin).await,
        2 => users::remove(app, by, id).await,
        _ => {
            let soon = Until::At(t.app.now() + Duration::hours(1));
            grants::grant(app, by, id, &admin, soon, "").await
        }
    }
}

async fn invite(t: &TestApp, name: &str) {
    let new = NewUser {
        username: username(name),
        email: None,
        display_name: String::new(),
        roles: &[role("admin")],
        password: FirstPassword::Invite,
    };
    users::create(&t.app, &cli(), new).await.unwrap();
}

async fn the_last_admin_stays_on_every_path(t: TestApp) {
    t.user("ada", &["admin"]).await;
    let visitor = t.login("ada").await;
    let before = t.db.dump().await;
    for how in 0..4 {
        assert!(is_last_admin(&take_away(&t, "ada", how).await), "{how}");
    }
    t.db.assert_unchanged(&before).await;
    assert_eq!(t.get_as(&visitor, "/admin").await.outcome(), "200");
    // What takes nothing away is allowed.
    let ada = users::find(&t.app, "ada").await.unwrap();
    users::rename(&t.app, &cli(), ada.id, &username("eve")).await.unwrap();
    let new = password("another horse battery staple");
    users::set_password(&t.app, &cli(), ada.id, &new, None).await.unwrap();
    grants::grant(&t.app, &cli(), ada.id, &role("admin"), Until::Always, "why").await.unwrap();
}

async fn only_an_admin_who_can_log_in_and_stays_one_counts(t: TestApp) {
    t.user("ada", &["admin"]).await;
    invite(&t, "invited").await;
    t.user("expiring", &["admin"]).await;
    take_away(&t, "expiring", 3).await.unwrap();
    t.user("disabled", &["admin"]).await;
    take_away(&t, "disabled", 0).await.unwrap();
    t.user("user-manager", &["user-manager"]).await;
    for how in 0..4 {
        assert!(is_last_admin(&take_away(&t, "ada", how).await), "{how}");
    }
    // As soon as one of them does count, ada may go.
    let disabled = users::find(&t.app, "disabled").await.unwrap();
    users::enable(&t.app, &cli(), disabled.id).await.unwrap();
    take_away(&t, "ada", 2).await.unwrap();
    for how in 0..4 {
        assert!(is_last_admin(&take_away(&t, "disabled", how).await), "{how}");
    }
}

async fn of_two_admins_one_remains_however_many_try_at_once(t: TestApp) {
    let beside = t.beside().await;
    for round in 0..8 {
        let names = [format!("ada{round}"), format!("eve{round}")];
        for name in &names {
            t.user(name, &["admin"]).await;
        }
        // Whoever was left from the round before goes first, so that it is these two.
        if let Some(left) =
            t.db.texts(&format!(
                "select u.username from {LASTING} and u.username not in ('{}', '{}')",
                names[0], names[1]
            ))
            .await
            .first()
        {
            take_away(&t, left, 2).await.unwrap();
        }
        assert_eq!(t.db.count(LASTING).await, 2, "round {round}");
        let other = beside.clone();
        let tries = t.at_once(20, move |t, number| {
            // Half of them in another process.
            let t = if number % 2 == 0 { t } else { other.clone() };
            let name = names[number / 2 % 2].clone();
            let is_busy = |done: &_| matches!(done, Err(error) if Error::is_temporary(error));
            async move { insist(is_busy, || take_away(&t, &name, (number / 4 + round) % 4)).await }
        });
        let tries = tries.await.unwrap();
        assert_eq!(t.db.count(LASTING).await, 1, "round {round}");
        assert!(tries.iter().any(is_last_admin), "round {round}");
        for result in tries {
            let expected = matches!(
                result,
                Ok(())
                    | Err(Error::Refused(
                        Refusal::LastAdmin | Refusal::NotGranted(..) | Refusal::NoUser(_)
                    ))
            );
            assert!(expected, "round {round}: {result:?}");
        }
    }
}

async fn of_two_setups_and_a_command_one_makes_the_first_admin(t: TestApp) {
    let by = By::new(Actor::Visitor);
    let token = link::make_setup(&t.app, &cli()).await.unwrap().unwrap();
    let made = t.at_once(5, move |t, number| {
        let by = by.clone();
        async move {
            if number == 2 {
                t.user("by-command", &["admin"]).await;
                return Ok(());
            }
            let name = username(&format!("by-setup-{number}"));
            link::set_up(&t.app, &by, token, name, &password(PASSWORD)).await
        }
    });
    let made = made.await.unwrap();
    let setups = made.iter().enumerate().filter(|(number, _)| *number != 2);
    let setups: Vec<_> = setups.map(|(_, result)| result).collect();
    let done = setups.iter().filter(|result| result.is_ok()).count();
    for result in setups.iter().filter(|result| result.is_err()) {
        let refused =
            matches!(result, Err(Error::Refused(Refusal::SetupDone | Refusal::LinkInvalid)));
        assert!(refused, "{result:?}");
    }
    let admins = t.db.texts(&format!("select u.username from {LASTING}")).await;
    assert_eq!(t.db.count("users").await, admins.len() as i64, "nobody half made");
    assert!(admins.contains(&"by-command".to_owned()), "the operator may always");
    assert_eq!(admins.len(), 1 + done, "{admins:?}");
    assert!(done <= 1, "{admins:?}");
    // A setup that went through did so while there was no admin.
    let audited = t.db.audited().await;
    if done == 1 {
        let setup = audited.iter().position(|action| action == "setup.finish").unwrap();
        let grants = audited.iter().take(setup).filter(|action| *action == "grant.create");
        assert_eq!(grants.count(), 1, "its own: {audited:?}");
    }
    assert_eq!(audited.iter().filter(|action| *action == "setup.finish").count(), done);
}

async fn a_setup_link_works_only_while_there_is_no_admin(t: TestApp) {
    let first = link::make_setup(&t.app, &cli()).await.unwrap().unwrap().reveal();
    let second = link::make_setup(&t.app, &cli()).await.unwrap().unwrap().reveal();
    let at = |token: &str| format!("/link?token={token}");
    assert_eq!(t.get(&at(&first)).await.outcome(), "410", "the newer one voids it");
    let page = t.get(&at(&second)).await;
    assert_eq!(page.outcome(), "200");
    assert!(page.text().contains("Create the first administrator"));
    assert_eq!(page.hidden_field("token").as_deref(), Some(second.as_str()));

    let visitor = crate::support::Visitor::new();
    let finish = async |token: &str, name: &str, password: &str| {
        let fields = [("token", token), ("username", name), ("password", password)];
        t.post_form(&visitor, "/link", &fields).await
    };
    for (name, password) in [
        ("", PASSWORD),
        ("a b", PASSWORD),
        ("ada@example.com", PASSWORD),
        ("ada", ""),
        ("ada", "too short"),
    ] {
        let answer = finish(&second, name, password).await;
        assert_eq!(answer.outcome(), "422", "{name:?} {password:?}");
        assert!(answer.text().contains("Nothing is saved yet"));
    }
    let answer = finish(&second, "Ada", PASSWORD).await;
    assert_eq!(answer.outcome(), "303 /login?done=setup");
    assert!(visitor.cookie_header().is_none(), "no silent sign-in");
    let ada = t.login("ada").await;
    assert_eq!(t.get_as(&ada, "/auth/check?role=admin").await.outcome(), "200");

    for token in [&first, &second] {
        assert_eq!(t.get(&at(token)).await.outcome(), "410");
        assert_eq!(finish(token, "eve", PASSWORD).await.outcome(), "410");
    }
    assert_eq!(t.db.count("users").await, 1);
    assert!(link::make_setup(&t.app, &cli()).await.unwrap().is_none());
}

async fn the_overview_tells_each_what_they_can_do_about_a_single_admin(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let others =
        [t.signed_in("mia", &["user-manager"]).await, t.signed_in("aud", &["auditor"]).await];
    let told = async |visitor: &Visitor| {
        let page = t.get_as(visitor, "/admin").await;
        [text::overview::ONE_ADMIN, text::overview::ONE_ADMIN_ASK]
            .map(|advice| page.text().contains(advice))
    };
    assert_eq!(told(&ada).await, [true, false]);
    for other in &others {
        assert_eq!(told(other).await, [false, true]);
    }
    t.user("bob", &["admin"]).await;
    for visitor in others.iter().chain([&ada]) {
        assert_eq!(told(visitor).await, [false, false]);
    }
}
