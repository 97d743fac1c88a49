//! Links to choose a password: they open a page, are spent once, and end.

use rolecall::{
    auth::{
        Error, Refusal, link,
        users::{self, FirstPassword, NewUser},
    },
    config::{Chosen, OnOff},
};
use time::Duration;

use crate::support::{
    Answer, Database, PASSWORD, TestApp, Visitor, both_engines, cli, form, insist, password,
    username,
};

both_engines!(
    a_link_lets_its_user_choose_a_password_and_signs_nobody_in,
    looking_at_a_link_spends_nothing,
    a_mistake_in_the_form_spends_nothing,
    a_link_is_spent_once_however_many_try_at_once,
    a_newer_link_of_its_kind_voids_the_older,
    a_link_ends_at_its_second,
    a_link_of_somebody_who_may_not_log_in_opens_nothing,
    any_change_of_the_password_voids_the_links,
    what_is_no_link_is_told_so,
    another_session_in_the_browser_is_not_touched,
    nobody_gets_around_their_own_password_by_a_link,
);

const NEW: &str = "another horse battery staple";

async fn open(t: &TestApp, token: &str) -> Answer {
    t.get(&format!("/link?{}", form(&[("token", token)]))).await
}

async fn spend(t: &TestApp, token: &str, password: &str) -> Answer {
    let fields = form(&[("token", token), ("password", password)]);
    t.post(&Visitor::new(), "/link", fields).await
}

async fn link_of(t: &TestApp, name: &str) -> String {
    let user = users::find(&t.app, name).await.unwrap();
    link::make(&t.app, &cli(), user.id).await.unwrap().reveal()
}

async fn invite(t: &TestApp, name: &str) -> String {
    let new = NewUser {
        username: username(name),
        email: None,
        display_name: String::new(),
        roles: &[],
        password: FirstPassword::Invite,
    };
    let created = users::create(&t.app, &cli(), new).await.unwrap();
    created.invitation.unwrap().reveal()
}

async fn opens(t: &TestApp, name: &str, password: &str) -> bool {
    let visitor = Visitor::new();
    t.try_login(&visitor, name, password).await;
    visitor.session().is_some()
}

async fn a_link_lets_its_user_choose_a_password_and_signs_nobody_in(t: TestApp) {
    t.user("kim", &[]).await;
    let sessions = [t.login("kim").await, t.login("kim").await];
    let link = link_of(&t, "kim").await;
    for visitor in &sessions {
        assert!(t.is_signed_in(visitor).await, "making one ends nothing");
    }
    let page = open(&t, &link).await;
    assert_eq!(page.outcome(), "200");
    assert!(page.text().contains("value=\"kim\""));
    let answer = spend(&t, &link, NEW).await;
    assert_eq!(answer.outcome(), "303 /login?done=password");
    assert!(answer.set_cookies().is_empty());
    assert!(t.get(answer.location()).await.text().contains("Your password is set."));
    for visitor in sessions {
        assert!(!t.is_signed_in(&visitor).await);
    }
    assert!(!opens(&t, "kim", PASSWORD).await && opens(&t, "kim", NEW).await);
    for answer in [open(&t, &link).await, spend(&t, &link, PASSWORD).await] {
        assert_eq!(answer.outcome(), "410");
        assert!(answer.text().contains("This link does not work"));
    }
    assert!(opens(&t, "kim", NEW).await);

    let invitation = invite(&t, "lou").await;
    assert_eq!(spend(&t, &invitation, NEW).await.outcome(), "303 /login?done=password");
    assert!(opens(&t, "lou", NEW).await);
}

async fn looking_at_a_link_spends_nothing(t: TestApp) {
    t.user("kim", &[]).await;
    let link = link_of(&t, "kim").await;
    let before = t.db.dump().await;
    for _ in 0..5 {
        assert_eq!(open(&t, &link).await.outcome(), "200");
    }
    t.db.assert_unchanged(&before).await;
    assert_eq!(spend(&t, &link, NEW).await.outcome(), "303 /login?done=password");
}

async fn a_mistake_in_the_form_spends_nothing(t: TestApp) {
    t.user("kim", &[]).await;
    let link = link_of(&t, "kim").await;
    let before = t.db.dump().await;
    let long = "x".repeat(1025);
    for password in ["", "short", "fourteen chars", "with a \0 in its midst", &long] {
        let answer = spend(&t, &link, password).await;
        assert_eq!(answer.outcome(), "422", "{password:?}");
        assert_eq!(answer.hidden_field("token").as_ref(), Some(&link));
        assert!(password.is_empty() || !answer.text().contains(password));
    }
    t.db.assert_unchanged(&before).await;
    assert_eq!(spend(&t, &link, NEW).await.outcome(), "303 /login?done=password");
}

async fn a_link_is_spent_once_however_many_try_at_once(db: Database) {
    // Whoever finds it spent counts as guessing, and after fifty would be told to wait.
    let settle = |chosen: &mut Chosen| {
        chosen.hash_queue = Some(200);
        chosen.throttle = Some(OnOff::Off);
    };
    let t = TestApp::with(db, settle).await;
    t.user("kim", &[]).await;
    let link = link_of(&t, "kim").await;
    let tries = t.at_once(100, move |t, number| {
        let link = link.clone();
        async move {
            let password = format!("the password number {number}");
            let answer = insist(Answer::is_busy, || spend(&t, &link, &password)).await;
            (answer.outcome(), password)
        }
    });
    let tries = tries.await.unwrap();
    let (spent, refused): (Vec<_>, Vec<_>) =
        tries.into_iter().partition(|(outcome, _)| outcome == "303 /login?done=password");
    assert_eq!(spent.len(), 1);
    for (outcome, _) in refused {
        assert_eq!(outcome, "410");
    }
    assert!(opens(&t, "kim", &spent[0].1).await);
    assert_eq!(t.db.count("audit where action = 'user.password'").await, 1);
}

