//! The audit trail as a list: filters, pages and CSV.

use rolecall::{
    auth::{
        grants::{self, Until},
        users,
    },
    text,
};
use time::Duration;

use super::lists::all_pages;
use crate::support::{TestApp, Visitor, both_engines, cli, markup, role, roles};

both_engines!(
    the_trail_is_filtered_by_actor_target_action_and_day,
    the_trail_finds_people_by_the_name_they_had,
    the_trail_is_paged_with_its_filter,
    a_filter_that_cannot_be_is_told_so,
    a_spreadsheet_gets_text_and_no_formula,
);

/// The sentences of the records on a page.
pub fn records(page: &str) -> Vec<String> {
    let lines = page.split("<p><b><bdi>").skip(1);
    lines
        .map(|line| {
            let line = line.split_once("</p>").unwrap().0;
            markup::unescaped(&line.replace("</bdi></b> <bdi>", " ").replace("</bdi>", ""))
        })
        .collect()
}

/// Two days of records: on the first, the operator makes people and a role; on the second, ada
/// and mia change them.
async fn two_days(t: &TestApp) -> Visitor {
    t.user("mia", &["user-manager"]).await;
    t.user_with_email("kim", "kim@example.com").await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    t.user("ada", &["admin"]).await;
    t.advance(Duration::days(1));
    let (ada, mia) = (t.login("ada").await, t.login("mia").await);
    let kim = users::find(&t.app, "kim").await.unwrap();
    let grant = format!("/admin/users/{}/grant", kim.id);
    t.post_form(&ada, &grant, &[("role", "editor")]).await;
    t.post_form(&mia, &grant, &[("role", "user"), ("reason", "asked")]).await;
    t.post_form(&ada, "/admin/roles/editor/allow", &[("permission", "reports:write")]).await;
    t.try_login(&Visitor::new(), "kim", "wrong").await;
    let end = Until::At(t.app.now() + Duration::seconds(1));
    grants::grant(&t.app, &cli(), kim.id, &role("auditor"), end, "").await.unwrap();
    t.advance(Duration::seconds(1));
    grants::record_ends(&t.app).await.unwrap();
    ada
}

async fn the_trail_is_filtered_by_actor_target_action_and_day(t: TestApp) {
    let ada = two_days(&t).await;
    // Of the CSV, since it names each action: the newest first, as on the page.
    for (search, expected) in [
        ("actor=ada", "role.allow grant.create session.create"),
        ("actor=ADA", "role.allow grant.create session.create"),
        ("actor=mia", "grant.create session.create"),
        ("actor=visitor", "login.refuse"),
        ("actor=system", "grant.end"),
        ("actor=cli%3Atest&action=role.create", "role.create"),
        ("actor=cli%3Anobody", ""),
        ("target=kim", "grant.end grant.create login.refuse grant.create grant.create user.create"),
        ("target=kim%40example.com&action=grant.create", "grant.create grant.create grant.create"),
        ("target=editor", "role.allow role.create"),
        ("target=editor&actor=ada", "role.allow"),
        ("target=kim&actor=mia", "grant.create"),
        ("target=kim&actor=mia&action=grant.delete", ""),
        ("action=grant.end", "grant.end"),
        ("action=no.such.action", ""),
        ("to=2026-11-22&target=kim", "user.create"),
        ("from=2026-11-23&target=editor", "role.allow"),
        ("from=2026-11-23&to=2026-11-23&actor=mia", "grant.create session.create"),
        ("from=2026-11-24", ""),
        ("to=2026-11-21", ""),
        ("from=2026-11-23&to=2026-11-22", ""),
        ("to=9999-12-31&actor=mia", "grant.create session.create"),
        ("from=0000-01-01&actor=mia", "grant.create session.create"),
    ] {
        let csv = t.get_as(&ada, &format!("/admin/audit.csv?{search}")).await;
        assert_eq!(csv.outcome(), "200", "{search}");
        let actions: Vec<_> =
            csv_rows(csv.text()).into_iter().skip(1).map(|row| row[2].clone()).collect();
        assert_eq!(actions.join(" "), expected, "{search}");
        let page = t.get_as(&ada, &format!("/admin/audit?{search}")).await;
        assert_eq!(records(page.text()).len(), actions.len(), "{search}");
        // The page's own link to the CSV leads the filter.
        let links = markup::links(page.text());
        assert!(links.contains(&format!("/admin/audit.csv?{}", sorted(search))), "{links:?}");
    }
    let page = t.get_as(&ada, "/admin/audit?actor=mia").await;
    assert_eq!(records(page.text()).len(), 2);
    assert!(records(page.text())[0].starts_with("mia "), "{:?}", records(page.text()));
}

