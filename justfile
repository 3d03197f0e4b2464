# Short names for what is typed often; `just` lists them.

target := env("CARGO_TARGET_DIR", "target")
release := absolute_path(target / "release")
export LLM2API_SERVER := absolute_path(target / "debug/llm2api-server")
export LLM2API_SIM := absolute_path(target / "debug/llm2api-sim")

_list:
    @just --list

# Format and lints: the quick look before a commit
check:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Everything, or a part: rust, python, node; or wheel, the Python package as it is released
test part="all":
    ./tests/run {{ part }}

# What takes longer than CI has: a hundred kills, a thousand streams, every cut, ten thousand cookies
proof: programs
    cargo build --release -p llm2api-server -p llm2api-tests --bins
    KILL_ROUNDS=100 cargo test -p llm2api-tests --test kill --test leave
    ulimit -n "$(ulimit -Hn)" && PROOF=true LLM2API_SERVER={{ release / "llm2api-server" }} \
        LLM2API_SIM={{ release / "llm2api-sim" }} \
        cargo test -p llm2api-tests --test load -- --nocapture --test-threads=1
    PROOF=true cargo test -p llm2api-tests --test cuts -- --nocapture --test-threads=1
    PROOF=true LLM2API_SERVER={{ release / "llm2api-server" }} \
        tests/.venv/bin/pytest -s tests/python/test_many_cookies.py

# Python tests alone, after `./tests/run python` has been run once
pytest *arguments: programs
    tests/.venv/bin/pytest tests/python {{ arguments }}

# LangChain and instructor alone, after `./tests/run python` has been run once
frameworks *arguments: programs
    tests/.venv-frameworks/bin/pytest tests/frameworks {{ arguments }}

# Node tests alone, after `./tests/run node` has been run once
node *arguments: programs
    cd tests/node && node --test {{ arguments }}

# Feed arbitrary bytes to a parser: auth_code, sse, json_lines, cookie, exchange, json, openai_request, page_text, tools
fuzz name seconds="60":
    mkdir -p fuzz/corpus/{{ name }}
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none {{ name }} fuzz/corpus/{{ name }} fuzz/seeds/{{ name }} -- -max_total_time={{ seconds }}

# Build the Python package into tests/.venv
py:
    cd llm2api-py && ../tests/.venv/bin/maturin develop

# Start the simulator: a chat-ui, an OpenAI-compatible API and an Open WebUI
sim *arguments:
    cargo run -p llm2api-tests --bin llm2api-sim -- {{ arguments }}

# Build and open the documentation
docs:
    cargo doc --no-deps --workspace --open

# Licences, sources and known holes of the dependencies (cargo install cargo-deny)
deny:
    cargo deny check

[private]
programs:
    cargo build -p llm2api-server -p llm2api-tests --bins --features llm2api-server/otel
