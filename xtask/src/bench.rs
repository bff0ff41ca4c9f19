use clap::Args;

use crate::cargo::{cargo, run as run_command};
use crate::failure::Failure;

/// What to measure.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// What the load program takes; `--help` says what that is.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the load program with optimisations and runs it.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    // With the program that one scenario runs beside it.
    run_command(&mut cargo(&["build", "--release", "--quiet", "-p", "delta-benches", "--bins"]))?;
    let mut command = cargo(&["run", "--release", "--quiet", "-p", "delta-benches", "--bin", "delta-load", "--"]);
    run_command(command.args(&options.arguments))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Options;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn everything_reaches_the_program() {
        for asked in [&["--quick", "--only", "drain,inform", "--json", "x.json"][..], &["--help"], &[]] {
            let arguments = Arguments::try_parse_from([&["bench"], asked].concat()).unwrap();
            assert_eq!(arguments.options.arguments, asked);
        }
    }
}
