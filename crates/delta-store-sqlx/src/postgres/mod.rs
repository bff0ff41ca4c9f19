//! The store on a Postgres server.

mod append;
mod apply;
mod browse;
mod claim;
mod commit;
mod connection;
mod cursors;
mod drafts;
mod due;
mod errors;
mod events;
mod filter;
mod insert;
mod lanes;
mod load;
mod migrate;
mod moment;
mod names;
mod options;
mod outcomes;
mod rows;
mod scopes;
mod settle;
mod store;
mod templates;
mod unit;
mod update;
mod wake;

pub use options::{Listen, PgOptions, PgSettings, StatementCache};
pub use store::PgStore;
