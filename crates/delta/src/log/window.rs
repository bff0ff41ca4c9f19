use std::collections::VecDeque;
use std::sync::Arc;

use delta_core::{Gap, HeadCache, LogEvent, LogPage, Position};

/// A stretch of a log that ends where the tail has read to: all of its events from `from` to `to`.
#[derive(Debug)]
pub(super) struct Window<E> {
    chunks: VecDeque<Arc<Chunk<E>>>,
    rows: usize,
    bytes: usize,
    /// Everything after this is in the window.
    from: Position,
    /// Everything up to here is.
    to: Position,
    /// How far the furthest reader has read.
    furthest: Position,
    /// What the last page said of the head.
    last: Last,
}

/// What one read has added.
#[derive(Debug)]
pub(super) struct Chunk<E> {
    events: Vec<E>,
    to: Position,
    bytes: usize,
}

/// What a page says of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) head: Position,
    pub(super) held_back: u64,
    pub(super) gap: Option<Gap>,
    /// Whether the page ended at the head.
    pub(super) at_head: bool,
}

/// Where a reader is.
#[derive(Debug)]
pub(super) enum Place<E> {
    /// In the window: what is to be read there.
    Within(Slice<E>),
    /// At its end, or beyond while there is no more.
    AtEnd,
    /// Before it, or beyond although there is more in between: it reads by itself.
    Outside,
}

/// A stretch of the window, to be filtered without its lock.
#[derive(Debug)]
pub(super) struct Slice<E> {
    chunks: Vec<Arc<Chunk<E>>>,
    after: Position,
    last: Last,
}

impl Last {
    pub(super) fn of<E>(page: &LogPage<E>) -> Self {
        Self { head: page.head, held_back: page.held_back, gap: page.gap, at_head: page.next >= page.head }
    }
}

impl<E> Chunk<E> {
    /// How much of the window's rows it takes: one at least, lest there are endlessly many without any.
    fn rows(&self) -> usize {
        self.events.len().max(1)
    }
}

impl<E: LogEvent> Window<E> {
    /// An empty window at a position. `at_head` says whether somebody has seen that it is the head.
    pub(super) fn at(position: Position, at_head: bool) -> Self {
        Self {
            chunks: VecDeque::new(),
            rows: 0,
            bytes: 0,
            from: position,
            to: position,
            furthest: position,
            last: Last { head: position, held_back: 0, gap: None, at_head },
        }
    }

    /// Where the next read begins.
    pub(super) fn to(&self) -> Position {
        self.to
    }

    /// What it begins after.
    pub(super) fn from(&self) -> Position {
        self.from
    }

    pub(super) fn last(&self) -> Last {
        self.last
    }

    /// Where a reader that stands after a position is, and what it may read of at most so many events.
    pub(super) fn place(&self, after: Position, limit: usize) -> Place<E> {
        if after < self.from || after > self.to && !self.last.at_head {
            return Place::Outside;
        }
        if after >= self.to {
            return Place::AtEnd;
        }
        let first = self.chunks.partition_point(|chunk| chunk.to <= after);
        let mut rows = 0;
        let mut chunks = Vec::new();
        for chunk in self.chunks.range(first..) {
            if rows >= limit {
                break;
            }
            rows += chunk.rows();
            chunks.push(chunk.clone());
        }
        Place::Within(Slice { chunks, after, last: self.last })
    }

    /// Notes how far a reader has read. Whether it is now the furthest.
    pub(super) fn reached(&mut self, position: Position) -> bool {
        let position = position.min(self.to);
        let further = position > self.furthest;
        self.furthest = self.furthest.max(position);
        further
    }

    /// How many events nobody has taken yet, counting at most about so many.
    pub(super) fn unread(&self, most: usize) -> usize {
        let mut rows = 0;
        for chunk in self.chunks.iter().rev() {
            if chunk.to <= self.furthest || rows >= most {
                break;
            }
            let taken = chunk.events.partition_point(|event| event.position() <= self.furthest);
            rows += chunk.rows() - taken;
        }
        rows
    }

