//! The tables of the trail edited by hand, in every way: each is found, and named.

use rolecall::{
    auth::trail::{self, finding::Finding, verify::Report},
    db::checkpoints::Checkpoint,
};

use crate::support::{Database, Engine, TestApp, both_engines, cli, role, roles};

both_engines!(
    every_edit_of_a_record_is_found,
    what_is_removed_is_found,
    what_is_swapped_is_found,
    what_is_inserted_is_found,
    an_edited_seal_is_found,
    an_edited_checkpoint_is_found,
    names_and_addresses_may_go_but_not_change,
    the_first_of_several_is_named,
    what_was_cut_or_rewritten_shows_by_a_checkpoint,
    a_checkpoint_kept_elsewhere_shows_it_when_the_table_does_not,
);

pub async fn verify_with(t: &TestApp, kept: &[Checkpoint]) -> Result<Report, Finding> {
    trail::verify::verify(&t.app, kept).await.unwrap()
}

pub async fn verify(t: &TestApp) -> Result<Report, Finding> {
    verify_with(t, &[]).await
}

/// Seven sealed records with a checkpoint of the last.
async fn seven(t: &TestApp) {
    for name in ["one", "two", "three", "four", "five"] {
        roles::create(&t.app, &cli(), &role(name), name).await.unwrap();
    }
    t.user("kim", &["one"]).await;
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 7);
    let report = verify(t).await.unwrap();
    assert_eq!((report.sealed, report.unsealed, report.checkpoints), (7, 0, 1));
}

const TABLES: [&str; 5] = ["audit", "audit_personal", "audit_unsealed", "seals", "checkpoints"];

async fn remember(t: &TestApp) {
    for table in TABLES {
        t.db.execute(&format!("create table copy_{table} as select * from {table}")).await;
    }
}

async fn restore(t: &TestApp) {
    for table in TABLES {
        t.db.execute(&format!("delete from {table}")).await;
    }
    for table in TABLES {
        t.db.execute(&format!("insert into {table} select * from copy_{table}")).await;
    }
    verify(t).await.unwrap();
}

/// The id of the record with this number, as SQL.
fn id(number: i64) -> String {
    format!("(select audit_id from copy_seals where number = {number})")
}

fn uuid(t: &TestApp, last: u8) -> String {
    match t.db.engine {
        Engine::Sqlite => format!("x'0190000000007000800000000000{last:04x}'"),
        Engine::Postgres => format!("'01900000-0000-7000-8000-00000000{last:04x}'"),
    }
}

fn bytes(t: &TestApp) -> &'static str {
    match t.db.engine {
        Engine::Sqlite => "x'0102'",
        Engine::Postgres => "'\\x0102'",
    }
}

/// Runs each, asks what is found, and puts all back.
async fn each_is(t: &TestApp, kind: &str, number: Option<i64>, statements: &[String]) {
    for sql in statements {
        t.db.execute(sql).await;
        let finding = match verify(t).await {
            Err(finding) => finding,
            Ok(report) => panic!("{sql}: {report:?}"),
        };
        assert_eq!((finding.kind(), finding.number()), (kind, number), "{sql}: {finding}");
        restore(t).await;
    }
}

async fn every_edit_of_a_record_is_found(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    let edits = [
        "at = '2020-01-01T00:00:00Z'",
        "action = 'role.delete'",
        "actor = 'cli:other'",
        "target = 'user'",
        "target_id = 'other'",
        "detail = '{}'",
        "detail = detail || ' '",
        "request_id = ''",
        "request_id = 'x'",
        "actor_digest = 'x'",
        "target_digest = 'x'",
    ];
    let edits = edits.map(|set| format!("update audit set {set} where id = {}", id(3)));
    each_is(&t, "edited", Some(3), &edits).await;
    let actor = format!("update audit set actor_id = {} where id = {}", uuid(&t, 1), id(3));
    each_is(&t, "edited", Some(3), &[actor]).await;
    // With its seal made to fit it, as far as that goes.
    let both = format!(
        "update audit set detail = '[]' where id = {};
         update seals set record_digest = {} where number = 3",
        id(3),
        bytes(&t)
    );
    each_is(&t, "edited", Some(3), &[both]).await;
}

