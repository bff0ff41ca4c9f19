use delta_core::{
    Error, ErrorKind, EventTable, ForeignId, ForeignIdType, Gap, Gaps, LogEvent, LogHolder, LogPage, Noops, Position,
    Result, TableEvent, TableQuery, Trace,
};

use super::driver::{ArrayRow, PostgresDriver};
use super::horizon::Horizon;
use super::live_table::LiveTable;
use super::query::Query;
use super::rows::{Fields, field};
use super::tables::{Tables, first};
use super::trim::{check_age, mark};

const OPERATION: &str = "table events";
/// The columns before a page's mark, and before the highest id.
const EVENT: usize = 6;

/// Where the readers of a table stop whose gaps are waited for.
struct Stop {
    head: Position,
    gap: Option<Gap>,
}

impl<D: PostgresDriver> Tables<D> {
    /// Reads an application's log: T4.
    pub async fn table_events(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        let texts = self.event_table(table)?;
        let page = match table.gap_rule() {
            Gaps::Passed => self.read_behind_horizon(conn, table, &texts, query).await,
            Gaps::Waited => self.read_up_to_gap(conn, table, &texts, query).await,
        };
        self.explain(conn, table, page).await
    }

    /// Names the transactions that hold a table's readers back; of a table whose gaps are waited for, those that have
    /// written to it and so may be what readers wait for.
    pub async fn table_holders(&self, conn: &mut D::Conn, table: &EventTable) -> Result<Vec<LogHolder>> {
        let texts = self.event_table(table)?;
        let text = match table.gap_rule() {
            Gaps::Passed => &texts.bounds.holders,
            Gaps::Waited => &texts.writers,
        };
        self.holders(conn, text, "table holders").await
    }

    /// The last position of a table that may be read now.
    pub(super) async fn table_head(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        texts: &LiveTable,
        operation: &'static str,
    ) -> Result<Position> {
        if table.gap_rule() == Gaps::Passed {
            return Ok(self.table_horizon(conn, table, texts, operation).await?.head);
        }
        let (mark, highest) = self.ends(conn, table, texts).await?;
        Ok(self.stop(conn, texts, mark, highest).await?.head)
    }

    /// How far a table may be read whose gaps mean nothing.
    async fn table_horizon(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        texts: &LiveTable,
        operation: &'static str,
    ) -> Result<Horizon> {
        if let Some(horizon) = self.horizon(conn, &texts.bounds, &table.log_name(), operation).await? {
            return Ok(horizon);
        }
        // It says what is missing.
        self.inspect_event_table(conn, table).await?;
        let what = format!("expected {} to have what keeps its readers in order, found it missing", table.name());
        Err(Error::new(ErrorKind::Unsupported, operation, what))
    }

    async fn read_behind_horizon(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        texts: &LiveTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        let horizon = self.table_horizon(conn, table, texts, OPERATION).await?;
        let (after, head) = (query.after, horizon.head);
        let mut page = LogPage { next: after, head, held_back: horizon.held_back(), ..LogPage::default() };
        // What was trimmed lies below the head: nothing is missing here.
        if after >= head {
            return Ok(page);
        }
        let prefix = query.filter.foreign_id_prefix.as_deref();
        // No foreign id has a NUL, and the server takes none.
        let rows = if query.limit == 0 || prefix.is_some_and(|prefix| prefix.contains('\0')) {
            Vec::new()
        } else {
            let kinds = query.filter.kinds.as_ref();
            let bound = Query::new(&texts.page).bind(after.get()).bind(head.get()).bind(i64::from(query.limit));
            let bound = bound.bind(kinds.is_none()).bind(kinds.into_iter().flatten().copied().collect::<Vec<i64>>());
            self.read(conn, bound.bind(prefix), OPERATION).await?
        };
        let log = table.log_name();
        let mark = match rows.first() {
            Some(row) => mark(field(row, EVENT, OPERATION)?, &log, OPERATION)?,
            None => self.read_mark(conn, &texts.mark, &log, OPERATION).await?,
        };
        check_age(after, mark, &log, OPERATION)?;
        page.events = rows.iter().map(|row| event(row, table)).collect::<Result<_>>()?;
        page.next = match page.events.last() {
            Some(last) if is_full(rows.len(), query.limit) => last.position,
            _ if query.limit == 0 => after,
            _ => head,
        };
        Ok(page)
    }

