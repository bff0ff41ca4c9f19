//! The invariants: strange histories that are legal hold, and each is broken by the history that it is there for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod book;
mod broken;
mod legal;
