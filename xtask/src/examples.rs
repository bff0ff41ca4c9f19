use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cargo::{Built, Metadata, root, run as run_command};
use crate::failure::Failure;
use crate::steps::Steps;

/// A run of an example.
struct Run {
    /// As in `examples/Cargo.toml`.
    example: &'static str,
    /// Its arguments. `{scratch}` becomes an empty directory, and the working directory is the root of the workspace.
    arguments: &'static [&'static str],
}

/// Every example, as CI runs it; each must end by itself, with success.
const RUNS: [Run; 3] = [
    Run { example: "mirror", arguments: &["crates", "{scratch}/copy"] },
    Run { example: "payments", arguments: &[] },
    Run { example: "outbox", arguments: &[] },
];

/// Runs the examples, one after the other.
pub(crate) fn run(steps: &mut Steps, built: &Built) -> Result<(), Failure> {
    let scratch = Metadata::read()?.target().join("xtask").join("scratch");
    for run in RUNS {
        steps.run(&format!("run the example {}", run.example), || {
            let program = built.example(run.example)?;
            empty(&scratch)?;
            let arguments = run.arguments.iter().map(|argument| fill(argument, &scratch));
            run_command(Command::new(program).args(arguments).current_dir(root()))
        })?;
    }
    Ok(())
}

fn fill(argument: &str, scratch: &Path) -> String {
    argument.replace("{scratch}", &scratch.display().to_string())
}

fn empty(directory: &Path) -> Result<(), Failure> {
    let doing = || format!("empty {}", directory.display());
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(Failure::doing(doing()))?;
    }
    fs::create_dir_all(directory).map_err(Failure::doing(doing()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::fill;

    #[test]
    fn an_argument_names_the_empty_directory() {
        assert_eq!(fill("{scratch}/copy", Path::new("/t/scratch")), "/t/scratch/copy");
        assert_eq!(fill("--once", Path::new("/t/scratch")), "--once");
    }
}
