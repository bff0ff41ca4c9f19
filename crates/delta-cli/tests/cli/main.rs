//! Runs the built program against SQLite and Postgres.

mod doctor;
mod events;
mod informs;
mod migrations;
mod refusals;
mod resources;
mod scopes;
mod support;
