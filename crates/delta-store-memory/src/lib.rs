//! The in-memory store of Delta: the reference model of the store contract, and what unit tests swap in.
//!
//! It keeps everything in one process and nothing on disk. Where the contract in `delta_core::Store` leaves a doubt, what
//! this store does is what it means.
//!
//! # The locking model
//!
//! A short critical section per call, and in it three kinds of thing:
//!
//! - the *database*: what is committed. Everybody reads this, and nothing else but their own transaction's work.
//! - a *workspace* per open transaction: what it has written, laid over the database when it reads, merged into it when it
//!   commits, and forgotten when it is rolled back or dropped.
//! - *locks*, held by open transactions on rows, inserted keys, cursors and scopes until they end. A call takes all the
//!   locks that it needs at once, or none, and then waits for a transaction to end and looks again from the start; so
//!   only two transactions of callers, each waiting for what the other holds, can deadlock. That is found at once, and
//!   the one that would have closed the circle is rolled back with a `Conflict`.
//!
//! A call outside of a transaction is a transaction of its own within one critical section, so a dropped future leaves all
//! or nothing.
//!
//! Tables of applications' own are kept by name, with the columns that they were made with; making one takes effect at once,
//! whatever becomes of the transaction.
//!
//! Events get their positions when they are appended; the log's readers stop below the first event of any transaction
//! that is still open.

mod apply;
mod browse;
mod claim;
mod clock;
mod conn;
mod database;
mod event_tables;
mod letters;
mod lock;
mod log;
mod log_store;
mod restore;
mod scan;
mod shared;
mod store;
mod table;
mod tables;
mod transaction;
mod trim;
mod view;
mod workspace;

pub use conn::{MemoryConn, MemoryGuard};
pub use store::MemoryStore;
pub use transaction::MemoryTransaction;
