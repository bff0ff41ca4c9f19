use crate::cargo::{Metadata, WHOLE, cargo, run as run_command};
use crate::failure::Failure;
use crate::steps::Steps;
use crate::{examples, test, third_party, tools};

/// Packages that need one of their features at least: the program is one for some database.
const NEED_ONE: [&str; 1] = ["delta-cli"];

/// Runs every step, and stops at the first that fails.
pub(crate) fn run() -> Result<(), Failure> {
    tools::require(&[tools::COMPILER, tools::FORMAT, tools::LINTS])?;
    let mut steps = Steps::default();
    steps.run("check the format", || run_command(&mut cargo(&["fmt", "--all", "--check"])))?;
    steps
        .run("lint", || run_command(cargo(&["clippy", "--all-targets"]).args(WHOLE).args(["--", "-D", "warnings"])))?;
    steps.run("make the docs", || {
        run_command(cargo(&["doc", "--no-deps"]).args(WHOLE).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    single_features(&mut steps)?;
    third_party::lint(&mut steps)?;
    let built = test::build(&mut steps)?;
    test::execute(&mut steps, &built, &test::Options::default())?;
    examples::run(&mut steps, &built)
}

/// Checks each feature without the others, and the packages without any; what only another feature uses is a warning.
fn single_features(steps: &mut Steps) -> Result<(), Failure> {
    for (package, features) in Metadata::read()?.packages() {
        if features.is_empty() {
            continue;
        }
        let none = (!NEED_ONE.contains(&package.as_str())).then_some("");
        for feature in none.into_iter().chain(features.iter().map(String::as_str)) {
            let name = format!("lint {package} with only the features [{feature}]");
            steps.run(&name, || {
                let mut command = cargo(&["clippy", "-p", &package, "--no-default-features", "--features", feature]);
                run_command(command.args(["--", "-D", "warnings"]))
            })?;
        }
    }
    Ok(())
}
