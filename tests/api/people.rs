//! Users: how they are called, renamed and removed.

use rolecall::auth::{
    Error, Refusal, link,
    name::{Email, NameError, Username, key},
    users::{self, FirstPassword, NewUser},
};

use crate::support::{
    Database, Dice, PASSWORD, TestApp, Visitor, both_engines, cli, password, role, username,
};

both_engines!(
    names_and_emails_share_one_space_of_keys,
    nobody_is_called_like_another_actor_of_the_trail,
    names_that_look_alike_are_not_given_out,
    looks_of_names_from_before_are_noted_at_the_next_start,
    of_many_who_want_a_name_at_once_one_gets_it,
    a_user_with_an_unknown_role_is_not_made_at_all,
    a_rename_keeps_id_roles_and_sessions,
    a_name_that_is_taken_is_refused_and_nothing_changes,
    a_removed_user_leaves_an_id_and_nothing_else,
    a_reused_name_inherits_nothing,
    what_comes_beside_a_removal_brings_nothing_back,
    a_login_that_fails_beside_a_removal_leaves_no_name_behind,
    a_list_of_people_goes_on_where_the_page_before_ended,
);

async fn create(t: &TestApp, name: &str, email: Option<&str>) -> Result<(), Error> {
    let chosen = password(PASSWORD);
    let new = NewUser {
        username: Username::parse(name)?,
        email: email.map(Email::parse).transpose()?,
        display_name: String::new(),
        roles: &[],
        password: FirstPassword::Chosen(&chosen),
    };
    users::create(&t.app, &cli(), new).await.map(|_| ())
}

