use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use delta_testkit::sim::Mutation;

/// What to simulate, and how.
pub(crate) struct Arguments {
    pub(crate) seeds: Seeds,
    pub(crate) mutation: Option<Arc<dyn Mutation>>,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) keeps_going: bool,
    pub(crate) verbose: bool,
    pub(crate) shrinks: bool,
}

/// Which seeds.
#[derive(Debug)]
pub(crate) enum Seeds {
    /// One, to be shown.
    One(u64),
    /// All of these, to be searched.
    All { first: u64, end: u64 },
}

/// Arguments that say nothing to simulate.
#[derive(Debug)]
pub(crate) enum ArgumentError {
    /// Neither or both of `--seed` and `--seeds`.
    Seeds,
    /// No option of this name.
    Unknown(String),
    /// An option without its value, or with one that it cannot have: the option, what it takes, and the value.
    Value(&'static str, &'static str, Option<String>),
    /// No mutation of this name; those that there are.
    Mutation(String, Vec<&'static str>),
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seeds => f.write_str("expected either --seed <number> or --seeds <first>..<end>"),
            Self::Unknown(found) => write!(f, "expected an option that is known, found \"{found}\""),
            Self::Value(option, expected, Some(found)) => {
                write!(f, "expected {expected} after {option}, found \"{found}\"")
            }
            Self::Value(option, expected, None) => write!(f, "expected {expected} after {option}, found nothing"),
            Self::Mutation(found, known) => {
                write!(f, "expected a mutation, one of {}, found \"{found}\"", known.join(", "))
            }
        }
    }
}

impl std::error::Error for ArgumentError {}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, ArgumentError> {
        let mut seeds = None;
        let (mut mutation, mut threads) = (None, None);
        let (mut keeps_going, mut verbose, mut shrinks) = (false, false, true);
        while let Some(argument) = arguments.next() {
            let mut next = || arguments.next();
            match argument.as_str() {
                "--seed" => {
                    let seed = value("--seed", SEED, next(), |seed| seed.parse().ok())?;
                    one(&mut seeds, Seeds::One(seed))?;
                }
                "--seeds" => one(&mut seeds, value("--seeds", SEEDS, next(), range)?)?,
                "--mutation" => {
                    let name = value("--mutation", MUTATION, next(), |name| Some(name.to_owned()))?;
                    mutation = Some(named(name)?);
                }
                "--threads" => {
                    let number = value("--threads", THREADS, next(), |number| number.parse().ok())?;
                    threads = Some(number);
                }
                "--keep-going" => keeps_going = true,
                "--verbose" => verbose = true,
                "--no-shrink" => shrinks = false,
                _ => return Err(ArgumentError::Unknown(argument)),
            }
        }
        let seeds = seeds.ok_or(ArgumentError::Seeds)?;
        Ok(Self { seeds, mutation, threads, keeps_going, verbose, shrinks })
    }
}

const SEED: &str = "a number";
const SEEDS: &str = "<first>..<end>, where the end is greater";
const MUTATION: &str = "a mutation's name";
const THREADS: &str = "a number above 0";

fn one(seeds: &mut Option<Seeds>, found: Seeds) -> Result<(), ArgumentError> {
    if seeds.replace(found).is_some() { Err(ArgumentError::Seeds) } else { Ok(()) }
}

fn value<T>(
    option: &'static str,
    expected: &'static str,
    found: Option<String>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ArgumentError> {
    let parsed = found.as_deref().and_then(parse);
    parsed.ok_or(ArgumentError::Value(option, expected, found))
}

fn range(text: &str) -> Option<Seeds> {
    let (first, end) = text.split_once("..")?;
    let (first, end) = (first.parse().ok()?, end.parse().ok()?);
    (first < end).then_some(Seeds::All { first, end })
}

fn named(name: String) -> Result<Arc<dyn Mutation>, ArgumentError> {
    let all = mutations();
    match all.iter().find(|mutation| mutation.name() == name) {
        Some(mutation) => Ok(Arc::clone(mutation)),
        None => Err(ArgumentError::Mutation(name, all.iter().map(|mutation| mutation.name()).collect())),
    }
}

fn mutations() -> Vec<Arc<dyn Mutation>> {
    delta_testkit::sim::mutations::all()
}