async fn what_is_removed_is_found(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    for number in [1, 3] {
        let record = format!("delete from audit where id = {}", id(number));
        let seal = format!("delete from seals where number = {number}");
        let both = format!("{record}; {seal}");
        each_is(&t, "removed", Some(number), &[record, seal, both]).await;
    }
    let many = "delete from audit where id in (select audit_id from seals where number < 4);
                delete from seals where number < 4";
    each_is(&t, "removed", Some(1), &[many.to_owned()]).await;
    let closed = format!(
        "delete from audit where id = {}; delete from seals where number = 3;
         update seals set number = 1 - number where number > 3;
         update seals set number = -number where number < 0",
        id(3)
    );
    each_is(&t, "removed", Some(3), &[closed]).await;
    let last =
        format!("delete from audit where id = {}; delete from seals where number = 7", id(7));
    each_is(&t, "truncated", Some(7), &[last]).await;

    roles::create(&t.app, &cli(), &role("six"), "").await.unwrap();
    let unsealed = "delete from audit where id in (select audit_id from audit_unsealed)";
    t.db.execute(unsealed).await;
    let finding = verify(&t).await.unwrap_err();
    assert!(matches!(finding, Finding::RemovedUnsealed { .. }), "{finding}");
}

async fn what_is_swapped_is_found(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    let columns = "at, action, actor, actor_id, target, target_id, detail, request_id, \
                   actor_digest, target_digest";
    let content = |to: i64, from: i64| {
        format!(
            "update audit set ({columns}) = (select {columns} from copy_audit where id = {}) \
             where id = {};",
            id(from),
            id(to)
        )
    };
    let renumber = |a: i64, b: i64| {
        format!(
            "update seals set number = -1 where number = {a};
             update seals set number = {a} where number = {b};
             update seals set number = {b} where number = -1"
        )
    };
    let seal = |a: i64, b: i64| {
        let place = |to: i64, from: i64| {
            format!(
                "insert into seals (number, audit_id, record_digest, chain_digest)
                 select {to}, f.audit_id, f.record_digest, t.chain_digest
                 from copy_seals f, copy_seals t where f.number = {from} and t.number = {to};"
            )
        };
        format!("delete from seals where number in ({a}, {b}); {}{}", place(a, b), place(b, a))
    };
    for (a, b) in [(2, 4), (2, 3), (1, 7)] {
        let ways = [content(a, b) + &content(b, a), renumber(a, b), seal(a, b)];
        for way in &ways {
            t.db.execute(way).await;
            let finding = verify(&t).await.unwrap_err();
            let with = match finding {
                Finding::Swapped { with, .. } | Finding::SealSwapped { with, .. } => with,
                ref other => panic!("{way}: {other}"),
            };
            assert_eq!((finding.number(), with), (Some(a), b), "{way}: {finding}");
            restore(&t).await;
        }
    }
}

async fn what_is_inserted_is_found(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    let new = uuid(&t, 2);
    let rest = "at, action, actor, actor_id, target, target_id, detail, request_id, \
                actor_digest, target_digest";
    let record = format!(
        "insert into audit (id, {rest}) select {new}, {rest} from copy_audit where id = {}",
        id(3)
    );
    each_is(&t, "inserted", None, std::slice::from_ref(&record)).await;
    let digest = bytes(&t);
    let seal = |number: i64| {
        format!(
            "insert into seals (number, audit_id, record_digest, chain_digest)
             values ({number}, {new}, {digest}, {digest})"
        )
    };
    let middle = format!(
        "{record}; update seals set number = -number - 1 where number >= 3;
         update seals set number = -number where number < 0; {}",
        seal(3)
    );
    each_is(&t, "inserted", Some(3), &[middle]).await;
    each_is(&t, "inserted", Some(0), &[format!("{record}; {}", seal(0))]).await;
    let end = format!("{record}; {}", seal(8));
    each_is(&t, "inserted", Some(8), &[end]).await;

    // A record that waits for its seal, taken out of the line.
    roles::create(&t.app, &cli(), &role("six"), "").await.unwrap();
    t.db.execute("delete from audit_unsealed").await;
    let finding = verify(&t).await.unwrap_err();
    assert!(matches!(finding, Finding::InsertedUnsealed { .. }), "{finding}");
}

