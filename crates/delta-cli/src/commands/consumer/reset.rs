use clap::Args;
use delta::Position;
use delta::core::plan::consume::{self, CursorData, SLICES, Shape, Standing};
use delta::core::{Access, Cursor, EventTables, Invalid};
use serde_json::json;

use crate::commands::consumer::change::{Change, change};
use crate::consumers::{Consumer, Extent, Holding, Letters, Row};
use crate::failure::Failure;
use crate::log::{Link, LogArguments, Place, Source};
use crate::output::Output;

#[derive(Args, Debug)]
#[command(after_help = "\
Attempts that were counted and events that were to be skipped are forgotten. A consumer that runs is left alone without --force; \
with it, the consumer goes on from the new place when it next writes its cursor.")]
pub(crate) struct Reset {
    /// The consumer's name.
    consumer: String,

    /// Where to: `start`, `head`, behind a position, to a time (RFC 3339), or to what is no older than an age (2h).
    #[arg(long, value_name = "PLACE", value_parser = Place::parse)]
    to: Place,

    /// Move it although somebody runs it.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    log: LogArguments,
}

impl Reset {
    pub(super) async fn run<S: EventTables>(&self, store: &S, output: &mut Output) -> Result<(), Failure> {
        let mut conn = store.acquire(Access::Write).await?;
        let mut link = Link { store, conn: &mut *conn };
        // Whether there is such a consumer is told before anything about its log.
        let now = store.now(link.conn).await?;
        Consumer::read(&mut link, &self.log.log, &self.consumer, now).await?;
        let source = Source::open(&mut link, &self.log.log, &self.log.columns).await?;
        let to = source.resolve(&mut link, self.to).await?;
        check(to, &Extent::read(&mut link, source).await?)?;
        let named = (self.log.log.as_str(), self.consumer.as_str());
        let letters = Letters(store.dead_letter_table());
        let before = change(&mut link, named, &letters, |consumer, now| {
            let holding = Holding::of(consumer, now);
            if holding.is_live() && !self.force {
                let found = format!("one that is held by {holding}");
                return Err(Invalid::new("consumer", "one that nobody runs, or --force", found).into());
            }
            Ok(Change { cursors: moved(consumer, to), letter: None })
        })
        .await?;
        let from = before.position();
        let people = match from {
            Some(from) => format!("{} was moved from {from} to {to}", self.consumer),
            None => format!("{} was moved to {to}", self.consumer),
        };
        output.write(people, &json!({ "consumer": self.consumer, "log": self.log.log, "from": from, "to": to }))
    }
}

/// Checks that a consumer can go on from a position.
fn check(to: Position, log: &Extent) -> Result<(), Invalid> {
    if to > log.end {
        return Err(Invalid::new("position", format!("at most {}, the end of the log", log.end), to.to_string()));
    }
    if to < log.trimmed && to != Position::START {
        let expected = format!("start, or at least {}, up to which the log was trimmed", log.trimmed);
        return Err(Invalid::new("position", expected, to.to_string()));
    }
    Ok(())
}

/// All cursors of a consumer, moved. What cannot be read of them is written anew.
fn moved(consumer: &Consumer, to: Position) -> Vec<Cursor> {
    let shape = consumer.shape();
    let fresh = CursorData::new(consumer.log.clone(), consumer.program().map(str::to_owned), shape);
    let standing = |row: Option<&Row>| {
        let stored = row.and_then(Row::standing).map(|standing| standing.data.clone());
        CursorData { log: consumer.log.clone(), ..stored.unwrap_or_else(|| fresh.clone()) }
    };
    let place = |row: Option<&Row>, name: String| {
        let mut standing = Standing { position: None, data: standing(row) };
        standing.reset(to);
        standing.into_cursor(row.map_or_else(|| Cursor::new(name), |row| row.cursor.clone()))
    };
    let name = consume::cursor_name(&consumer.log, &consumer.name);
    if shape == Shape::One {
        return vec![place(consumer.own.as_ref(), name)];
    }
    let mut cursors = Vec::with_capacity(usize::from(SLICES) + 1);
    let own = consumer.own.as_ref();
    if own.and_then(Row::standing).is_none_or(|standing| standing.data.log != consumer.log) {
        let parent = Standing { position: None, data: standing(own) };
        cursors.push(parent.into_cursor(own.map_or_else(|| Cursor::new(name), |row| row.cursor.clone())));
    }
    // A slice that is not stored would begin elsewhere.
    cursors
        .extend((0..SLICES).map(|slice| {
            place(consumer.slices.get(&slice), consume::slice_name(&consumer.log, &consumer.name, slice))
        }));
    cursors
}
