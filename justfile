# Shortcuts for what recurs. None is needed to run Keymint (`cargo run`) or to test it (the README's command).

# Lists the recipes.
default:
    @just --list

# What .ci/run checks before it tests: formatting, lints, documents.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# The fast lane: what needs Rust alone, without the examples in documentation. `just test --test http limits` runs a part of it.
# Tests wait more than they compute: eight at once take two thirds of the time of one a core.
test *ARGS='--lib --bins --tests':
    RUST_TEST_THREADS=8 cargo test --workspace --exclude keymint-store-postgres --exclude keymint-test-postgres {{ARGS}}

# Every test. What they need is in the README.
test-all *ARGS:
    cargo test --workspace --features full-tests {{ARGS}}

# The whole gate.
ci:
    bash .ci/run

# What the workspace may depend on. Builds cargo-deny, once.
deny:
    bash .ci/deny check bans licenses sources

# Known vulnerabilities of dependencies. Needs GitHub, for RustSec's database.
advisories:
    bash .ci/deny check advisories

# Formats everything.
fmt:
    cargo fmt --all

# Runs the server: `just run`, `just run config check`.
run *ARGS:
    cargo run --release -- {{ARGS}}

# A Postgres for development, until it is interrupted; prints its URL.
services:
    cargo run -p keymint-test-postgres --example serve

# Two builds, so that the server has its own features and no others.
# Verifications over HTTP: `just bench --connections 256 --json figures.json`. Needs wrk; see docs/performance.md.
bench *ARGS:
    cargo build --profile dist -p keymint
    cargo run --profile dist -p keymint-bench-http -- {{ARGS}}

# Pages of a long list, and verifications while expired keys are removed: `just bench-chores --subjects sqlite`.
bench-chores *ARGS:
    cargo build --profile dist -p keymint
    cargo run --profile dist -p keymint-bench-http -- chores {{ARGS}}

# The stores without HTTP, with 1000 keys and with more: `just bench-alone --keys 10000000 --pick zipf`.
bench-alone *ARGS:
    cargo run --profile dist -p keymint-bench-http -- stores {{ARGS}}

# Verifications in process, and what a guard adds to a route: `just bench-micro decide`.
bench-micro *ARGS:
    cargo bench -p keymint-domain --bench chain -- {{ARGS}}
    cargo bench -p keymint-service --bench verify -- {{ARGS}}
    cargo bench -p keymint-guard-suite --bench guard -- {{ARGS}}

# Whole simulated years, to judge the detector of anomalies by: `just simulate 7 8` takes the seeds 7 and 8.
simulate *SEEDS:
    cargo bench -p keymint-domain --bench year -- {{SEEDS}}

# Batches of verifications in each store: `just bench-stores sqlite`.
bench-stores *ARGS:
    cargo bench -p keymint-bench-stores --bench spend -- {{ARGS}}

# Instructions of a verification, against their budget: `just instructions --renew` writes that down anew.
instructions *ARGS:
    bash benches/instructions/count {{ARGS}}

# Writes docs/openapi.json anew.
openapi:
    cargo run -p keymint -- openapi > docs/openapi.json

# Draws the README's screenshots from the running program, in Debian's Chromium.
pictures:
    cargo build -p keymint
    cd tests/browser && npm ci --ignore-scripts --no-audit --no-fund && KEYMINT_BINARY={{justfile_directory()}}/target/debug/keymint node pictures.mjs

# Times, sizes and costs of the console's pages: `just bench-pages --before target/dist/keymint-without`. Needs wrk.
bench-pages *ARGS:
    cargo build --profile dist -p keymint
    cd tests/browser && npm ci --ignore-scripts --no-audit --no-fund
    node benches/pages/figures.mjs {{ARGS}}

# Draws what `just bench --json` wrote, of all files together: `just plots connections.json keys-*.json`.
plots +FIGURES:
    cargo run --profile dist -p keymint-bench-http -- plot {{FIGURES}}

# Sends random input to a parser that strangers reach, for some seconds: `just fuzz bodies 600`. See fuzz/README.md.
fuzz TARGET SECONDS='60':
    cp -n Cargo.lock fuzz/Cargo.lock
    mkdir -p fuzz/corpus/{{TARGET}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none {{TARGET}} fuzz/corpus/{{TARGET}} fuzz/seeds/{{TARGET}} -- -max_total_time={{SECONDS}} -timeout=10 -max_len=4096

# The same for every target.
fuzz-all SECONDS='60':
    for target in fuzz/targets/*.rs; do just fuzz "$(basename "$target" .rs)" {{SECONDS}} || exit 1; done
