use std::ops::Range;
use std::sync::Arc;

use delta_sql::driver::RowError;

/// The rows of an answer in one piece of memory: a row of diesel's cannot lend its values.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    /// Where each value is, row by row; `None` for NULL.
    cells: Vec<Option<Range<usize>>>,
    /// Where the cells of each row begin.
    rows: Vec<usize>,
}

/// A row of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    answer: Arc<Answer>,
    row: usize,
}

impl Answer {
    /// Begins the next row.
    pub(crate) fn begin_row(&mut self) {
        self.rows.push(self.cells.len());
    }

    /// Adds the next value of the row.
    pub(crate) fn push(&mut self, value: Option<&[u8]>) {
        self.cells.push(value.map(|value| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(value);
            start..self.bytes.len()
        }));
    }

    pub(crate) fn into_rows(self) -> Vec<Columns> {
        let answer = Arc::new(self);
        (0..answer.rows.len()).map(|row| Columns { answer: answer.clone(), row }).collect()
    }
}

impl Columns {
    /// The value of a column as the server sent it.
    pub(crate) fn raw(&self, column: usize) -> Result<Option<&[u8]>, RowError> {
        let answer = &*self.answer;
        let end = answer.rows.get(self.row + 1).copied().unwrap_or(answer.cells.len());
        let cells = &answer.cells[answer.rows[self.row]..end];
        let cell = cells.get(column);
        let cell = cell.ok_or_else(|| format!("expected column {column}, found {} columns", cells.len()))?;
        Ok(cell.as_ref().map(|range| &answer.bytes[range.clone()]))
    }

    /// A value of as many bytes as its type has.
    pub(crate) fn sized<const SIZE: usize>(&self, column: usize) -> Result<Option<[u8; SIZE]>, RowError> {
        let Some(bytes) = self.raw(column)? else {
            return Ok(None);
        };
        let found = bytes.len();
        let sized = bytes.try_into();
        Ok(Some(sized.map_err(|_| format!("expected {SIZE} bytes in column {column}, found {found}"))?))
    }

    pub(crate) fn str(&self, column: usize) -> Result<Option<&str>, RowError> {
        Ok(self.raw(column)?.map(std::str::from_utf8).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Columns> {
        let mut answer = Answer::default();
        for row in [[Some(&b"ab"[..]), None], [Some(&b""[..]), Some(&[1, 2][..])]] {
            answer.begin_row();
            for value in row {
                answer.push(value);
            }
        }
        answer.into_rows()
    }

    #[test]
    fn values_come_back_by_row_and_column() {
        let rows = rows();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].str(0).unwrap(), Some("ab"));
        assert_eq!(rows[0].raw(1).unwrap(), None);
        assert_eq!(rows[1].raw(0).unwrap(), Some(&b""[..]));
        assert_eq!(rows[1].sized(1).unwrap(), Some([1, 2]));
    }

    #[test]
    fn a_column_that_is_not_there_or_of_another_size_is_an_error() {
        let rows = rows();
        assert!(rows[0].raw(2).unwrap_err().to_string().contains("found 2 columns"));
        assert!(rows[0].sized::<8>(0).unwrap_err().to_string().contains("found 2"));
    }
}
