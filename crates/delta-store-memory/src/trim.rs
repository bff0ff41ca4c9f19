use std::collections::BTreeSet;

use delta_core::{Cursor, Error, ErrorKind, LogEvent, LogName, Position, Result, TRIM_PREFIX, Trimmed};

use crate::apply::Step;
use crate::database::Database;
use crate::lock::Lock;
use crate::log::Log;
use crate::view::View;
use crate::workspace::Workspace;

/// How far a log was trimmed, as a connection sees it.
pub(crate) fn mark(view: View<'_>, log: &LogName) -> Result<Position> {
    let Some(cursor) = view.cursor(&mark_name(log)) else {
        return Ok(Position::START);
    };
    let position = cursor.position.as_deref().unwrap_or_default();
    position.parse().map_err(|error| Error::new(ErrorKind::Corrupt, format!("read the mark of {log}"), error))
}

/// Fails if what follows a position is gone.
pub(crate) fn check_age(view: View<'_>, log: &LogName, after: Position) -> Result<()> {
    let mark = mark(view, log)?;
    if after == Position::START || after >= mark {
        return Ok(());
    }
    let what = format!("expected a position at or after {mark}, up to which the log {log} was trimmed, found {after}");
    Err(Error::new(ErrorKind::CursorTooOld, "read the log", what))
}

/// Removes the first events up to a position, and says so in the log's mark, for when the transaction ends.
pub(crate) fn trim<E: LogEvent>(
    db: &mut Database,
    work: &mut Workspace,
    log: &LogName,
    of: impl Fn(&Database) -> Result<(&Log<E>, Position)>,
    up_to: Position,
    limit: u32,
) -> Step<Result<Trimmed>> {
    let lock = Lock::Cursor(mark_name(log));
    if let Some(holder) = db.locks.held_by_other(&lock, work.tx) {
        return Step::Blocked(BTreeSet::from([holder]));
    }
    let chosen = of(db).and_then(|(events, head)| {
        if up_to > head {
            let what = format!("expected a position up to the head of the log, {head}, found {up_to}");
            return Err(Error::new(ErrorKind::Invalid, "trim", what));
        }
        let gone = work.trimmed.get(log);
        let there = events.up_to(up_to).filter(|position| gone.is_none_or(|gone| !gone.contains(position)));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok((mark(View::new(db, Some(work)), log)?, there.take(limit).collect::<Vec<_>>()))
    });
    let (mark, gone) = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return Step::Done(Err(error)),
    };
    let Some(last) = gone.last().copied() else {
        return Step::Done(Ok(Trimmed { events: 0, up_to: mark }));
    };
    let mark = mark.max(last);
    db.locks.take(lock, work.tx);
    let name = mark_name(log);
    let before = View::new(db, Some(work)).cursor(&name).cloned().unwrap_or_else(|| Cursor::new(name.clone()));
    let after = Cursor { position: Some(mark.to_string()), version: before.version + 1, ..before };
    work.cursors.insert(name, Some(after));
    let events = gone.len() as u64;
    work.trimmed.entry(log.clone()).or_default().extend(gone);
    Step::Done(Ok(Trimmed { events, up_to: mark }))
}

fn mark_name(log: &LogName) -> String {
    format!("{TRIM_PREFIX}{log}")
}
