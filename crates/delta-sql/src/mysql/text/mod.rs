//! The texts of statements.
//!
//! Names of tables stand in braces. Lists of rows come as JSON that [`rows`] takes apart; the list is always the first
//! table of a straight join, so that what it names is looked up by key, in the order of the list.

pub(super) mod browse;
pub(super) mod claim;
pub(super) mod columns;
pub(super) mod cursor_table;
pub(super) mod cursors;
pub(super) mod due;
pub(super) mod error_table;
pub(super) mod event_table;
pub(super) mod holders;
pub(super) mod inspect;
pub(super) mod lanes;
pub(super) mod load;
pub(super) mod log;
pub(super) mod restore;
pub(super) mod rows;
pub(super) mod scopes;
pub(super) mod statements;
pub(super) mod trim;
pub(super) mod write;
