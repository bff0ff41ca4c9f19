//! Reading logs: Delta's own, and those of applications.

mod head;
mod hub;
#[expect(clippy::module_inception, reason = "one main type per file, named after it")]
mod log;
mod reader;
mod source;

pub(crate) use self::hub::Hub;
pub use self::log::Log;
