use std::collections::BTreeMap;

use delta_core::{Position, Timestamp};

/// How far everything is handled, of events that are handled in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watermark {
    read: Position,
    open: BTreeMap<Position, Timestamp>,
}

impl Watermark {
    /// Everything up to a position is handled.
    pub(super) fn new(at: Position) -> Self {
        Self { read: at, open: BTreeMap::new() }
    }

    /// How far has been read: what is at or below it is known.
    pub(super) fn read(&self) -> Position {
        self.read
    }

    /// An event was read that is yet to be handled.
    pub(super) fn begin(&mut self, position: Position, at: Timestamp) {
        self.open.insert(position, at);
        self.pass(position);
    }

    /// An event was handled. Returns whether it was not yet.
    pub(super) fn done(&mut self, position: Position) -> bool {
        self.open.remove(&position).is_some()
    }

    /// All up to here was read.
    pub(super) fn pass(&mut self, to: Position) {
        self.read = self.read.max(to);
    }

    /// The last position with nothing unhandled at it or below.
    pub(super) fn at(&self) -> Position {
        self.open.first_key_value().map_or(self.read, |(first, _)| Position::new(first.get() - 1))
    }

    /// How many are read and not handled.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// When the first one happened that is not handled.
    pub(super) fn first_open_at(&self) -> Option<Timestamp> {
        self.open.first_key_value().map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEN: Timestamp = Timestamp::from_micros(7);

    fn at(position: i64) -> Position {
        Position::new(position)
    }

    #[test]
    fn it_stays_below_the_first_that_is_not_handled_whatever_the_order() {
        let mut mark = Watermark::new(at(10));
        assert_eq!((mark.at(), mark.open()), (at(10), 0));
        for position in [12, 15, 16] {
            mark.begin(at(position), WHEN);
        }
        assert_eq!((mark.at(), mark.read()), (at(11), at(16)), "what was passed before the first is handled");
        mark.done(at(16));
        mark.done(at(15));
        assert_eq!(mark.at(), at(11));
        mark.done(at(12));
        assert_eq!((mark.at(), mark.open()), (at(16), 0));
    }

    #[test]
    fn what_is_filtered_is_passed_but_never_what_waits_before_it() {
        let mut mark = Watermark::new(at(0));
        mark.pass(at(50));
        assert_eq!(mark.at(), at(50));
        mark.begin(at(51), WHEN);
        mark.pass(at(90));
        assert_eq!((mark.at(), mark.read()), (at(50), at(90)));
        mark.pass(at(60));
        assert_eq!(mark.read(), at(90), "it never goes back");
        mark.done(at(51));
        assert_eq!(mark.at(), at(90));
    }

    #[test]
    fn ten_thousand_in_random_order_end_at_the_last() {
        let mut mark = Watermark::new(at(0));
        (1..=10_000).for_each(|position| mark.begin(at(position), WHEN));
        // 7,919 is prime, so this visits each once.
        let order: Vec<i64> = (0..10_000).map(|n| n * 7_919 % 10_000 + 1).collect();
        let mut handled = vec![false; 10_001];
        let mut below = 0;
        for position in order {
            mark.done(at(position));
            handled[usize::try_from(position).unwrap()] = true;
            while below < 10_000 && handled[below + 1] {
                below += 1;
            }
            assert_eq!(mark.at(), at(i64::try_from(below).unwrap()));
        }
        assert_eq!(mark.open(), 0);
    }

    #[test]
    fn the_first_that_is_not_handled_tells_how_old_it_is() {
        let mut mark = Watermark::new(at(0));
        mark.begin(at(1), WHEN);
        mark.begin(at(2), Timestamp::EPOCH);
        assert_eq!((mark.open(), mark.first_open_at()), (2, Some(WHEN)));
        assert!(mark.done(at(1)) && !mark.done(at(1)), "it is handled once");
        assert_eq!((mark.open(), mark.first_open_at()), (1, Some(Timestamp::EPOCH)));
    }
}
