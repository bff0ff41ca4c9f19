use delta::core::{Changeset, Cursor, DeadLetter, ErrorKind, EventTables};
use delta::{Error, Timestamp};

use crate::consumers::{Consumer, Letters};
use crate::failure::Failure;
use crate::log::Link;

/// What is to be written of a consumer, all of it or nothing.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Its cursors, over the versions that were read.
    pub(super) cursors: Vec<Cursor>,
    /// A dead letter of it.
    pub(super) letter: Option<DeadLetter>,
}

/// How often a change is decided anew before whoever moves the cursors is let be.
const TRIES: usize = 20;

/// Changes a consumer: reads it, decides, and writes, again and again while somebody else moves its cursors in between.
pub(super) async fn change<S: EventTables>(
    link: &mut Link<'_, S>,
    (log, name): (&str, &str),
    letters: &Letters,
    decide: impl Fn(&Consumer, Timestamp) -> Result<Change, Failure>,
) -> Result<Consumer, Failure> {
    for _ in 0..TRIES {
        let now = link.store.now(link.conn).await?;
        let consumer = Consumer::read(link, log, name, now).await?;
        let change = decide(&consumer, now)?;
        link.store.begin_tx(link.conn).await?;
        match write(link, change, letters, now).await {
            Ok(Written::Whole) => {
                link.store.commit_tx(link.conn).await?;
                return Ok(consumer);
            }
            Ok(Written::MovedOn) => link.store.rollback_tx(link.conn).await?,
            Err(error) => {
                link.store.rollback_tx(link.conn).await.ok();
                return Err(error.into());
            }
        }
    }
    let found = format!("expected the cursors of \"{name}\" to stand still, found them moved {TRIES} times");
    Err(Error::new(ErrorKind::Conflict, "change a consumer", found).into())
}

enum Written {
    Whole,
    /// A cursor is no longer as it was read.
    MovedOn,
}

async fn write<S: EventTables>(
    link: &mut Link<'_, S>,
    change: Change,
    letters: &Letters,
    now: Timestamp,
) -> Result<Written, Error> {
    let cursors = change.cursors.into_iter().map(Cursor::put).collect();
    let receipt = link.store.commit(link.conn, &Changeset { cursors, ..Changeset::new(now) }).await?;
    if receipt.lost_cursor.is_some() {
        return Ok(Written::MovedOn);
    }
    if let Some(letter) = &change.letter {
        link.store.put_dead_letter(link.conn, &letters.0, letter).await?;
    }
    Ok(Written::Whole)
}
