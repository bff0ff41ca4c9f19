use std::sync::{Arc, Mutex, PoisonError};

use delta_core::{CursorTable, ErrorTable, EventTable, LogName, Result};

use super::driver::MysqlDriver;
use super::log::LogMemory;
use super::tables::Tables;
use super::text::cursor_table::CursorTableSql;
use super::text::error_table::ErrorTableSql;
use super::text::event_table::EventTableSql;

/// The tables of applications that were spoken of: each with its statements, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct TableCache {
    events: Known<EventTable, EventLog>,
    cursors: Known<CursorTable, CursorTableSql>,
    errors: Known<ErrorTable, ErrorTableSql>,
}

type Known<T, V> = Mutex<Vec<(T, Arc<V>)>>;

/// A table of events.
#[derive(Debug)]
pub(super) struct EventLog {
    pub(super) table: EventTable,
    pub(super) log: LogName,
    pub(super) sql: EventTableSql,
    pub(super) memory: LogMemory,
}

fn find<T: PartialEq + Clone, V>(known: &Known<T, V>, table: &T, make: impl FnOnce() -> V) -> Arc<V> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, value)) = known.iter().find(|(other, _)| other == table) {
        return value.clone();
    }
    let value = Arc::new(make());
    known.push((table.clone(), value.clone()));
    value
}

impl<D: MysqlDriver> Tables<D> {
    pub(super) fn event_log(&self, table: &EventTable) -> Result<Arc<EventLog>> {
        table.check()?;
        Ok(find(&self.table_cache().events, table, || EventLog {
            table: table.clone(),
            log: table.log_name(),
            sql: EventTableSql::new(self.prefix(), table),
            memory: LogMemory::default(),
        }))
    }

    pub(super) fn cursor_table(&self, table: &CursorTable) -> Result<Arc<CursorTableSql>> {
        table.check()?;
        Ok(find(&self.table_cache().cursors, table, || CursorTableSql::new(table)))
    }

    pub(super) fn error_table(&self, table: &ErrorTable) -> Result<Arc<ErrorTableSql>> {
        table.check()?;
        Ok(find(&self.table_cache().errors, table, || ErrorTableSql::new(table)))
    }
}
