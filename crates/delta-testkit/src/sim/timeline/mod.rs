//! A history as somebody reads it who wants to know what went wrong.

mod focus;
mod line;
mod row;
#[expect(clippy::module_inception, reason = "the main type of this folder")]
mod timeline;

pub use timeline::{Detail, Timeline};
