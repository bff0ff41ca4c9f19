//! What must hold of the tables and of the notes in the end.

use delta::core::{Access, EventKind, Object as _, Subject};
use delta_testkit::history::{History, Last};
use delta_testkit::invariants;

use crate::caller::{BOUGHT, STEPS, wanted_after};
use crate::controllers::{Entry, key};
use crate::stores::Crashed;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

/// Holds all of it against the invariants and what this scenario must come to.
pub(crate) async fn check<S: Crashed>(store: &S, history: &History) -> Result<(), String> {
    let last = Last::read(store).await.map_err(|error| format!("could not read the tables: {error}"))?;
    let mut conn = store.acquire(Access::Read).await.map_err(|error| error.to_string())?;
    store.check(&mut conn).await.map_err(|error| error.to_string())?;
    invariants::check(&mut invariants::from_tables(), history, &last).map_err(|violation| violation.to_string())?;
    same("what is not at rest", &wanted_after(STEPS.len()).unrest(&last), &Vec::new())?;

    let booked = S::numbers(&mut conn, "position FROM booked ORDER BY position").await;
    let log: Vec<i64> = last.log.iter().map(|event| event.position.get()).collect();
    same("the events that a transactional consumer has booked", &booked, &log)?;

    let settled = S::numbers(&mut conn, "resource * 1000000 + generation FROM settled ORDER BY 1").await;
    same("what workers wrote beside their settlements", &settled, &settlements(&last))?;

    let bought = S::numbers(&mut conn, "generation FROM bought ORDER BY generation").await;
    let row = last.rows.iter().find(|row| row.key == key::<Entry>(BOUGHT));
    let generations = row.map_or(0, |row| row.generation);
    same("what the caller wrote beside its informs", &bought, &(1..=generations).collect())?;

    let [resource, detail, error, id] = S::TABLES;
    for (table, id) in [(detail, id), (error, "resource_id")] {
        let orphans = format!("{id} FROM {table} WHERE {id} NOT IN (SELECT id FROM {resource})");
        same(&format!("rows of {table} without a resource"), &S::numbers(&mut conn, &orphans).await, &Vec::new())?;
    }
    let bare = format!("id FROM {resource} WHERE id NOT IN (SELECT {id} FROM {detail})");
    same("resources without an object", &S::numbers(&mut conn, &bare).await, &Vec::new())
}

/// Each attempt that was settled in a transaction, as its event tells of it.
fn settlements(last: &Last) -> Vec<i64> {
    let synced = last.log.iter().filter(|event| event.kind == EventKind::Synced);
    let mut settled: Vec<i64> = synced
        .filter_map(|event| match &event.subject {
            Subject::Resource { id, key, generation, .. } if key.kind.as_str() == Entry::KIND => {
                Some(id.get() * 1_000_000 + generation)
            }
            _ => None,
        })
        .collect();
    settled.sort_unstable();
    settled
}
