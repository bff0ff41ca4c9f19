use std::fmt;

use crate::history::{Entry, History, Last};

/// Something that holds of every history.
///
/// One value watches one history: entry by entry, then what the tables hold at the end.
pub trait Invariant: Send {
    /// Its name: a short sentence of what holds.
    fn name(&self) -> &'static str;

    /// Sees the next entry; holds by default.
    ///
    /// # Errors
    ///
    /// Says what was expected and what was found.
    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        let _ = entry;
        Ok(())
    }

    /// Sees the end; holds by default.
    ///
    /// # Errors
    ///
    /// Says what was expected and what was found.
    fn end(&mut self, last: &Last) -> Result<(), String> {
        let _ = last;
        Ok(())
    }
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// [`Invariant::name`].
    pub invariant: &'static str,
    /// What was expected and what was found.
    pub found: String,
    /// How many entries had been seen, the one that broke it included; all of them if the end did.
    pub entries: usize,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" does not hold: {}", self.invariant, self.found)
    }
}

impl std::error::Error for Violation {}

/// Holds a whole history against invariants.
///
/// # Errors
///
/// The first violation.
pub fn check(invariants: &mut [Box<dyn Invariant>], history: &History, last: &Last) -> Result<(), Violation> {
    let entries = history.entries();
    for (number, entry) in entries.iter().enumerate() {
        for invariant in &mut *invariants {
            let name = invariant.name();
            invariant.see(entry).map_err(|found| Violation { invariant: name, found, entries: number + 1 })?;
        }
    }
    for invariant in invariants {
        let name = invariant.name();
        invariant.end(last).map_err(|found| Violation { invariant: name, found, entries: entries.len() })?;
    }
    Ok(())
}
