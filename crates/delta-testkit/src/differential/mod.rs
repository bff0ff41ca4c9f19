//! The differential test: one history on the memory store and on another, step by step, with the same answers and the same
//! rows, events and cursors at the end.
//!
//! Histories are drawn by proptest: [`raw_steps`] of changesets made by hand, with every fence valid and outdated, and
//! [`planned_steps`] of what the plans of `delta_core` decide. [`store_differential!`](crate::store_differential) makes a
//! test of each.

mod compare;
mod make;
mod normal;
mod run;
mod step;
mod suite;
mod world;

pub use run::{check, run};
pub use step::{Edit, Edits, Plan, Step, Within, planned_steps, raw_steps};
