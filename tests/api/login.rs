//! The way in: who gets it, and what the browser is given.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::http::{Method, header};
use rolecall::{auth::users, config::OnOff, web::Peer};
use tokio::sync::Notify;

use crate::support::{Answer, Database, PASSWORD, TestApp, Visitor, both_engines, cli, form};

both_engines!(
    a_name_or_email_in_any_spelling_opens_the_account,
    every_login_makes_a_new_session_and_ends_that_of_the_browser,
    a_cookie_that_somebody_planted_is_not_taken_over,
    a_login_goes_on_to_a_checked_address_and_else_to_the_account,
    somebody_who_is_signed_in_is_led_on_from_the_login_page,
    the_session_cookie_is_for_this_browser_alone,
    remember_me_keeps_the_cookie,
    on_https_the_cookie_is_tied_to_the_host,
    a_shared_domain_gets_a_cookie_that_opens_checks_alone,
    a_hash_with_old_parameters_is_renewed_once,
    a_wrong_password_renews_no_hash,
    more_logins_than_fit_are_told_to_come_back_and_checks_do_not_feel_it,
    a_flood_from_one_address_takes_nobody_elses_turn,
    a_password_of_any_shape_is_told_right_or_wrong,
);

async fn a_name_or_email_in_any_spelling_opens_the_account(t: TestApp) {
    t.user_with_email("zoë", "Zoe.K@Example.com").await;
    for name in [
        "zoë",
        "ZOË",
        "  Zoë ",
        "zoe\u{308}",
        "ZOE\u{308}",
        "ｚｏë",
        "Zoe.K@Example.com",
        "zoe.k@EXAMPLE.COM",
        "ｚｏｅ.k@example.com",
    ] {
        let answer = t.try_login(&Visitor::new(), name, PASSWORD).await;
        assert_eq!(answer.outcome(), "303 /account", "{name:?}");
    }
    for name in ["zoe", "zoe.k", "zoë@example.com", "zоë"] {
        let answer = t.try_login(&Visitor::new(), name, PASSWORD).await;
        assert_eq!(answer.outcome(), "401", "{name:?}");
    }
}

async fn every_login_makes_a_new_session_and_ends_that_of_the_browser(t: TestApp) {
    t.user("kim", &[]).await;
    t.user("lou", &[]).await;
    let visitor = t.login("kim").await;
    let elsewhere = t.login("kim").await;
    for name in ["kim", "lou"] {
        let before = visitor.copy();
        t.try_login(&visitor, name, PASSWORD).await;
        assert_ne!(visitor.session(), before.session());
        assert!(t.is_signed_in(&visitor).await);
        assert!(!t.is_signed_in(&before).await, "the old cookie is dead");
    }
    assert!(t.is_signed_in(&elsewhere).await, "other browsers stay as they are");
    assert_eq!(t.db.count("sessions").await, 2);
}

async fn a_cookie_that_somebody_planted_is_not_taken_over(t: TestApp) {
    t.user("kim", &[]).await;
    for planted in ["AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA.k.m", "x", ""] {
        let visitor = Visitor::with_cookie("rolecall", planted);
        let answer = t.try_login(&visitor, "kim", PASSWORD).await;
        assert_eq!(answer.outcome(), "303 /account", "{planted:?}");
        let given = visitor.session().unwrap();
        let id = given.split('.').next().unwrap();
        assert_ne!(id, planted.split('.').next().unwrap());
    }
}

