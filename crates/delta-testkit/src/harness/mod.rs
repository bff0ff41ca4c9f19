#![doc = include_str!("../docs/harness.md")]

mod builder;
mod call;
mod drive;
mod outside;
mod read;
mod recorder;
mod simulate;
mod time;
mod worked;

pub use self::builder::HarnessBuilder;
pub use self::call::{Answer, Call, Method};
pub use self::drive::Harness;
pub use self::outside::{Mishap, Outside};
pub(crate) use self::time::VirtualTime;
pub use self::worked::{End, Worked};
pub use crate::sim::users::{Caller, Failure, Report, Seen, Simulation};
pub use crate::sim::{Draw, FaultRates, OutsideError, SimStore};
