use std::time::Duration;

use delta_core::{LogEvent, Position, Result};

use crate::log::source::Source;

/// Which events a trim removes: always the oldest ones, up to some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim(pub(super) Rule);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    OlderThan(Duration),
    Keep(u64),
    UpTo(Position),
}

impl Trim {
    /// What happened longer ago than this, up to the first event that did not: one that says that it is younger keeps all
    /// after it.
    #[must_use]
    pub const fn older_than(age: Duration) -> Self {
        Self(Rule::OlderThan(age))
    }

    /// All but the last so many events.
    #[must_use]
    pub const fn keep(events: u64) -> Self {
        Self(Rule::Keep(events))
    }

    /// Everything up to a position, this one included.
    #[must_use]
    pub const fn up_to(position: Position) -> Self {
        Self(Rule::UpTo(position))
    }
}

/// What a trim may pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrimPast {
    /// No event that a consumer of the log has yet to handle.
    #[default]
    Handled,
    /// Any: consumers that are behind miss events, and are told so by `CursorTooOld`.
    Consumers,
}

/// The highest position with at least so many events behind it, or the last one that is gone already.
pub(super) async fn all_but<E: LogEvent>(source: &dyn Source<E>, keep: u64, page: u32) -> Result<Position> {
    let gone = source.trimmed().await?;
    let head = source.read(gone, 1, &E::Filter::default()).await?.head;
    let (mut from, mut counted) = (head, 0);
    while counted < keep && from > gone {
        // At most one event stands on each position, so this never counts too many.
        let back = i64::try_from(keep - counted).unwrap_or(i64::MAX);
        let lower = Position::new(from.get().saturating_sub(back)).max(gone);
        counted += count(source, lower, from, page).await?;
        from = lower;
    }
    Ok(from)
}

/// How many events stand above `after`, up to `to`.
async fn count<E: LogEvent>(source: &dyn Source<E>, mut after: Position, to: Position, page: u32) -> Result<u64> {
    let mut counted = 0;
    while after < to {
        let read = source.read(after, page, &E::Filter::default()).await?;
        counted += read.events.iter().filter(|event| event.position() <= to).count() as u64;
        if read.next <= after {
            break;
        }
        after = read.next;
    }
    Ok(counted)
}
