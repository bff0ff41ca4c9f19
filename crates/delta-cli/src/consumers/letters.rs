use std::collections::BTreeMap;

use clap::Args;
use delta::Error;
use delta::core::{DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorTable, LogName, LogStore};

use crate::consumers::Consumer;
use crate::log::Link;

/// Where dead letters are.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LetterArguments {
    /// The table of dead letters, with the default names of its columns [default: Delta's own]
    #[arg(long, value_name = "TABLE")]
    dead_letters: Option<String>,
}

/// A table of dead letters.
#[derive(Debug)]
pub(crate) struct Letters(pub(crate) ErrorTable);

/// How many dead letters are read at once, and at most to count them.
const PAGE: u32 = 500;
const COUNTED: usize = 10_000;

/// How many events each consumer gave up on.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    dead: BTreeMap<(Option<LogName>, String), u64>,
    /// Whether there are more than were counted.
    pub(crate) more: bool,
}

impl LetterArguments {
    pub(crate) fn letters<S: LogStore>(&self, store: &S) -> Result<Letters, Error> {
        let table = self.dead_letters.as_ref().map_or_else(|| store.dead_letter_table(), ErrorTable::new);
        table.check()?;
        Ok(Letters(table))
    }
}

impl Letters {
    /// A consumer's dead letters, by id, all of them.
    pub(crate) async fn all<S: LogStore>(
        &self,
        link: &mut Link<'_, S>,
        consumer: &Consumer,
        status: Option<DeadLetterStatus>,
    ) -> Result<Vec<DeadLetter>, Error> {
        let mut query = DeadLetterQuery {
            consumer: Some(consumer.name.clone()),
            log: Some(consumer.log.clone()),
            status,
            limit: PAGE,
            ..DeadLetterQuery::default()
        };
        let mut letters = Vec::new();
        loop {
            let page = link.store.dead_letters(link.conn, &self.0, &query).await?;
            let Some(last) = page.last() else { return Ok(letters) };
            query.after = last.id;
            letters.extend(page);
        }
    }

    /// Counts those of all consumers that somebody has to look at.
    pub(crate) async fn tally<S: LogStore>(&self, link: &mut Link<'_, S>) -> Result<Tally, Error> {
        let status = Some(DeadLetterStatus::Dead);
        let mut query = DeadLetterQuery { status, limit: PAGE, ..DeadLetterQuery::default() };
        let (mut tally, mut counted) = (Tally::default(), 0);
        loop {
            let page = link.store.dead_letters(link.conn, &self.0, &query).await?;
            let Some(last) = page.last() else { return Ok(tally) };
            query.after = last.id;
            counted += page.len();
            for letter in page {
                *tally.dead.entry((letter.log, letter.consumer)).or_default() += 1;
            }
            if counted >= COUNTED {
                tally.more = true;
                return Ok(tally);
            }
        }
    }
}

impl Tally {
    /// How many a consumer gave up on; where the table does not tell logs apart, on all logs.
    pub(crate) fn of(&self, consumer: &Consumer) -> u64 {
        let count = |log| self.dead.get(&(log, consumer.name.clone())).copied().unwrap_or(0);
        count(Some(consumer.log.clone())) + count(None)
    }

    /// How many all gave up on.
    pub(crate) fn total(&self) -> u64 {
        self.dead.values().sum()
    }
}
