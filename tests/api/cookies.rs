//! What a cookie must be to be believed, and what the database knows of it.

use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use axum::{
    body::Body,
    http::{HeaderValue, Method, header},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use rolecall::db::session_store::digest_text;
use tower_sessions::session::Id;

use crate::support::{Database, PASSWORD, TestApp, Visitor, both_engines, form};

both_engines!(
    a_cookie_that_was_changed_anywhere_opens_nothing,
    a_forged_cookie_is_refused_without_asking_the_database,
    of_two_cookies_with_our_name_neither_counts,
    a_session_cookie_and_the_check_cookie_of_another_are_one_of_them_and_never_both,
    a_cookie_of_eight_kilobytes_is_none_of_ours_and_does_no_harm,
    cookies_of_other_programs_do_no_harm,
    a_request_with_authorization_never_reads_cookies,
    the_database_holds_digests_alone,
    a_cookie_made_with_another_key_opens_nothing,
    looking_around_writes_no_row,
);

/// The status of `/auth/check` for these `Cookie` lines.
async fn check(t: &TestApp, lines: &[&[u8]]) -> u16 {
    let mut request = t.request(Method::GET, "/auth/check");
    for line in lines {
        request = request.header(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
    }
    let answer = t.send(request.body(Body::empty()).unwrap()).await;
    assert!(!answer.status.is_server_error());
    answer.status()
}

async fn a_cookie_that_was_changed_anywhere_opens_nothing(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    let good = visitor.session().unwrap();
    let [id, key, mac] = &good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts, not {good}");
    };
    let mut bad = vec![
        String::new(),
        ".".into(),
        "..".into(),
        (*id).into(),
        format!("{id}."),
        format!("{id}.{key}"),
        format!("{id}.{key}."),
        format!("{id}..{mac}"),
        format!(".{key}.{mac}"),
        format!("{mac}.{key}.{id}"),
        format!("{id}.{key}.{id}"),
        format!("{good}."),
        format!("{good}A"),
        format!("A{good}"),
        format!("{good}=="),
        format!("{id}==.{key}.{mac}=="),
        format!("\"{good}\""),
        format!("{good}.{mac}"),
        good.replace('.', "%2E"),
        good.to_uppercase(),
        good.to_lowercase(),
        good.repeat(2000),
        "A".repeat(100_000),
        format!("{id}.{}.{mac}", "f".repeat(8)),
        format!("{}.{key}.{mac}", BASE64.encode([0; 16])),
        format!("{}.{key}.{mac}", BASE64.encode([0xff; 17])),
    ];
    bad.retain(|value| *value != good);
    for (at, _) in good.char_indices() {
        bad.push(good[..at].to_owned());
        for other in ["A", "b", "-", "_", "0", "."] {
            let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
            if changed != good {
                bad.push(changed);
            }
        }
    }
    for value in bad {
        let status = check(&t, &[format!("rolecall={value}").as_bytes()]).await;
        assert_eq!(status, 401, "{value}");
    }
    assert_eq!(check(&t, &[format!("rolecall={good}").as_bytes()]).await, 200);
}

async fn a_forged_cookie_is_refused_without_asking_the_database(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    let good = visitor.session().unwrap();
    t.app.db.close().await;
    let first = if good.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("rolecall={first}{}", &good[1..]);
    assert_eq!(check(&t, &[forged.as_bytes()]).await, 401);
    let answer = t.get_as(&visitor, "/auth/check").await;
    assert_eq!(answer.outcome(), "503", "an honest one is not told to log in");
}

async fn of_two_cookies_with_our_name_neither_counts(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await.session().unwrap();
    let lou = t.signed_in("lou", &[]).await.session().unwrap();
    let kim = format!("rolecall={kim}");
    let lou = format!("rolecall={lou}");
    for (first, second) in [
        (&kim, &lou),
        (&kim, &kim),
        (&kim, &"rolecall=".to_owned()),
        (&"rolecall=x".to_owned(), &kim),
    ] {
        let one_line = format!("{first}; {second}");
        assert_eq!(check(&t, &[one_line.as_bytes()]).await, 401, "{one_line}");
        let two_lines = [first.as_bytes(), second.as_bytes()];
        assert_eq!(check(&t, &two_lines).await, 401);
    }
}

async fn a_session_cookie_and_the_check_cookie_of_another_are_one_of_them_and_never_both(
    db: Database,
) {
    const CHECK: &str = "__Secure-rolecall-check";
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.cookie_domain = "example.com".parse().ok();
    })
    .await;
    let kim = t.signed_in("kim", &["auditor"]).await;
    let lou = t.signed_in("lou", &["user"]).await;
    let mixed = Visitor::with_cookie("__Host-rolecall", &kim.session().unwrap());
    mixed.set_cookie(CHECK, &lou.cookie(CHECK).unwrap());
    let alone = Visitor::with_cookie(CHECK, &lou.cookie(CHECK).unwrap());
    for _ in 0..2 {
        // From the database, then from memory.
        t.app.db.follow_revision().await.unwrap();
        for (visitor, user, roles) in [(&mixed, "kim", "auditor"), (&alone, "lou", "user")] {
            let answer = t.get_as(visitor, "/auth/check").await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.header("remote-user"), user);
            assert_eq!(answer.header("remote-groups"), roles);
        }
        assert_eq!(t.get_as(&mixed, "/admin/audit").await.status(), 200);
        assert!(!t.is_signed_in(&alone).await, "no page of ours");
    }
    // The bits of one in the place of the other.
    let swapped = Visitor::with_cookie("__Host-rolecall", &lou.cookie(CHECK).unwrap());
    swapped.set_cookie(CHECK, &kim.session().unwrap());
    assert_eq!(t.get_as(&swapped, "/auth/check").await.status(), 401);
    t.log_out(&kim).await;
    let answer = t.get_as(&mixed, "/auth/check").await;
    assert_eq!((answer.status(), answer.header("remote-user")), (200, "lou"));
    assert!(!t.is_signed_in(&mixed).await);
}

