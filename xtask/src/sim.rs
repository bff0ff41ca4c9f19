use std::num::NonZeroUsize;
use std::str::FromStr;

use clap::Args;

use crate::cargo::{cargo, run as run_command};
use crate::failure::Failure;

/// What to simulate.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Replays this seed and prints its timeline: what has changed something; if it fails, of the smallest scenario that
    /// fails in the same way.
    #[arg(long, required_unless_present = "seeds", conflicts_with = "seeds")]
    seed: Option<u64>,

    /// Searches these seeds, `first..end`, for one that fails; it fails too if something never happened in any of them.
    #[arg(long)]
    seeds: Option<Seeds>,

    /// Prints everything that happened, not only what has changed something.
    #[arg(long)]
    verbose: bool,

    /// Prints the timeline of a failure as it is, not of the smallest scenario that fails in the same way.
    #[arg(long)]
    no_shrink: bool,

    /// Goes on after a seed that fails.
    #[arg(long, conflicts_with = "seed")]
    keep_going: bool,

    /// How many threads search; as many as there are cores by default.
    #[arg(long, conflicts_with = "seed")]
    threads: Option<NonZeroUsize>,

    /// Breaks the store on purpose in this way, to see that it is found.
    #[arg(long)]
    mutation: Option<String>,
}

/// Seeds, the end not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seeds {
    first: u64,
    end: u64,
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once("..").and_then(|(first, end)| Some((first.parse().ok()?, end.parse().ok()?)));
        match numbers {
            Some((first, end)) if first < end => Ok(Self { first, end }),
            Some((first, end)) => Err(format!("expected an end above {first}, found {end}")),
            None => Err(format!("expected two numbers as in 1..1001, found \"{text}\"")),
        }
    }
}

/// Builds the simulation with optimisations and runs it.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut command = cargo(&["run", "--release", "--quiet", "-p", "delta-testkit", "--features", "harness"]);
    command.args(["--example", "simulate", "--"]).args(options.arguments());
    run_command(&mut command)
}

impl Options {
    /// As the program takes them.
    fn arguments(&self) -> Vec<String> {
        let valued = [
            ("--seed", self.seed.map(|seed| seed.to_string())),
            ("--seeds", self.seeds.map(|Seeds { first, end }| format!("{first}..{end}"))),
            ("--threads", self.threads.map(|threads| threads.to_string())),
            ("--mutation", self.mutation.clone()),
        ];
        let plain = [("--verbose", self.verbose), ("--no-shrink", self.no_shrink), ("--keep-going", self.keep_going)];
        let valued = valued.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).flatten();
        valued.chain(plain.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Options, Seeds};

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        options: Options,
    }

    fn parse(arguments: &[&str]) -> Result<Vec<String>, String> {
        let arguments = std::iter::once(&"sim").chain(arguments);
        Arguments::try_parse_from(arguments).map(|all| all.options.arguments()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for_reaches_the_program() {
        let asked = ["--seeds", "3..9", "--threads", "2", "--mutation", "stale-reads", "--verbose", "--keep-going"];
        assert_eq!(parse(&asked).unwrap(), asked);
        assert_eq!(parse(&["--no-shrink", "--seed", "7"]).unwrap(), ["--seed", "7", "--no-shrink"]);
    }

    #[test]
    fn seeds_that_are_none_are_told() {
        assert_eq!("1..3".parse(), Ok(Seeds { first: 1, end: 3 }));
        for text in ["", "5", "5..", "a..b", "-1..4"] {
            let error = text.parse::<Seeds>().unwrap_err();
            assert_eq!(error, format!("expected two numbers as in 1..1001, found \"{text}\""));
        }
        assert_eq!("7..7".parse::<Seeds>(), Err("expected an end above 7, found 7".to_owned()));
    }

    #[test]
    fn either_one_seed_or_several_are_asked_for() {
        assert!(parse(&[]).is_err());
        assert!(parse(&["--seed", "1", "--seeds", "1..3"]).is_err());
        assert!(parse(&["--seed", "1", "--keep-going"]).is_err());
    }
}
