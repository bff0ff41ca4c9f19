//! Statements and migrations for PostgreSQL.
