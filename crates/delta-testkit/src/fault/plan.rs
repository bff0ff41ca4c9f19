use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delta_core::ErrorKind;

#[cfg(feature = "database")]
use super::crash_point::{CrashPoint, Side};
use super::operation::Operation;

/// What happens to a call instead of what should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and an error of this kind is returned.
    Fail(ErrorKind),
    /// It is done after a while, on tokio's clock.
    Delay(Duration),
    /// It is begun, its future is dropped after so many polls, and `Unavailable` is returned: what a lost connection or an
    /// aborted task does in the middle. Nothing tells whether it was done.
    Drop {
        /// How often the future is polled; 0 drops it before it begins.
        polls: u32,
    },
    /// It is done, and `Unavailable` is returned: a connection that is lost after the commit. An error of its own is
    /// returned as it is.
    LoseAnswer,
    /// The process is killed with `kill -9`, by itself: see [`FaultPlan::crash`].
    #[cfg(feature = "database")]
    Kill(Side),
}

/// Which calls of an operation a fault hits, counted from the moment that it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// One call: 1 is the next.
    Nth(u64),
    /// This call and all after it, until [`FaultPlan::clear`]: 1 is the next.
    From(u64),
    /// Each call whose number this divides: 1 is every call. 0 is none.
    Every(u64),
}

impl Calls {
    fn holds(self, call: u64) -> bool {
        match self {
            Self::Nth(nth) => call == nth,
            Self::From(first) => call >= first,
            Self::Every(step) => step != 0 && call.is_multiple_of(step),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    calls: BTreeMap<Operation, u64>,
    hits: u64,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    operation: Operation,
    calls: Calls,
    fault: Fault,
    /// Calls before it was planned.
    before: u64,
}

/// Which faults hit which calls of a [`FaultStore`](super::FaultStore). Clones are one plan, so a test keeps one and changes
/// it while the store is in use.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan(Arc<Mutex<State>>);

impl FaultPlan {
    /// A plan without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Plans a fault. Of several that hit one call, the one planned first does.
    pub fn inject(&self, operation: Operation, calls: Calls, fault: Fault) {
        self.state(|state| {
            let before = state.calls.get(&operation).copied().unwrap_or(0);
            state.rules.push(Rule { operation, calls, fault, before });
        });
    }

    /// Plans that this process is killed with `kill -9`, by itself, at a point that is yet to come: nothing is unwound,
    /// dropped or flushed.
    #[cfg(feature = "database")]
    pub fn crash(&self, point: CrashPoint) {
        self.inject(point.operation, Calls::Nth(point.nth), Fault::Kill(point.side));
    }

    /// Takes all faults back.
    pub fn clear(&self) {
        self.state(|state| state.rules.clear());
    }

    /// How often an operation was called, hit or not.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.state(|state| state.calls.get(&operation).copied().unwrap_or(0))
    }

    /// How many calls were hit: a test asserts on it, lest it pass without a fault.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.state(|state| state.hits)
    }

    /// Counts a call, and says what happens to it.
    pub(super) fn called(&self, operation: Operation) -> Option<Fault> {
        self.state(|state| {
            let calls = state.calls.entry(operation).or_insert(0);
            *calls += 1;
            let hits = |rule: &&Rule| rule.operation == operation && rule.calls.holds(*calls - rule.before);
            let fault = state.rules.iter().find(hits).map(|rule| rule.fault);
            state.hits += u64::from(fault.is_some());
            fault
        })
    }
}
