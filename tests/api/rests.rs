//! Lists that share their page with others: the page shows where each goes on, and whoever
//! follows that sees every line once.

use rolecall::text::paging;

use crate::{
    api::large::{NOW, assert_whole, five_hundred_roles, grants, id, insert},
    support::{TestApp, Visitor, both_engines, markup},
};

both_engines!(
    every_role_and_permission_is_seen_by_whoever_has_them,
    every_session_is_seen_by_its_owner,
    every_grant_and_permission_of_somebody_is_seen,
    everything_that_a_role_is_to_others_is_seen,
    a_list_goes_on_where_it_was_when_a_line_goes,
);

/// The part of a page that stands under this id.
fn section<'p>(page: &'p str, what: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("id=\"{what}\"")).expect("the list");
    rest.split_once("</section>").expect("its end").0
}

/// Where the list goes on.
fn next(page: &str, path: &str, what: &str) -> Option<String> {
    let begin = format!("{path}?{what}=");
    markup::links(section(page, what)).into_iter().find(|link| link.starts_with(&begin))
}

/// Which of `names` each part of the list shows, by following it from its beginning to its end.
async fn parts(
    t: &TestApp,
    visitor: &Visitor,
    (path, what): (&str, &str),
    names: &[String],
) -> Vec<Vec<String>> {
    let (mut address, mut parts) = (path.to_owned(), Vec::new());
    loop {
        let page = t.get_as(visitor, &address).await;
        assert_whole(&page, 200, &address);
        let list = section(page.text(), what);
        let back = format!("<a href=\"{path}#{what}\">{}", paging::FROM_THE_FIRST);
        assert_eq!(list.contains(&back), !parts.is_empty(), "{address} leads back");
        let shown = names.iter().filter(|name| list.contains(&format!(">{name}<")));
        parts.push(shown.cloned().collect::<Vec<_>>());
        let Some(next) = next(page.text(), path, what) else { return parts };
        let (query, id) = next.split_once('#').expect("a place on the page");
        assert_eq!(id, what);
        let left = paging::and_more(names.len() - parts.concat().len());
        assert!(list.contains(&format!(">{left}<")), "{address}: {left}");
        address = query.to_owned();
    }
}

/// Every name is seen once, in `most` lines at a time and in order.
async fn assert_all(
    t: &TestApp,
    visitor: &Visitor,
    list: (&str, &str),
    (names, most): (&[String], usize),
) {
    let parts = parts(t, visitor, list, names).await;
    assert_eq!(parts.concat(), names, "{list:?}");
    let (last, others) = parts.split_last().expect("a part");
    assert!(others.iter().all(|part| part.len() == most) && last.len() <= most, "{list:?}");
}

fn roles(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("r-{n:03}")).collect()
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn permissions(count: usize) -> Vec<String> {
    sorted((0..count).map(|n| format!("thing-{n}:read")))
}

async fn every_role_and_permission_is_seen_by_whoever_has_them(t: TestApp) {
    five_hundred_roles(&t).await;
    let kim = t.user("kim", &[]).await;
    grants(&t, kim.id, 500).await;
    let own = t.login("kim").await;
    assert_all(&t, &own, ("/account", "roles"), (&roles(0..500), 15)).await;
    assert_all(&t, &own, ("/account", "permissions"), (&permissions(500), 30)).await;
    // What is folded up is open where it goes on.
    let first = t.get_as(&own, "/account").await;
    assert!(first.text().contains("<details>"));
    let second = t.get_as(&own, &next(first.text(), "/account", "permissions").unwrap()).await;
    assert!(second.text().contains("<details open>"));
}

