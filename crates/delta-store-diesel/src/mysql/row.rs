use delta_core::Timestamp;
use delta_sql::driver::{Row, RowError};
use diesel::mysql::{MysqlType, MysqlValue};

use crate::answer::{Answer, Columns};

/// Adds a value to an answer: integers in eight bytes, the lowest first, however wide they came.
pub(super) fn push(answer: &mut Answer, value: Option<&MysqlValue<'_>>) {
    let Some(value) = value else {
        return answer.push(None);
    };
    let bytes = value.as_bytes();
    let signed = matches!(value.value_type(), MysqlType::Tiny | MysqlType::Short | MysqlType::Long);
    let unsigned =
        matches!(value.value_type(), MysqlType::UnsignedTiny | MysqlType::UnsignedShort | MysqlType::UnsignedLong);
    // The blocking driver hands on as many bytes as the server sent, the other one always eight.
    if bytes.len() < 8 && (signed || unsigned) {
        let negative = signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        return answer.push(Some(&wide));
    }
    answer.push(Some(bytes));
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_width_are_read() {
        let mut answer = Answer::default();
        answer.begin_row();
        for (bytes, kind) in [
            (&[0xff][..], MysqlType::Tiny),
            (&[0xff], MysqlType::UnsignedTiny),
            (&[0xfe, 0xff], MysqlType::Short),
            (&[1, 0, 0, 0x80], MysqlType::Long),
            (&[1, 0, 0, 0x80], MysqlType::UnsignedLong),
            (&[5, 0, 0, 0, 0, 0, 0, 0], MysqlType::Tiny),
            (&[0xff; 8], MysqlType::LongLong),
        ] {
            push(&mut answer, Some(&MysqlValue::new(bytes, kind)));
        }
        push(&mut answer, None);
        let row = MySqlColumns(answer.into_rows().remove(0));
        let read: Vec<_> = (0..8).map(|column| row.int8(column).unwrap()).collect();
        let expected = [-1, 255, -2, i64::from(i32::MIN) + 1, 0x8000_0001, 5, -1];
        assert_eq!(read, [&expected.map(Some)[..], &[None]].concat());
        assert_eq!(row.bool(0).unwrap(), Some(true));
        assert!(row.int2(3).is_err());
    }
}
