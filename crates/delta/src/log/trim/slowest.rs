use std::collections::BTreeMap;

use delta_core::plan::consume::{ConsumerCursor, SLICES, Shape, Standing};
use delta_core::{CONSUMER_PREFIX, Cursor, Error, ErrorKind, LogName, Position, Result};

/// The consumer that is furthest behind in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slowest {
    /// Its name.
    pub consumer: String,
    /// Up to where it has handled everything.
    pub position: Position,
}

/// What the names of the cursors of a log's consumers begin with.
pub(super) fn prefix(log: &LogName) -> String {
    format!("{CONSUMER_PREFIX}{log}/")
}

/// The slowest of a log's consumers by their cursors, slices included; `None` if there are none.
///
/// One that has a cursor and no position yet has everything before it; so has a slice that has no cursor yet.
pub(super) fn slowest(log: &LogName, cursors: &[Cursor]) -> Result<Option<Slowest>> {
    #[derive(Default)]
    struct Of {
        one: Option<Position>,
        sharded: bool,
        slices: u16,
        slowest_slice: Option<Position>,
    }
    let mut consumers: BTreeMap<String, Of> = BTreeMap::new();
    for cursor in cursors {
        if !cursor.name.starts_with(&prefix(log)) {
            continue;
        }
        let Some(name) = ConsumerCursor::parse(&cursor.name) else {
            let what = format!("expected the cursor of a consumer, found {:?}", cursor.name);
            return Err(Error::new(ErrorKind::Corrupt, "find the slowest consumer", what));
        };
        let of = consumers.entry(name.consumer).or_default();
        let standing = Standing::of(cursor)?;
        let position = standing.as_ref().and_then(|standing| standing.position).unwrap_or(Position::START);
        match (name.slice, standing.is_some_and(|standing| standing.data.shape == Shape::Sharded)) {
            (Some(_), _) => {
                of.slices += 1;
                of.slowest_slice = Some(of.slowest_slice.map_or(position, |slowest| slowest.min(position)));
            }
            (None, true) => of.sharded = true,
            (None, false) => of.one = Some(position),
        }
    }
    let behind = consumers.into_iter().map(|(consumer, of)| {
        let slices = match of.slowest_slice {
            _ if of.sharded && of.slices < SLICES => Some(Position::START),
            slowest => slowest,
        };
        let position = of.one.into_iter().chain(slices).min().unwrap_or(Position::START);
        Slowest { consumer, position }
    });
    Ok(behind.min_by_key(|slowest| slowest.position))
}

#[cfg(test)]
mod tests {
    use delta_core::TRIM_PREFIX;
    use delta_core::plan::consume::{CursorData, cursor_name, slice_name};

    use super::*;

    fn log() -> LogName {
        LogName::of_table("orders")
    }

    fn cursor(name: String, position: Option<i64>, shape: Shape) -> Cursor {
        let standing = Standing { position: position.map(Position::new), data: CursorData::new(log(), None, shape) };
        standing.into_cursor(Cursor::new(name))
    }

    fn one(consumer: &str, position: i64) -> Cursor {
        cursor(cursor_name(&log(), consumer), Some(position), Shape::One)
    }

    fn sharded(consumer: &str, slices: impl IntoIterator<Item = i64>) -> Vec<Cursor> {
        let slice = |(slice, position)| cursor(slice_name(&log(), consumer, slice), Some(position), Shape::Sharded);
        let mut cursors = vec![cursor(cursor_name(&log(), consumer), None, Shape::Sharded)];
        cursors.extend((0..).zip(slices).map(slice));
        cursors
    }

    fn found(cursors: &[Cursor]) -> Option<(String, i64)> {
        slowest(&log(), cursors).unwrap().map(|slowest| (slowest.consumer, slowest.position.get()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as what is found")]
    fn is(consumer: &str, position: i64) -> Option<(String, i64)> {
        Some((consumer.to_owned(), position))
    }

    #[test]
    fn the_lowest_position_of_all_consumers_and_slices_decides() {
        assert_eq!(found(&[]), None);
        let mut cursors = vec![one("a", 9), one("b", 7), one("c", 8)];
        assert_eq!(found(&cursors), is("b", 7));
        cursors.extend(sharded("d", (0..1_024).map(|slice| if slice == 1_000 { 6 } else { 50 })));
        assert_eq!(found(&cursors), is("d", 6));
        cursors.push(one("e", 5));
        assert_eq!(found(&cursors), is("e", 5));
    }

    #[test]
    fn a_consumer_that_has_yet_to_begin_needs_everything() {
        let begun = Cursor::new(cursor_name(&log(), "b"));
        assert_eq!(found(&[one("a", 9), begun]), is("b", 0));
        let standing = cursor(cursor_name(&log(), "b"), None, Shape::One);
        assert_eq!(found(&[one("a", 9), standing]), is("b", 0));
    }

    #[test]
    fn a_slice_without_a_cursor_needs_everything() {
        assert_eq!(found(&sharded("a", [9; 1_024])), is("a", 9));
        assert_eq!(found(&sharded("a", [9; 1_023])), is("a", 0));
        assert_eq!(found(&sharded("a", [])), is("a", 0));
    }

    #[test]
    fn cursors_of_other_logs_and_uses_do_not_count() {
        let other = cursor(cursor_name(&LogName::own(), "a"), Some(1), Shape::One);
        let mark = Cursor { position: Some("3".to_owned()), ..Cursor::new(format!("{TRIM_PREFIX}orders")) };
        let longer = cursor(cursor_name(&LogName::of_table("orders2"), "a"), Some(1), Shape::One);
        assert_eq!(found(&[other, mark, longer, one("a", 9)]), is("a", 9));
    }

    #[test]
    fn a_cursor_that_cannot_be_told_trims_nothing() {
        let strange = Cursor::new("consumer/orders/a/b/c");
        assert_eq!(slowest(&log(), &[strange]).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_position_that_cannot_be_read_trims_nothing() {
        let mut bad = one("a", 9);
        bad.position = Some("nine".to_owned());
        assert_eq!(slowest(&log(), &[bad]).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
