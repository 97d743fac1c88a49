//! The pages in an application's own look: under its name, and in its layout.

use std::convert::Infallible;

use rolecall::web::{Layout, LayoutParts};

use crate::{
    api::prefix::{below, log_in},
    support::{Database, TestApp, both_engines},
};

both_engines!(
    the_pages_show_the_name_of_the_application,
    an_application_draws_its_own_layout_around_every_page,
    a_layout_that_fails_is_an_error_and_not_half_a_page,
);

/// As long as a name may be.
const NAME: &str = "Möbel & <b>Söhne</b> Reports for Anyone!";

async fn the_pages_show_the_name_of_the_application(db: Database) {
    assert_eq!(NAME.chars().count(), 40);
    let t = TestApp::with(db, |chosen| chosen.app_name = NAME.parse().ok()).await;
    let shown = "Möbel &#38; &#60;b&#62;Söhne&#60;/b&#62; Reports for Anyone!";
    let ada = t.signed_in("ada", &["admin"]).await;
    for path in ["/login", "/nowhere", "/account", "/admin/roles/new"] {
        let page = t.get_as(&ada.copy(), path).await;
        let page = if path == "/login" { t.get(path).await } else { page };
        let html = page.text();
        assert!(html.contains(&format!(" · {shown}</title>")), "{path}: {html}");
        assert!(html.contains(&format!("<bdi>{shown}</bdi>")), "{path}");
        assert!(html.contains(&format!("aria-label=\"{shown}, start page\"")), "{path}");
    }
    // Whoever knows what they sign in to guesses it first.
    let fields =
        [("current_password", crate::support::PASSWORD), ("new_password", &NAME.to_lowercase())];
    assert_eq!(t.post_form(&ada, "/account/password", &fields).await.status(), 422);
}

/// A layout that puts down what it is given.
fn plain() -> Layout {
    Layout::new(|page: &LayoutParts<'_>| {
        let nav = page.nav.iter().map(|item| format!("{}={};", item.label, item.href));
        Ok::<_, Infallible>(format!(
            "<!DOCTYPE html><title>{}|{}</title><p>{:?} {:?} {} {}</p><i>{}</i><main>{}</main>",
            page.title,
            page.app_name,
            page.user,
            page.notice,
            page.width,
            page.path("/static/style.css"),
            nav.collect::<String>(),
            page.content,
        ))
    })
}

async fn an_application_draws_its_own_layout_around_every_page(db: Database) {
    let t = below(db, "/people").await.laid_out(plain());
    t.user("kim", &["auditor"]).await;
    let login = t.get("/people/login?done=signed-out").await;
    let html = login.text();
    assert!(html.starts_with("<!DOCTYPE html><title>Sign in|rolecall</title>"), "{html}");
    assert!(html.contains("<p>None Some(\"You are signed out.\") narrow /people/static/style.css"));
    assert!(html.contains("<i></i><main><section class=\"card\">"), "{html}");
    assert!(!html.contains("<footer>"));
    assert!(login.header("content-security-policy").starts_with("default-src 'none'"));

    let (kim, _) = log_in(&t, "kim", "").await;
    let page = t.get_as(&kim, "/people/admin/audit").await;
    assert!(page.text().contains("<p>Some(\"kim\") None wide "), "{}", page.text());
    assert!(page.text().contains("<i>Account=/people/account;Overview=/people/admin;"));

    let missing = t.get_as(&kim, "/people/nowhere").await;
    assert_eq!(missing.status(), 404);
    assert!(missing.text().starts_with("<!DOCTYPE html><title>There is no page here|rolecall"));
}

async fn a_layout_that_fails_is_an_error_and_not_half_a_page(t: TestApp) {
    let t = t.laid_out(Layout::new(|_| Err::<String, _>("the template is broken")));
    let answer = t.get("/login").await;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.text(), "Something went wrong on our side\n");
    assert!(!answer.header("content-security-policy").is_empty());
}
