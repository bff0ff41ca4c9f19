//! Statements and migrations for SQLite.
