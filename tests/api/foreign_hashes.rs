//! Hashes that other programs made: each opens for its password, and is ours from then on.

use rolecall::config::OnOff;

use crate::support::{
    Database, TestApp, Visitor, both_engines,
    hashes::{PASSWORD, SCHEMES, made},
};

both_engines!(
    a_hash_of_another_program_becomes_ours_once_under_parallel_logins,
    a_login_takes_the_bytes_as_they_came_and_the_new_hash_every_spelling,
    a_hash_that_saw_the_first_72_bytes_is_renewed_from_all_of_them,
    a_hash_of_another_program_counts_for_a_change_too,
    a_hash_beyond_the_limits_is_a_wrong_password,
);

const RENEWED: &str = "audit where action = 'user.hash_renew'";

async fn unthrottled(db: Database) -> TestApp {
    TestApp::with(db, |chosen| chosen.throttle = Some(OnOff::Off)).await
}

async fn give(t: &TestApp, name: &str, hash: &str) {
    t.user(name, &[]).await;
    let one = format!("where username = '{name}'");
    t.db.execute(&format!("update users set password_hash = '{hash}' {one}")).await;
}

async fn hash_of(t: &TestApp, name: &str) -> String {
    let select = format!("select password_hash from users where username = '{name}'");
    t.db.texts(&select).await.remove(0)
}

async fn outcome(t: &TestApp, name: &str, password: &str) -> String {
    t.try_login(&Visitor::new(), name, password).await.outcome()
}

const IN: &str = "303 /account";

async fn a_hash_of_another_program_becomes_ours_once_under_parallel_logins(db: Database) {
    let t = unthrottled(db).await;
    let schemes = SCHEMES.into_iter().chain(["argon2id"]);
    for (number, scheme) in schemes.enumerate() {
        let name = format!("kim{number}");
        give(&t, &name, &made(scheme, PASSWORD)).await;
        assert_eq!(outcome(&t, &name, "a:b$c$$").await, "401", "{scheme}");
        assert!(!hash_of(&t, &name).await.contains("$m=64,t=1,p=1$"), "{scheme}");
        let logins = t.at_once(4, {
            let name = name.clone();
            move |t, _| {
                let name = name.clone();
                async move { outcome(&t, &name, PASSWORD).await }
            }
        });
        assert_eq!(logins.await.unwrap(), [IN; 4], "{scheme}");
        let renewed = hash_of(&t, &name).await;
        assert!(renewed.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{scheme} {renewed}");
        assert_eq!(outcome(&t, &name, PASSWORD).await, IN, "{scheme}");
        assert_eq!(hash_of(&t, &name).await, renewed, "{scheme}");
        assert_eq!(t.db.count(RENEWED).await, number as i64 + 1, "{scheme}");
    }
}

async fn a_login_takes_the_bytes_as_they_came_and_the_new_hash_every_spelling(db: Database) {
    let t = unthrottled(db).await;
    let (typed, composed) = ("zoe\u{308} n\u{303}", "zo\u{eb} \u{f1}");
    for (name, scheme) in [("kim", "Django PBKDF2"), ("lou", "argon2i"), ("max", "bcrypt")] {
        give(&t, name, &made(scheme, typed)).await;
        assert_eq!(outcome(&t, name, composed).await, "401", "{scheme}");
        assert_eq!(outcome(&t, name, typed).await, IN, "{scheme}");
        assert_eq!(outcome(&t, name, composed).await, IN, "{scheme}");
        assert_eq!(outcome(&t, name, typed).await, IN, "{scheme}");
    }
}

async fn a_hash_that_saw_the_first_72_bytes_is_renewed_from_all_of_them(db: Database) {
    let t = unthrottled(db).await;
    let password = "0123456789".repeat(8);
    give(&t, "kim", &made("bcrypt", &password)).await;
    assert_eq!(outcome(&t, "kim", &password[..71]).await, "401");
    // What lies beyond was never compared: whatever is typed there now is the password.
    let typed = format!("{}, and more", &password[..72]);
    assert_eq!(outcome(&t, "kim", &typed).await, IN);
    assert_eq!(outcome(&t, "kim", &password).await, "401");
    assert_eq!(outcome(&t, "kim", &password[..72]).await, "401");
    assert_eq!(outcome(&t, "kim", &typed).await, IN);
}

async fn a_hash_of_another_program_counts_for_a_change_too(db: Database) {
    let t = unthrottled(db).await;
    let kim = t.signed_in("kim", &[]).await;
    let hash = made("Werkzeug scrypt", PASSWORD);
    t.db.execute(&format!("update users set password_hash = '{hash}'")).await;
    let new = "mauve teapot under the stairs";
    for (current, expected) in [("a:b$c$$", 422), (PASSWORD, 303)] {
        let fields = [("current_password", current), ("new_password", new)];
        let answer = t.post_form(&kim, "/account/password", &fields).await;
        assert_eq!(answer.status(), expected, "{}", answer.text());
    }
    assert_eq!(outcome(&t, "kim", new).await, IN);
}

async fn a_hash_beyond_the_limits_is_a_wrong_password(db: Database) {
    let t = unthrottled(db).await;
    let hash = made("Werkzeug scrypt", PASSWORD).replace("scrypt:1024:8", "scrypt:1048576:64");
    give(&t, "kim", &hash).await;
    assert_eq!(outcome(&t, "kim", PASSWORD).await, "401");
    assert_eq!(hash_of(&t, "kim").await, hash);
}
