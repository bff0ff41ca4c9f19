use crate::history::{Entry, History, What};
use crate::sim::run::Run;

/// A run without what is the engine's own affair, as a reader wants it who looks for a fault in his controller: what its
/// clients keep about themselves, and what the log repeats of the rows.
///
/// Where an invariant of the engine is broken, the entry that broke it is kept whatever it is.
pub(super) fn story(mut run: Run) -> Run {
    let entries = run.history.entries();
    let Some(violation) = &mut run.violation else { return run };
    let broke = violation.entries.checked_sub(1).filter(|_| violation.entries < entries.len());
    let is_told = |number: usize, entry: &Entry| broke == Some(number) || !is_own_affair(&entry.what);
    let told = |end: usize| entries.iter().take(end).enumerate().filter(|(number, entry)| is_told(*number, entry));
    let history: History = told(entries.len()).map(|(_, entry)| entry.clone()).collect();
    violation.entries = told(violation.entries).count();
    run.history = history;
    run
}

fn is_own_affair(what: &What) -> bool {
    matches!(what, What::Scope { .. } | What::Cursor { .. } | What::Appended(_) | What::Periods { .. })
}
