//! Consumers: leases, cursors, retries and the patterns, on the memory store with a paused clock.

mod cursors;
mod faults;
mod kit;
mod letters;
mod once;
mod patterns;
mod run;
mod sharded;
