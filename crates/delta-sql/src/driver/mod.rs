//! What a driver brings for the logic that all stores of a dialect share.
//!
//! A store of a dialect is its shared logic, over one driver: the texts, what is bound to them, how answers are read, and
//! in which order statements run exist once. The driver brings connections, transactions, and the way in which values
//! travel.

mod backoff;
#[expect(clippy::module_inception, reason = "the folder is named after the trait")]
mod driver;
mod row;
mod unit;

pub use backoff::Backoff;
pub use driver::Driver;
pub use row::{Field, Row, RowError};
pub use unit::{Need, Unit};