async fn every_session_is_seen_by_its_owner(t: TestApp) {
    let kim = t.user("kim", &[]).await;
    let columns = "sessions (id, digest, user_id, remember, created_at, last_seen_at,
                             idle_expires_at, absolute_expires_at, ip, user_agent)";
    let (user, end) = (id(&t, kim.id.0), "'2026-11-23T09:00:00Z'");
    insert(&t, columns, 43, |n| {
        let own = id(&t, uuid::Uuid::from_u128(n as u128 + 1));
        format!(
            "{own}, 'digest {n}', {user}, false, {NOW}, {NOW}, {end}, {end}, '203.0.113.{n}', ''"
        )
    })
    .await;
    let own = t.login("kim").await;
    let mut addresses: Vec<String> = (0..43).map(|n| format!("203.0.113.{n}")).collect();
    let (mut address, mut sizes, mut seen) = ("/account".to_owned(), Vec::new(), Vec::new());
    loop {
        let page = t.get_as(&own, &address).await;
        let rows = markup::rows(section(page.text(), "sessions"));
        sizes.push(rows.len());
        seen.extend(rows.into_iter().map(|row| row[1].clone()));
        let Some(next) = next(page.text(), "/account", "sessions") else { break };
        address = next;
    }
    assert_eq!(sizes, [10, 10, 10, 10, 4]);
    addresses.push("127.0.0.1".to_owned());
    assert_eq!(sorted(seen.into_iter()), sorted(addresses.into_iter()));
}

async fn every_grant_and_permission_of_somebody_is_seen(t: TestApp) {
    five_hundred_roles(&t).await;
    let kim = t.user("kim", &[]).await;
    grants(&t, kim.id, 500).await;
    let admin = t.signed_in("lee", &["admin"]).await;
    let person = format!("/admin/users/{}", kim.id);
    assert_all(&t, &admin, (&person, "grants"), (&roles(0..500), 15)).await;
    assert_all(&t, &admin, (&person, "permissions"), (&permissions(500), 40)).await;
    let page = t.get_as(&admin, &format!("{person}?grants=r-490")).await;
    assert!(page.text().contains(&format!("{person}/revoke?role=r-491")), "what one may do there");
}

async fn everything_that_a_role_is_to_others_is_seen(t: TestApp) {
    five_hundred_roles(&t).await;
    let columns = "role_permissions (role_name, permission_name)";
    insert(&t, columns, 100, |n| format!("'r-250', 'thing-{n}:read'")).await;
    let admin = t.signed_in("lee", &["admin"]).await;
    let hub = "/admin/roles/r-250";
    assert_all(&t, &admin, (hub, "includes"), (&roles(251..500), 12)).await;
    let mut grantors = roles(251..500);
    grantors.sort();
    assert_all(&t, &admin, (hub, "grantors"), (&grantors, 10)).await;
    let own = sorted(permissions(100).into_iter().chain(["thing-250:read".to_owned()]));
    assert_all(&t, &admin, (hub, "permissions"), (&own, 20)).await;
    assert_all(&t, &admin, ("/admin/roles/r-000", "includes"), (&roles(1..250), 12)).await;
    // Upwards a chain is read from below.
    let list = ("/admin/roles/r-249", "included_in");
    let seen = parts(&t, &admin, list, &roles(0..249)).await;
    assert_eq!(seen.first().unwrap(), &roles(237..249));
    assert_eq!(sorted(seen.concat().into_iter()), roles(0..249));
    assert_eq!(seen.concat().len(), 249);
}

async fn a_list_goes_on_where_it_was_when_a_line_goes(t: TestApp) {
    five_hundred_roles(&t).await;
    let kim = t.user("kim", &[]).await;
    grants(&t, kim.id, 500).await;
    let admin = t.signed_in("lee", &["admin"]).await;
    let person = format!("/admin/users/{}", kim.id);
    let page = t.get_as(&admin, &person).await;
    let next = next(page.text(), &person, "grants").unwrap();
    assert_eq!(next, format!("{person}?grants=r-014#grants"));
    t.post_form(&admin, &format!("{person}/revoke"), &[("role", "r-014")]).await;
    let page = t.get_as(&admin, &next).await;
    let rows = markup::rows(section(page.text(), "grants"));
    assert_eq!(rows[0][0], "r-015");
    // Behind the end, and from somewhere unheard of, there is a page too.
    for (start, first) in [("r-499", "r-000"), ("zzz", "r-000"), ("<&'\"", "r-000")] {
        let query = crate::support::form(&[("grants", start)]);
        let page = t.get_as(&admin, &format!("{person}?{query}")).await;
        assert_whole(&page, 200, start);
        assert_eq!(markup::rows(section(page.text(), "grants"))[0][0], first, "{start}");
    }
}
