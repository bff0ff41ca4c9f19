use delta::core::plan::consume;
use delta::core::{DeadLetter, DeadLetterStatus, LogName, Position};
use serde::{Deserialize, Serialize};

/// A dead letter. Its id is the table's own, and is not the same in another database.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLetterLine {
    pub(super) consumer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<LogName>,
    pub(super) position: i64,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    status: DeadLetterStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl DeadLetterLine {
    pub(super) fn new(letter: DeadLetter) -> Self {
        Self {
            consumer: letter.consumer,
            log: letter.log,
            position: letter.position.get(),
            message: letter.message,
            attempts: letter.attempts,
            status: letter.status,
            event: letter.event,
            created_at: letter.created_at.as_micros(),
            updated_at: letter.updated_at.as_micros(),
        }
    }

    pub(super) fn into_dead_letter(self) -> Result<DeadLetter, String> {
        consume::check_name(&self.consumer).map_err(|invalid| invalid.to_string())?;
        if self.position < 1 {
            return Err(format!("expected a position from 1, found {}", self.position));
        }
        Ok(DeadLetter {
            id: 0,
            consumer: self.consumer,
            log: self.log,
            position: Position::new(self.position),
            message: self.message,
            attempts: self.attempts,
            status: self.status,
            event: self.event,
            created_at: delta::Timestamp::from_micros(self.created_at),
            updated_at: delta::Timestamp::from_micros(self.updated_at),
        })
    }
}
