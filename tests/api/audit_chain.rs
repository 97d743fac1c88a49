//! Sealing: in order, once, by whoever is there, and never in the way of a change.

use rolecall::{
    auth::{
        key,
        trail::{
            self,
            canonical::{chain_digest, record, record_digest},
        },
    },
    db::{
        audit::{Action, Entry, Target},
        leases,
        seals::Stored,
    },
};
use uuid::Uuid;

use super::audit_tampered::{verify, verify_with};
use crate::support::{Database, Engine, TestApp, Visitor, both_engines, cli, role, roles};

both_engines!(
    records_are_sealed_in_order_and_once,
    two_nodes_that_seal_at_once_make_one_chain_without_a_gap,
    a_sealing_that_is_cut_short_leaves_nothing_half_done,
    one_node_seals_and_the_next_takes_over_when_it_is_gone,
    a_lease_from_a_clock_that_was_wrong_holds_nobody_back,
    checkpoints_are_made_every_thousand_records_and_every_hour,
    checkpoints_of_old_keys_stay_good,
    a_record_that_cannot_wait_for_its_seal_undoes_the_change,
    the_age_of_what_is_not_sealed_is_told,
    records_of_before_the_chain_are_sealed_too,
);

/// Writes so many records.
pub async fn write_records(t: &TestApp, count: usize) {
    let mut tx = t.app.db.begin().await.unwrap();
    for number in 0..count {
        let target = Target::Permission(format!("thing:{number}"));
        let entry = Entry::new(Action::PermissionDescribe, target);
        t.app.pen.record(&mut tx, &cli(), entry).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn records_are_sealed_in_order_and_once(t: TestApp) {
    write_records(&t, 5).await;
    assert_eq!(verify(&t).await.unwrap().unsealed, 5);
    assert_eq!(trail::seal_before_leaving(&t.app).await.unwrap(), 5);
    for _ in 0..2 {
        assert_eq!(trail::seal_before_leaving(&t.app).await.unwrap(), 0);
        assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 0);
    }
    assert_eq!(t.db.count("audit_unsealed").await, 0);
    let order = "select a.target_id from seals s join audit a on a.id = s.audit_id order by number";
    let expected: Vec<_> = (0..5).map(|number| format!("thing:{number}")).collect();
    assert_eq!(t.db.texts(order).await, expected);
    let report = verify(&t).await.unwrap();
    assert_eq!((report.sealed, report.unsealed, report.unsealed_ms), (5, 0, None));
}

/// An id that is made before others, in a change that is committed after they are sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_change_is_sealed_when_it_is_committed() {
    let t = TestApp::with(Database::create(Engine::Postgres).await, |_| {}).await;
    let mut slow = t.app.db.begin().await.unwrap();
    let entry = Entry::new(Action::RoleDescribe, Target::Role("slow".into()));
    t.app.pen.record(&mut slow, &cli(), entry).await.unwrap();
    write_records(&t, 3).await;
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 3);
    slow.commit().await.unwrap();
    assert_eq!(verify(&t).await.unwrap().unsealed, 1);
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 1);
    assert_eq!(verify(&t).await.unwrap().sealed, 4);
    let newer = "seals s join audit a on a.id = s.audit_id where s.number = 4
                 and a.id < (select audit_id from seals where number = 1)";
    assert_eq!(t.db.count(newer).await, 1);
}

