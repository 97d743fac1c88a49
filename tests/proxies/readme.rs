//! The piece of nginx that the README shows is a piece of what these tests start.

use std::path::Path;

#[test]
fn what_the_readme_shows_stands_in_the_example_in_the_same_order() {
    let read = |path: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    };
    let (readme, example) = (read("README.md"), read("deploy/nginx/rolecall.conf"));
    let shown = readme.split("```nginx\n").nth(1).unwrap().split("```").next().unwrap();
    let mut rest = example.lines().map(str::trim);
    for line in shown.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(rest.any(|found| found == line), "the example lacks, or has elsewhere: {line}");
    }
}
