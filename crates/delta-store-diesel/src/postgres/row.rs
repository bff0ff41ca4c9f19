use delta_core::Timestamp;
use delta_sql::driver::{Row, RowError};
use delta_sql::postgres::ArrayRow;

use super::moment;
use crate::answer::Columns;

/// A row in the binary format of Postgres.
pub(super) struct PgColumns(pub(super) Columns);

impl Row for PgColumns {
    fn int2(&self, column: usize) -> Result<Option<i16>, RowError> {
        Ok(self.0.sized(column)?.map(i16::from_be_bytes))
    }

    fn int4(&self, column: usize) -> Result<Option<i32>, RowError> {
        Ok(self.0.sized(column)?.map(i32::from_be_bytes))
    }

    fn int8(&self, column: usize) -> Result<Option<i64>, RowError> {
        Ok(self.0.sized(column)?.map(i64::from_be_bytes))
    }

    fn bool(&self, column: usize) -> Result<Option<bool>, RowError> {
        Ok(self.0.sized(column)?.map(|[byte]| byte != 0))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, RowError> {
        self.0.str(column)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, RowError> {
        self.0.raw(column)
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, RowError> {
        self.int8(column)?.map(moment::decode).transpose()
    }
}

impl ArrayRow for PgColumns {
    fn int8s(&self, column: usize) -> Result<Option<Vec<i64>>, RowError> {
        self.array(column, |element| Ok(i64::from_be_bytes(element.try_into()?)))
    }

    fn bools(&self, column: usize) -> Result<Option<Vec<bool>>, RowError> {
        self.array(column, |element| Ok(element != [0]))
    }

    fn texts(&self, column: usize) -> Result<Option<Vec<String>>, RowError> {
        self.array(column, |element| Ok(str::from_utf8(element)?.to_owned()))
    }
}

impl PgColumns {
    fn array<T>(&self, column: usize, read: impl Fn(&[u8]) -> Result<T, RowError>) -> Result<Option<Vec<T>>, RowError> {
        let Some(bytes) = self.0.raw(column)? else {
            return Ok(None);
        };
        elements(bytes)?.into_iter().map(read).collect::<Result<_, _>>().map(Some)
    }
}

/// The elements of an array: its dimensions, whether it has nulls, the type of the elements; for each dimension its length
/// and first index; then for each element its length and what it is.
fn elements(bytes: &[u8]) -> Result<Vec<&[u8]>, RowError> {
    let mut rest = bytes;
    let int = |rest: &mut &[u8]| -> Result<i32, RowError> {
        let (head, tail) = rest.split_first_chunk::<4>().ok_or("expected an array, found its beginning")?;
        *rest = tail;
        Ok(i32::from_be_bytes(*head))
    };
    let dimensions = int(&mut rest)?;
    let (_nulls, _type) = (int(&mut rest)?, int(&mut rest)?);
    if dimensions == 0 {
        return Ok(Vec::new());
    }
    if dimensions != 1 {
        return Err(format!("expected an array of one dimension, found {dimensions}").into());
    }
    let (count, _first) = (int(&mut rest)?, int(&mut rest)?);
    let mut elements = Vec::new();
    for _ in 0..count {
        let length = int(&mut rest)?;
        let length = usize::try_from(length).map_err(|_| "expected an array without nulls, found one in it")?;
        let (element, tail) = rest.split_at_checked(length).ok_or("expected an array, found its beginning")?;
        elements.push(element);
        rest = tail;
    }
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(header: [i32; 3], dimension: &[i32], elements: &[Option<&[u8]>]) -> Vec<u8> {
        let mut bytes: Vec<u8> = header.iter().chain(dimension).flat_map(|int| int.to_be_bytes()).collect();
        for element in elements {
            let length = element.map_or(-1, |element| i32::try_from(element.len()).unwrap());
            bytes.extend(length.to_be_bytes());
            bytes.extend(element.unwrap_or_default());
        }
        bytes
    }

    #[test]
    fn elements_are_found_one_by_one() {
        assert_eq!(elements(&array([0, 0, 25], &[], &[])).unwrap(), Vec::<&[u8]>::new());
        let two = array([1, 0, 25], &[2, 1], &[Some(b"ab"), Some(b"")]);
        assert_eq!(elements(&two).unwrap(), [&b"ab"[..], b""]);
    }

    #[test]
    fn what_is_no_such_array_is_an_error() {
        for wrong in [
            array([1, 1, 25], &[1, 1], &[None]),
            array([2, 0, 25], &[1, 1, 1, 1], &[Some(b"a")]),
            array([1, 0, 25], &[2, 1], &[Some(b"a")]),
            vec![0, 0],
        ] {
            elements(&wrong).unwrap_err();
        }
    }
}
