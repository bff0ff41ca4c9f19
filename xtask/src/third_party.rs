//! The store of a stranger, in a workspace of its own, as a user's would be.

use std::path::Path;
use std::process::Command;

use crate::cargo::{Metadata, cargo, run as run_command};
use crate::failure::Failure;
use crate::steps::Steps;

/// Its manifest, from the root of the workspace.
const MANIFEST: &str = "examples/third-party-store/Cargo.toml";

/// Checks its format and lints it.
pub(crate) fn lint(steps: &mut Steps) -> Result<(), Failure> {
    steps.run("check the format of the third-party store", || {
        run_command(&mut cargo(&["fmt", "--manifest-path", MANIFEST, "--check"]))
    })?;
    steps.run("lint the third-party store", || {
        run_command(there("clippy")?.args(["--all-targets", "--", "-D", "warnings"]))
    })
}

/// Builds its tests.
pub(crate) fn build() -> Result<(), Failure> {
    run_command(there("test")?.arg("--no-run"))
}

/// Runs its tests, which note what they show in `record`.
pub(crate) fn test(record: &Path) -> Result<(), Failure> {
    run_command(there("test")?.arg("--no-fail-fast").env("DELTA_TEST_RECORD", record))
}

/// A cargo command for it, with its own lock and the target directory of the workspace: what both need is compiled once.
fn there(command: &str) -> Result<Command, Failure> {
    let mut command = cargo(&[command, "--manifest-path", MANIFEST, "--locked"]);
    command.arg("--target-dir").arg(Metadata::read()?.target());
    Ok(command)
}
