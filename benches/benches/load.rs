//! `cargo bench -p delta-benches --bench load -- …`: the load program, as `cargo xtask bench` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    delta_benches::main()
}