/// The same search in the order in which pages write it.
fn sorted(search: &str) -> String {
    const ORDER: [&str; 5] = ["actor=", "target=", "action=", "from=", "to="];
    let mut parts: Vec<_> = search.split('&').map(str::to_owned).collect();
    parts.sort_by_key(|part| ORDER.iter().position(|one| part.starts_with(one)));
    parts.join("&")
}

async fn the_trail_finds_people_by_the_name_they_had(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &["admin"]).await;
    let own = t.login("kim").await;
    t.post_form(&own, "/admin/roles", &[("name", "mine")]).await;
    for (name, version) in [("kimberly", "0"), ("editor", "1"), ("last", "2")] {
        let fields = [("username", name), ("version", version)];
        let answer = t.post_form(&ada, &format!("/admin/users/{}", kim.id), &fields).await;
        assert_eq!(answer.status(), 303, "{name}");
    }
    let found = async |search: &str| {
        let page = t.get_as(&ada, &format!("/admin/audit?{search}")).await;
        assert_eq!(page.outcome(), "200");
        records(page.text())
    };
    let (did, had) = (found("actor=last").await, found("target=last").await);
    assert!(did.iter().any(|line| line.ends_with("added the role mine")), "{did:?}");
    assert!(had.iter().any(|line| line.ends_with("edited the profile of kimberly")), "{had:?}");
    for name in ["kim", "KIM", "kimberly", "editor"] {
        assert_eq!(found(&format!("actor={name}")).await, did, "{name}");
        assert_eq!(found(&format!("target={name}")).await, had, "{name}");
    }
    // A name means whoever or whatever has it now.
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    assert_eq!(found("target=editor").await, ["Operator test added the role editor"]);
    t.user("kim", &[]).await;
    assert_eq!(found("actor=kim").await, [""; 0]);
    assert_eq!(found("target=kim").await.len(), 1);
    // Of one who is removed, no name is left to be found by.
    users::remove(&t.app, &cli(), kim.id).await.unwrap();
    let page = t.get_as(&ada, "/admin/audit?actor=kimberly").await;
    assert!(markup::unescaped(page.text()).contains(text::audit::NO_SUCH_ACTOR));
}

async fn the_trail_is_paged_with_its_filter(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.user("kim", &[]).await;
    for number in 0..120 {
        let reason = format!("number {number}");
        let user = role("user");
        grants::grant(&t.app, &cli(), kim.id, &user, Until::Always, &reason).await.unwrap();
        t.user(&format!("other{number}"), &[]).await;
    }
    let search = "actor=cli%3Atest&target=kim&action=grant.create&from=2026-11-22&to=2026-11-22";
    let pages = all_pages(&t, &ada, "/admin/audit", search).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [30, 30, 30, 30]);
    let csv = t.get_as(&ada, &format!("/admin/audit.csv?{search}")).await;
    let reasons = csv_rows(csv.text()).into_iter().skip(1).map(|row| row[4].clone());
    for (reason, number) in reasons.zip((0..120).rev()) {
        assert!(reason.contains(&format!("\"reason\":\"number {number}\"")), "{reason}");
    }
    // Without a filter, too, everything is visited once.
    let all = all_pages(&t, &ada, "/admin/audit", "").await;
    assert_eq!(all.concat().len() as i64, t.db.count("audit").await);
}