async fn a_login_goes_on_to_a_checked_address_and_else_to_the_account(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.allowed_return_origins = "https://app.example.com".parse().ok();
    })
    .await;
    t.user("kim", &[]).await;
    let long = format!("/{}", "a".repeat(4000));
    for (next, location) in [
        ("", "/account"),
        ("/admin/users?after=a", "/admin/users?after=a"),
        ("https://app.example.com/x?y=z", "https://app.example.com/x?y=z"),
        ("https://app.example.com", "https://app.example.com/"),
        ("//evil.example", "/account"),
        ("///evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("\\\\evil.example", "/account"),
        ("/\t/evil.example", "/account"),
        ("\t//evil.example", "/account"),
        ("/\r\nSet-Cookie: a=b", "/account"),
        ("/a\0b", "/account"),
        ("https:evil.example", "/account"),
        ("https:/evil.example", "/account"),
        ("https://evil.example", "/account"),
        ("https://app.example.com.evil.example", "/account"),
        ("https://app.example.com@evil.example", "/account"),
        ("https://kim@app.example.com/", "/account"),
        ("https://:pw@app.example.com/", "/account"),
        ("https://app.example.com:8443/", "/account"),
        ("https://app.example.com./", "/account"),
        ("https://xn--pp-6kc.example.com/", "/account"),
        ("https://\u{430}pp.example.com/", "/account"),
        ("https://2130706433/", "/account"),
        ("https://0x7f.1/", "/account"),
        ("https://[::ffff:127.0.0.1]/", "/account"),
        ("http://app.example.com/", "/account"),
        ("http://127.0.0.1:8000/account", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/%2f%2fevil.example", "/account"),
        ("/%5cevil.example", "/account"),
        ("%2f%2fevil.example", "/account"),
        ("/%09/evil.example", "/account"),
        ("/a/..//evil.example", "/account"),
        ("evil.example", "/account"),
        ("/\u{2215}evil", "/account"),
        (&long, "/account"),
    ] {
        let fields = form(&[("username", "kim"), ("password", PASSWORD), ("next", next)]);
        let answer = t.post(&Visitor::new(), "/login", fields).await;
        assert_eq!(answer.outcome(), format!("303 {location}"), "{next:?}");
        let page = t.get(&format!("/login?{}", form(&[("next", next)]))).await;
        assert_eq!(page.outcome(), "200", "{next:?}");
        let kept = page.hidden_field("next").unwrap_or("/account".into());
        assert_eq!(kept, location, "{next:?}");
    }
}

async fn somebody_who_is_signed_in_is_led_on_from_the_login_page(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    for (path, location) in [
        ("/login", "/account"),
        ("/login?next=%2Fadmin", "/admin"),
        ("/login?next=%2F%2Fevil.example", "/account"),
    ] {
        let answer = t.get_as(&kim, path).await;
        assert_eq!(answer.outcome(), format!("303 {location}"));
    }
}

async fn the_session_cookie_is_for_this_browser_alone(t: TestApp) {
    t.user("kim", &[]).await;
    let answer = t.try_login(&Visitor::new(), "kim", PASSWORD).await;
    let [cookie, device] = &answer.cookies()[..] else {
        panic!("two cookies, not {:?}", answer.set_cookies());
    };
    assert!(device.name().starts_with("rolecall-device-"));
    assert_eq!(cookie.name(), "rolecall");
    assert_eq!(cookie.http_only(), Some(true));
    assert_eq!(cookie.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!(cookie.path(), Some("/"));
    assert_eq!(cookie.domain(), None);
    assert_eq!(cookie.secure(), None);
    assert_eq!(cookie.max_age(), None, "it goes with the browser");
    assert_eq!(cookie.expires(), None);
}

async fn remember_me_keeps_the_cookie(t: TestApp) {
    t.user("kim", &[]).await;
    let fields = form(&[("username", "kim"), ("password", PASSWORD), ("remember", "on")]);
    let answer = t.post(&Visitor::new(), "/login", fields).await;
    let cookie = &answer.cookies()[0];
    assert_eq!(cookie.max_age(), Some(time::Duration::days(30)));
}

async fn on_https_the_cookie_is_tied_to_the_host(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
    })
    .await;
    t.user("kim", &[]).await;
    let visitor = Visitor::new();
    let answer = t.try_login(&visitor, "kim", PASSWORD).await;
    let [cookie, device] = &answer.cookies()[..] else {
        panic!("two cookies, not {:?}", answer.set_cookies());
    };
    assert!(device.name().starts_with("__Host-rolecall-device-"));
    assert_eq!(cookie.name(), "__Host-rolecall");
    assert_eq!(cookie.secure(), Some(true));
    assert_eq!(cookie.http_only(), Some(true));
    assert_eq!(cookie.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!(cookie.path(), Some("/"));
    assert_eq!(cookie.domain(), None);
    assert!(t.is_signed_in(&visitor).await);
    let plain = Visitor::with_cookie("rolecall", cookie.value());
    assert!(!t.is_signed_in(&plain).await, "a neighbour could set that one");
}

async fn a_shared_domain_gets_a_cookie_that_opens_checks_alone(db: Database) {
    const CHECK: &str = "__Secure-rolecall-check";
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.cookie_domain = "example.com".parse().ok();
    })
    .await;
    t.user("kim", &["auditor"]).await;
    let visitor = Visitor::new();
    let answer = t.try_login(&visitor, "kim", PASSWORD).await;
    let cookies = answer.cookies();
    assert_eq!(cookies.len(), 3);
    let check = cookies.iter().find(|cookie| cookie.name() == CHECK).unwrap();
    assert_eq!(check.domain(), Some("example.com"));
    assert_eq!(check.secure(), Some(true));
    assert_eq!(check.http_only(), Some(true));
    assert_eq!(check.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!(check.path(), Some("/"));
    assert_eq!(check.max_age(), None);

    let session = visitor.session().unwrap();
    let check = visitor.cookie(CHECK).unwrap();
    assert_ne!(session.split('.').next(), check.split('.').next());
    let backend = Visitor::with_cookie(CHECK, &check);
    let answer = t.get_as(&backend, "/auth/check?role=auditor").await;
    assert_eq!(answer.outcome(), "200");
    assert_eq!(answer.header("remote-user"), "kim");
    for page in ["/account", "/admin", "/logout"] {
        let answer = t.get_as(&backend, page).await;
        assert!(answer.outcome().starts_with("303 /login"), "{page}");
    }
    let answer = t.post(&backend, "/account/password", "").await;
    assert_eq!(answer.outcome(), "303 /login");

    // Neither value is worth anything under the other name.
    let swapped = Visitor::with_cookie("__Host-rolecall", &check);
    assert!(!t.is_signed_in(&swapped).await);
    let swapped = Visitor::with_cookie(CHECK, &session);
    assert_eq!(t.get_as(&swapped, "/auth/check").await.outcome(), "401");

    let without = t.beside_with(|settings| settings.cookie_domain = None).await;
    let answer = without.get_as(&backend, "/auth/check").await;
    assert_eq!(answer.outcome(), "401", "nobody shares a domain any more");

    let answer = t.log_out(&visitor).await;
    let cleared = answer.cookies();
    for name in ["__Host-rolecall", CHECK] {
        let cookie = cleared.iter().find(|cookie| cookie.name() == name).unwrap();
        assert_eq!(cookie.max_age(), Some(time::Duration::ZERO), "{name}");
        assert_eq!(cookie.secure(), Some(true), "{name}");
        assert_eq!(cookie.path(), Some("/"), "{name}");
        let domain = (name == CHECK).then_some("example.com");
        assert_eq!(cookie.domain(), domain, "{name}");
    }
    assert_eq!(t.get_as(&backend, "/auth/check").await.outcome(), "401");
}

