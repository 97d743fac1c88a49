//! Guessing is held back, before any hashing, and nobody is locked out by others.

use std::net::IpAddr;

use axum::{
    body::Body,
    http::{Method, header},
};
use rolecall::{
    auth::{link, throttle, users},
    web::Peer,
};
use time::Duration;

use crate::support::{Answer, PASSWORD, TestApp, Visitor, both_engines, cli, form, password};

both_engines!(
    five_tries_are_free_and_then_each_doubles_the_wait,
    a_known_and_an_unknown_name_are_held_back_alike,
    the_counter_is_one_however_the_name_is_spelled,
    two_hundred_tries_at_once_overshoot_nothing,
    counters_hold_for_other_processes_and_after_a_restart,
    a_device_that_knows_the_account_is_held_back_by_nobody_else,
    a_device_cookie_opens_nothing_and_is_of_one_account,
    after_a_hundred_failures_strangers_wait_for_the_owner,
    a_link_opens_a_closed_account_and_makes_strangers_of_devices,
    an_address_has_fifty_failures_in_a_quarter_of_an_hour,
    a_clock_that_was_wrong_makes_no_wait_last,
    the_current_password_is_guessed_no_faster,
    guessing_links_is_held_back_by_address,
    an_admin_sees_and_clears_what_holds_somebody_back,
);

/// A wrong password from a browser that nobody knows, from an address of its own.
async fn guess(t: &TestApp, name: &str, from: u32) -> Answer {
    try_from(t, &Visitor::new(), (name, "wrong"), from).await
}

async fn try_from(
    t: &TestApp,
    visitor: &Visitor,
    (name, password): (&str, &str),
    from: u32,
) -> Answer {
    let peer: IpAddr = std::net::Ipv4Addr::from_bits(0x0a00_0000 + from).into();
    let builder = t
        .request(Method::POST, "/login")
        .extension(Peer(Some(peer)))
        .header(header::ORIGIN, t.origin())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let fields = form(&[("username", name), ("password", password)]);
    t.send_as(visitor, builder, Body::from(fields)).await
}

/// Seconds that a held-back try has to wait.
fn wait(answer: &Answer) -> i64 {
    assert_eq!(answer.status(), 429, "{}", answer.outcome());
    assert!(answer.text().contains("too many tries"), "{}", answer.text());
    answer.header("retry-after").parse().unwrap()
}

/// Fails from one address after another, each as soon as it may.
async fn fail(t: &TestApp, name: &str, times: u32, first_address: u32) {
    for number in 0..times {
        let mut answer = guess(t, name, first_address + number).await;
        if answer.status() == 429 {
            t.advance(Duration::seconds(wait(&answer)));
            answer = guess(t, name, first_address + number).await;
        }
        assert_eq!(answer.outcome(), "401", "failure {number}");
    }
}