    /// Adds what was read after its end. Whether anything has changed for readers.
    pub(super) fn append(&mut self, page: LogPage<E>, bounds: HeadCache) -> bool {
        let before = (self.to, self.last);
        let at_head = page.next >= page.head || page.next <= self.to;
        self.last = Last { at_head, ..Last::of(&page) };
        if page.next > self.to {
            let bytes = page.events.iter().map(LogEvent::size).sum();
            let chunk = Chunk { events: page.events, to: page.next, bytes };
            self.rows += chunk.rows();
            self.bytes += bytes;
            self.to = page.next;
            self.chunks.push_back(Arc::new(chunk));
            self.shrink(bounds);
        } else if page.head < self.to && self.chunks.is_empty() {
            // Somebody waits beyond the head: others are not to wait there with it.
            (self.from, self.to, self.furthest) = (page.head, page.head, page.head);
        }
        before != (self.to, self.last)
    }

    fn shrink(&mut self, bounds: HeadCache) {
        let HeadCache::On { rows, bytes } = bounds else { return };
        while self.rows > rows || self.bytes > bytes {
            let Some(chunk) = self.chunks.pop_front() else { break };
            self.rows -= chunk.rows();
            self.bytes -= chunk.bytes;
            self.from = chunk.to;
        }
    }
}

