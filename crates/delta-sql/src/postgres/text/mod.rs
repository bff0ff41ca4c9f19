//! The texts of the statements.

pub(super) mod browse;
pub(super) mod catalog;
pub(super) mod changes;
pub(super) mod claim;
pub(super) mod columns;
pub(super) mod cursor_table;
pub(super) mod cursors;
pub(super) mod due;
pub(super) mod error_table;
pub(super) mod event_table;
pub(super) mod events;
pub(super) mod insert;
pub(super) mod lanes;
pub(super) mod load;
pub(super) mod log;
pub(super) mod restore;
pub(super) mod scopes;
pub(super) mod settle;
pub(super) mod statements;
pub(super) mod update;
