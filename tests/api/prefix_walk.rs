//! Every page below a prefix: each address that it names is below the prefix, and answers.

use std::collections::BTreeSet;

use time::Duration;

use crate::{
    api::prefix::{below, log_in},
    support::{Answer, Database, TestApp, Visitor, both_engines, cli, form, markup, role, roles},
};

both_engines!(every_address_of_every_page_is_below_the_prefix_and_answers,);

/// Asserts that a page names no address but those below the prefix.
fn assert_below(at: &str, page: &Answer) {
    for address in markup::addresses(page.text()) {
        let is_below = address == "/people/"
            || address.strip_prefix("/people/").is_some_and(|rest| !rest.starts_with("people"));
        assert!(is_below || address.starts_with('#'), "{at}: {address:?}");
    }
}

/// Follows every link from `start` on, and gives back the pages with their addresses.
async fn walk(t: &TestApp, visitor: &Visitor, start: &str) -> Vec<(String, Answer)> {
    let (mut open, mut seen) = (vec![start.to_owned()], BTreeSet::new());
    let mut pages = Vec::new();
    while let Some(at) = open.pop() {
        let at = at.split('#').next().unwrap().to_owned();
        if at.is_empty() || !seen.insert(at.clone()) {
            continue;
        }
        let answer = t.get_as(visitor, &at).await;
        assert!([200, 303].contains(&answer.status()), "{at}: {}", answer.outcome());
        if answer.status() == 303 {
            assert!(answer.location().starts_with("/people/"), "{at}: {}", answer.location());
            open.push(answer.location().to_owned());
        } else if answer.header("content-type").starts_with("text/html") {
            assert_below(&at, &answer);
            let addresses = markup::addresses(answer.text());
            let forms = markup::forms(answer.text());
            let posted: Vec<_> = forms.iter().filter(|form| form.method == "post").collect();
            let is_asked = |address: &String| posted.iter().all(|form| form.action != *address);
            open.extend(addresses.into_iter().filter(is_asked));
            pages.push((at, answer));
        }
    }
    pages
}

async fn every_address_of_every_page_is_below_the_prefix_and_answers(db: Database) {
    let t = below(db, "/people").await;
    t.user("ada", &["admin"]).await;
    roles::create(&t.app, &cli(), &role("editor"), "Writes").await.unwrap();
    roles::create(&t.app, &cli(), &role("reader"), "Reads").await.unwrap();
    roles::include(&t.app, &cli(), &role("editor"), &role("reader")).await.unwrap();
    t.user("kim", &["editor"]).await;
    log_in(&t, "kim", "").await;

    for path in ["/people/login", "/people/link", "/people/nowhere", "/nowhere"] {
        assert_below(path, &t.get(path).await);
    }
    let (ada, _) = log_in(&t, "ada", "").await;
    log_in(&t, "ada", "").await;
    let pages = walk(&t, &ada, "/people/account").await;
    let routes = ["", "/users/new", "/roles/editor", "/roles/editor/delete", "/sessions", "/audit"];
    for route in routes.map(|route| format!("/people/admin{route}")) {
        assert!(pages.iter().any(|(at, _)| *at == route), "{route} was found");
    }

    // The forms: without fields nothing is changed, and each is somebody's to read.
    let posts = pages.iter().flat_map(|(_, page)| markup::forms(page.text()));
    let posts: BTreeSet<String> =
        posts.filter(|form| form.method == "post").map(|form| form.action).collect();
    assert!(posts.len() > 20, "{posts:?}");
    for action in &posts {
        let answer = t.post(&ada, action, form(&[("description", "typed")])).await;
        assert_eq!(answer.status(), 403, "{action}: a form without its token");
        assert_below(action, &answer);
    }

    // Long after the login the form comes back with a field for the password.
    t.advance(Duration::hours(1));
    let page = t.get_as(&ada, "/people/admin/roles/editor").await;
    let token = page.hidden_field("form_token").unwrap();
    let fields = form(&[("form_token", &token), ("permission", "articles:read")]);
    let answer = t.post(&ada, "/people/admin/roles/editor/allow", fields).await;
    assert_eq!(answer.status(), 401);
    assert_below("step up", &answer);
    let again = markup::form_to(answer.text(), "/people/admin/roles/editor/allow").unwrap();
    let mut fields = again.fields;
    fields.retain(|(name, _)| name != "current_password");
    fields.push(("current_password".to_owned(), crate::support::PASSWORD.to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let answer = t.post(&ada, "/people/admin/roles/editor/allow", form(&fields)).await;
    assert_eq!(answer.outcome(), "303 /people/admin/roles/editor?done");
    assert!(t.get_as(&ada, answer.location()).await.text().contains("articles:read"));
}
