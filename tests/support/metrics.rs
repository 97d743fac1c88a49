//! Reads the text format of Prometheus (0.0.4), and takes nothing that is not in its description.

use std::collections::{BTreeMap, BTreeSet};

pub type Labels = BTreeMap<String, String>;

/// All that was served at one time.
pub struct Scrape {
    /// By name.
    pub families: BTreeMap<String, Family>,
}

#[derive(Default)]
pub struct Family {
    pub kind: String,
    pub samples: Vec<Sample>,
}

pub struct Sample {
    pub name: String,
    pub labels: Labels,
    pub value: f64,
}

impl Scrape {
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "{text:?}");
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let name = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
            let (name, help) = name.unwrap_or_else(|| panic!("no help: {line}"));
            assert!(is_name(name) && !help.is_empty(), "{line}");
            let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
            let kind = kind.unwrap_or_else(|| panic!("{name} has no type")).to_owned();
            let mut samples = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                samples.push(Sample::parse(line));
            }
            let family = Family { kind, samples };
            family.judge(name);
            assert!(families.insert(name.to_owned(), family).is_none(), "{name} is there twice");
        }
        Self { families }
    }

    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.values().flat_map(|family| &family.samples)
    }

    /// The sum of the samples of this name that have these labels among theirs; `None` without one.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let is_it = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| {
                    sample.labels.get(*label).is_some_and(|found| found == value)
                })
        };
        let found: Vec<f64> = self.samples().filter(is_it).map(|sample| sample.value).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// The same, 0 without one.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or(0.0)
    }
}

impl Family {
    fn judge(&self, name: &str) {
        let mut seen = BTreeSet::new();
        for sample in &self.samples {
            assert!(seen.insert((&sample.name, &sample.labels)), "{} is there twice", sample.name);
            let is_negative = sample.value < 0.0 || sample.value.is_nan();
            assert!(!is_negative, "{} is {}", sample.name, sample.value);
        }
        assert!(!self.samples.is_empty(), "{name} has no sample");
        // A number that only grows says so in its name, and no other does.
        assert_eq!(self.kind == "counter", name.ends_with("_total"), "{name}");
        match self.kind.as_str() {
            "counter" | "gauge" => {
                assert!(self.samples.iter().all(|sample| sample.name == name), "{name}");
            }
            "histogram" => self.judge_histogram(name),
            other => panic!("{name} is a {other}"),
        }
    }

    /// Buckets hold what the smaller ones hold, and the last of them all there is.
    fn judge_histogram(&self, name: &str) {
        let without_bound = |sample: &Sample| {
            let mut labels = sample.labels.clone();
            labels.remove("le");
            labels
        };
        let sets: BTreeSet<Labels> = self.samples.iter().map(without_bound).collect();
        for set in sets {
            let of_set = self.samples.iter().filter(|sample| without_bound(sample) == set);
            let (buckets, rest): (Vec<_>, Vec<_>) =
                of_set.partition(|sample| sample.labels.contains_key("le"));
            let bounds: Vec<f64> =
                buckets.iter().map(|sample| sample.labels["le"].parse().unwrap()).collect();
            assert!(bounds.is_sorted_by(|one, next| one < next), "{name}: {bounds:?}");
            assert_eq!(bounds.last(), Some(&f64::INFINITY), "{name}");
            let counts: Vec<f64> = buckets.iter().map(|sample| sample.value).collect();
            assert!(counts.is_sorted(), "{name}: {counts:?}");
            assert!(buckets.iter().all(|sample| sample.name == format!("{name}_bucket")));
            let names: Vec<&str> = rest.iter().map(|sample| sample.name.as_str()).collect();
            assert_eq!(names, [format!("{name}_sum"), format!("{name}_count")]);
            assert_eq!(counts.last(), Some(&rest[1].value), "{name}");
        }
    }
}

impl Sample {
    /// `name{label="value",…} number`.
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let value = value.replace("+Inf", "inf").parse();
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
            None => (series, ""),
        };
        assert!(is_name(name), "{line}");
        Self {
            name: name.to_owned(),
            labels: self::labels(labels),
            value: value.unwrap_or_else(|_| panic!("{line}")),
        }
    }
}

fn labels(mut rest: &str) -> Labels {
    let mut labels = Labels::new();
    while let Some((name, after)) = rest.split_once("=\"") {
        assert!(is_name(name) && !name.contains(':'), "{rest}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().unwrap_or_else(|| panic!("no end: {after}")) {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, same @ ('\\' | '"'))) => same,
                    other => panic!("{other:?} in {after}"),
                }),
                (_, other) => value.push(other),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} is there twice");
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    assert!(rest.is_empty(), "{rest}");
    labels
}

fn is_name(text: &str) -> bool {
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    text.chars().all(is_in_name) && text.starts_with(|c: char| !c.is_ascii_digit())
}
