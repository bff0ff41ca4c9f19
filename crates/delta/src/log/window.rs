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

    /// How many events nobody has taken yet, counting at most so many.
    pub(super) fn unread(&self, most: usize) -> usize {
        let mut rows = 0;
        for chunk in self.chunks.iter().rev() {
            if chunk.to <= self.furthest || rows >= most {
                break;
            }
            rows += chunk.rows();
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
