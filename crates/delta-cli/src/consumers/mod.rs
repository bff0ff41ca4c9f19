//! Consumers of logs, as their cursors and dead letters show them.

mod consumer;
mod holding;
mod lag;
mod letters;
mod logs;
mod record;
mod row;

pub(crate) use consumer::{Consumer, Found};
pub(crate) use holding::Holding;
pub(crate) use lag::{Extent, Lag};
pub(crate) use letters::{LetterArguments, Letters};
pub(crate) use logs::Logs;
pub(crate) use record::{ConsumerRecord, LetterRecord};
pub(crate) use row::Row;
