#![doc = include_str!("../docs/harness.md")]

mod builder;
mod call;
mod drive;
mod read;
mod recorder;
mod time;
mod worked;

pub use self::builder::HarnessBuilder;
pub use self::call::{Answer, Call, Method};
pub use self::drive::Harness;
pub(crate) use self::time::VirtualTime;
pub use self::worked::{End, Worked};
