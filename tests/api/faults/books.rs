//! What stands in the database after all faults: each change has exactly its record.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Run;

/// Sessions that are there beyond what the records tell: none but what was before the run.
#[derive(Debug, PartialEq, Eq)]
pub struct Balance {
    sessions: i64,
    logins: i64,
    people: i64,
    personal: i64,
}

impl Balance {
    pub async fn of(run: &Run) -> Self {
        let db = &run.t.db;
        let records = async |what: &str| db.count(&format!("audit where action = '{what}'")).await;
        let begun = records("session.create").await;
        let replaced = "detail like '%\"replaces_another\":true%'";
        let replaced = db.count(&format!("audit where {replaced}")).await;
        let ended = records("session.end").await + replaced;
        let sum = "select cast(coalesce(sum(n), 0) as bigint) from tallies where name = 'logins'";
        let parts = "select count(actor_digest) + count(target_digest) from audit";
        Self {
            sessions: db.count("sessions").await + ended - begun,
            logins: db.number(sum).await - begun,
            people: db.count("users").await,
            personal: db.count("audit_personal").await - db.number(parts).await,
        }
    }
}

pub async fn agree(run: &Run, before: Balance) {
    let (db, seed) = (&run.t.db, run.seed);
    assert_eq!(Balance::of(run).await, before, "seed {seed}: changes and records do not agree");

    let records = "select detail from audit where action in ('grant.create', 'grant.delete')";
    let (mut made, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for record in db.texts(records).await {
        let record: Value = serde_json::from_str(&record).unwrap();
        for (side, reasons) in [("after", &mut made), ("before", &mut taken)] {
            let reason = record[side]["reason"].as_str().unwrap_or_default();
            if reason.starts_with("step ") {
                assert!(reasons.insert(reason.to_owned()), "seed {seed}: {reason} {side} twice");
            }
        }
    }
    let rows = db.texts("select reason from grants where reason like 'step %'").await;
    let rows: BTreeSet<_> = rows.into_iter().collect();
    assert!(taken.is_subset(&made), "seed {seed}: {:?}", taken.difference(&made));
    let left: BTreeSet<_> = made.difference(&taken).cloned().collect();
    assert_eq!(rows, left, "seed {seed}: grants, and those that records leave");
    let granted = run.granted.lock().unwrap();
    let untold: Vec<_> = granted.iter().filter(|reason| !made.contains(*reason)).collect();
    assert!(untold.is_empty(), "seed {seed}: granted without a record: {untold:?}");
    assert!(granted.len() > 4 && taken.len() > 4, "seed {seed}: that was no test");
}
