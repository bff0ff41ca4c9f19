//! The seed of a run, and how large it is.

use std::env;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Gives the seed of a run; without it one is drawn, and printed.
const SEED: &str = "DELTA_SEED";

/// Says that the nightly form runs, which is twenty times as long.
const NIGHTLY: &str = "DELTA_NIGHTLY";

/// A run's seed. Which transaction comes when is up to the machine all the same.
#[derive(Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The seed that was given, or a new one. It is shown when the test fails.
    pub(crate) fn take(what: &str) -> Self {
        let given = env::var(SEED)
            .ok()
            .map(|seed| seed.parse().unwrap_or_else(|_| panic!("{SEED}: expected a number, found {seed:?}")));
        let seed = given.unwrap_or_else(|| rand::rng().random());
        println!("{what}: {SEED}={seed}");
        Self(seed)
    }

    /// The randomness of one of those who take part.
    pub(crate) fn of(self, part: &str, number: usize) -> StdRng {
        let mixed = part.bytes().fold(self.0 ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15), |mixed, byte| {
            mixed.rotate_left(5).wrapping_mul(0x0100_0000_01B3) ^ u64::from(byte)
        });
        StdRng::seed_from_u64(mixed)
    }
}

/// How many events each backend gets: 5,000, and 100,000 at night.
pub(crate) fn events() -> usize {
    if env::var_os(NIGHTLY).is_some_and(|value| value == "1") { 100_000 } else { 5_000 }
}
