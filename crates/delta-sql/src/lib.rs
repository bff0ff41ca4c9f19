//! SQL text and migrations of Delta's stores, per dialect. No driver.
