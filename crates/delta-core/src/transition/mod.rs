//! The state machine: one table, and the lookup in it.

mod facts;
mod picture;
mod rejection;
mod rule;
mod table;

pub use facts::{Facts, Relation, ReportKind};
pub use picture::mermaid;
pub use rejection::Rejection;
pub use rule::{Condition, Effect, Input, Phase, Rule, To};
pub use table::{TABLE, find};
