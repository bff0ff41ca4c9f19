//! What a run prints: exactly one JSON object.

use serde::Serialize;

use crate::engine::Settings;
use crate::mode::{Mode, Scenario};

/// One run of one scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) engine: &'static str,
    pub(crate) version: &'static str,
    pub(crate) scenario: Scenario,
    pub(crate) mode: Mode,
    pub(crate) payload: usize,
    #[serde(flatten)]
    pub(crate) measured: Measured,
    pub(crate) settings: Settings,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Measured {
    /// Many items at once.
    Throughput { items: usize, seconds: f64, wal_bytes: i64, look_ms: u128 },
    /// One item at a time.
    Latency { rounds: usize, p50_ms: f64, p99_ms: f64, max_ms: f64 },
}