async fn a_filter_that_cannot_be_is_told_so(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    for (search, problem) in [
        ("actor=nobody", text::audit::NO_SUCH_ACTOR),
        ("target=No%20Such%20Thing", text::audit::NO_SUCH_TARGET),
        ("from=yesterday", text::audit::DAY_INVALID),
        ("to=2026-02-30", text::audit::DAY_INVALID),
        ("to=10000-01-01", text::audit::DAY_INVALID),
    ] {
        let page = t.get_as(&ada, &format!("/admin/audit?{search}")).await;
        assert_eq!(page.outcome(), "200", "{search}");
        assert!(markup::unescaped(page.text()).contains(problem), "{search}");
        assert_eq!(records(page.text()).len(), 0, "{search}");
        let csv = t.get_as(&ada, &format!("/admin/audit.csv?{search}")).await;
        assert_eq!(csv.outcome(), "400", "{search}");
    }
}

/// The cells of a CSV, as a spreadsheet reads them.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        let row = rows.last_mut().unwrap();
        match sign {
            '"' if is_quoted && signs.peek() == Some(&'"') => {
                row.last_mut().unwrap().push(signs.next().unwrap());
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(String::new()),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => rows.push(vec![String::new()]),
            other => row.last_mut().unwrap().push(other),
        }
    }
    assert!(!is_quoted, "{text}");
    rows.pop();
    rows
}

async fn a_spreadsheet_gets_text_and_no_formula(t: TestApp) {
    let boss = t.signed_in("=boss", &["admin"]).await;
    let reasons = ["=1+1", "+1", "-1", "@sum(a1)", "a,\"b\"", "plain", " =1"];
    for (number, reason) in reasons.into_iter().enumerate() {
        let name = format!("{}kim{number}", ["=", "+", "-", ""][number % 4]);
        let user = t.user(&name, &[]).await;
        let path = format!("/admin/users/{}/grant", user.id);
        t.post_form(&boss, &path, &[("role", "user"), ("reason", reason)]).await;
    }
    let holders = t.get_as(&boss, "/admin/roles/user/holders.csv").await;
    assert_eq!(holders.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(holders.header("content-disposition"), "attachment; filename=\"user-holders.csv\"");
    let rows = csv_rows(holders.text());
    assert_eq!(rows[0], ["user", "role", "since", "by", "reason", "until"]);
    let cell = |index: usize| rows[1..].iter().map(|row| row[index].as_str()).collect::<Vec<_>>();
    assert_eq!(cell(0), ["'=kim0", "'+kim1", "'-kim2", "kim3", "'=kim4", "'+kim5", "'-kim6"]);
    assert_eq!(cell(3), ["'=boss"; 7]);
    let as_text = ["'=1+1", "'+1", "'-1", "'@sum(a1)", "a,\"b\"", "plain", "'=1"];
    assert_eq!(cell(4), as_text);
    assert_eq!(cell(2), ["2026-11-22T21:53:20Z"; 7]);
    assert!(holders.text().contains("\"'=1+1\""), "such a cell is quoted");

    let trail = t.get_as(&boss, "/admin/audit.csv").await;
    let rows = csv_rows(trail.text());
    assert_eq!(rows.len() as i64, t.db.count("audit").await + 1);
    for row in &rows {
        assert_eq!(row.len(), 11, "{row:?}");
        let is_formula = |cell: &String| cell.trim_start().starts_with(['=', '+', '-', '@']);
        assert!(!row.iter().any(is_formula), "{row:?}");
    }
    assert!(rows.iter().any(|row| row[1] == "'=boss"), "else this test sees nothing");
}