async fn a_newer_link_of_its_kind_voids_the_older(t: TestApp) {
    t.user("kim", &[]).await;
    t.user("lou", &[]).await;
    let (older, of_lou) = (link_of(&t, "kim").await, link_of(&t, "lou").await);
    let newer = link_of(&t, "kim").await;
    assert_eq!(open(&t, &older).await.outcome(), "410");
    assert_eq!(spend(&t, &older, NEW).await.outcome(), "410");
    assert_eq!(open(&t, &newer).await.outcome(), "200");
    assert_eq!(open(&t, &of_lou).await.outcome(), "200", "somebody else's stays");
    // An invitation is of another kind, until one of them is spent.
    let invitation = invite(&t, "max").await;
    let password = link_of(&t, "max").await;
    assert_eq!(open(&t, &invitation).await.outcome(), "200");
    assert_eq!(spend(&t, &password, NEW).await.outcome(), "303 /login?done=password");
    assert_eq!(open(&t, &invitation).await.outcome(), "410");
}

async fn a_link_ends_at_its_second(t: TestApp) {
    let setup = link::make_setup(&t.app, &cli()).await.unwrap().unwrap().reveal();
    t.user("kim", &[]).await;
    let password = link_of(&t, "kim").await;
    let invitation = invite(&t, "lou").await;
    let outcomes = async || {
        let mut outcomes = Vec::new();
        for token in [&setup, &password, &invitation] {
            outcomes.push(open(&t, token).await.status());
        }
        outcomes
    };
    t.advance(Duration::hours(1) - Duration::SECOND);
    assert_eq!(outcomes().await, [200, 200, 200]);
    t.advance(Duration::SECOND);
    assert_eq!(outcomes().await, [410, 410, 200]);
    assert_eq!(spend(&t, &password, NEW).await.outcome(), "410");
    t.advance(Duration::days(7) - Duration::hours(1) - Duration::SECOND);
    assert_eq!(outcomes().await, [410, 410, 200]);
    t.advance(Duration::SECOND);
    assert_eq!(outcomes().await, [410, 410, 410]);
    assert_eq!(spend(&t, &invitation, NEW).await.outcome(), "410");
    assert!(opens(&t, "kim", PASSWORD).await);
}

async fn a_link_of_somebody_who_may_not_log_in_opens_nothing(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let link = link_of(&t, "kim").await;
    users::disable(&t.app, &cli(), kim.id).await.unwrap();
    assert_eq!(open(&t, &link).await.outcome(), "410");
    assert_eq!(spend(&t, &link, NEW).await.outcome(), "410");
    let refused = link::make(&t.app, &cli(), kim.id).await;
    let is_told = matches!(refused, Err(Error::Refused(Refusal::Disabled(name))) if name == "kim");
    assert!(is_told);
    users::enable(&t.app, &cli(), kim.id).await.unwrap();
    assert!(opens(&t, "kim", PASSWORD).await, "the password is the old one");
}

async fn any_change_of_the_password_voids_the_links(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let link = link_of(&t, "kim").await;
    users::set_password(&t.app, &cli(), kim.id, &password(NEW), None).await.unwrap();
    assert_eq!(open(&t, &link).await.outcome(), "410");
    assert_eq!(spend(&t, &link, PASSWORD).await.outcome(), "410");
}

async fn what_is_no_link_is_told_so(t: TestApp) {
    let t = t.unthrottled().await;
    t.user("kim", &[]).await;
    let link = link_of(&t, "kim").await;
    let before = t.db.dump().await;
    for token in [
        "",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAA",
        &link[..21],
        &format!("{link}A"),
        &format!(" {link}"),
        &format!("{link}=="),
        &link.to_lowercase(),
        "\0",
        "💥",
    ] {
        if token == link {
            continue;
        }
        assert_eq!(open(&t, token).await.outcome(), "410", "{token:?}");
        assert_eq!(spend(&t, token, NEW).await.outcome(), "410", "{token:?}");
    }
    t.db.assert_unchanged(&before).await;
}

async fn another_session_in_the_browser_is_not_touched(t: TestApp) {
    t.user("kim", &[]).await;
    let lou = t.signed_in("lou", &[]).await;
    let link = link_of(&t, "kim").await;
    let fields = [("token", link.as_str()), ("password", NEW)];
    let answer = t.post_form(&lou, "/link", &fields).await;
    assert_eq!(answer.outcome(), "303 /login?done=password");
    let answer = t.get_as(&lou, "/auth/check").await;
    assert_eq!(answer.header("remote-user"), "lou");
}

async fn nobody_gets_around_their_own_password_by_a_link(t: TestApp) {
    for (name, role) in [("ada", "admin"), ("mia", "user-manager")] {
        let own = t.user(name, &[role]).await;
        let visitor = t.login(name).await;
        let path = format!("/admin/users/{}", own.id);
        let before = t.db.dump().await;
        let answer = t.post_form(&visitor, &format!("{path}/link"), &[]).await;
        assert_eq!(answer.outcome(), "409", "{name}");
        assert!(answer.text().contains("on your account page"), "{name}");
        assert!(!t.get_as(&visitor, &path).await.text().contains("/link\""), "{name}");
        t.db.assert_unchanged(&before).await;
    }
}
