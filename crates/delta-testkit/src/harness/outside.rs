use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::history::{Actor, What};
use crate::sim::{OutsideError, Sim};

/// The way to a fake of the outside world: its calls go through it, and go wrong as a test or a seed says.
///
/// One fake serves both kinds of tests. In a test with a [`Harness`](super::Harness) every call is done and answered at once,
/// but for those that [`next`](Self::next) was told of; in a simulation, the seed chooses. Clones are one.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
///
/// use delta_testkit::harness::{Mishap, Outside, OutsideError};
///
/// struct Bank {
///     outside: Outside,
///     charged: Mutex<Vec<u64>>,
/// }
///
/// impl Bank {
///     async fn charge(&self, cents: u64) -> Result<(), OutsideError> {
///         self.outside.call("charge", || self.charged.lock().unwrap().push(cents)).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let bank = Bank { outside: Outside::new(), charged: Mutex::default() };
/// bank.outside.next("charge", Mishap::LosesAnswer);
/// assert_eq!(bank.charge(499).await, Err(OutsideError::NoAnswer));
/// assert_eq!(*bank.charged.lock().unwrap(), [499]);
/// # }
/// ```
#[derive(Clone)]
pub struct Outside(Arc<Way>);

enum Way {
    Told(Mutex<BTreeMap<String, VecDeque<Mishap>>>),
    Simulated { sim: Sim, then: Box<dyn Fn() + Send + Sync> },
}

/// What goes wrong with a call of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is refused, and not done.
    Refuses,
    /// The outside never hears of it: it is not done, and there is no answer.
    NeverHears,
    /// It is done, and the answer is lost.
    LosesAnswer,
    /// It is done, and the answer comes so much later.
    Late(Duration),
}

impl Outside {
    /// An outside where nothing goes wrong but what [`next`](Self::next) says.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Way::Told(Mutex::default())))
    }

    /// That of a simulated world; `then` is done after each call that was done.
    pub(crate) fn simulated(sim: Sim, then: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Way::Simulated { sim, then: Box::new(then) }))
    }

    /// Has the next call of this name go wrong; told several times, those after it too.
    ///
    /// # Panics
    ///
    /// In a simulation: there, the seed says what goes wrong.
    #[track_caller]
    pub fn next(&self, what: &str, mishap: Mishap) {
        let Way::Told(told) = &*self.0 else {
            panic!("expected no mishap of a test's own in a simulation, found {mishap:?}")
        };
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.entry(what.to_owned()).or_default().push_back(mishap);
    }

    /// Makes a call, which is done whole or not at all by `done`. The name, `what`, is what a timeline shows, and what
    /// [`next`](Self::next) goes by.
    ///
    /// In a simulation it takes up to a tenth of a second of virtual time if all goes well.
    ///
    /// # Errors
    ///
    /// [`OutsideError`]: it was refused, or there is no answer.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the caller does not know whether it was done.
    pub async fn call<T>(&self, what: impl AsRef<str>, done: impl FnOnce() -> T) -> Result<T, OutsideError> {
        let what = what.as_ref();
        match &*self.0 {
            Way::Told(told) => {
                let next = |told: &mut BTreeMap<String, VecDeque<Mishap>>| told.get_mut(what)?.pop_front();
                let mishap = next(&mut told.lock().unwrap_or_else(PoisonError::into_inner));
                told_call(mishap, done).await
            }
            Way::Simulated { sim, then } => {
                let done = || {
                    let answer = done();
                    sim.record(&Actor::new("outside"), What::Note(format!("{what}: done")));
                    then();
                    answer
                };
                sim.outside(what, done).await
            }
        }
    }

    /// The simulated world, if this is the outside of one.
    #[must_use]
    pub fn sim(&self) -> Option<&Sim> {
        match &*self.0 {
            Way::Told(_) => None,
            Way::Simulated { sim, .. } => Some(sim),
        }
    }
}

impl Default for Outside {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("sim", &self.sim()).finish_non_exhaustive()
    }
}

async fn told_call<T>(mishap: Option<Mishap>, done: impl FnOnce() -> T) -> Result<T, OutsideError> {
    match mishap {
        None => Ok(done()),
        Some(Mishap::Refuses) => Err(OutsideError::Refused),
        Some(Mishap::NeverHears) => Err(OutsideError::NoAnswer),
        Some(Mishap::LosesAnswer) => {
            done();
            Err(OutsideError::NoAnswer)
        }
        Some(Mishap::Late(late)) => {
            let answer = done();
            #[expect(clippy::disallowed_methods, reason = "the paused clock's time, which passes at once")]
            tokio::time::sleep(late).await;
            Ok(answer)
        }
    }
}
