//! A store for Delta in one file, on [redb](https://www.redb.org): an example of a store that is not Delta's own.
//!
//! redb keeps sorted tables of keys and values, with transactions, one writer at a time and readers that never wait. The
//! store keeps every row whole, as JSON, and lets `delta_core` say what a change makes of it; what is left to write are
//! tables, indexes and transactions. `docs/writing-a-store.md` goes through it file by file.

mod conn;
mod errors;
mod read;
mod store;
mod tables;
mod write;

pub use conn::RedbConn;
pub use store::RedbStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
