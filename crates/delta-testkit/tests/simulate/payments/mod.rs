//! The code of `docs/testing-controllers.md`.

mod bank;
mod charge;
mod keyed;
mod looks_first;
mod simulated;
mod unit;