impl<E: LogEvent> Slice<E> {
    /// The page that a filter makes of it, of at most so many events.
    pub(super) fn page(self, limit: usize, filter: &E::Filter) -> LogPage<E> {
        let Last { head, held_back, gap, .. } = self.last;
        let mut page = LogPage { events: Vec::new(), next: self.after, head, held_back, gap };
        for chunk in &self.chunks {
            let first = chunk.events.partition_point(|event| event.position() <= self.after);
            for event in chunk.events[first..].iter().filter(|event| event.passes(filter)) {
                if page.events.len() == limit {
                    return page;
                }
                page.next = event.position();
                page.events.push(event.clone());
            }
            page.next = chunk.to;
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use delta_core::{ForeignId, TableEvent, TableFilter, Timestamp};

    use super::*;

    const BOUNDS: HeadCache = HeadCache::On { rows: 10, bytes: usize::MAX };

    fn at(position: i64) -> Position {
        Position::new(position)
    }

    fn event(position: i64) -> TableEvent {
        let (foreign_id, kind) = (ForeignId::Int(position), position % 3);
        TableEvent { position: at(position), foreign_id, kind, at: Timestamp::EPOCH, metadata: None, trace: None }
    }

    fn page(positions: std::ops::RangeInclusive<i64>, head: i64) -> LogPage<TableEvent> {
        let next = at(*positions.end());
        LogPage { events: positions.map(event).collect(), next, head: at(head), held_back: 0, gap: None }
    }

    fn positions(place: Place<TableEvent>, limit: usize, filter: &TableFilter) -> (Vec<i64>, i64) {
        let Place::Within(slice) = place else { panic!("expected something to read, found {place:?}") };
        let page = slice.page(limit, filter);
        (page.events.iter().map(|event| event.position.get()).collect(), page.next.get())
    }

    #[test]
    fn a_reader_within_takes_what_is_after_it_up_to_its_limit() {
        let mut window = Window::at(at(0), false);
        assert!(window.append(page(1..=3, 6), BOUNDS));
        assert!(window.append(page(4..=6, 6), BOUNDS));
        let all = TableFilter::default();
        assert_eq!(positions(window.place(at(0), 10), 10, &all), (vec![1, 2, 3, 4, 5, 6], 6));
        assert_eq!(positions(window.place(at(1), 3), 3, &all), (vec![2, 3], 3));
        assert_eq!(positions(window.place(at(1), 4), 4, &all), (vec![2, 3, 4, 5], 5));
        assert_eq!(positions(window.place(at(4), 10), 10, &all), (vec![5, 6], 6));
        assert!(matches!(window.place(at(6), 10), Place::AtEnd));
    }

    #[test]
    fn what_a_filter_leaves_out_is_passed_all_the_same() {
        let mut window = Window::at(at(0), false);
        window.append(page(1..=7, 7), BOUNDS);
        let thirds = TableFilter::of_kinds([0]);
        assert_eq!(positions(window.place(at(0), 10), 10, &thirds), (vec![3, 6], 7));
        assert_eq!(positions(window.place(at(0), 10), 1, &thirds), (vec![3], 3), "the next one did not fit");
        assert_eq!(positions(window.place(at(6), 10), 10, &thirds), (vec![], 7));
    }

    #[test]
    fn the_window_keeps_to_its_bounds_and_who_is_before_it_is_outside() {
        for bounds in [BOUNDS, HeadCache::On { rows: usize::MAX, bytes: 10 * event(1).size() }] {
            let mut window = Window::at(at(0), false);
            for first in (1..=96).step_by(5) {
                window.append(page(first..=first + 4, 100), bounds);
            }
            assert_eq!((window.from(), window.to(), window.chunks.len()), (at(90), at(100), 2));
            assert!(matches!(window.place(at(89), 10), Place::Outside));
            assert!(matches!(window.place(at(90), 10), Place::Within(_)));
        }
    }

    #[test]
    fn pages_without_events_do_not_gather() {
        let mut window = Window::<TableEvent>::at(at(0), false);
        for position in 1..=1_000 {
            let empty = LogPage { next: at(position), head: at(position), ..LogPage::default() };
            window.append(empty, BOUNDS);
        }
        assert_eq!((window.to(), window.chunks.len()), (at(1_000), 10));
    }

    #[test]
    fn a_page_that_does_not_fit_at_all_is_left_to_each_reader() {
        let mut window = Window::at(at(0), false);
        window.append(page(1..=11, 11), BOUNDS);
        assert_eq!((window.from(), window.to()), (at(11), at(11)));
        assert!(matches!(window.place(at(0), 10), Place::Outside));
    }

    #[test]
    fn who_is_beyond_the_window_waits_only_if_there_is_nothing_in_between() {
        let mut window = Window::at(at(0), false);
        assert!(matches!(window.place(at(5), 10), Place::Outside), "nobody knows yet");
        window.append(page(1..=3, 7), BOUNDS);
        assert!(matches!(window.place(at(5), 10), Place::Outside), "4 to 7 are still to be read");
        window.append(page(4..=7, 7), BOUNDS);
        assert!(matches!(window.place(at(9), 10), Place::AtEnd));
    }

    #[test]
    fn a_window_that_was_begun_beyond_the_end_comes_back_to_it() {
        let mut window = Window::at(at(50), false);
        let empty = LogPage::<TableEvent> { next: at(50), head: at(7), ..LogPage::default() };
        assert!(window.append(empty, BOUNDS));
        assert_eq!((window.from(), window.to()), (at(7), at(7)));
        assert!(matches!(window.place(at(50), 10), Place::AtEnd));
        assert!(matches!(window.place(at(7), 10), Place::AtEnd));
    }

    #[test]
    fn what_nobody_has_taken_is_counted_behind_the_furthest_reader() {
        let mut window = Window::at(at(0), false);
        window.append(page(1..=4, 8), BOUNDS);
        window.append(page(5..=8, 8), BOUNDS);
        assert_eq!(window.unread(100), 8);
        assert!(window.reached(at(4)));
        assert!(!window.reached(at(2)), "somebody is further");
        assert_eq!(window.unread(100), 4);
        assert!(window.reached(at(7)));
        assert_eq!(window.unread(100), 1);
        assert!(window.reached(at(99)));
        assert_eq!(window.unread(100), 0);
    }
}
