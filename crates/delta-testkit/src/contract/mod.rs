//! The contract suite: what every store must do, as tests that any author of a store can run.
//!
//! [`store_contract!`](crate::store_contract) makes a test of every case; [`restore_contract!`](crate::restore_contract),
//! [`log_contract!`](crate::log_contract) and [`table_contract!`](crate::table_contract) do the same for what a store may bring beside. A case is a public function here, named after
//! the clause of [`Store`](delta_core::Store)'s documentation that it belongs to, and can also be run alone with [`run`].
//!
//! # What may be left out
//!
//! Wake-ups, where [`Capabilities::wakeups`](delta_core::Capabilities) says there are none: such a case prints that it is
//! skipped, and why. With [`Writers::One`](delta_core::Writers) nothing is left out, but no case keeps a transaction open
//! while it waits for a write of another.
//!
//! Not here, because it takes a server to show: S12 (lost connections) and the failing half of S15 (other versions of the
//! schema).

#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

pub mod browse;
pub mod due;
mod fixture;
mod kit;
pub mod l1;
pub mod l2;
pub mod l3;
pub mod l4;
pub mod l5;
pub mod lanes;
mod log_suite;
mod memory;
pub mod now;
pub mod renew;
pub mod restore;
pub(crate) mod rows;
mod run;
pub mod s01;
pub mod s02;
pub mod s03;
pub mod s04;
pub mod s05;
pub mod s06;
pub mod s07;
pub mod s08;
pub mod s09;
pub mod s10;
pub mod s11;
pub mod s13;
pub mod s14;
pub mod s15;
pub mod s16;
pub mod s17;
pub mod s18;
pub mod s19;
pub mod s20;
pub mod scopes;
pub mod settle;
mod suite;
pub mod t1;
pub mod t2;
pub mod t3;
pub mod t4;
pub mod t5;
pub mod t6;
pub mod t7;
mod table_suite;
mod tables;
pub mod update;
pub mod wakeups;

pub use fixture::{Executed, Fixture, Keep};
pub use kit::Kit;
pub use memory::MemoryFixture;
pub use run::{run, run_as};
