use std::time::Duration;

use delta::core::{
    ErrorKind, EventQuery, EventTable, EventTables, ForeignIdType, Gaps, LogHolder, LogName, LogPage, TableFilter,
    TableQuery,
};
use delta::{Error, EventFilter, Position, Timestamp};

use crate::failure::Failure;
use crate::log::{Entry, Link, LogColumns, Place};

/// A log to read.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Delta's own.
    Own,
    /// An application's.
    Table(Box<EventTable>),
}

/// How far the times of events that follow each other may be out of order: they are decided by clients whose clocks
/// differ, and before the position is given out.
const DISORDER: Duration = Duration::from_mins(1);

/// How many events are read at once.
const PAGE: u32 = 1_000;

impl Source {
    /// Finds out how an application's table has to be read, by looking at it.
    pub(crate) async fn open<S: EventTables>(
        link: &mut Link<'_, S>,
        log: &str,
        columns: &LogColumns,
    ) -> Result<Self, Error> {
        if LogName::of_table(log).is_own() {
            return Ok(Self::Own);
        }
        let table = columns.table(log);
        table.check()?;
        let mut first = None;
        for gaps in [Gaps::Passed, Gaps::Waited] {
            for ids in [ForeignIdType::Text, ForeignIdType::Int] {
                let table = table.clone().gaps(gaps).foreign_ids(ids);
                match link.store.inspect_event_table(link.conn, &table).await {
                    Ok(()) => return Ok(Self::Table(Box::new(table))),
                    Err(error) if error.kind() == ErrorKind::Unsupported => first = first.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
        }
        Err(first.unwrap_or_else(|| Error::new(ErrorKind::Unsupported, "inspect event table", "it cannot be read")))
    }

    /// Reads a page.
    pub(crate) async fn page<S: EventTables>(
        &self,
        link: &mut Link<'_, S>,
        after: Position,
        limit: u32,
    ) -> Result<LogPage<Entry>, Error> {
        match self {
            Self::Own => {
                let query = EventQuery { after, limit, filter: EventFilter::default() };
                Ok(entries(link.store.events(link.conn, &query).await?, Entry::Own))
            }
            Self::Table(table) => {
                let query = TableQuery { after, limit, filter: TableFilter::default() };
                Ok(entries(link.store.table_events(link.conn, table, &query).await?, Entry::Table))
            }
        }
    }

    /// The last position that was trimmed.
    pub(crate) async fn trimmed<S: EventTables>(&self, link: &mut Link<'_, S>) -> Result<Position, Error> {
        match self {
            Self::Own => link.store.trimmed(link.conn).await,
            Self::Table(table) => link.store.table_trimmed(link.conn, table).await,
        }
    }

    /// Who holds its readers back.
    pub(crate) async fn holders<S: EventTables>(&self, link: &mut Link<'_, S>) -> Result<Vec<LogHolder>, Error> {
        match self {
            Self::Own => link.store.log_holders(link.conn).await,
            Self::Table(table) => link.store.table_holders(link.conn, table).await,
        }
    }

    /// The position that a place stands for.
    pub(crate) async fn resolve<S: EventTables>(
        &self,
        link: &mut Link<'_, S>,
        place: Place,
    ) -> Result<Position, Failure> {
        Ok(match place {
            Place::Start => Position::START,
            Place::Head => self.page(link, Position::START, 1).await?.head,
            Place::After(position) => position,
            Place::Since(time) => self.before(link, time).await?,
            Place::Ago(age) => {
                let now = link.store.now(link.conn).await?;
                self.before(link, now - age).await?
            }
        })
    }

    /// The position before the first event of a time or later, but for events that are out of order by more than
    /// [`DISORDER`].
    async fn before<S: EventTables>(&self, link: &mut Link<'_, S>, time: Timestamp) -> Result<Position, Error> {
        let early = time - DISORDER;
        let mut low = self.trimmed(link).await?;
        let mut high = self.page(link, low, 1).await?.head;
        // The first event after `low` is too early or unknown, the first after `high` is not too early.
        while high.get() - low.get() > 1 {
            let middle = Position::new(low.get() + (high.get() - low.get()) / 2);
            match self.page(link, middle, 1).await?.events.first() {
                Some(event) if event.at() < early => low = event.position().min(high),
                _ => high = middle,
            }
        }
        loop {
            let page = self.page(link, low, PAGE).await?;
            for event in &page.events {
                if event.at() >= time {
                    return Ok(low);
                }
                low = event.position();
            }
            let stands = page.next <= low && page.events.is_empty();
            low = low.max(page.next);
            if stands || low >= page.head {
                return Ok(low);
            }
        }
    }
}

fn entries<E>(page: LogPage<E>, entry: impl Fn(E) -> Entry) -> LogPage<Entry> {
    LogPage {
        events: page.events.into_iter().map(entry).collect(),
        next: page.next,
        head: page.head,
        held_back: page.held_back,
        gap: page.gap,
    }
}