async fn five_tries_are_free_and_then_each_doubles_the_wait(t: TestApp) {
    t.user("kim", &[]).await;
    fail(&t, "kim", 5, 0).await;
    let mut waits = Vec::new();
    for number in 0..12 {
        let held_back = guess(&t, "kim", 100).await;
        let wait = wait(&held_back);
        waits.push(wait);
        // The right password does not help a stranger, and costs no hash.
        let right = try_from(&t, &Visitor::new(), ("kim", PASSWORD), 101).await;
        assert_eq!(right.status(), 429);
        t.advance(Duration::seconds(wait));
        assert_eq!(guess(&t, "kim", 200 + number).await.outcome(), "401");
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    t.advance(Duration::minutes(16));
    let right = try_from(&t, &Visitor::new(), ("kim", PASSWORD), 300).await;
    assert_eq!(right.outcome(), "303 /account");
    fail(&t, "kim", 5, 400).await;
}

async fn a_known_and_an_unknown_name_are_held_back_alike(t: TestApp) {
    t.user("kim", &[]).await;
    let mut answers = Vec::new();
    for name in ["kim", "nobody"] {
        fail(&t, name, 5, 0).await;
        let records = t.db.count("audit").await;
        let answer = guess(&t, name, 50).await;
        assert_eq!(t.db.count("audit").await, records, "a held-back try does no more work");
        answers.push((wait(&answer), answer.text().replace(name, "…")));
    }
    assert_eq!(answers[0], answers[1]);
}

async fn the_counter_is_one_however_the_name_is_spelled(t: TestApp) {
    t.user_with_email("zoë", "Zoe@Example.com").await;
    let spellings = ["zoë", "ZOË", " zoe\u{308} ", "ｚｏë", "zoe@example.COM"];
    for (number, name) in spellings.into_iter().enumerate() {
        assert_eq!(guess(&t, name, number as u32).await.outcome(), "401", "{name}");
    }
    for name in spellings {
        assert_eq!(wait(&guess(&t, name, 9).await), 1, "{name}");
    }
    for name in ["nobody", "NOBODY", " nobody ", "ｎobody", "Nobody"] {
        assert_eq!(guess(&t, name, 10).await.outcome(), "401", "{name}");
    }
    assert_eq!(wait(&guess(&t, "nobody", 11).await), 1);
}

async fn two_hundred_tries_at_once_overshoot_nothing(t: TestApp) {
    t.user("kim", &[]).await;
    let beside = t.beside().await;
    let tries = t.at_once(200, move |t, number| {
        let t = if number % 2 == 0 { t } else { beside.clone() };
        async move { guess(&t, "kim", 1000 + number as u32).await.status() }
    });
    let statuses = tries.await.unwrap();
    let hashed = statuses.iter().filter(|status| **status != 429).count();
    assert_eq!(hashed, 5, "{statuses:?}");
}

async fn counters_hold_for_other_processes_and_after_a_restart(t: TestApp) {
    t.user("kim", &[]).await;
    fail(&t, "kim", 5, 0).await;
    let other = t.beside().await;
    assert_eq!(wait(&guess(&other, "kim", 9).await), 1);
}

async fn a_device_that_knows_the_account_is_held_back_by_nobody_else(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    t.log_out(&kim).await;
    fail(&t, "kim", 20, 0).await;
    assert_eq!(guess(&t, "kim", 99).await.status(), 429);
    // Also from an address that has used up its failures.
    for number in 0..50 {
        guess(&t, &format!("nobody{number}"), 7).await;
    }
    assert_eq!(guess(&t, "somebody", 7).await.status(), 429);
    let answer = try_from(&t, &kim, ("kim", PASSWORD), 7).await;
    assert_eq!(answer.outcome(), "303 /account");
    // The owner is here, so strangers begin anew.
    assert_eq!(guess(&t, "kim", 100).await.outcome(), "401");

    // It has counters of its own.
    t.log_out(&kim).await;
    for _ in 0..5 {
        assert_eq!(try_from(&t, &kim, ("kim", "wrong"), 8).await.outcome(), "401");
    }
    assert_eq!(wait(&try_from(&t, &kim, ("kim", PASSWORD), 8).await), 1);
}

async fn a_device_cookie_opens_nothing_and_is_of_one_account(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    t.user("lou", &[]).await;
    let header = kim.cookie_header().unwrap();
    let device = header.split("; ").find(|pair| pair.starts_with("rolecall-device-")).unwrap();
    let (name, value) = device.split_once('=').unwrap();
    let alone = Visitor::with_cookie(name, value);
    assert!(!t.is_signed_in(&alone).await);

    fail(&t, "kim", 5, 0).await;
    fail(&t, "lou", 5, 10).await;
    let forged = [
        (name.to_owned(), format!("{value}A")),
        (name.to_owned(), value.replacen(char::is_alphanumeric, "-", 1)),
        (name.to_owned(), String::new()),
        (name.replace("device-", "device-x"), value.to_owned()),
    ];
    for (name, value) in forged {
        let forger = Visitor::with_cookie(&name, &value);
        assert_eq!(try_from(&t, &forger, ("kim", PASSWORD), 20).await.status(), 429, "{value}");
    }
    assert_eq!(try_from(&t, &alone, ("lou", PASSWORD), 21).await.status(), 429);
    let answer = try_from(&t, &alone.copy(), ("kim", PASSWORD), 22).await;
    assert_eq!(answer.outcome(), "303 /account");
    assert!(!answer.set_cookies().concat().contains("device"), "it is known already");

    // For a year.
    t.advance(Duration::days(366));
    fail(&t, "kim", 5, 30).await;
    assert_eq!(try_from(&t, &alone, ("kim", PASSWORD), 40).await.status(), 429);
}

async fn after_a_hundred_failures_strangers_wait_for_the_owner(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    t.log_out(&kim).await;
    fail(&t, "kim", 100, 0).await;
    let closed = t.db.texts("select action from audit where action = 'throttle.close'").await;
    assert_eq!(closed.len(), 1);
    for _ in 0..3 {
        assert_eq!(wait(&guess(&t, "kim", 500).await), 900);
        t.advance(Duration::hours(2));
    }
    let stranger = Visitor::new();
    assert_eq!(try_from(&t, &stranger, ("kim", PASSWORD), 501).await.status(), 429);
    assert_eq!(try_from(&t, &kim, ("kim", PASSWORD), 502).await.outcome(), "303 /account");
    assert_eq!(try_from(&t, &stranger, ("kim", PASSWORD), 503).await.outcome(), "303 /account");
    t.log_out(&kim).await;

    // A device that fails as often becomes a stranger.
    for number in 0..100 {
        let mut answer = try_from(&t, &kim, ("kim", "wrong"), 600).await;
        if answer.status() == 429 {
            t.advance(Duration::seconds(wait(&answer)));
            answer = try_from(&t, &kim, ("kim", "wrong"), 600).await;
        }
        assert_eq!(answer.outcome(), "401", "failure {number}");
    }
    fail(&t, "kim", 5, 700).await;
    assert_eq!(wait(&try_from(&t, &kim, ("kim", PASSWORD), 800).await), 1);
}

async fn a_link_opens_a_closed_account_and_makes_strangers_of_devices(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    t.log_out(&kim).await;
    fail(&t, "kim", 100, 0).await;
    let user = users::find(&t.app, "kim").await.unwrap();
    let token = link::make(&t.app, &cli(), user.id).await.unwrap();
    let new = "seven geese over the water";
    link::set_password(&t.app, &cli(), token, &password(new)).await.unwrap();
    let answer = try_from(&t, &Visitor::new(), ("kim", new), 500).await;
    assert_eq!(answer.outcome(), "303 /account");
    fail(&t, "kim", 5, 600).await;
    assert_eq!(try_from(&t, &kim, ("kim", new), 700).await.status(), 429, "a stranger now");
}

async fn an_address_has_fifty_failures_in_a_quarter_of_an_hour(t: TestApp) {
    t.user("kim", &[]).await;
    for number in 0..50 {
        assert_eq!(guess(&t, &format!("nobody{number}"), 1).await.outcome(), "401", "{number}");
    }
    t.advance(Duration::minutes(5));
    assert_eq!(wait(&try_from(&t, &Visitor::new(), ("kim", PASSWORD), 1).await), 600);
    assert_eq!(guess(&t, "kim", 2).await.outcome(), "401", "another address");
    t.advance(Duration::minutes(10));
    let answer = try_from(&t, &Visitor::new(), ("kim", PASSWORD), 1).await;
    assert_eq!(answer.outcome(), "303 /account");

    // Right passwords count for nothing.
    for _ in 0..60 {
        let answer = try_from(&t, &Visitor::new(), ("kim", PASSWORD), 3).await;
        assert_eq!(answer.outcome(), "303 /account");
    }
}

async fn a_clock_that_was_wrong_makes_no_wait_last(t: TestApp) {
    t.user("kim", &[]).await;
    fail(&t, "kim", 15, 0).await;
    for far in ["free_at = 99999999999999", "since = 99999999999999"] {
        t.db.execute(&format!("update throttles set {far}")).await;
        assert_eq!(guess(&t, "kim", 0).await.outcome(), "401", "{far}");
        t.advance(Duration::minutes(16));
    }
}

async fn the_current_password_is_guessed_no_faster(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let new = "seven geese over the water";
    let change = async |current: &str| {
        let fields = [("current_password", current), ("new_password", new)];
        t.post_form(&kim, "/account/password", &fields).await
    };
    for _ in 0..5 {
        assert_eq!(change("wrong").await.outcome(), "422");
    }
    assert_eq!(wait(&change(PASSWORD).await), 1);
    assert!(t.is_signed_in(&kim).await);
    t.advance(Duration::seconds(2));
    assert_eq!(change(PASSWORD).await.outcome(), "303 /account?done");
}

async fn guessing_links_is_held_back_by_address(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let token = link::make(&t.app, &cli(), kim.id).await.unwrap();
    for _ in 0..50 {
        assert_eq!(t.get("/link?token=AAAAAAAAAAAAAAAAAAAAAA").await.outcome(), "410");
    }
    let good = link::route(token);
    assert_eq!(t.get(&good).await.outcome(), "429");
    assert_eq!(t.get(&good).await.header("retry-after"), "900");
    t.advance(Duration::minutes(15));
    let before = t.db.dump().await;
    assert_eq!(t.get(&good).await.outcome(), "200");
    t.db.assert_unchanged(&before).await;
}

async fn an_admin_sees_and_clears_what_holds_somebody_back(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let mia = t.signed_in("mia", &["user-manager"]).await;
    let kim = t.user("kim", &[]).await;
    let page = format!("/admin/users/{}", kim.id);
    let shown = rolecall::text::user::CLEAR_TRIES;
    fail(&t, "kim", 4, 0).await;
    assert!(!t.get_as(&ada, &page).await.text().contains(shown));
    fail(&t, "kim", 6, 10).await;
    let text = t.get_as(&ada, &page).await;
    assert!(text.text().contains("10 wrong passwords in a row"), "{}", text.text());
    let clear = format!("{page}/throttle/clear");
    let answer = t.post_form(&mia, &clear, &[]).await;
    assert_eq!(answer.outcome(), format!("303 {page}?done"));
    assert!(!t.get_as(&ada, &page).await.text().contains(shown));
    assert_eq!(guess(&t, "kim", 100).await.outcome(), "401");
    let records = t.db.texts("select action from audit where action = 'throttle.clear'").await;
    assert_eq!(records.len(), 1);
    assert!(throttle::clear_all(&t.app, &cli()).await.unwrap() > 0);
    assert_eq!(t.db.count("throttles").await, 0);
}
