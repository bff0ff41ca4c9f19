//! What the tests of logs share: backends, channels to append to, seeds, and what is to be true of what was read.

pub(crate) mod chance;
pub(crate) mod channel;
pub(crate) mod checker;
pub(crate) mod crash;
pub(crate) mod opened;
pub(crate) mod place;
