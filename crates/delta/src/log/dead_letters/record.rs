use std::fmt::Debug;

use delta_core::{
    DeadLetter, DeadLetterStatus, ErrorTable, EventTable, EventTables, ForeignId, LogEvent, LogName, LogStore,
    NewEvent, Notifier, Result, Timestamp, WakeUpSignal,
};
use futures::future::BoxFuture;

/// Writes down that a consumer has given up on an event. [`RecordOnly`] and [`RecordWithEvent`] come with Delta.
///
/// # Obligations of an implementor
///
/// - It writes on the given connection, which is in a transaction: the record is there exactly if the cursor passes the
///   event. It never ends that transaction.
/// - Writing the same letter again changes nothing but message, attempts, status and time.
/// - An error keeps the consumer at the event.
pub trait RecordErrors<S: LogStore>: Debug + Send + Sync + 'static {
    /// Writes a letter, and returns the wake-ups to be sent once the transaction has committed.
    fn record<'a>(
        &'a self,
        store: &'a S,
        conn: &'a mut S::Conn,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<Vec<WakeUpSignal>>>;
}

/// Writes dead letters to a table, and nothing else.
#[derive(Clone, Debug)]
pub struct RecordOnly(ErrorTable);

impl RecordOnly {
    /// Writes to a table: the store's own, or the application's.
    ///
    /// # Errors
    ///
    /// `Invalid` if a name cannot be that of a table or column.
    pub fn new(table: ErrorTable) -> Result<Self> {
        table.check()?;
        Ok(Self(table))
    }
}

impl<S: LogStore> RecordErrors<S> for RecordOnly {
    fn record<'a>(
        &'a self,
        store: &'a S,
        conn: &'a mut S::Conn,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<Vec<WakeUpSignal>>> {
        Box::pin(async move {
            store.put_dead_letter(conn, &self.0, letter).await?;
            Ok(Vec::new())
        })
    }
}

/// Writes dead letters to a table, and appends an event about each to an event table in the same transaction, so that
/// consumers hear of them.
///
/// The event is about the letter's id, its type is the number of [`DeadLetterStatus::Dead`] (1), its time that of the
/// letter's last write, and its metadata, if the table has a column for it, the consumer's name. A letter that is written
/// again is an event again.
#[derive(Clone, Debug)]
pub struct RecordWithEvent {
    letters: ErrorTable,
    events: EventTable,
}

impl RecordWithEvent {
    /// Writes letters to one table and their events to the other.
    ///
    /// # Errors
    ///
    /// `Invalid` if a name cannot be that of a table or column.
    pub fn new(letters: ErrorTable, events: EventTable) -> Result<Self> {
        letters.check()?;
        events.check()?;
        Ok(Self { letters, events })
    }

    fn event(&self, id: i64, letter: &DeadLetter) -> NewEvent {
        let about: ForeignId = match self.events.foreign_id_type() {
            delta_core::ForeignIdType::Int => id.into(),
            delta_core::ForeignIdType::Text => id.to_string().into(),
        };
        let metadata = self.events.columns().metadata.is_some().then(|| letter.consumer.clone().into_bytes());
        NewEvent { metadata, ..NewEvent::new(about, DeadLetterStatus::Dead.as_number(), letter.updated_at) }
    }
}

impl<S: EventTables> RecordErrors<S> for RecordWithEvent {
    fn record<'a>(
        &'a self,
        store: &'a S,
        conn: &'a mut S::Conn,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<Vec<WakeUpSignal>>> {
        Box::pin(async move {
            let id = store.put_dead_letter(conn, &self.letters, letter).await?;
            store.append_events(conn, &self.events, &[self.event(id, letter)]).await?;
            Ok(match self.events.notified_by() {
                Notifier::None => Vec::new(),
                Notifier::InProcess | Notifier::Database => vec![WakeUpSignal::Log(self.events.log_name())],
            })
        })
    }
}

/// The letter about an event that a consumer gives up on.
pub(crate) fn letter<E: LogEvent>(
    log: &LogName,
    consumer: &str,
    event: &E,
    error: String,
    attempts: u32,
    now: Timestamp,
) -> Result<DeadLetter> {
    let text = serde_json::to_string(event)
        .map_err(|error| delta_core::Error::new(delta_core::ErrorKind::Corrupt, "record a dead letter", error))?;
    Ok(DeadLetter {
        id: 0,
        consumer: consumer.to_owned(),
        log: Some(log.clone()),
        position: event.position(),
        // No store keeps NUL in a text.
        message: if error.contains('\0') { error.replace('\0', "\u{fffd}") } else { error },
        attempts: Some(attempts),
        status: DeadLetterStatus::Dead,
        event: Some(text),
        created_at: now,
        updated_at: now,
    })
}

#[cfg(test)]
mod tests {
    use delta_core::{Position, TableEvent};

    use super::*;

    #[test]
    fn a_letter_holds_the_event_and_what_came_of_it() {
        let event = TableEvent {
            position: Position::new(7),
            foreign_id: ForeignId::Int(3),
            kind: 2,
            at: Timestamp::from_micros(5),
            metadata: Some(vec![0, 255]),
            trace: None,
        };
        let log = LogName::of_table("orders");
        let letter = letter(&log, "mailer", &event, "no\0pe".to_owned(), 3, Timestamp::from_micros(9)).unwrap();
        assert_eq!((letter.consumer.as_str(), letter.log, letter.position), ("mailer", Some(log), Position::new(7)));
        assert_eq!((letter.message.as_str(), letter.attempts), ("no\u{fffd}pe", Some(3)));
        assert_eq!(letter.status, DeadLetterStatus::Dead);
        let kept: TableEvent = serde_json::from_str(&letter.event.unwrap()).unwrap();
        assert_eq!(kept, event);
    }

    #[test]
    fn the_event_about_a_letter_is_about_its_id_and_names_the_consumer() {
        let letters = ErrorTable::new("consumer_errors");
        let letter = DeadLetter {
            id: 0,
            consumer: "mailer".to_owned(),
            log: None,
            position: Position::new(7),
            message: "no".to_owned(),
            attempts: None,
            status: DeadLetterStatus::Dead,
            event: None,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::from_micros(9),
        };
        let with = |events| RecordWithEvent::new(letters.clone(), events).unwrap().event(12, &letter);
        let event = with(EventTable::new("error_events").metadata_column("metadata"));
        assert_eq!((event.foreign_id, event.kind, event.at), (ForeignId::from("12"), 1, Timestamp::from_micros(9)));
        assert_eq!(event.metadata.as_deref(), Some(&b"mailer"[..]));
        let event = with(EventTable::new("error_events").foreign_ids(delta_core::ForeignIdType::Int));
        assert_eq!((event.foreign_id, event.metadata), (ForeignId::Int(12), None));
    }
}
