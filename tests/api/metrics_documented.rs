//! `docs/metrics.md` names each metric that is served, and no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use rolecall::auth::{sessions, trail};

use super::metrics::{counting, scrape};
use crate::support::{
    Database, both_engines,
    metrics::{Family, Scrape},
};

both_engines!(the_table_has_what_is_served_with_kind_and_labels,);

fn document() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap()
}

/// Kind and labels of a metric.
type Shape = (String, BTreeSet<String>);

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// By name, from the rows `| name | kind | labels | meaning |`.
fn documented() -> BTreeMap<String, Shape> {
    let text = document();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `rolecall_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, kind, labels, meaning, ""] = cells[..] else { panic!("{row}") };
        assert!(meaning.len() > 10, "{row}");
        let name = format!("rolecall_{}", name.trim_end_matches('`'));
        let labels = quoted(labels).map(str::to_owned).collect();
        (name, (kind.to_owned(), labels))
    })
    .collect()
}

fn served(found: &Scrape) -> BTreeMap<String, Shape> {
    let shape = |family: &Family| -> Shape {
        let labels = family.samples.iter().flat_map(|sample| sample.labels.keys());
        let labels = labels.filter(|label| *label != "le").cloned().collect();
        (family.kind.clone(), labels)
    };
    found.families.iter().map(|(name, family)| (name.clone(), shape(family))).collect()
}

async fn the_table_has_what_is_served_with_kind_and_labels(db: Database) {
    let t = counting(db).await;
    // What is not known before it happened.
    t.signed_in("kim", &[]).await;
    t.app.db.follow_revision().await.unwrap();
    sessions::sweep(&t.app).await.unwrap();
    trail::seal_as_node(&t.app).await.unwrap();
    assert_eq!(documented(), served(&scrape(&t).await));
}

#[test]
fn the_rules_ask_for_what_is_served() {
    let known = documented();
    let text = document();
    let rules = text.split("```yaml").last().expect("rules").split("```").next().unwrap();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let asked: BTreeSet<&str> =
        rules.split(|c| !is_word(c)).filter(|word| word.starts_with("rolecall_")).collect();
    assert!(asked.len() > 8, "{asked:?}");
    for name in asked {
        let of = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let is_histogram = |name| known.get(name).is_some_and(|(kind, _)| kind == "histogram");
        assert!(known.contains_key(name) || of.is_some_and(is_histogram), "{name}");
    }
}