async fn an_edited_seal_is_found(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    for number in [1, 3, 7] {
        let edits = ["record_digest", "chain_digest"].map(|column| {
            format!("update seals set {column} = {} where number = {number}", bytes(&t))
        });
        let kind = if number == 7 { ["edited", "inserted"] } else { ["edited", "edited"] };
        for (kind, edit) in kind.into_iter().zip(edits) {
            each_is(&t, kind, Some(number), &[edit]).await;
        }
    }
    let other = format!("update seals set audit_id = {} where number = 3", uuid(&t, 3));
    each_is(&t, "removed", Some(3), &[other]).await;
    let away = "update seals set number = 9 where number = 7".to_owned();
    each_is(&t, "removed", Some(7), &[away]).await;
    // The chain goes on beside a seal with the highest number there is, and it is still named.
    t.db.execute("update seals set number = 9223372036854775807 where number = 7").await;
    roles::create(&t.app, &cli(), &role("six"), "").await.unwrap();
    assert!(trail::seal_as_node(&t.app).await.is_err());
    assert_eq!(verify(&t).await.unwrap_err().number(), Some(7));
    restore(&t).await;
    // One that is in the line although it is sealed is taken out of it.
    t.db.execute("insert into audit_unsealed select audit_id from seals where number = 3").await;
    assert_eq!(verify(&t).await.unwrap().unsealed, 0);
    roles::create(&t.app, &cli(), &role("seven"), "").await.unwrap();
    trail::seal_before_leaving(&t.app).await.unwrap();
    assert_eq!(t.db.count("audit_unsealed").await, 0);
    assert_eq!(verify(&t).await.unwrap().unsealed, 0);
}

async fn an_edited_checkpoint_is_found(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    let bytes = bytes(&t);
    let edits = [
        "number = 6",
        "number = 8",
        "kind = 'pruned'",
        "at = '2020-01-01T00:00:00Z'",
        &format!("chain_digest = {bytes}"),
        &format!("mac = {bytes}"),
    ];
    for edit in edits {
        t.db.execute(&format!("update checkpoints set {edit}")).await;
        let finding = verify(&t).await.unwrap_err();
        assert_eq!(finding.kind(), "forged", "{edit}: {finding}");
        restore(&t).await;
    }
    t.db.execute("update checkpoints set key_id = 'deadbeef'").await;
    assert_eq!(verify(&t).await.unwrap_err().kind(), "key missing");
    restore(&t).await;
    t.db.execute("update checkpoints set kind = 'x'").await;
    assert_eq!(verify(&t).await.unwrap_err().kind(), "unreadable");
}

async fn names_and_addresses_may_go_but_not_change(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    let of_kim = format!("where audit_id = {}", id(6));
    each_is(
        &t,
        "edited",
        Some(6),
        &[
            format!("update audit_personal set content = '{{\"name\":\"max\"}}' {of_kim}"),
            format!("update audit_personal set content = content || ' ' {of_kim}"),
            format!("update audit_personal set part = 'actor' {of_kim}"),
            format!(
                "insert into audit_personal (audit_id, part, content) values ({}, 'actor', '{{}}')",
                id(6)
            ),
        ],
    )
    .await;
    let odd = format!("update audit_personal set part = 'other' {of_kim}");
    each_is(&t, "inserted", None, &[odd]).await;

    let kim = rolecall::auth::users::find(&t.app, "kim").await.unwrap();
    rolecall::auth::users::remove(&t.app, &cli(), kim.id).await.unwrap();
    trail::seal_before_leaving(&t.app).await.unwrap();
    assert_eq!(t.db.count("audit_personal").await, 0);
    assert_eq!(verify(&t).await.unwrap().sealed, 8);
}

