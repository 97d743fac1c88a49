//! Pruning and exporting: what is left stays verifiable, and both are on record.

use rolecall::{
    auth::trail::{self, checkpoint, export, finding::Finding, prune},
    db::seals::Stored,
};
use time::Duration;

use super::{
    audit_chain::write_records,
    audit_tampered::{verify, verify_with},
};
use crate::support::{TestApp, both_engines, cli};

both_engines!(
    what_is_old_goes_and_the_rest_stays_verifiable,
    a_prune_that_ends_half_way_leaves_a_chain_that_fits,
    everything_sealed_may_go_and_what_waits_stays,
    what_is_tampered_with_is_not_pruned_unasked,
    what_was_pruned_without_a_signature_is_found,
    an_export_has_every_record_and_its_own,
);

async fn sealed(t: &TestApp, records: usize) {
    write_records(t, records).await;
    trail::seal_as_node(&t.app).await.unwrap();
}

async fn what_is_old_goes_and_the_rest_stays_verifiable(t: TestApp) {
    sealed(&t, 1500).await;
    let old = verify(&t).await.unwrap().checkpoint.unwrap();
    t.advance(Duration::days(10));
    sealed(&t, 30).await;
    let kept = verify(&t).await.unwrap().checkpoint.unwrap();
    let before = t.app.now() - Duration::days(1);
    let pruned = prune::prune(&t.app, &cli(), before, false).await.unwrap().unwrap();
    assert_eq!(pruned.records, 1500);
    assert_eq!(pruned.checkpoint.unwrap().number, 1500);
    assert_eq!((t.db.count("audit").await, t.db.count("seals").await), (31, 30));
    assert_eq!(t.db.audited().await.last().unwrap(), "audit.prune");
    let detail = t.db.texts("select detail from audit where action = 'audit.prune'").await;
    assert!(detail[0].contains("\"through\":1500"), "{detail:?}");
    sealed(&t, 1).await;
    let report = verify_with(&t, &[old, kept]).await.unwrap();
    assert_eq!((report.pruned, report.sealed), (1500, 32));
    assert_eq!((report.kept, report.kept_of_pruned), (2, 0), "the first is where it begins now");
    // Nothing left to do is no change.
    let dump = t.db.dump().await;
    let again = prune::prune(&t.app, &cli(), before, false).await.unwrap().unwrap();
    assert!(again.checkpoint.is_none());
    t.db.assert_unchanged(&dump).await;
    // Later again.
    t.advance(Duration::days(10));
    sealed(&t, 1).await;
    let again = prune::prune(&t.app, &cli(), t.app.now(), false).await.unwrap().unwrap();
    assert_eq!((again.records, t.db.count("checkpoints where kind = 'pruned'").await), (32, 1));
    let old = verify(&t).await.unwrap();
    assert_eq!((old.pruned, old.sealed), (1532, 1));
}

async fn a_prune_that_ends_half_way_leaves_a_chain_that_fits(t: TestApp) {
    sealed(&t, 3200).await;
    t.advance(Duration::days(10));
    let mut pruned = 0;
    for polls in 1.. {
        let by = cli();
        let mut pruning = Box::pin(prune::prune(&t.app, &by, t.app.now(), false));
        let mut done = false;
        for _ in 0..polls {
            let wait = std::time::Duration::from_millis(60);
            if tokio::time::timeout(wait, &mut pruning).await.is_ok() {
                done = true;
                break;
            }
        }
        drop(pruning);
        let report = verify(&t).await.unwrap();
        assert!(report.pruned >= pruned && report.pruned % 1000 % 200 == 0, "{report:?}");
        assert_eq!(report.pruned + report.sealed, 3200);
        pruned = report.pruned;
        if done {
            break;
        }
    }
    assert_eq!(pruned, 3200);
}

async fn everything_sealed_may_go_and_what_waits_stays(t: TestApp) {
    sealed(&t, 5).await;
    write_records(&t, 2).await;
    t.advance(Duration::days(1));
    let pruned = prune::prune(&t.app, &cli(), t.app.now(), false).await.unwrap().unwrap();
    assert_eq!((pruned.records, t.db.count("seals").await), (5, 0));
    let report = verify(&t).await.unwrap();
    assert_eq!((report.pruned, report.sealed, report.unsealed), (5, 0, 3));
    trail::seal_as_node(&t.app).await.unwrap();
    let report = verify(&t).await.unwrap();
    assert_eq!((report.sealed, report.unsealed), (3, 0));
    assert_eq!(t.db.number("select min(number) from seals").await, 6);
}

async fn what_is_tampered_with_is_not_pruned_unasked(t: TestApp) {
    sealed(&t, 5).await;
    t.advance(Duration::days(1));
    t.db.execute("delete from audit where id = (select audit_id from seals where number = 2)")
        .await;
    let before = t.db.dump().await;
    let finding = prune::prune(&t.app, &cli(), t.app.now(), false).await.unwrap().unwrap_err();
    assert!(matches!(finding, Finding::Removed { number: 2, .. }), "{finding}");
    t.db.assert_unchanged(&before).await;
    prune::prune(&t.app, &cli(), t.app.now(), true).await.unwrap().unwrap();
    let detail = t.db.texts("select detail from audit where action = 'audit.prune'").await;
    assert!(detail[0].contains("record 2"), "{detail:?}");
    assert_eq!(verify(&t).await.unwrap().pruned, 5);
}

async fn what_was_pruned_without_a_signature_is_found(t: TestApp) {
    sealed(&t, 5).await;
    t.advance(Duration::days(1));
    sealed(&t, 5).await;
    let base = prune::prune(&t.app, &cli(), t.app.now(), false).await.unwrap().unwrap();
    assert_eq!(base.records, 5);
    for (edit, kind) in [
        ("update checkpoints set number = 7 where kind = 'pruned'", "forged"),
        ("delete from checkpoints where kind = 'pruned'", "removed"),
    ] {
        t.db.execute(edit).await;
        assert_eq!(verify(&t).await.unwrap_err().kind(), kind, "{edit}");
    }
    let line = checkpoint::line(&base.checkpoint.unwrap());
    assert!(line.contains(" pruned "), "{line}");
}

async fn all(mut export: export::Export) -> Vec<Stored> {
    let mut records = Vec::new();
    loop {
        match export.next().await.unwrap() {
            batch if batch.is_empty() => return records,
            batch => records.extend(batch),
        }
    }
}

async fn an_export_has_every_record_and_its_own(t: TestApp) {
    sealed(&t, 1200).await;
    t.advance(Duration::days(1));
    let since = t.app.now();
    sealed(&t, 3).await;
    write_records(&t, 2).await;
    let records = all(export::begin(&t.app, &cli(), "jsonl", None).await.unwrap()).await;
    let numbers: Vec<_> = records.iter().filter_map(|record| record.number).collect();
    assert_eq!(numbers, (1..=1203).collect::<Vec<_>>());
    assert_eq!(records.len(), 1206);
    assert_eq!(records.last().unwrap().action.as_deref(), Some("audit.export"));
    let later = all(export::begin(&t.app, &cli(), "csv", Some(since)).await.unwrap()).await;
    assert_eq!(later.len(), 7);
    let details = t.db.texts("select detail from audit where action = 'audit.export'").await;
    assert!(details.iter().any(|one| one.contains("\"records\":1205")), "{details:?}");
    assert!(details.iter().any(|one| one.contains("2026-11-23")), "{details:?}");
}
