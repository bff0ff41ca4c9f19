//! Runs of informers, on the memory store with a paused clock.
#![cfg(feature = "memory")]

mod kit;
mod runs;
