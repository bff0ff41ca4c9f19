use std::time::Duration;

use delta_core::{Error, ErrorKind, Invalid, LogEvent, LogStore, Position, Result, Timestamp};

use crate::log::Log;
use crate::log::consume::options::Start;

/// How far times may be out of the order of positions.
const DISORDER: Duration = Duration::from_mins(1);
/// How many events are looked at in one query.
const PAGE: u32 = 1_000;

/// How far a log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// The last position that may be read.
    pub(super) head: Position,
    /// The last one that was given out.
    pub(super) end: Position,
}

pub(super) async fn ends<S: LogStore, E: LogEvent>(log: &Log<S, E>) -> Result<Ends> {
    let page = log.page(Position::START, 1, &E::Filter::default()).await?;
    Ok(Ends { head: page.head, end: page.end() })
}

/// Checks that nothing was removed that a cursor at the start of the log has yet to handle: reading from there is never refused,
/// as it is where those begin who have handled nothing.
pub(super) async fn check_start<S: LogStore, E: LogEvent>(log: &Log<S, E>, consumer: &str) -> Result<()> {
    let mark = log.source().trimmed().await?;
    if mark == Position::START {
        return Ok(());
    }
    let (start, name) = (Position::START, log.name());
    let what = format!("expected a cursor at or after {mark}, up to which the log {name} was trimmed, found {start}");
    Err(Error::new(ErrorKind::CursorTooOld, format!("consumer \"{consumer}\""), what))
}

/// Where a consumer without a stored cursor begins.
pub(super) async fn begin<S: LogStore, E: LogEvent>(log: &Log<S, E>, start: Start, ends: Ends) -> Result<Position> {
    match start {
        // Not before what is gone: it has not missed that.
        Start::Beginning | Start::Position(Position::START) => log.source().trimmed().await,
        Start::Head => Ok(ends.head),
        Start::Position(position) if position > ends.end => {
            let expected = format!("at most {}, the end of the log", ends.end);
            Err(Invalid::new("position", expected, position.to_string()).into())
        }
        Start::Position(position) => Ok(position),
        Start::Time(time) => {
            let before = search(log, time - DISORDER, ends.head).await?;
            scan(log, time, before, ends.head).await
        }
    }
}

/// A position about before the first event of that time.
async fn search<S: LogStore, E: LogEvent>(log: &Log<S, E>, time: Timestamp, head: Position) -> Result<Position> {
    let mut before = log.source().trimmed().await?;
    let mut behind = head;
    while before < behind {
        let middle = Position::new(before.get() + (behind.get() - before.get()) / 2);
        let page = log.page(middle, 1, &E::Filter::default()).await?;
        match page.events.first() {
            Some(event) if event.at() < time && event.position() <= behind => before = event.position(),
            _ => behind = middle,
        }
    }
    Ok(before)
}

/// The position right before the first event of that time or later.
async fn scan<S: LogStore, E: LogEvent>(
    log: &Log<S, E>,
    time: Timestamp,
    mut after: Position,
    head: Position,
) -> Result<Position> {
    while after < head {
        let page = log.page(after, PAGE, &E::Filter::default()).await?;
        for event in &page.events {
            if event.at() >= time {
                return Ok(after);
            }
            after = event.position();
        }
        if page.next <= after {
            break;
        }
        after = page.next;
    }
    Ok(after)
}
