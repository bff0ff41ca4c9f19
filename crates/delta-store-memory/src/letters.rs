use std::collections::BTreeSet;

use delta_core::{DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable, Result, Timestamp};

use crate::apply::Step;
use crate::database::Database;
use crate::lock::Lock;
use crate::view::View;
use crate::workspace::Workspace;

/// Puts a dead letter, or writes over the one of the same event and consumer. Returns its id.
pub(crate) fn put(
    db: &mut Database,
    work: &mut Workspace,
    table: &ErrorTable,
    letter: &DeadLetter,
) -> Step<Result<i64>> {
    let letter = match columns(table, letter.clone()) {
        Ok(letter) => letter,
        Err(error) => return Step::Done(Err(error)),
    };
    let lock = lock(table, &letter);
    if let Some(holder) = db.locks.held_by_other(&lock, work.tx) {
        return Step::Blocked(BTreeSet::from([holder]));
    }
    let known = match View::new(db, Some(work)).letters(table) {
        Ok(letters) => letters.into_values().find(|known| same(known, &letter)).cloned(),
        Err(error) => return Step::Done(Err(error)),
    };
    let letter = match known {
        Some(known) => DeadLetter { id: known.id, created_at: known.created_at, event: known.event, ..letter },
        None => match db.tables.next_letter(table) {
            Ok(id) => DeadLetter { id, ..letter },
            Err(error) => return Step::Done(Err(error)),
        },
    };
    db.locks.take(lock, work.tx);
    let id = letter.id;
    work.letters.insert((table.name().to_owned(), id), letter);
    Step::Done(Ok(id))
}

/// What a table keeps of a dead letter: it may lack some columns.
fn columns(table: &ErrorTable, letter: DeadLetter) -> Result<DeadLetter> {
    let columns = table.columns();
    if columns.log.is_some() && letter.log.is_none() {
        let what = "expected the name of the log, which the table has a column for, found none";
        return Err(Error::new(ErrorKind::Invalid, "put a dead letter", what));
    }
    let log = letter.log.filter(|_| columns.log.is_some());
    let event = letter.event.filter(|_| columns.event.is_some());
    let attempts = letter.attempts.filter(|_| columns.attempts.is_some());
    Ok(DeadLetter { log, event, attempts, ..letter })
}

fn same(one: &DeadLetter, other: &DeadLetter) -> bool {
    (&one.consumer, &one.log, one.position) == (&other.consumer, &other.log, other.position)
}

fn lock(table: &ErrorTable, letter: &DeadLetter) -> Lock {
    let about = format!("{:?}", (&letter.consumer, &letter.log, letter.position));
    Lock::Entry { table: table.name().to_owned(), about }
}

/// Lists dead letters by id.
pub(crate) fn list(view: View<'_>, table: &ErrorTable, query: &DeadLetterQuery) -> Result<Vec<DeadLetter>> {
    let of_log = |letter: &&DeadLetter| table.columns().log.is_none() || query.log.is_none() || letter.log == query.log;
    let letters = view.letters(table)?.into_values();
    let chosen = letters
        .filter(|letter| letter.id > query.after)
        .filter(|letter| query.consumer.as_ref().is_none_or(|consumer| *consumer == letter.consumer))
        .filter(of_log)
        .filter(|letter| query.status.is_none_or(|status| status == letter.status))
        .filter(|letter| query.position.is_none_or(|position| position == letter.position));
    Ok(chosen.take(usize::try_from(query.limit).unwrap_or(usize::MAX)).cloned().collect())
}

/// Which dead letters get another status.
pub(crate) struct Mark<'a> {
    pub(crate) ids: &'a [i64],
    pub(crate) from: &'a [DeadLetterStatus],
    pub(crate) to: DeadLetterStatus,
    pub(crate) now: Timestamp,
}

/// Gives dead letters another status. Returns how many.
pub(crate) fn mark(db: &mut Database, work: &mut Workspace, table: &ErrorTable, mark: &Mark<'_>) -> Step<Result<u64>> {
    let named: Vec<DeadLetter> = match View::new(db, Some(work)).letters(table) {
        Ok(letters) => letters.into_values().filter(|letter| mark.ids.contains(&letter.id)).cloned().collect(),
        Err(error) => return Step::Done(Err(error)),
    };
    let holders: BTreeSet<_> =
        named.iter().filter_map(|letter| db.locks.held_by_other(&lock(table, letter), work.tx)).collect();
    if !holders.is_empty() {
        return Step::Blocked(holders);
    }
    let mut marked = 0;
    for letter in named.into_iter().filter(|letter| mark.from.contains(&letter.status)) {
        db.locks.take(lock(table, &letter), work.tx);
        let letter = DeadLetter { status: mark.to, updated_at: mark.now, ..letter };
        work.letters.insert((table.name().to_owned(), letter.id), letter);
        marked += 1;
    }
    Step::Done(Ok(marked))
}