    /// Every row is read, whatever is asked for: an id that is missing is to be told from one that does not fit.
    ///
    /// Ids that are there stay, and none comes to be below one that has no gap before it. So any snapshot will do, and a
    /// standby as well.
    async fn read_up_to_gap(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        texts: &LiveTable,
        query: &TableQuery,
    ) -> Result<LogPage<TableEvent>> {
        let (after, log) = (query.after, table.log_name());
        let bound = Query::new(&texts.all).bind(after.get()).bind(i64::from(query.limit));
        let rows = self.read(conn, bound, OPERATION).await?;
        let (mark, highest) = match rows.first() {
            Some(row) => {
                let highest: i64 = field(row, EVENT + 1, OPERATION)?;
                (mark(field(row, EVENT, OPERATION)?, &log, OPERATION)?, Position::new(highest))
            }
            None => self.ends(conn, table, texts).await?,
        };
        check_age(after, mark, &log, OPERATION)?;
        let mut page = LogPage { next: after.max(mark), ..LogPage::default() };
        let mut before = None;
        for row in &rows {
            let event = event(row, table)?;
            if event.position.get() != page.next.get() + 1 {
                before = Some(event.position);
                break;
            }
            page.next = event.position;
            let hidden = event.is_noop() && table.noop_rule() == Noops::Hidden;
            if !hidden && event.passes(&query.filter) {
                page.events.push(event);
            }
        }
        let stop = match before {
            Some(before) => Stop { head: page.next, gap: Some(Gap { after: page.next, before }) },
            None if is_full(rows.len(), query.limit) => self.stop(conn, texts, page.next, highest).await?,
            None if rows.is_empty() => Stop { head: highest.max(mark), gap: None },
            None => Stop { head: page.next, gap: None },
        };
        if stop.gap.is_some() {
            page.held_back = u64::try_from(highest.get() - stop.head.get()).unwrap_or(0);
        }
        Ok(LogPage { head: stop.head, gap: stop.gap, ..page })
    }

    /// The mark of a table, and the highest id that is there or was trimmed.
    async fn ends(&self, conn: &mut D::Conn, table: &EventTable, texts: &LiveTable) -> Result<(Position, Position)> {
        let rows = self.read(conn, Query::new(&texts.end), OPERATION).await?;
        let mut fields = Fields::new(first(&rows, OPERATION)?, OPERATION);
        let mark = mark(fields.take()?, &table.log_name(), OPERATION)?;
        let highest: Option<i64> = fields.take()?;
        Ok((mark, highest.map_or(mark, |highest| mark.max(Position::new(highest)))))
    }

    /// Finds the first gap behind `read`, up to which there is none.
    async fn stop(&self, conn: &mut D::Conn, texts: &LiveTable, read: Position, highest: Position) -> Result<Stop> {
        let from = texts.look_from(read.get(), highest.get());
        let rows = self.read(conn, Query::new(&texts.frontier).bind(from), OPERATION).await?;
        let here = Position::new(from);
        let Some(row) = rows.first() else {
            return Ok(Stop { head: here, gap: None });
        };
        let mut fields = Fields::new(row, OPERATION);
        let (following, last, next): (i64, i64, Option<i64>) = (fields.take()?, fields.take()?, fields.take()?);
        if following != from + 1 {
            return Ok(Stop { head: here, gap: Some(Gap { after: here, before: Position::new(following) }) });
        }
        texts.found(last);
        let head = Position::new(last);
        Ok(Stop { head, gap: next.map(|next| Gap { after: head, before: Position::new(next) }) })
    }
}

fn is_full(rows: usize, limit: u32) -> bool {
    rows >= usize::try_from(limit).unwrap_or(usize::MAX)
}

fn event<R: ArrayRow>(row: &R, table: &EventTable) -> Result<TableEvent> {
    let mut fields = Fields::new(row, OPERATION);
    Ok(TableEvent {
        position: Position::new(fields.take()?),
        foreign_id: match table.foreign_id_type() {
            ForeignIdType::Text => ForeignId::Text(fields.take()?),
            ForeignIdType::Int => ForeignId::Int(fields.take()?),
        },
        kind: fields.take()?,
        at: fields.time()?,
        metadata: fields.take::<Option<&[u8]>>()?.map(<[u8]>::to_vec),
        trace: fields.take::<Option<String>>()?.map(Trace::from_stored),
    })
}
