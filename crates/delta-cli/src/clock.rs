use delta::Timestamp;

/// This machine's time.
#[expect(clippy::disallowed_methods, reason = "`doctor` compares it to the database's, and durations are shown by it")]
pub(crate) fn now() -> Timestamp {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).into()
}
