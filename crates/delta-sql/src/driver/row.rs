use delta_core::Timestamp;

/// Why a value could not be read.
pub type RowError = Box<dyn std::error::Error + Send + Sync>;

/// A row of an answer, read by position.
///
/// Each method reads a column of one type, `None` for NULL; what a column holds is for the statement to say, and a wrong
/// type is an error of whoever wrote it.
pub trait Row: Send + Sync {
    /// A 16-bit integer.
    fn int2(&self, column: usize) -> Result<Option<i16>, RowError>;
    /// A 32-bit integer.
    fn int4(&self, column: usize) -> Result<Option<i32>, RowError>;
    /// A 64-bit integer.
    fn int8(&self, column: usize) -> Result<Option<i64>, RowError>;
    /// A boolean.
    fn bool(&self, column: usize) -> Result<Option<bool>, RowError>;
    /// A text.
    fn text(&self, column: usize) -> Result<Option<&str>, RowError>;
    /// Bytes.
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, RowError>;
    /// A time, exact to the microsecond.
    fn time(&self, column: usize) -> Result<Option<Timestamp>, RowError>;
}

/// A value that is read from a column; an `Option` of one where NULL may stand.
pub trait Field<'r, R: ?Sized>: Sized {
    /// Reads a column, whose type is known to be this one.
    fn read(row: &'r R, column: usize) -> Result<Self, RowError>;
}

macro_rules! fields {
    ($($type:ty, $read:ident;)+) => {$(
        impl<'r, R: Row> Field<'r, R> for Option<$type> {
            fn read(row: &'r R, column: usize) -> Result<Self, RowError> {
                Ok(row.$read(column)?.map(Into::into))
            }
        }

        impl<'r, R: Row> Field<'r, R> for $type {
            fn read(row: &'r R, column: usize) -> Result<Self, RowError> {
                row.$read(column)?.map(Into::into).ok_or_else(|| null(column))
            }
        }
    )+};
}

fields! {
    i16, int2;
    i32, int4;
    i64, int8;
    bool, bool;
    &'r str, text;
    String, text;
    &'r [u8], bytes;
    Timestamp, time;
}

pub(crate) fn null(column: usize) -> RowError {
    format!("expected a value in column {column}, found none").into()
}
