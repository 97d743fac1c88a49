//! What is longer, more or later than we take, and what comes of it. `docs/limits.md` has the
//! list; limits of single fields are tested where the fields are.

use axum::{
    body::Body,
    http::{Method, header},
};

use crate::support::{Answer, Database, PASSWORD, TestApp, Visitor, both_engines, form};

both_engines!(
    an_address_may_have_16_kib_and_no_more,
    the_way_back_is_left_out_when_no_login_would_follow_it,
    cookies_that_we_set_fit_into_every_browser,
    fields_may_be_as_long_as_it_says_and_no_longer,
    a_name_that_was_refused_comes_back_shortened,
    of_the_devices_that_a_browser_names_32_count,
);

/// An address of so many bytes.
fn address(start: &str, bytes: usize) -> String {
    format!("{start}{}", "a".repeat(bytes - start.len()))
}

async fn an_address_may_have_16_kib_and_no_more(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    const MOST: usize = 16 * 1024;
    for (visitor, start, outcome) in [
        (&Visitor::new(), "/login?next=", "200"),
        (&Visitor::new(), "/login?", "200"),
        (&Visitor::new(), "/", "404"),
        (&Visitor::new(), "/link?token=", "410"),
        (&Visitor::new(), "/account?", "303 /login"),
        (&Visitor::new(), "/static/", "404"),
        (&Visitor::new(), "/healthz?", "200"),
        (&Visitor::new(), "/auth/check?role=", "401"),
        (&ada, "/auth/check?role=", "403"),
        (&ada, "/admin/users?q=", "200"),
        (&ada, "/admin/audit?actor=", "200"),
        (&ada, "/admin/roles/", "404"),
    ] {
        let fits = t.get_as(visitor, &address(start, MOST)).await;
        assert_eq!(fits.outcome(), outcome, "{start}");
        for bytes in [MOST + 1, 60_000] {
            let answer = t.get_as(visitor, &address(start, bytes)).await;
            assert_eq!(answer.outcome(), "414", "{start} of {bytes} bytes");
            let is_page =
                !["/auth", "/static", "/healthz"].iter().any(|own| start.starts_with(own));
            let says = "This address is too long";
            assert!(answer.text().contains(says), "{}", answer.text());
            assert_eq!(answer.text().contains("class=\"button\""), is_page, "{start}");
        }
    }
    let request = t.request(Method::POST, &address("/login?", MOST + 1));
    let request = request
        .header(header::ORIGIN, t.origin())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let login = form(&[("username", "ada"), ("password", PASSWORD)]);
    let answer = t.send_as(&Visitor::new(), request, login.into()).await;
    assert_eq!(answer.outcome(), "414");
}

async fn the_way_back_is_left_out_when_no_login_would_follow_it(t: TestApp) {
    let led = async |bytes| t.get(&address("/admin/users?q=", bytes)).await.outcome();
    let fits = led(2048).await;
    assert!(fits.starts_with("303 /login?next=%2Fadmin%2Fusers%3Fq%3Daaaa"), "{fits}");
    assert_eq!(led(2049).await, "303 /login");
}

async fn cookies_that_we_set_fit_into_every_browser(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.cookie_domain = "example.com".parse().ok();
    })
    .await;
    t.user("kim", &[]).await;
    let kim = Visitor::new();
    let login = form(&[("username", "kim"), ("password", PASSWORD), ("remember", "on")]);
    let mut set = Vec::new();
    let mut keep = |answer: Answer| {
        set.extend(answer.set_cookies().into_iter().map(str::to_owned));
    };
    keep(t.post(&kim, "/login", login).await);
    keep(t.log_out(&kim).await);
    assert_eq!(set.len(), 5, "the session, the check, the device, and two that go: {set:?}");
    for line in set {
        assert!(line.len() <= 512, "{line}");
        assert!(line.starts_with("__Host-") || line.starts_with("__Secure-"), "{line}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
}

async fn fields_may_be_as_long_as_it_says_and_no_longer(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let long = |count| "y".repeat(count);
    let email = |bytes: usize| format!("{}@example.com", "x".repeat(bytes - "@example.com".len()));
    // What each form takes whole, and with one more where it does not.
    for (path, field, fits, too_long) in [
        ("/admin/users", "username", long(64), long(65)),
        ("/admin/users", "email", email(254), email(255)),
        ("/admin/users", "display_name", long(200), long(201)),
        ("/admin/roles", "name", long(64), long(65)),
        ("/admin/roles", "description", long(500), long(501)),
        (
            "/admin/roles/editor/allow",
            "permission",
            format!("a:{}", long(126)),
            format!("a:{}", long(127)),
        ),
        ("/admin/users/{ada}/grant", "reason", long(500), long(501)),
    ] {
        let role = rolecall::auth::roles::RoleChange::Create { description: String::new() };
        let editor = crate::support::role("editor");
        let _ =
            rolecall::auth::roles::change(&t.app, &crate::support::cli(), &editor, &[role]).await;
        let id = rolecall::auth::users::find(&t.app, "ada").await.unwrap().id;
        let path = path.replace("{ada}", &id.to_string());
        let name = format!("kim-{field}").replace('_', "-");
        let others = |value: &str| {
            let mut fields = vec![("role", "user"), ("name", &name), ("username", &name)];
            fields.retain(|(other, _)| *other != field);
            fields.push((field, value));
            form(&fields)
        };
        let token = t.form_token(&ada).await.unwrap();
        let made = if path == "/admin/users" { 200 } else { 303 };
        for (value, status) in [(too_long, 422), (fits, made)] {
            let form = format!("{}&form_token={token}", others(&value));
            let answer = t.post(&ada, &path, form).await;
            assert_eq!(
                answer.status(),
                status,
                "{field} of {} bytes: {}",
                value.len(),
                answer.text()
            );
            if status == 422 {
                assert!(answer.text().contains("-problem\""), "{field}");
            }
        }
    }
}

async fn a_name_that_was_refused_comes_back_shortened(t: TestApp) {
    let login = form(&[("username", &"y".repeat(20_000)), ("password", "x")]);
    let answer = t.post(&Visitor::new(), "/login", Body::from(login)).await;
    assert_eq!(answer.outcome(), "401");
    assert_eq!(answer.text().matches('y').count() / 256, 1, "256 of them");
}

async fn of_the_devices_that_a_browser_names_32_count(t: TestApp) {
    t.user("kim", &[]).await;
    let cookies = t.login("kim").await.cookie_header().unwrap();
    let device = cookies.split("; ").find(|pair| pair.starts_with("rolecall-device-")).unwrap();
    for _ in 0..7 {
        t.try_login(&Visitor::new(), "kim", "wrong").await;
    }
    // Strangers are held back now, the device is not.
    for (others, outcome) in [(32, "429"), (31, "303 /account")] {
        let mut pairs: Vec<_> = (0..others).map(|n| format!("rolecall-device-{n:016}=x")).collect();
        pairs.push(device.to_owned());
        let request = t
            .request(Method::POST, "/login")
            .header(header::ORIGIN, t.origin())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, pairs.join("; "));
        let login = form(&[("username", "kim"), ("password", PASSWORD)]);
        let answer = t.send(request.body(login.into()).unwrap()).await;
        assert_eq!(answer.outcome(), outcome, "behind {others} others");
    }
}
