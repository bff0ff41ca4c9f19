//! The simulation of Delta itself: a fleet of clients of several versions, with callers, informers and consumers.

mod call;
mod model;
mod plan;
mod thing;

pub use call::Call;
pub use model::Fleet;
pub use plan::scenario;