async fn a_cookie_of_eight_kilobytes_is_none_of_ours_and_does_no_harm(t: TestApp) {
    let good = t.signed_in("kim", &[]).await.session().unwrap();
    let long = "x".repeat(8 * 1024);
    for ours in
        [long.clone(), format!("{good}{long}"), format!("{good}.{long}"), long.replace('x', ".")]
    {
        assert_eq!(check(&t, &[format!("rolecall={ours}").as_bytes()]).await, 401);
    }
    for line in [
        format!("theme={long}; rolecall={good}"),
        format!("rolecall={good}; theme={long}"),
        format!("{long}={long}; rolecall={good}; rolecal={long}; rolecall2={long}"),
    ] {
        assert_eq!(check(&t, &[line.as_bytes()]).await, 200);
    }
}

async fn cookies_of_other_programs_do_no_harm(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await.session().unwrap();
    for line in [
        format!("a=b; rolecall={kim}; c=d"),
        format!("a=b;rolecall={kim};c=d"),
        format!("flag; rolecall={kim}; ="),
        format!("rolecall-device-x=1; Rolecall=2; xrolecall=3; rolecall={kim}"),
        format!("a=rolecall=x; rolecall={kim}"),
        format!("theme=dünkel; rolecall={kim}"),
    ] {
        assert_eq!(check(&t, &[line.as_bytes()]).await, 200, "{line}");
    }
    let latin_1 = [b"theme=d\xfcnkel; rolecall=", kim.as_bytes()].concat();
    assert_eq!(check(&t, &[&latin_1]).await, 200);
}

async fn a_request_with_authorization_never_reads_cookies(t: TestApp) {
    let visitor = t.signed_in("kim", &["admin"]).await;
    for credential in ["Bearer x", "Basic a2ltOng=", "", "junk"] {
        for (path, outcome) in [
            ("/auth/check", "401"),
            ("/account", "303 /login?next=%2Faccount"),
            ("/", "303 /login"),
        ] {
            let request = t.request(Method::GET, path).header(header::AUTHORIZATION, credential);
            let answer = t.send_as(&visitor, request, Body::empty()).await;
            assert_eq!(answer.outcome(), outcome, "{credential:?} {path}");
        }
    }
    assert!(t.is_signed_in(&visitor).await);
}

