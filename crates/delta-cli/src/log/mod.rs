//! Logs: how arguments name them and places in them, and how they are read.

mod age;
mod arguments;
mod entry;
mod link;
mod place;
mod source;

pub(crate) use age::age as read_age;
pub(crate) use arguments::{LogArguments, LogColumns};
pub(crate) use entry::Entry;
pub(crate) use link::Link;
pub(crate) use place::Place;
pub(crate) use source::Source;
