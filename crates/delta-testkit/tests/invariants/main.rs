//! The invariants: strange histories that are legal hold, and each is broken by the history that it is there for.

mod book;
mod broken;
mod legal;
