//! What consumers gave up on.

mod record;

pub(crate) use self::record::letter;
pub use self::record::{RecordErrors, RecordOnly, RecordWithEvent};