/// The ways in which 16 bytes could stand in a dump.
fn spellings(id: &str) -> Vec<String> {
    let mut bytes = BASE64.decode(id).unwrap();
    let mut hex = || {
        let text = hex::encode(&bytes);
        bytes.reverse();
        text
    };
    vec![id.to_owned(), hex(), hex()]
}

async fn the_database_holds_digests_alone(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.cookie_domain = "example.com".parse().ok();
    })
    .await;
    let kim = t.signed_in("kim", &[]).await;
    // Something that the stock store keeps: the notice after a change of the password.
    let new = "another horse battery staple";
    let fields = [("current_password", PASSWORD), ("new_password", new)];
    let answer = t.post_form(&kim, "/account/password", &fields).await;
    assert_eq!(answer.outcome(), "303 /account?done");
    assert_eq!(t.db.count("session_data").await, 1);
    let user = rolecall::auth::users::find(&t.app, "kim").await.unwrap();
    let by = crate::support::cli();
    let link = rolecall::auth::link::make(&t.app, &by, user.id).await.unwrap();

    let dump = t.db.dump().await;
    let lower = dump.to_lowercase();
    let secrets =
        [kim.session().unwrap(), kim.cookie("__Secure-rolecall-check").unwrap(), link.reveal()];
    for secret in secrets {
        let id = secret.split('.').next().unwrap();
        for spelling in spellings(id) {
            assert!(!dump.contains(&spelling), "{spelling} is in the database");
            assert!(!lower.contains(&spelling), "{spelling} is in the database");
        }
        // The dump would have shown it: the digest is there.
        let digest = digest_text(id.parse::<Id>().unwrap());
        assert!(dump.contains(&digest), "{digest} is not in the database");
        // And the digest is no way in.
        let forged = secret.replacen(id, &digest, 1);
        let thief = Visitor::with_cookie("__Host-rolecall", &forged);
        assert!(!t.is_signed_in(&thief).await);
        let link = t.get(&format!("/link?{}", form(&[("token", &digest)]))).await;
        assert_eq!(link.outcome(), "410");
    }
    assert!(!dump.contains(PASSWORD) && !dump.contains(new));
}

async fn a_cookie_made_with_another_key_opens_nothing(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    let good = visitor.session().unwrap();
    // Another installation, whose key even has the same id.
    let other = Database::create(t.db.engine).await;
    let ours = std::fs::read_to_string(t.db.path("rolecall.key")).unwrap();
    let line = ours.lines().last().unwrap();
    let (id, _) = line.split_once(' ').unwrap();
    let theirs = format!("{id} {}\n", BASE64.encode([7; 32]));
    let file = other.path("rolecall.key");
    std::fs::write(&file, theirs).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let other = TestApp::with(other, |_| {}).await;
    let theirs = other.signed_in("kim", &["admin"]).await.session().unwrap();
    assert_eq!(good.split('.').nth(1), theirs.split('.').nth(1));
    assert_eq!(check(&t, &[format!("rolecall={theirs}").as_bytes()]).await, 401);
    let mixed = format!(
        "{}.{id}.{}",
        good.split('.').next().unwrap(),
        theirs.split('.').next_back().unwrap()
    );
    assert_eq!(check(&t, &[format!("rolecall={mixed}").as_bytes()]).await, 401);
}

async fn looking_around_writes_no_row(t: TestApp) {
    let t = t.unthrottled().await;
    let signed_in = t.signed_in("kim", &["admin"]).await;
    let before = t.db.dump().await;
    let forged = Visitor::with_cookie("rolecall", "AAAAAAAAAAAAAAAAAAAAAA.x.y");
    for visitor in [&Visitor::new(), &forged, &signed_in] {
        for route in rolecall::web::routes() {
            let path = route.path.replace("{name}", "style.css");
            let answer = t.get_as(visitor, &path).await;
            assert_eq!(answer.set_cookies(), Vec::<&str>::new(), "{path}");
        }
        t.get_as(visitor, "/nothing").await;
        t.get_as(visitor, "/link?token=AAAAAAAAAAAAAAAAAAAAAA").await;
    }
    t.get_as(&forged, "/account?done").await;
    t.db.assert_unchanged(&before).await;
}
