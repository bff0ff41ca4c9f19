//! A connection to a server that a test can break.

mod conduct;
mod link;
mod place;
#[expect(clippy::module_inception, reason = "the main type of this folder")]
mod proxy;
mod serve;

pub use conduct::Way;
pub use proxy::Proxy;
