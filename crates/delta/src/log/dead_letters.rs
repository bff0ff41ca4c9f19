//! What consumers gave up on.

mod letters;
mod record;

pub use self::letters::DeadLetters;
pub(crate) use self::letters::event;
pub(crate) use self::record::letter;
pub use self::record::{RecordErrors, RecordOnly, RecordWithEvent};
