use serde::{Deserialize, Serialize};

/// What 1,000 items took; a part that was not measured is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes written ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wal_bytes: Option<f64>,
    /// Transactions committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits: Option<f64>,
    /// Versions of rows that were left behind: by updates and deletions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_rows: Option<f64>,
    /// Milliseconds of the server's processes on a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_cpu_ms: Option<f64>,
    /// Milliseconds of this process, or of the peer's, on a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cpu_ms: Option<f64>,
    /// Megabytes of memory of this process at its peak, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_mb: Option<f64>,
    /// Megabytes of memory of the server's processes at their peak, in all; what they share counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_peak_rss_mb: Option<f64>,
}
