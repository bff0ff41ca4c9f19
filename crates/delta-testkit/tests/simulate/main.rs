//! Simulations of controllers: what they find, and what they say of it.
#![cfg(feature = "harness")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "a user's fake reads the paused clock as users do")]

mod guide;
mod kinds;
mod payments;
mod refusals;
