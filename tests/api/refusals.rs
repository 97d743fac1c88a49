//! Logins that are refused: one answer and one work for every cause.

use rolecall::auth::users::{self, FirstPassword, NewUser};

use crate::support::{Answer, Database, PASSWORD, TestApp, Visitor, both_engines, cli, username};

both_engines!(
    all_refusals_are_the_same_page,
    all_refusals_cost_the_same_work,
    all_refusals_write_as_much,
    a_name_that_nobody_has_is_nobodys,
    a_refused_login_is_audited_without_what_was_typed,
);

/// The names of [`people_who_cannot_log_in`], and a password that each is refused with.
const REFUSED: [(&str, &str); 6] = [
    ("u-unknown", PASSWORD),
    ("u-wrong", "not the password of anybody"),
    ("u-disabled", PASSWORD),
    ("u-removed", PASSWORD),
    ("u-invited", PASSWORD),
    ("u wrong name", PASSWORD),
];

async fn people_who_cannot_log_in(t: &TestApp) {
    t.user("u-wrong", &[]).await;
    let disabled = t.user("u-disabled", &[]).await;
    users::disable(&t.app, &cli(), disabled.id).await.unwrap();
    let removed = t.user("u-removed", &[]).await;
    users::remove(&t.app, &cli(), removed.id).await.unwrap();
    let invited = NewUser {
        username: username("u-invited"),
        email: None,
        display_name: String::new(),
        roles: &[],
        password: FirstPassword::Invite,
    };
    users::create(&t.app, &cli(), invited).await.unwrap();
}

/// All of an answer but what differs by request: its id and the name that was typed.
fn anonymised(answer: &Answer, name: &str) -> (u16, Vec<(String, String)>, String) {
    let differing = ["x-request-id", "content-length"];
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !differing.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    let text = answer.text();
    assert_eq!(text.matches(name).count(), 1, "only the field shows the name");
    let text = text.replace(name, "NAME");
    let text = text.replace(answer.header("x-request-id"), "ID");
    (answer.status(), headers.collect(), text)
}

async fn all_refusals_are_the_same_page(t: TestApp) {
    people_who_cannot_log_in(&t).await;
    let long = "x".repeat(2000);
    let cases = REFUSED.into_iter().chain([("u-wrong", ""), ("u-wrong", &long)]);
    let mut first = None;
    for (name, password) in cases {
        let visitor = Visitor::new();
        let answer = t.try_login(&visitor, name, password).await;
        assert_eq!(answer.outcome(), "401", "{name}");
        assert!(answer.text().contains("do not match an account"), "{name}");
        assert!(!answer.text().contains(PASSWORD), "a password comes back");
        assert_eq!(visitor.cookie_header(), None);
        let page = anonymised(&answer, name);
        assert_eq!(&page, first.get_or_insert(page.clone()), "{name}");
    }
}

async fn all_refusals_write_as_much(t: TestApp) {
    people_who_cannot_log_in(&t).await;
    let tables = ["audit", "audit_personal", "audit_unsealed", "tallies"];
    let rows = async || {
        let mut rows = Vec::new();
        for table in tables {
            rows.push(t.db.count(table).await);
        }
        rows
    };
    // The first failure of the day begins its tally.
    t.try_login(&Visitor::new(), "u-wrong", "").await;
    for (name, password) in REFUSED {
        let before = rows().await;
        t.try_login(&Visitor::new(), name, password).await;
        let written: Vec<_> =
            rows().await.iter().zip(before).map(|(now, then)| now - then).collect();
        assert_eq!(written, [1, 2, 1, 0], "{name}: rows in {tables:?}");
    }
}

/// Of a name that nobody has as much is read as of another, from somebody else's row.
async fn a_name_that_nobody_has_is_nobodys(t: TestApp) {
    let nobody = Visitor::new();
    assert_eq!(t.try_login(&nobody, "kim", PASSWORD).await.outcome(), "401", "nobody at all");
    t.user("first", &["admin"]).await;
    let gone = t.user("gone", &[]).await;
    users::remove(&t.app, &cli(), gone.id).await.unwrap();
    for name in ["kim", "gone", "first@example.com", "a b", ""] {
        assert_eq!(t.try_login(&nobody, name, PASSWORD).await.outcome(), "401", "{name:?}");
    }
    let known = "audit where action = 'login.refuse' and target_id <> ''";
    assert_eq!(t.db.count(known).await, 0, "no failure is put down to whom it is not about");
    assert_eq!(t.db.count("throttles where kind = 'account' and key not like '? %'").await, 0);
    t.login("first").await;
}

/// With one slot and no queue, whoever hashes while somebody else does is told to come back.
async fn all_refusals_cost_the_same_work(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.argon2 = "m=32768,t=3,p=1".parse().ok();
        chosen.hash_slots = Some(1);
        chosen.hash_queue = Some(0);
        chosen.throttle = "off".parse().ok();
    })
    .await;
    people_who_cannot_log_in(&t).await;
    for (name, password) in REFUSED {
        // On a busy machine one may be done before the other begins.
        let mut met = false;
        for _ in 0..20 {
            let two = t.at_once(2, move |t, _| async move {
                t.try_login(&Visitor::new(), name, password).await.status()
            });
            let mut statuses = two.await.unwrap();
            statuses.sort_unstable();
            assert!([[401, 401], [401, 503]].contains(&[statuses[0], statuses[1]]), "{name}");
            met = statuses == [401, 503];
            if met {
                break;
            }
        }
        assert!(met, "{name} is never hashed");
    }
}

async fn a_refused_login_is_audited_without_what_was_typed(t: TestApp) {
    t.user("kim", &[]).await;
    const TYPED: &str = "hunter2-typed-into-the-wrong-field";
    t.try_login(&Visitor::new(), TYPED, PASSWORD).await;
    t.try_login(&Visitor::new(), "kim", TYPED).await;
    let refused = "audit where action = 'login.refuse'";
    assert_eq!(t.db.count(refused).await, 2);
    let of_kim = format!("{refused} and target = 'user'");
    assert_eq!(t.db.count(&of_kim).await, 1);
    let everything = t.db.dump().await;
    assert!(!everything.contains(TYPED));
    assert!(!everything.contains(PASSWORD));
}
