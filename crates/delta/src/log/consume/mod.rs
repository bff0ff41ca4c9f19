//! Runs consumers: one engine for all patterns.
//!
//! Reader, then filter, then [`slice`]s, then [`lanes`] of [`unit`]s, then [`attempt`]s, then the [`watermark`], then the
//! cursor's [`books`].
//!
//! - [`consumption`]: what users call.
//! - [`supervise`]: stands by, takes over, tries again.
//! - [`tenure`]: from taking a lease to giving it back.
//! - [`start`]: where a consumer begins.

mod attempt;
mod batch;
mod books;
mod consumption;
mod context;
mod delivery;
mod dispatch;
mod error;
mod failure;
mod flow;
mod give_up;
mod lanes;
mod members;
mod meter;
mod options;
mod pen;
mod replay;
mod setup;
mod shard_by;
mod share;
mod slice;
mod start;
mod summary;
mod supervise;
mod tenure;
mod transaction;
mod unit;
mod watermark;

pub use self::batch::Batch;
pub use self::consumption::Consumption;
pub use self::context::ConsumeContext;
pub use self::delivery::Delivery;
pub use self::error::ConsumeError;
pub use self::failure::ConsumeFailure;
pub use self::give_up::{GiveUp, Recovered};
pub use self::options::CursorWrites;
pub use self::shard_by::ShardBy;
pub use self::summary::ConsumeSummary;