async fn the_first_of_several_is_named(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    let edit = |number| format!("update audit set detail = '[]' where id = {};", id(number));
    let several = [edit(5), edit(2), edit(6), format!("delete from audit where id = {}", id(3))];
    each_is(&t, "edited", Some(2), &[several.concat()]).await;
    let forged = format!("update checkpoints set number = 8; {}", edit(4));
    each_is(&t, "edited", Some(4), &[forged]).await;
}

/// Edits a record and seals it and all after it anew, as somebody would who knows how.
async fn rewrite(t: &TestApp, from: i64) {
    t.db.execute(&format!(
        "update audit set detail = '[]' where id = {};
         insert into audit_unsealed select audit_id from seals where number >= {from};
         delete from seals where number >= {from}",
        id(from)
    ))
    .await;
    trail::seal_before_leaving(&t.app).await.unwrap();
    assert_eq!(t.db.count("seals").await, 7);
}

async fn cut(t: &TestApp, from: i64) {
    t.db.execute(&format!(
        "delete from audit where id in (select audit_id from seals where number >= {from});
         delete from seals where number >= {from}"
    ))
    .await;
}

async fn what_was_cut_or_rewritten_shows_by_a_checkpoint(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    rewrite(&t, 5).await;
    assert_eq!(verify(&t).await, Err(Finding::Rewritten { number: 1, last: 7 }));
    restore(&t).await;
    cut(&t, 6).await;
    assert_eq!(verify(&t).await, Err(Finding::Truncated { number: 7, last: 5 }));
    // Nor does it go unseen when the trail goes on.
    for name in ["a", "b", "c"] {
        roles::create(&t.app, &cli(), &role(name), "").await.unwrap();
    }
    trail::seal_before_leaving(&t.app).await.unwrap();
    assert_eq!(verify(&t).await, Err(Finding::Rewritten { number: 1, last: 7 }));
}

async fn a_checkpoint_kept_elsewhere_shows_it_when_the_table_does_not(t: TestApp) {
    seven(&t).await;
    remember(&t).await;
    let kept = verify(&t).await.unwrap().checkpoint.unwrap();
    let line = trail::checkpoint::line(&kept);
    let logged = format!("{{\"message\":\"audit checkpoint\",\"checkpoint\":\"{line}\"}}\nx\n");
    for text in [format!("{line}\n"), logged, format!("INFO checkpoint={line}\r\n")] {
        assert_eq!(trail::checkpoint::parse_all(&text), Ok(vec![kept.clone()]), "{text}");
    }
    let kept = [kept];
    assert_eq!(verify_with(&t, &kept).await.unwrap().kept, 1);

    cut(&t, 6).await;
    t.db.execute("delete from checkpoints").await;
    verify(&t).await.expect("nothing here can show it");
    let found = verify_with(&t, &kept).await;
    assert_eq!(found, Err(Finding::Truncated { number: 7, last: 5 }));
    restore(&t).await;

    t.db.execute("delete from checkpoints").await;
    rewrite(&t, 5).await;
    verify(&t).await.expect("nothing here can show it");
    let found = verify_with(&t, &kept).await;
    assert_eq!(found, Err(Finding::Rewritten { number: 1, last: 7 }));
}

/// Postgres keeps such values out by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_found_and_keeps_no_other_record_waiting() {
    let t = TestApp::with(Database::create(Engine::Sqlite).await, |_| {}).await;
    seven(&t).await;
    remember(&t).await;
    let odd = ["at = 'yesterday'", "actor_id = 'x'"];
    let odd = odd.map(|set| format!("update audit set {set} where id = {}", id(3)));
    each_is(&t, "unreadable", Some(3), &odd).await;
    let seal = "update seals set audit_id = 'x' where number = 3".to_owned();
    each_is(&t, "unreadable", Some(3), &[seal]).await;

    roles::create(&t.app, &cli(), &role("six"), "").await.unwrap();
    t.db.execute("update audit set at = 'x' where id in (select audit_id from audit_unsealed)")
        .await;
    roles::create(&t.app, &cli(), &role("seven"), "").await.unwrap();
    assert_eq!(trail::seal_as_node(&t.app).await.unwrap(), 1);
    assert_eq!(t.db.count("audit_unsealed").await, 1);
}
