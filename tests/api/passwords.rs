//! Which new passwords are taken, wherever one is chosen, and that they stay as they were typed.

use rolecall::{
    auth::{key::rotate, link, password::PasswordError, password::Weakness, users},
    config::OnOff,
    text::{self, form::password_problem},
};
use time::Duration;

use crate::support::{PASSWORD, TestApp, Visitor, both_engines, cli, markup, password, username};

both_engines!(
    a_weak_password_is_refused_with_the_reason_wherever_it_is_chosen,
    a_password_is_kept_as_it_was_typed,
    both_spellings_of_an_accent_open_the_account,
    a_pepper_is_taken_up_follows_the_newest_key_and_is_given_up_at_logins,
    the_page_of_a_user_says_what_a_one_time_password_is_good_for,
);

const WEAK: [(&str, PasswordError); 6] = [
    ("short", PasswordError::TooShort(15)),
    ("123456789987654321", PasswordError::Common),
    ("1QAZ2wsx3EDC4rfv", PasswordError::Common),
    ("kim.nguyen@example.com", PasswordError::AboutYou),
    ("rolecall rolecall kim", PasswordError::AboutYou),
    ("aaaaaaaaaaaaaaaaaaaaaa", PasswordError::Weak(Weakness::Repeats)),
];

async fn a_weak_password_is_refused_with_the_reason_wherever_it_is_chosen(t: TestApp) {
    let user = t.user_with_email("kim", "kim.nguyen@example.com").await;
    let kim = t.login("kim").await;
    let token = link::make(&t.app, &cli(), user.id).await.unwrap().reveal();
    let before = t.db.dump().await;
    for (password, error) in WEAK {
        let fields = [("current_password", PASSWORD), ("new_password", password)];
        let account = t.post_form(&kim, "/account/password", &fields).await;
        let fields = [("token", token.as_str()), ("password", password)];
        let by_link = t.post_form(&Visitor::new(), "/link", &fields).await;
        for answer in [account, by_link] {
            assert_eq!(answer.outcome(), "422", "{password}");
            let page = markup::unescaped(answer.text());
            assert!(page.contains(&password_problem(error)), "{password}: {page}");
            assert!(!page.contains(&format!("value=\"{password}\"")), "{password} travels back");
        }
    }
    t.db.assert_unchanged(&before).await;
    let long = "nine blue geese over the cold water 7 ".repeat(4);
    for good in ["nine blue geese over the water", &long] {
        assert!(good.chars().count() >= 15);
        let token = link::make(&t.app, &cli(), user.id).await.unwrap().reveal();
        let fields = [("token", token.as_str()), ("password", good)];
        let answer = t.post_form(&Visitor::new(), "/link", &fields).await;
        assert_eq!(answer.outcome(), "303 /login?done=password", "{good}");
        let answer = t.try_login(&Visitor::new(), "kim", good).await;
        assert_eq!(answer.outcome(), "303 /account", "{good}");
    }
}

async fn a_password_is_kept_as_it_was_typed(t: TestApp) {
    let user = t.user("kim", &[]).await;
    // All that ASCII prints, in no order that anybody would guess.
    let every: String = (0..95u8).map(|n| char::from(b' ' + (n as u32 * 37 % 95) as u8)).collect();
    for typed in ["  two spaces on each side  ", "“Ünïcödé” ¿ 漢字 ⚘ tab-free", &every]
    {
        let token = link::make(&t.app, &cli(), user.id).await.unwrap().reveal();
        let fields = [("token", token.as_str()), ("password", typed)];
        let answer = t.post_form(&Visitor::new(), "/link", &fields).await;
        assert_eq!(answer.outcome(), "303 /login?done=password", "{typed}");
        let login =
            async |password: &str| t.try_login(&Visitor::new(), "kim", password).await.outcome();
        assert_eq!(login(typed).await, "303 /account", "{typed}");
        if typed.trim() != typed {
            assert_eq!(login(typed.trim()).await, "401", "{typed}");
        }
        let cut: String = typed.chars().take(typed.chars().count() - 1).collect();
        assert_eq!(login(&cut).await, "401", "{typed}");
    }
}

