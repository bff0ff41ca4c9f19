//! Whole fleets in one thread, driven by one number: crashes, lost answers, wrong clocks, and time that passes at once.

mod chance;
pub mod coverage;
mod fault;
pub mod fleet;
mod log_store;
mod model;
mod mutation;
pub mod mutations;
mod observer;
mod outside;
mod process;
mod run;
mod scenario;
mod search;
mod shrink;
mod store;
mod timeline;
pub(crate) mod users;
mod watch;
mod words;
mod world;

pub use chance::{Chance, Draw};
pub use fault::{FaultId, FaultRates};
pub use model::{Life, Model};
pub use mutation::{Fate, Mutation, Sight};
pub use outside::OutsideError;
pub use run::{Run, run};
pub use scenario::{ProcessPlan, Scenario, Step, Timed};
pub use search::{Failures, Found, Progress, Report, Search};
pub use shrink::{Shrunk, shrink};
pub use store::SimStore;
pub use timeline::{Detail, Timeline};
pub use world::Sim;
