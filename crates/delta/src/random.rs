//! The one place that draws random numbers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// A client's source of random numbers; seeded from the system, or from a number, so that a history can be replayed.
#[derive(Clone, Debug)]
pub(crate) struct Random(Arc<Mutex<StdRng>>);

impl Random {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let rng = seed.map_or_else(rand::make_rng, StdRng::seed_from_u64);
        Self(Arc::new(Mutex::new(rng)))
    }

    /// Any number.
    pub(crate) fn bits(&self) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64().cast_signed()
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// A duration of up to `most`.
    pub(crate) fn up_to(&self, most: Duration) -> Duration {
        most.mul_f64(self.unit())
    }
}