const RENEWED: &str = "audit where action = 'user.hash_renew'";

async fn a_hash_with_old_parameters_is_renewed_once(t: TestApp) {
    t.user("kim", &[]).await;
    let today = t
        .beside_with(|settings| settings.argon2 = argon2::Params::new(128, 1, 1, None).unwrap())
        .await;
    let hash = async || t.db.texts("select password_hash from users").await;
    assert!(hash().await[0].contains("$m=64,t=1,p=1$"));

    let logins = today.at_once(5, |t, _| async move {
        t.login("kim").await;
    });
    logins.await.unwrap();
    let renewed = hash().await;
    assert!(renewed[0].contains("$m=128,t=1,p=1$"), "{renewed:?}");
    assert_eq!(t.db.count(RENEWED).await, 1);

    today.login("kim").await;
    assert_eq!(hash().await, renewed);
    assert_eq!(t.db.count(RENEWED).await, 1);
}

async fn a_wrong_password_renews_no_hash(t: TestApp) {
    t.user("kim", &[]).await;
    let today = t
        .beside_with(|settings| settings.argon2 = argon2::Params::new(128, 1, 1, None).unwrap())
        .await;
    today.try_login(&Visitor::new(), "kim", "wrong").await;
    assert_eq!(t.db.count(RENEWED).await, 0);
    let hash = t.db.texts("select password_hash from users").await;
    assert!(hash[0].contains("$m=64,"));
}

