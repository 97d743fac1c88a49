//! Chance for tests that try many things: the same in every run, another one with
//! `PROPTEST_RNG_SEED`, more of it with `PROPTEST_CASES` (256 is what they do without).

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy},
    sample::select,
    test_runner::RngSeed,
};

/// Thousands of cases from a seed that a failing test shows.
pub fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let seed = match given.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => 1,
    };
    println!("PROPTEST_RNG_SEED={seed}");
    ProptestConfig {
        cases: given.cases.saturating_mul(16),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..given
    }
}

/// Up to so many of these, one after another.
pub fn text_of(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    vec(select(pieces), 0..=most).prop_map(|pieces| pieces.concat())
}
