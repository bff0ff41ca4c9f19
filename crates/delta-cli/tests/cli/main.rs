//! Runs the built program against SQLite, Postgres and MariaDB.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod consumers;
mod doctor;
mod events;
mod informs;
mod migrations;
mod moving;
mod random;
mod recorded;
mod refusals;
mod resources;
mod round;
mod scopes;
mod support;
