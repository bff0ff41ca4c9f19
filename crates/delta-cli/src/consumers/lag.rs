use delta::core::EventTables;
use delta::{Error, Position, Timestamp};

use crate::log::{Link, Source};

/// Where a log begins and ends.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) source: Source,
    /// The last position that was trimmed.
    pub(crate) trimmed: Position,
    /// The last position that may be read now.
    pub(crate) head: Position,
    /// The last position that was given out.
    pub(crate) end: Position,
}

impl Extent {
    pub(crate) async fn read<S: EventTables>(link: &mut Link<'_, S>, source: Source) -> Result<Self, Error> {
        let trimmed = source.trimmed(link).await?;
        let page = source.page(link, Position::START, 1).await?;
        Ok(Self { source, trimmed, head: page.head, end: page.end() })
    }
}

/// How far behind its log a place is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    /// So many positions, and since an event that happened then; none at the head.
    Behind { events: u64, since: Option<Timestamp> },
    /// The log was trimmed beyond it: it has missed events.
    TooOld { trimmed: Position },
    /// It is beyond the last position that the log has given out.
    PastEnd { end: Position },
    /// It has no place yet.
    Unknown,
    /// Its log cannot be read.
    Unreadable(String),
}

impl Lag {
    /// How far a position is behind.
    pub(crate) async fn of<S: EventTables>(
        link: &mut Link<'_, S>,
        log: &Extent,
        position: Option<Position>,
    ) -> Result<Self, Error> {
        let Some(position) = position else { return Ok(Self::Unknown) };
        if position > log.end {
            return Ok(Self::PastEnd { end: log.end });
        }
        if position < log.trimmed && position != Position::START {
            return Ok(Self::TooOld { trimmed: log.trimmed });
        }
        let after = position.max(log.trimmed);
        let events = u64::try_from(log.head.get() - after.get()).unwrap_or(0);
        if events == 0 {
            return Ok(Self::Behind { events, since: None });
        }
        let next = log.source.page(link, after, 1).await?.events;
        Ok(Self::Behind { events, since: next.first().map(crate::log::Entry::at) })
    }

    /// What is wrong with it, or why it is not known.
    pub(crate) fn problem(&self) -> Option<String> {
        Some(match self {
            Self::Behind { .. } => return None,
            Self::TooOld { trimmed } => format!("the log was trimmed up to {trimmed}, beyond it: it has missed events"),
            Self::PastEnd { end } => format!("it is beyond the end of the log at {end}"),
            Self::Unknown => "it was never run to its first event".to_owned(),
            Self::Unreadable(why) => why.clone(),
        })
    }
}
