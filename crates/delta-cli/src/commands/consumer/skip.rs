use std::collections::BTreeMap;

use clap::Args;
use delta::core::{Access, Cursor, DeadLetter, DeadLetterStatus, EventTables, Invalid};
use delta::{Error, ErrorKind, Position, Timestamp};
use serde_json::json;

use crate::commands::consumer::change::{Change, change};
use crate::consumers::{Consumer, LetterArguments, Row};
use crate::failure::Failure;
use crate::log::{Entry, Link, LogArguments, Source};
use crate::output::Output;

#[derive(Args, Debug)]
#[command(after_help = "\
The event that has failed is taken, if there is one and no other; else --position names it. A consumer that runs may go on \
running: it passes the event over when it next tries.")]
pub(crate) struct Skip {
    /// The consumer's name.
    consumer: String,

    /// The event's position.
    #[arg(long, value_name = "POSITION")]
    position: Option<Position>,

    /// Why, to be kept in the dead letter.
    #[arg(long, value_name = "TEXT", default_value = "skipped by hand")]
    reason: String,

    #[command(flatten)]
    log: LogArguments,

    #[command(flatten)]
    letters: LetterArguments,
}

impl Skip {
    pub(super) async fn run<S: EventTables>(&self, store: &S, output: &mut Output) -> Result<(), Failure> {
        let letters = self.letters.letters(store)?;
        let mut conn = store.acquire(Access::Write).await?;
        let mut link = Link { store, conn: &mut *conn };
        let now = store.now(link.conn).await?;
        let consumer = Consumer::read(&mut link, &self.log.log, &self.consumer, now).await?;
        let position = match self.position {
            Some(position) => position,
            None => stuck_at(&consumer.attempts())?,
        };
        let source = Source::open(&mut link, &self.log.log, &self.log.columns).await?;
        let event = event_at(&mut link, &source, position).await?;
        let text = event.json().map_err(|error| Error::new(ErrorKind::Corrupt, "skip an event", error))?;
        let named = (self.log.log.as_str(), self.consumer.as_str());
        change(&mut link, named, &letters, |consumer, now| {
            let cursors = skipped(consumer, position)?;
            let letter = self.letter(consumer, position, text.clone(), now);
            Ok(Change { cursors, letter: Some(letter) })
        })
        .await?;
        let people = format!("{} passes over the event at {position}, of {}", self.consumer, event.at());
        output.write(people, &json!({ "consumer": self.consumer, "log": self.log.log, "skipped": position }))
    }

    fn letter(&self, consumer: &Consumer, position: Position, event: String, now: Timestamp) -> DeadLetter {
        DeadLetter {
            id: 0,
            consumer: consumer.name.clone(),
            log: Some(consumer.log.clone()),
            position,
            message: self.reason.clone(),
            attempts: Some(consumer.attempts().get(&position).copied().unwrap_or(0)),
            status: DeadLetterStatus::Resolved,
            event: Some(event),
            created_at: now,
            updated_at: now,
        }
    }
}

/// The one event that has failed.
fn stuck_at(attempts: &BTreeMap<Position, u32>) -> Result<Position, Invalid> {
    let mut positions = attempts.keys();
    match (positions.next(), positions.next()) {
        (Some(position), None) => Ok(*position),
        (None, _) => Err(Invalid::new("position", "one that has failed, or --position", "none")),
        _ => {
            let all: Vec<_> = attempts.keys().map(ToString::to_string).collect();
            Err(Invalid::new("position", "one that has failed, or --position", all.join(", ")))
        }
    }
}

async fn event_at<S: EventTables>(
    link: &mut Link<'_, S>,
    source: &Source,
    position: Position,
) -> Result<Entry, Failure> {
    let none = |found: String| Invalid::new("position", "that of an event", found);
    let before = Position::new(position.get().saturating_sub(1));
    let page = source.page(link, before, 1).await?;
    match page.events.into_iter().next() {
        Some(event) if event.position() == position => Ok(event),
        Some(event) => {
            Err(none(format!("{position}, where there is none; the next is at {}", event.position())).into())
        }
        None => Err(none(format!("{position}, beyond the head of the log at {}", page.head)).into()),
    }
}

/// The cursors of a consumer that has to pass a position over: that which it has failed at, else all that may come to it.
fn skipped(consumer: &Consumer, position: Position) -> Result<Vec<Cursor>, Failure> {
    let failed = |row: &&Row| row.standing().is_some_and(|standing| standing.attempts(position) > 0);
    let mut rows: Vec<_> = consumer.rows().filter(failed).collect();
    if rows.is_empty() {
        let before = |row: &&Row| row.position().is_none_or(|at| at < position);
        rows = consumer.rows().filter(before).collect();
    }
    let faults = consumer.faults();
    if let Some(fault) = faults.into_iter().next() {
        return Err(Failure::Stored(fault));
    }
    if rows.is_empty() {
        let expected = match consumer.furthest() {
            Some(at) => format!("one beyond {at}, which is yet to be handled"),
            None => "a consumer that was run".to_owned(),
        };
        return Err(Invalid::new("position", expected, position.to_string()).into());
    }
    let skip = |row: &Row| {
        let mut standing = row.standing()?.clone();
        standing.skip(position);
        Some(standing.into_cursor(row.cursor.clone()))
    };
    Ok(rows.into_iter().filter_map(skip).collect())
}
