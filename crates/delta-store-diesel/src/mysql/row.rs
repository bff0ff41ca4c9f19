use delta_core::Timestamp;
use delta_sql::driver::{Row, RowError};

use crate::answer::Columns;

/// A row as diesel hands on what MySQL sent: integers of any width in eight bytes, the lowest first.
pub(super) struct MySqlColumns(pub(super) Columns);

impl Row for MySqlColumns {
    fn int2(&self, column: usize) -> Result<Option<i16>, RowError> {
        Ok(self.int8(column)?.map(i16::try_from).transpose()?)
    }

    fn int4(&self, column: usize) -> Result<Option<i32>, RowError> {
        Ok(self.int8(column)?.map(i32::try_from).transpose()?)
    }

    fn int8(&self, column: usize) -> Result<Option<i64>, RowError> {
        Ok(self.0.sized(column)?.map(i64::from_le_bytes))
    }

    fn bool(&self, column: usize) -> Result<Option<bool>, RowError> {
        Ok(self.int8(column)?.map(|value| value != 0))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, RowError> {
        self.0.str(column)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, RowError> {
        self.0.raw(column)
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, RowError> {
        Ok(self.int8(column)?.map(Timestamp::from_micros))
    }
}