async fn more_logins_than_fit_are_told_to_come_back_and_checks_do_not_feel_it(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.argon2 = "m=32768,t=3,p=1".parse().ok();
        chosen.hash_slots = Some(1);
        chosen.hash_queue = Some(0);
        chosen.throttle = Some(OnOff::Off);
    })
    .await;
    let kim = t.signed_in("kim", &[]).await;
    let logins = t.at_once(6, |t, _| async move {
        let visitor = Visitor::new();
        let answer = t.try_login(&visitor, "kim", PASSWORD).await;
        (answer, visitor.session())
    });
    while !logins.is_finished() {
        assert_eq!(t.get_as(&kim, "/auth/check").await.outcome(), "200");
    }
    let answers = logins.await.unwrap();
    let statuses: Vec<_> = answers.iter().map(|(answer, _)| answer.status()).collect();
    assert!(statuses.contains(&303) && statuses.contains(&503), "{statuses:?}");
    for (answer, session) in answers {
        match answer.status() {
            303 => assert!(session.is_some()),
            503 => {
                assert_eq!(session, None);
                assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
                assert!(answer.text().contains("Wait a moment"));
                assert!(answer.text().contains("action=\"/login\""));
            }
            other => panic!("{other}"),
        }
    }
}

async fn a_flood_from_one_address_takes_nobody_elses_turn(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.argon2 = "m=32768,t=3,p=1".parse().ok();
        chosen.hash_slots = Some(1);
        chosen.hash_queue = Some(4);
        chosen.throttle = Some(OnOff::Off);
    })
    .await;
    t.user("kim", &[]).await;
    let (is_over, is_full) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let flood = t.at_once(8, {
        let (is_over, is_full) = (is_over.clone(), is_full.clone());
        move |t, _| {
            let (is_over, is_full) = (is_over.clone(), is_full.clone());
            async move {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = login_from(&t, "192.0.2.1", "wrong").await;
                    if answer.status() == 503 {
                        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
                        is_full.notify_one();
                        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    }
                }
            }
        }
    });
    for _ in 0..3 {
        is_full.notified().await;
        let answer = login_from(&t, "192.0.2.2", PASSWORD).await;
        assert_eq!(answer.outcome(), "303 /account");
    }
    is_over.store(true, Ordering::Relaxed);
    flood.await.unwrap();
}

async fn login_from(t: &TestApp, address: &str, password: &str) -> Answer {
    let builder = t
        .request(Method::POST, "/login")
        .extension(Peer(address.parse().ok()))
        .header(header::ORIGIN, t.origin())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let fields = form(&[("username", "kim"), ("password", password)]);
    t.send_as(&Visitor::new(), builder, fields.into()).await
}

async fn a_password_of_any_shape_is_told_right_or_wrong(t: TestApp) {
    let t = t.unthrottled().await;
    t.user("kim", &[]).await;
    let beyond = format!("{PASSWORD} ");
    let cut = &PASSWORD[..PASSWORD.len() - 1];
    let longest = "x".repeat(60_000);
    for wrong in [
        "",
        " ",
        "\0",
        "a\nb",
        cut,
        beyond.as_str(),
        "Correct horse battery staple",
        "correct horse battery staple\0",
        longest.as_str(),
        "\u{202e}\u{feff}",
        "💥💥💥",
    ] {
        let answer = t.try_login(&Visitor::new(), "kim", wrong).await;
        assert_eq!(answer.outcome(), "401", "{wrong:?}");
    }
    for name in ["", "\0", "a\0b", "\u{202e}", "💥", "@", "kim\u{200b}", &longest] {
        let answer = t.try_login(&Visitor::new(), name, PASSWORD).await;
        assert_eq!(answer.outcome(), "401", "{name:?}");
    }
    // Nothing is trimmed or cut when a password is chosen, and both spellings are one.
    let user = users::find(&t.app, "kim").await.unwrap();
    let composed = crate::support::password("  zoë ist hier, und zwar lange  ");
    users::set_password(&t.app, &cli(), user.id, &composed, None).await.unwrap();
    for (typed, outcome) in [
        ("  zoë ist hier, und zwar lange  ", "303 /account"),
        ("  zoe\u{308} ist hier, und zwar lange  ", "303 /account"),
        ("zoë ist hier, und zwar lange", "401"),
    ] {
        let answer = t.try_login(&Visitor::new(), "kim", typed).await;
        assert_eq!(answer.outcome(), outcome, "{typed:?}");
    }
}
