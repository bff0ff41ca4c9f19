use std::fmt::Write as _;

use clap::Args;
use delta::Timestamp;
use delta::core::plan::consume::SLICES;
use delta::core::{Access, DeadLetter, DeadLetterStatus, EventTables};
use serde_json::json;

use crate::consumers::{Consumer, ConsumerRecord, Holding, Lag, LetterArguments, LetterRecord, Logs};
use crate::failure::Failure;
use crate::log::{Link, LogArguments};
use crate::output::{Output, age, or_dash, table};

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The consumer's name.
    consumer: String,

    /// How many of its last dead letters to show.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    last: usize,

    #[command(flatten)]
    log: LogArguments,

    #[command(flatten)]
    letters: LetterArguments,
}

impl Show {
    pub(super) async fn run<S: EventTables>(&self, store: &S, output: &mut Output) -> Result<(), Failure> {
        let letters = self.letters.letters(store)?;
        let mut conn = store.acquire(Access::Read).await?;
        let mut link = Link { store, conn: &mut *conn };
        let now = store.now(link.conn).await?;
        let consumer = Consumer::read(&mut link, &self.log.log, &self.consumer, now).await?;
        let lag = Logs::new(&self.log.columns).lag(&mut link, &consumer).await?;
        let letters = letters.all(&mut link, &consumer, None).await?;
        let dead = letters.iter().filter(|letter| letter.status == DeadLetterStatus::Dead).count();
        let dead = u64::try_from(dead).unwrap_or(u64::MAX);
        let last = &letters[letters.len().saturating_sub(self.last)..];
        let record = ConsumerRecord::new(&consumer, &lag, dead, now);
        let records: Vec<_> = last.iter().map(LetterRecord::new).collect();
        output.write(
            describe(&consumer, &lag, dead, last, now),
            &json!({ "consumer": record, "last_dead_letters": records }),
        )
    }
}

fn describe(consumer: &Consumer, lag: &Lag, dead: u64, last: &[DeadLetter], now: Timestamp) -> String {
    let field = |name: &str, value: String| [name.to_owned(), value];
    let lag = match lag {
        Lag::Behind { events, since: Some(since) } => {
            format!("{events} positions, the next event is {} old", age(now.since(*since)))
        }
        Lag::Behind { events, since: None } => format!("{events} positions"),
        other => other.problem().unwrap_or_default(),
    };
    let holding = Holding::of(consumer, now);
    let holder = match holding {
        Holding::One { owner, until } => format!("{owner} for another {}", age(until.since(now))),
        Holding::Over { owner, until } => {
            format!("nobody; {owner} has not been heard of for {}", age(now.since(until)))
        }
        Holding::Nobody => "nobody".to_owned(),
        Holding::Members { .. } => holding.to_string(),
    };
    let mut fields = vec![
        field("consumer", consumer.name.clone()),
        field("log", consumer.log.to_string()),
        field("program", or_dash(consumer.program())),
        field("shape", consumer.shape().to_string()),
        field("position", or_dash(consumer.position())),
        field("lag", lag),
        field("holder", holder),
        field("dead letters", dead.to_string()),
    ];
    if !consumer.slices.is_empty() {
        fields.push(field("slices", format!("{} of {SLICES} stored", consumer.slices.len())));
        fields.push(field("furthest", or_dash(consumer.furthest())));
    }
    let attempts = consumer.attempts().into_iter();
    fields.extend(attempts.map(|(position, count)| field("failed", format!("{count} times at {position}"))));
    fields.extend(consumer.skipped().into_iter().map(|position| field("to be skipped", position.to_string())));
    fields.extend(consumer.faults().into_iter().map(|fault| field("FAULT", fault)));
    let mut text = table(["FIELD", "VALUE"], fields);
    if !last.is_empty() {
        let rows = last.iter().map(|letter| {
            [
                letter.id.to_string(),
                letter.position.to_string(),
                status(letter.status).to_owned(),
                or_dash(letter.attempts),
                letter.updated_at.to_string(),
                letter.message.clone(),
            ]
        });
        // Writing to a string cannot fail.
        let _ = write!(text, "\n\n{}", table(["ID", "POSITION", "STATUS", "ATTEMPTS", "AT", "MESSAGE"], rows));
    }
    text
}

/// A status as it is also written as JSON.
pub(super) fn status(status: DeadLetterStatus) -> &'static str {
    match status {
        DeadLetterStatus::Dead => "dead",
        DeadLetterStatus::Replay => "replay",
        DeadLetterStatus::Resolved => "resolved",
    }
}
