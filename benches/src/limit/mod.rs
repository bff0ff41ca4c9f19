//! The limit: the same statements without us, run by `pgbench`.
//!
//! Ours are those that the store itself sends: a server that logs everything watches it work once, so that neither texts nor
//! parameters can drift. The reference statements are in `statements/`.

mod answer;
mod capture;
mod drain;
mod own;
mod pgbench;
mod program;
mod reference;

pub(crate) use capture::{Executed, LoggingServer, largest};
pub(crate) use drain::{Drain, Whose, drain};
pub(crate) use own::{OwnDrain, Prepared};
pub(crate) use pgbench::{Script, pgbench};
pub(crate) use reference::load as load_reference;
