//! Claims resources, runs workers and settles their attempts.
//!
//! - [`pump`]: one per client; goes round, when there is a reason to: settles what is finished and claims what is free.
//! - [`round`]: one such round trip.
//! - [`lines`]: the connections that rounds go over, one or two at a time.
//! - [`slots`]: limits and turns, as pure bookkeeping.
//! - [`ahead`]: how much is claimed beyond what may run, and [`waiting`]: what is.
//! - [`attempt`]: one task per claimed resource; always ends with a report.
//! - [`in_flight`]: the leases of what is claimed and not yet settled.
//! - [`heartbeat`]: renews them, and ends attempts whose lease is lost.
//! - [`alone`]: settlements that are tried again apart from the others.
//! - [`later`]: lanes that will have something to claim before the next poll.
//! - [`step`]: all of it for one resource, when told to; for tests.
//! - [`held`]: the connection that pump and heartbeat keep.
//! - [`panic`], [`rate`]: what surrounds user code.

mod ahead;
mod alone;
mod attempt;
mod heartbeat;
mod held;
mod in_flight;
mod later;
mod lines;
mod panic;
mod pump;
mod rate;
mod round;
mod settle;
mod shared;
mod slots;
mod step;
mod waiting;

pub(crate) use panic::{Panic, guarded, install_hook};
pub(crate) use shared::{Executor, in_time, start};
pub(crate) use step::Stepper;
pub use step::{Fate, Step};
