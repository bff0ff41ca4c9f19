//! The load program: see [`delta_benches`].

use std::process::ExitCode;

fn main() -> ExitCode {
    delta_benches::main()
}
