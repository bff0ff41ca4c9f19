use delta_core::plan::consume::Standing;
use delta_core::{Cursor, Owner, Position, Timestamp};

use crate::log::consume::watermark::Watermark;

/// A part of the log with a cursor of its own, which this run holds: the whole log, or one of a thousand slices.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    /// The cursor as this run knows it.
    row: Cursor,
    /// What was sent to the store, as long as it is not known whether it was written.
    sent: Option<Cursor>,
    standing: Standing,
    mark: Watermark,
    unwritten: Unwritten,
    lent: bool,
    /// What it has begun is finished, and then it is given back.
    draining: bool,
}

/// What the store does not know yet, by how much it hurts to lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unwritten {
    /// Nothing, or that events were passed which need not be handled.
    Passed,
    /// That something was handled.
    Handled,
    /// That something has failed.
    Counted,
}

/// What a cursor turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// As it was known.
    Same,
    /// As it was sent last.
    Written,
    /// Somebody else has written it by hand.
    Moved,
    /// Somebody else holds it.
    Lost,
}

impl Slice {
    /// Takes over a cursor that this run holds, and that stands at `position`.
    pub(super) fn new(row: Cursor, standing: Standing, position: Position) -> Self {
        let mark = Watermark::new(position);
        Self { row, sent: None, standing, mark, unwritten: Unwritten::Passed, lent: false, draining: false }
    }

    pub(super) fn name(&self) -> &str {
        &self.row.name
    }

    pub(super) fn mark(&self) -> &Watermark {
        &self.mark
    }

    pub(super) fn mark_mut(&mut self) -> &mut Watermark {
        &mut self.mark
    }

    /// Whether somebody has asked for an event to be passed over.
    pub(super) fn skips(&self, position: Position) -> bool {
        self.standing.data.skip.contains(&position)
    }

    /// How many attempts at what begins at a position have failed.
    pub(super) fn attempts(&self, position: Position) -> u32 {
        self.standing.attempts(position)
    }

    /// Counts one that has failed.
    pub(super) fn failed(&mut self, position: Position) -> u32 {
        self.unwritten = Unwritten::Counted;
        self.standing.fail(position)
    }

    /// Events were handled.
    pub(super) fn handled(&mut self, positions: impl IntoIterator<Item = Position>) {
        self.unwritten = self.unwritten.max(Unwritten::Handled);
        for position in positions {
            self.mark.done(position);
            self.standing.data.attempts.remove(&position);
            self.standing.data.skip.remove(&position);
        }
    }

    /// What the store does not know; nothing while a write is on its way.
    pub(super) fn unwritten(&self) -> Option<Unwritten> {
        let moved = self.standing.position.is_none_or(|stored| stored < self.mark.at());
        let anything = moved || self.unwritten == Unwritten::Counted;
        (anything && !self.lent && self.sent.is_none()).then_some(self.unwritten)
    }

    /// Whether the store knows all that it can know of what was handled.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_busy() && self.unwritten().is_none_or(|unwritten| unwritten == Unwritten::Passed)
    }

    /// Whether its cursor is in the hands of a transaction or a write.
    pub(super) fn is_busy(&self) -> bool {
        self.lent || self.sent.is_some()
    }

    pub(super) fn is_lent(&self) -> bool {
        self.lent
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining
    }

    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    /// The cursor as it is to be written now.
    pub(super) fn outgoing(&mut self, owner: Owner) -> Cursor {
        let mut standing = self.standing.clone();
        standing.advance(self.mark.at());
        let cursor = standing.into_cursor(Cursor { holder: Some(owner), ..self.row.clone() });
        self.sent = Some(cursor.clone());
        self.unwritten = Unwritten::Passed;
        cursor
    }

    /// The cursor as it is to be once these events are handled, for whoever writes it beside something else.
    pub(super) fn lend(&mut self, owner: Owner, handled: impl IntoIterator<Item = Position>) -> Cursor {
        let mut then = self.clone();
        then.handled(handled);
        self.lent = true;
        self.unwritten = Unwritten::Passed;
        let cursor = then.outgoing(owner);
        self.sent = Some(cursor.clone());
        cursor
    }

    /// What was lent comes back: written as it was sent, or not at all.
    pub(super) fn give_back(&mut self, written: Option<Timestamp>) {
        self.lent = false;
        match written {
            Some(until) => self.written(until),
            None => self.sent = None,
        }
    }

    /// What was sent is written, with a lease until then.
    pub(super) fn written(&mut self, until: Timestamp) {
        if let Some(sent) = self.sent.take() {
            let position = sent.position.as_deref().and_then(|position| position.parse().ok());
            self.row = Cursor { version: sent.version + 1, lease_until: Some(until), ..sent };
            if let Some(position) = position {
                self.standing.advance(position);
            }
        }
    }

    /// Compares the cursor as the store has it with what is known of it.
    pub(super) fn compare(&mut self, found: Option<&Cursor>, owner: Owner) -> Found {
        let Some(found) = found.filter(|found| found.holder == Some(owner)) else { return Found::Lost };
        if found.version == self.row.version {
            self.sent = None;
            return Found::Same;
        }
        let sent = self.sent.as_ref();
        if sent.is_some_and(|sent| found.version == sent.version + 1 && found.position == sent.position) {
            self.written(found.lease_until.unwrap_or_default());
            return Found::Written;
        }
        self.row = found.clone();
        Found::Moved
    }

    /// The cursor as it is given back, as far as it has come.
    pub(super) fn released(&self) -> Cursor {
        let mut standing = self.standing.clone();
        standing.advance(self.mark.at());
        standing.into_cursor(Cursor { holder: None, lease_until: None, ..self.row.clone() })
    }

    /// The cursor given back as somebody else has written it.
    pub(super) fn released_as_found(&self) -> Cursor {
        Cursor { holder: None, lease_until: None, ..self.row.clone() }
    }
}