fn refusal<T>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(error) => panic!("not refused, but failed: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

async fn names_and_emails_share_one_space_of_keys(t: TestApp) {
    create(&t, "zoë", Some("Zoe@Example.com")).await.unwrap();
    let before = t.db.dump().await;
    for name in ["zoë", "ZOË", " Zoë", "zoe\u{308}", "ｚｏë"] {
        let refused = refusal(create(&t, name, None).await);
        assert_eq!(refused, Refusal::NameTaken("zoë".into()), "{name}");
    }
    for email in ["zoe@example.com", "ZOE@EXAMPLE.COM", " zoe@example.com ", "ｚoe@example.com"] {
        let refused = refusal(create(&t, "lou", Some(email)).await);
        assert!(matches!(refused, Refusal::EmailTaken(_)), "{email}: {refused}");
    }
    // Nobody is called like somebody's e-mail, or could be.
    for name in ["zoe@example.com", "lou@example.com", "zoe＠example.com", "@", "a@b"] {
        let refused = refusal(create(&t, name, None).await);
        assert!(matches!(refused, Refusal::Name(_)), "{name}: {refused}");
    }
    t.db.assert_unchanged(&before).await;
    // All three names find her.
    let zoe = users::find(&t.app, "Zoë").await.unwrap();
    for typed in ["zoe@EXAMPLE.com", &zoe.id.to_string(), "ｚｏë"] {
        assert_eq!(users::find(&t.app, typed).await.unwrap().id, zoe.id);
    }
    for typed in ["zoe", "", "\0", "00000000-0000-0000-0000-000000000000", &"x".repeat(5000)] {
        let refused = refusal(users::find(&t.app, typed).await);
        assert!(matches!(refused, Refusal::NoUser(_)), "{refused}");
    }
}

async fn of_many_who_want_a_name_at_once_one_gets_it(t: TestApp) {
    let creating = t.at_once(16, |t, number| async move {
        match number % 2 {
            0 => create(&t, "kim", Some(&format!("kim{number}@example.com"))).await,
            _ => create(&t, &format!("kim{number}"), Some("Kim@example.com")).await,
        }
    });
    let created = creating.await.unwrap();
    for half in [0, 1] {
        let half: Vec<_> = created.iter().skip(half).step_by(2).collect();
        assert_eq!(half.iter().filter(|one| one.is_ok()).count(), 1);
    }
    for refused in created.into_iter().filter(Result::is_err) {
        let refused = refusal(refused);
        let taken = matches!(refused, Refusal::NameTaken(_) | Refusal::EmailTaken(_));
        assert!(taken, "{refused}");
    }
    assert_eq!(t.db.count("users").await, 2);
    assert_eq!(t.db.audited().await, ["user.create"; 2]);
}

async fn a_user_with_an_unknown_role_is_not_made_at_all(t: TestApp) {
    let before = t.db.dump().await;
    let chosen = password(PASSWORD);
    let roles = [role("user"), role("nothing-known")];
    let new = NewUser {
        username: username("kim"),
        email: Some(Email::parse("kim@example.com").unwrap()),
        display_name: String::new(),
        roles: &roles,
        password: FirstPassword::Chosen(&chosen),
    };
    let refused = refusal(users::create(&t.app, &cli(), new).await);
    assert_eq!(refused, Refusal::NoRole("nothing-known".into()));
    // Only the counter of turns may have moved, and it has not: all is undone.
    t.db.assert_unchanged(&before).await;
}

async fn a_rename_keeps_id_roles_and_sessions(t: TestApp) {
    let kim = t.user("kim", &["auditor"]).await;
    let visitor = t.login("kim").await;
    users::rename(&t.app, &cli(), kim.id, &username("Lou")).await.unwrap();
    let answer = t.get_as(&visitor, "/auth/check?role=auditor").await;
    assert_eq!(answer.outcome(), "200");
    assert_eq!(answer.header("remote-user"), "lou");
    assert_eq!(answer.header("remote-user-id"), kim.id.to_string());
    t.login("LOU").await;
    let old = t.try_login(&Visitor::new(), "kim", PASSWORD).await;
    assert_eq!(old.outcome(), "401");
    // The old name is free, and whoever takes it is somebody else.
    let other = t.user("kim", &[]).await;
    assert_ne!(other.id, kim.id);
    let page = t.get_as(&t.login("kim").await, "/admin").await;
    assert_eq!(page.outcome(), "403");
}

async fn a_name_that_is_taken_is_refused_and_nothing_changes(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    t.user("lou", &[]).await;
    let before = t.db.dump().await;
    let refused = refusal(users::rename(&t.app, &cli(), kim.id, &username("LOU")).await);
    assert_eq!(refused, Refusal::NameTaken("lou".into()));
    users::rename(&t.app, &cli(), kim.id, &username("ＫＩＭ")).await.unwrap();
    t.db.assert_unchanged(&before).await;
    t.login("kim").await;
}

async fn a_removed_user_leaves_an_id_and_nothing_else(t: TestApp) {
    create(&t, "kim-the-removed", Some("Removed@Example.com")).await.unwrap();
    let kim = users::find(&t.app, "kim-the-removed").await.unwrap();
    let lou = t.user("lou", &[]).await;
    let (app, by) = (&t.app, &cli());
    rolecall::auth::grants::grant(app, by, kim.id, &role("admin"), ALWAYS, "for now")
        .await
        .unwrap();
    let visitor = t.login("kim-the-removed").await;
    t.try_login(&Visitor::new(), "kim-the-removed", "wrong").await;
    users::rename(app, by, kim.id, &username("kim-once-more")).await.unwrap();
    let link = link::make(app, by, kim.id).await.unwrap().reveal();
    // Something that this user did to somebody else.
    let kim_by = rolecall::auth::By::new(rolecall::auth::Actor::User {
        id: kim.id,
        name: "kim-once-more".into(),
    });
    let user = role("user");
    rolecall::auth::grants::grant(app, &kim_by, lou.id, &user, ALWAYS, "").await.unwrap();
    t.user("ada", &["admin"]).await;
    let records = t.db.count("audit").await;
    for word in ["kim-the-removed", "kim-once-more", "Removed@Example.com", "$argon2id$"] {
        assert!(t.db.dump().await.contains(word), "else this test sees nothing");
    }

    users::remove(app, by, kim.id).await.unwrap();
    assert!(!t.is_signed_in(&visitor).await);
    let answer = t.get(&format!("/link?token={link}")).await;
    assert_eq!(answer.outcome(), "410");
    let refused = refusal(users::find(app, &kim.id.to_string()).await);
    assert!(matches!(refused, Refusal::NoUser(_)));
    let dump = t.db.dump().await;
    for word in ["kim-the-removed", "kim-once-more", "removed@example.com"] {
        let hex = hex::encode(word);
        assert!(!dump.to_lowercase().contains(word), "{word} is still there");
        assert!(!dump.to_lowercase().contains(&hex), "{word} is still there as bytes");
    }
    assert_eq!(t.db.count("audit").await, records + 1, "the trail stays, and grew");
    assert_eq!(t.db.count("users where status = 'removed'").await, 1);
    // The id is what is left, in the row and in the trail.
    let id = kim.id.to_string();
    assert_eq!(t.db.count(&format!("audit where target_id = '{id}'")).await, 6);
    assert_eq!(t.db.count("grants where role_name = 'admin'").await, 1);
    // Nothing can be done to who is not there.
    let new = password(PASSWORD);
    for refused in [
        refusal(users::remove(app, by, kim.id).await),
        refusal(users::enable(app, by, kim.id).await),
        refusal(users::disable(app, by, kim.id).await),
        refusal(users::rename(app, by, kim.id, &username("kim")).await),
        refusal(users::set_password(app, by, kim.id, &new, None).await),
        refusal(link::make(app, by, kim.id).await),
        refusal(rolecall::auth::sessions::end_of_user(app, by, kim.id).await),
        refusal(rolecall::auth::grants::grant(app, by, kim.id, &user, ALWAYS, "").await),
    ] {
        assert!(matches!(refused, Refusal::NoUser(_)), "{refused}");
    }
}

const ALWAYS: rolecall::auth::grants::Until = rolecall::auth::grants::Until::Always;

async fn a_reused_name_inherits_nothing(t: TestApp) {
    t.user("ada", &["admin"]).await;
    let old = t.user("kim", &["admin"]).await;
    let cookie = t.login("kim").await;
    users::remove(&t.app, &cli(), old.id).await.unwrap();
    let new = t.user("kim", &[]).await;
    assert_ne!(new.id, old.id);
    assert!(!t.is_signed_in(&cookie).await);
    let kim = t.login("kim").await;
    assert_eq!(t.get_as(&kim, "/admin").await.outcome(), "403");
    let answer = t.get_as(&kim, "/auth/check").await;
    assert_eq!(answer.header("remote-groups"), "");
    assert_eq!(answer.header("remote-user-id"), new.id.to_string());
}

/// A removal is final whatever else is under way: on Postgres transactions overlap.
async fn what_comes_beside_a_removal_brings_nothing_back(t: TestApp) {
    t.user("ada", &["admin"]).await;
    for round in 0..25 {
        let name = format!("kim{round}");
        let kim = t.user(&name, &["user"]).await;
        if round % 2 == 0 {
            users::disable(&t.app, &cli(), kim.id).await.unwrap();
        }
        let id = kim.id;
        let changes = t.at_once(6, move |t, number| async move {
            let (app, by) = (&t.app, &cli());
            let renamed = username(&format!("renamed{round}"));
            match number {
                0 => users::remove(app, by, id).await,
                1 => users::rename(app, by, id, &renamed).await,
                2 => users::enable(app, by, id).await,
                3 => {
                    let new = password("another horse battery staple");
                    users::set_password(app, by, id, &new, None).await.map(|_| ())
                }
                4 => link::make(app, by, id).await.map(|_| ()),
                _ => {
                    let auditor = role("auditor");
                    rolecall::auth::grants::grant(app, by, id, &auditor, ALWAYS, "").await
                }
            }
        });
        let mut changes = changes.await.unwrap();
        changes.remove(0).expect("removed");
        for change in changes.into_iter().filter(Result::is_err) {
            let refused = refusal(change);
            assert!(matches!(refused, Refusal::NoUser(_) | Refusal::Disabled(_)), "{refused}");
        }
        for (rows, expected) in [
            ("users where username <> 'ada'", round + 1),
            ("users where status = 'removed' and username = ''", round + 1),
            ("users where password_hash is not null", 1),
            ("login_keys", 1),
            ("links", 0),
            ("grants", 1),
            ("sessions", 0),
        ] {
            assert_eq!(t.db.count(rows).await, expected as i64, "round {round}: {rows}");
        }
        let dump = t.db.dump().await;
        assert!(!dump.contains(&name), "round {round}: the name is still there");
        assert!(!dump.contains(&format!("renamed{round}")), "round {round}");
    }
}

async fn a_login_that_fails_beside_a_removal_leaves_no_name_behind(db: Database) {
    let t = TestApp::with(db, |chosen| chosen.argon2 = "m=16384,t=2,p=1".parse().ok()).await;
    t.user("ada", &["admin"]).await;
    let kim = t.user("kim-the-removed", &[]).await;
    let trying = t.at_once(1, |t, _| async move {
        t.try_login(&Visitor::new(), "kim-the-removed", "wrong").await.status()
    });
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    users::remove(&t.app, &cli(), kim.id).await.unwrap();
    assert_eq!(trying.await.unwrap(), [401]);
    assert!(!t.db.dump().await.contains("kim-the-removed"));
}

async fn a_list_of_people_goes_on_where_the_page_before_ended(t: TestApp) {
    // Names of more than one byte order; a person in Postgres' locale would sort them otherwise.
    let mut names: Vec<String> = (0..118).map(|n| format!("u{n:03}")).collect();
    names.extend(["ä", "z", "a-b", "a_b", "ab"].map(str::to_owned));
    for name in &names {
        create(&t, name, None).await.unwrap();
    }
    let ada = t.signed_in("ada", &["admin"]).await;
    names.push("ada".into());
    names.sort();
    let mut path = "/admin/users".to_owned();
    let mut seen = Vec::new();
    for _ in 0..10 {
        let page = t.get_as(&ada, &path).await;
        assert_eq!(page.outcome(), "200");
        let text = page.text().replace("&#38;", "&");
        let (_, table) = text.split_once("<tbody>").unwrap();
        let (table, after) = table.split_once("</tbody>").unwrap();
        let rows = table.split("<th scope=\"row\">").skip(1);
        seen.extend(rows.map(|row| {
            let (_, name) = row.split_once("<bdi>").unwrap();
            name.split_once("</bdi>").unwrap().0.to_owned()
        }));
        let next = after.split("<a ").find(|link| link.contains("rel=\"next\""));
        match next.and_then(|link| link.split_once("href=\"")) {
            Some((_, address)) => path = address.split_once('"').unwrap().0.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, names);
}

/// The key of a key is the key itself: a name can be typed as it is shown.
#[test]
fn a_name_as_it_is_shown_finds_its_owner() {
    // Beyond these planes no letter has a case or a width.
    for letter in '\0'..='\u{1ffff}' {
        let text = format!("a{letter}");
        if let Some(found) = key(&text) {
            assert_eq!(key(&found).as_ref(), Some(&found), "U+{:04X}", letter as u32);
        }
    }
    let mut dice = Dice::new(8265);
    for _ in 0..50_000 {
        let text: String = (0..dice.below(6))
            .filter_map(|_| char::from_u32(dice.below(0x1_1000) as u32))
            .collect();
        if let Some(found) = key(&text) {
            assert_eq!(key(&found).as_ref(), Some(&found), "{:?}", text);
        }
    }
}

async fn nobody_is_called_like_another_actor_of_the_trail(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    for name in ["system", "VISITOR", "rolecall", "cli:root", "ＣＬＩ:x"] {
        assert_eq!(Username::parse(name), Err(NameError::ReservedUser), "{name}");
        let new = t.post_form(&ada, "/admin/users", &[("username", name)]).await;
        assert_eq!(new.outcome(), "422", "{name}");
        let path = format!("/admin/users/{}", kim.id);
        let renamed = t.post_form(&ada, &path, &[("username", name), ("version", "0")]).await;
        assert_eq!(renamed.outcome(), "422", "{name}");
    }
}

async fn names_that_look_alike_are_not_given_out(t: TestApp) {
    create(&t, "paypal", None).await.unwrap();
    let kim = t.user("kim", &[]).await;
    let before = t.db.dump().await;
    // Cyrillic letters, a digit for a letter, and what looks like an m.
    for name in ["раураl", "paypa1", "kirn"] {
        let refused = refusal(create(&t, name, None).await);
        assert!(matches!(refused, Refusal::NameLooksTaken(_)), "{name}: {refused}");
    }
    let renamed = users::rename(&t.app, &cli(), kim.id, &username("раураl")).await;
    assert!(matches!(refusal(renamed), Refusal::NameLooksTaken(_)));
    t.db.assert_unchanged(&before).await;
    let ada = t.signed_in("ada", &["admin"]).await;
    let page = t.post_form(&ada, "/admin/users", &[("username", "kirn")]).await;
    assert_eq!(page.outcome(), "422");
    assert!(page.text().contains(rolecall::text::form::USERNAME_LOOKS_TAKEN));
    assert_eq!(t.db.count("users where username = 'kirn'").await, 0);
    // Accents differ, and what is given up can be had.
    create(&t, "kím", None).await.unwrap();
    users::rename(&t.app, &cli(), kim.id, &username("tim")).await.unwrap();
    create(&t, "kirn", None).await.unwrap();
    users::remove(&t.app, &cli(), kim.id).await.unwrap();
    create(&t, "tirn", None).await.unwrap();
}

async fn looks_of_names_from_before_are_noted_at_the_next_start(t: TestApp) {
    for number in 0..30 {
        t.user(&format!("user{number}"), &[]).await;
    }
    t.db.execute("delete from name_looks").await;
    create(&t, "userll", None).await.unwrap();
    t.db.execute("delete from name_looks").await;
    let again = t.beside().await;
    // user11 and userll look alike: one of them has the look.
    assert_eq!(t.db.count("name_looks").await, 30);
    let refused = refusal(create(&again, "userl2", None).await);
    assert!(matches!(refused, Refusal::NameLooksTaken(_)), "{refused}");
}
