_default:
    @just --list

# Serve from this checkout: http://127.0.0.1:8000
serve *args:
    cargo run -- serve {{args}}

# Exactly what CI runs; `just check --long` adds the long tests
check *args:
    ./scripts/test {{args}}

# The tests alone, or some of them: just test login
test *args:
    cargo test {{args}}

# Every page as it looks, wide and narrow, light and dark, into screenshots/
screenshots:
    cargo test --test browser every_page_as_it_looks -- --ignored

# Record what both engines say about every SQL statement; after a change of one
prepare:
    ./scripts/prepare

# The published figures
bench *args:
    cargo bench --bench load {{args}}

# Server time of the pages with a thousand users beside a million
bench-scale *args:
    cargo bench --bench load -- --scale {{args}}

# Whether the time of a failed login tells what kind of account it is
bench-timing *args:
    cargo bench --bench load -- --timing {{args}}

# Throw chance at a parser: just fuzz next 60; fuzz/README.md has the targets
fuzz target seconds="60":
    cargo +nightly fuzz run --sanitizer none {{target}} -- -max_total_time={{seconds}}