async fn two_nodes_that_seal_at_once_make_one_chain_without_a_gap(t: TestApp) {
    let t = t.unthrottled().await;
    t.user("kim", &[]).await;
    let other = t.beside().await;
    let logins = t.at_once(24, async |t, _| {
        t.try_login(&Visitor::new(), "kim", crate::support::PASSWORD).await.outcome()
    });
    let sealing = t.at_once(6, move |t, number| {
        let node = if number % 2 == 0 { t } else { other.clone() };
        async move {
            let mut sealed = 0;
            for round in 0..30 {
                // A busy SQLite may refuse one that comes from beside; the next makes up for it.
                let done = match (number + round) % 3 {
                    0 => trail::seal_before_leaving(&node.app).await,
                    _ => trail::seal_as_node(&node.app).await,
                };
                sealed += done.unwrap_or(0);
                tokio::task::yield_now().await;
            }
            sealed
        }
    });
    let logins = logins.await.unwrap();
    let mut sealed: u64 = sealing.await.unwrap().iter().sum();
    sealed += trail::seal_before_leaving(&t.app).await.unwrap();
    let records = t.db.count("audit").await;
    assert!(logins.iter().all(|one| one == "303 /account"), "{logins:?}");
    assert_eq!(sealed as i64, records);
    let report = verify(&t).await.unwrap();
    assert_eq!((report.sealed, report.unsealed), (records, 0));
}

async fn a_sealing_that_is_cut_short_leaves_nothing_half_done(t: TestApp) {
    write_records(&t, 40).await;
    for polls in 0..60 {
        // Dropped after so many steps, as by a kill.
        let mut sealing = Box::pin(trail::seal_before_leaving(&t.app));
        for _ in 0..polls {
            let wait = std::time::Duration::from_micros(300);
            if tokio::time::timeout(wait, &mut sealing).await.is_ok() {
                break;
            }
        }
        drop(sealing);
        let report = verify(&t).await.unwrap();
        assert_eq!(report.sealed + report.unsealed, 40 + polls);
        write_records(&t, 1).await;
    }
    trail::seal_before_leaving(&t.app).await.unwrap();
    assert_eq!(verify(&t).await.unwrap().sealed, 100);
}

async fn one_node_seals_and_the_next_takes_over_when_it_is_gone(t: TestApp) {
    let other = t.beside().await;
    write_records(&t, 1).await;
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 1);
    write_records(&t, 1).await;
    assert_eq!(trail::seal_as_node(&other.app).await.unwrap(), 0, "the first one does it");
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 1);
    write_records(&t, 1).await;
    t.advance(time::Duration::seconds(1));
    assert_eq!(trail::seal_as_node(&other.app).await.unwrap(), 1, "the first one is gone");
    write_records(&t, 1).await;
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 0);
    assert_eq!(trail::seal_before_leaving(&t.app).await.unwrap(), 1, "a command waits for nobody");
    assert_eq!(verify(&t).await.unwrap().sealed, 4);
}

async fn a_lease_from_a_clock_that_was_wrong_holds_nobody_back(t: TestApp) {
    let now = t.app.pen.clock.now_ms();
    for until in [now - 1, now, now + 3_600_000, i64::MAX] {
        t.db.execute(&format!(
            "delete from leases; insert into leases (name, holder, held_until)
             values ('seal', 'other', {until})"
        ))
        .await;
        write_records(&t, 1).await;
        assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 1, "{until}");
    }
    let take = async |holder| {
        leases::take_alone(&t.app.db, leases::SWEEP, holder, now, 1000).await.unwrap()
    };
    assert_eq!([take("a").await, take("b").await, take("a").await], [true, false, true]);
}

async fn checkpoints_are_made_every_thousand_records_and_every_hour(t: TestApp) {
    let numbers =
        async || t.db.texts("select cast(number as text) from checkpoints order by number").await;
    write_records(&t, 2300).await;
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 2300);
    assert_eq!(numbers().await, ["1000", "2000"]);
    t.advance(time::Duration::minutes(59));
    trail::seal_as_node(&t.app).await.unwrap();
    assert_eq!(numbers().await.len(), 2);
    for _ in 0..3 {
        t.advance(time::Duration::hours(1));
        trail::seal_as_node(&t.app).await.unwrap();
        assert_eq!(numbers().await, ["1000", "2000", "2300"], "nothing was sealed since");
    }
    // What a command sealed has its checkpoint from the next node.
    write_records(&t, 1001).await;
    trail::seal_before_leaving(&t.app).await.unwrap();
    assert_eq!(numbers().await.len(), 3);
    trail::seal_as_node(&t.app).await.unwrap();
    assert_eq!(numbers().await, ["1000", "2000", "2300", "3301"]);
    let report = verify(&t).await.unwrap();
    assert_eq!((report.sealed, report.checkpoints), (3301, 4));
}

