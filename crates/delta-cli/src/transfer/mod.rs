//! Exports: a database as JSON Lines, exact, and back.
//!
//! The first line is a header, the last one says how much there was and has the digest of all lines between: what was
//! given out, then kinds and namespaces, resources by id, events by position, cursors by name, and dead letters by
//! consumer, log and position.

mod batches;
mod compare;
mod dead_letter;
mod event;
mod file;
mod numbers;
mod progress;
mod record;
mod resource;
mod source;
mod tally;

pub(crate) use batches::{Batch, Batches};
pub(crate) use compare::compare;
pub(crate) use file::{Checked, Export, Lines, Part};
pub(crate) use progress::Progress;
pub(crate) use record::{End, FORMAT, Header, Place, Record};
pub(crate) use source::Source;
pub(crate) use tally::Tally;
