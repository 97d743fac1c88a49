//! The pages below a path of the application, under its name and in its layout.

use axum::{Router, routing::get};
use rolecall::{Layout, LayoutParts, Require, Rolecall, signed_in};

use crate::{
    embed::host::settings,
    support::{Database, both_engines},
};

both_engines!(pages_stand_below_a_path_in_the_look_of_the_application,);

/// The body of a page, whoever asks, or where it leads.
async fn page(router: &Router, path: &str) -> String {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let request = Request::get(path).header("host", "example.com").header("accept", "text/html");
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let leads_to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    leads_to.unwrap_or_else(|| String::from_utf8(body.to_vec()).unwrap())
}

async fn pages_stand_below_a_path_in_the_look_of_the_application(db: Database) {
    let mut settings = settings(&db);
    settings.public_url = Some("https://example.com/people".to_owned());
    settings.app_name = Some("The Daily".to_owned());
    let builder = Rolecall::connect(&db.url).await.unwrap().settings(settings);
    let layout = Layout::new(|page: &LayoutParts<'_>| {
        let style = page.path("/static/style.css");
        Ok::<_, std::fmt::Error>(format!(
            "<title>{} - {}</title><link href=\"{style}\"><main>{}</main>",
            page.title, page.app_name, page.content
        ))
    });
    let auth = builder.layout(layout).build().await.unwrap();
    let router = Router::new()
        .route("/", get(async || "the application's"))
        .route("/desk", get(async || "desk").require(signed_in()))
        .merge(auth.pages())
        .layer(auth.layer());
    assert_eq!(page(&router, "/").await, "the application's");
    assert_eq!(page(&router, "/desk").await, "/people/login?next=%2Fdesk");
    let login = page(&router, "/people/login").await;
    assert!(login.starts_with("<title>Sign in - The Daily</title>"), "{login}");
    assert!(login.contains("href=\"/people/static/style.css\""), "{login}");
    assert!(login.contains("action=\"/people/login\""), "{login}");
    assert_eq!(page(&router, "/login").await, "", "not at the root");
    auth.close().await;
}