async fn checkpoints_of_old_keys_stay_good(t: TestApp) {
    write_records(&t, 3).await;
    trail::seal_as_node(&t.app).await.unwrap();
    let kept = verify(&t).await.unwrap().checkpoint.unwrap();
    key::rotate(&t.app, &cli()).await.unwrap();
    t.advance(time::Duration::hours(2));
    trail::seal_as_node(&t.app).await.unwrap();
    assert_eq!(t.db.count("(select distinct key_id from checkpoints) ids").await, 2);
    let fresh = t.beside().await;
    let report = verify_with(&fresh, std::slice::from_ref(&kept)).await.unwrap();
    assert_eq!((report.checkpoints, report.kept), (3, 1));
    assert_ne!(report.checkpoint.unwrap().key_id, kept.key_id);
}

async fn a_record_that_cannot_wait_for_its_seal_undoes_the_change(t: TestApp) {
    t.db.execute("alter table audit_unsealed rename to audit_unsealed_of_old").await;
    let before = t.db.dump().await;
    assert!(roles::create(&t.app, &cli(), &role("editor"), "").await.is_err());
    assert!(key::rotate(&t.app, &cli()).await.is_err());
    assert!(trail::export::begin(&t.app, &cli(), "csv", None).await.is_err());
    t.db.assert_unchanged(&before).await;
}

async fn the_age_of_what_is_not_sealed_is_told(t: TestApp) {
    write_records(&t, 2).await;
    t.advance(time::Duration::seconds(90));
    write_records(&t, 1).await;
    let report = verify(&t).await.unwrap();
    assert_eq!((report.unsealed, report.unsealed_ms), (3, Some(90_000)));
}

async fn records_of_before_the_chain_are_sealed_too(t: TestApp) {
    write_records(&t, 4).await;
    t.app.db.close().await;
    t.db.execute(
        "drop table audit_unsealed; drop table seals; drop table checkpoints; drop table leases;
         delete from turns where name = 'seals'; delete from _sqlx_migrations where version = 7",
    )
    .await;
    let t = t.beside().await;
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 4);
    assert_eq!(verify(&t).await.unwrap().sealed, 4);
}

/// The worked example of `docs/audit.md`.
#[test]
fn the_documentation_shows_the_bytes_that_are_digested() {
    let id = |text: &str| Uuid::parse_str(text).unwrap();
    let stored = Stored {
        number: Some(1),
        audit_id: id("019aacd2-51c8-7a32-9c60-5a4b9e6d8f01"),
        record_digest: None,
        chain_digest: None,
        at: Some(time::macros::datetime!(2026-11-22 21:53:20 UTC)),
        action: Some("grant.create".into()),
        actor: Some("cli:root".into()),
        actor_id: None,
        target: Some("user".into()),
        target_id: Some("019aacd2-4a10-7b10-8d55-0c1d2e3f4a5b".into()),
        detail: Some(r#"{"role":"editor","reason":"für Kim"}"#.into()),
        request_id: None,
        actor_digest: None,
        target_digest: Some("4LEg3NgQynuFxCWhS7YWC4wmls07zvm3JvRf3C4KRVo".into()),
        actor_personal: None,
        target_personal: Some(r#"{"name":"kim","salt":"AAAAAAAAAAAAAAAAAAAAAA"}"#.into()),
    };
    let page = include_str!("../../docs/audit.md");
    let shown = |text: &str| assert!(page.contains(text), "docs/audit.md lacks {text}");
    shown(&String::from_utf8(record(&stored).unwrap()).unwrap());
    let digest = record_digest(&stored).unwrap();
    shown(&hex::encode(digest));
    shown(&hex::encode(chain_digest(&trail::canonical::GENESIS, 1, &digest)));
    shown(stored.target_personal.as_ref().unwrap());
    shown(&rolecall::db::audit::personal_digest(stored.target_personal.as_ref().unwrap()));
}