async fn both_spellings_of_an_accent_open_the_account(t: TestApp) {
    let user = t.user("kim", &[]).await;
    let token = link::make(&t.app, &cli(), user.id).await.unwrap();
    let [composed, decomposed] = ["zoë trinkt blaue Gänse", "zoe\u{308} trinkt blaue Ga\u{308}nse"];
    let chosen = rolecall::auth::password::Password::chosen_for(&t.app, decomposed, &[]).unwrap();
    link::set_password(&t.app, &cli(), token, &chosen).await.unwrap();
    for typed in [composed, decomposed] {
        let answer = t.try_login(&Visitor::new(), username("kim").as_str(), typed).await;
        assert_eq!(answer.outcome(), "303 /account", "{typed}");
    }
}

async fn a_pepper_is_taken_up_follows_the_newest_key_and_is_given_up_at_logins(t: TestApp) {
    t.user("kim", &[]).await;
    let hash = async || t.db.texts("select password_hash from users").await.remove(0);
    let key = async || t.app.keys.newest_pepper().0;
    assert!(!hash().await.contains("keyid"));
    let peppered = t.beside_with(|settings| settings.pepper = OnOff::On).await;
    peppered.login("kim").await;
    let first = key().await;
    assert!(hash().await.contains(&format!(",keyid={first}$")));
    // A node that has not been told yet lets them in as well, but makes no older hash of it.
    rotate(&peppered.app, &cli()).await.unwrap();
    let again = t.beside_with(|settings| settings.pepper = OnOff::On).await;
    again.login("kim").await;
    let renewed = hash().await;
    assert!(!renewed.contains(&first) && renewed.contains("keyid="), "{renewed}");
    // Without the key the right password is as wrong as any.
    t.db.execute("update users set password_hash = replace(password_hash, 'keyid=', 'keyid=f')")
        .await;
    let answer = again.try_login(&Visitor::new(), "kim", PASSWORD).await;
    assert_eq!(answer.outcome(), "401");
    t.db.execute("update users set password_hash = replace(password_hash, 'keyid=f', 'keyid=')")
        .await;
    t.login("kim").await;
    assert!(!hash().await.contains("keyid"));
}

async fn the_page_of_a_user_says_what_a_one_time_password_is_good_for(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let made = password("eight wild swans fly past noon");
    let admin = t.signed_in("lee", &["admin"]).await;
    let person = format!("/admin/users/{}", kim.id);
    let shows = async |visitor: &Visitor, sentence: &str| {
        let page = t.get_as(visitor, &person).await;
        assert!(page.text().contains(&format!("<dd>{sentence}</dd>")), "{sentence}");
    };
    shows(&admin, text::user::PASSWORD_SET).await;
    users::set_generated_password(&t.app, &cli(), kim.id, &made).await.unwrap();
    let end = text::time(t.app.now() + Duration::days(7));
    shows(&admin, &text::user::one_time_password(&end)).await;
    let answer = t.try_login(&Visitor::new(), "kim", "eight wild swans fly past noon").await;
    assert!(answer.location().starts_with("/link?token="), "{}", answer.location());
    shows(&admin, text::user::ONE_TIME_PASSWORD_OVER).await;
    // One that nobody used is over, too.
    users::set_generated_password(&t.app, &cli(), kim.id, &made).await.unwrap();
    t.advance(Duration::days(7));
    let admin = t.login("lee").await;
    shows(&admin, text::user::ONE_TIME_PASSWORD_OVER).await;
    let answer = t.try_login(&Visitor::new(), "kim", "eight wild swans fly past noon").await;
    assert_eq!(answer.outcome(), "401");
}
