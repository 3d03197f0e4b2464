//! Programs that show one thing each: see `rust/`, and run one with `cargo run -p examples --example NAME`.