#[cfg(test)]
mod tests {
    use delta_core::LogName;
    use delta_core::plan::consume::{CursorData, Shape};

    use super::*;

    const ME: Owner = Owner::new(1);
    const UNTIL: Timestamp = Timestamp::from_micros(60_000_000);

    fn at(position: i64) -> Position {
        Position::new(position)
    }

    fn slice() -> Slice {
        let standing = Standing { position: Some(at(10)), data: CursorData::new(LogName::own(), None, Shape::One) };
        let row = Cursor { version: 3, holder: Some(ME), ..Cursor::new("consumer/delta/mailer") };
        Slice::new(standing.clone().into_cursor(row), standing, at(10))
    }

    #[test]
    fn what_is_passed_waits_and_what_is_handled_or_failed_does_not() {
        let mut slice = slice();
        assert_eq!(slice.unwritten(), None);
        slice.mark_mut().pass(at(12));
        assert_eq!(slice.unwritten(), Some(Unwritten::Passed));
        slice.mark_mut().begin(at(13), UNTIL);
        slice.handled([at(13)]);
        assert_eq!(slice.unwritten(), Some(Unwritten::Handled));
        slice.mark_mut().begin(at(14), UNTIL);
        assert_eq!(slice.failed(at(14)), 1);
        assert_eq!(slice.unwritten(), Some(Unwritten::Counted));
        let sent = slice.outgoing(ME);
        assert_eq!((sent.position.as_deref(), sent.version), (Some("13"), 3));
        assert!(sent.data.is_some_and(|data| data.contains(r#""14":1"#)));
        assert_eq!(slice.unwritten(), None, "one write at a time");
        slice.written(UNTIL);
        assert_eq!(slice.unwritten(), None);
        assert_eq!(slice.outgoing(ME).version, 4);
    }

    #[test]
    fn a_failure_before_anything_was_handled_is_written_too() {
        let mut slice = slice();
        slice.mark_mut().begin(at(11), UNTIL);
        slice.failed(at(11));
        assert_eq!(slice.unwritten(), Some(Unwritten::Counted));
        assert_eq!(slice.outgoing(ME).position.as_deref(), Some("10"));
    }

    #[test]
    fn a_lent_cursor_is_written_by_nobody_else() {
        let mut slice = slice();
        slice.mark_mut().begin(at(11), UNTIL);
        let lent = slice.lend(ME, [at(11)]);
        assert_eq!(lent.position.as_deref(), Some("11"));
        slice.mark_mut().pass(at(12));
        assert_eq!((slice.unwritten(), slice.is_busy(), slice.mark().at()), (None, true, at(10)));
        let mut failed = slice.clone();
        failed.give_back(None);
        assert_eq!((failed.outgoing(ME).version, failed.mark().at()), (3, at(10)));
        slice.give_back(Some(UNTIL));
        slice.handled([at(11)]);
        assert_eq!((slice.outgoing(ME).version, slice.mark().at()), (4, at(12)));
    }

    #[test]
    fn a_cursor_is_told_apart_as_known_as_sent_as_moved_by_hand_or_as_lost() {
        let mut slice = slice();
        slice.mark_mut().pass(at(12));
        let known = slice.row.clone();
        let sent = slice.outgoing(ME);
        let written = Cursor { version: 4, ..sent.clone() };
        let by_hand = Cursor { position: Some("3".to_owned()), ..written.clone() };
        let compared = |found: Option<&Cursor>| {
            let mut slice = slice.clone();
            (slice.compare(found, ME), slice.row.version)
        };
        assert_eq!(compared(Some(&known)), (Found::Same, 3));
        assert_eq!(compared(Some(&written)), (Found::Written, 4));
        assert_eq!(compared(Some(&by_hand)), (Found::Moved, 4));
        assert_eq!(compared(Some(&Cursor { version: 5, ..written.clone() })), (Found::Moved, 5));
        assert_eq!(compared(Some(&Cursor { holder: None, ..written })).0, Found::Lost);
        assert_eq!(compared(None).0, Found::Lost);
    }

    #[test]
    fn a_released_cursor_keeps_how_far_it_has_come() {
        let mut slice = slice();
        slice.mark_mut().begin(at(11), UNTIL);
        slice.handled([at(11)]);
        let released = slice.released();
        assert_eq!((released.holder, released.position.as_deref()), (None, Some("11")));
        assert!(released.data.is_some());
    }
}
