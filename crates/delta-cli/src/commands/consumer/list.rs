use clap::Args;
use delta::Timestamp;
use delta::core::{Access, EventTables};
use serde_json::json;

use crate::consumers::{Consumer, ConsumerRecord, Found, Holding, Lag, LetterArguments, Logs};
use crate::failure::Failure;
use crate::log::{Link, LogColumns};
use crate::output::{Output, age, or_dash, table};

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only of this log: `delta` for Delta's own, the name of its table for an application's.
    #[arg(long, value_name = "NAME")]
    log: Option<String>,

    #[command(flatten)]
    columns: LogColumns,

    #[command(flatten)]
    letters: LetterArguments,
}

impl List {
    pub(super) async fn run<S: EventTables>(&self, store: &S, output: &mut Output) -> Result<(), Failure> {
        let letters = self.letters.letters(store)?;
        let mut conn = store.acquire(Access::Read).await?;
        let mut link = Link { store, conn: &mut *conn };
        let now = store.now(link.conn).await?;
        let found = Found::read(&mut link, self.log.as_deref(), now).await?;
        let tally = letters.tally(&mut link).await?;
        let mut logs = Logs::new(&self.columns);
        let (mut lines, mut records) = (Vec::new(), Vec::new());
        for consumer in &found.consumers {
            let lag = logs.lag(&mut link, consumer).await?;
            let dead = tally.of(consumer);
            lines.push(line(consumer, &lag, dead, now));
            records.push(ConsumerRecord::new(consumer, &lag, dead, now));
        }
        let people = table(["CONSUMER", "LOG", "POSITION", "LAG", "BEHIND", "HOLDER", "LEASE", "DEAD"], lines);
        output.write(people, &json!({ "consumers": records, "strange": found.strange, "more_dead": tally.more }))
    }
}

fn line(consumer: &Consumer, lag: &Lag, dead: u64, now: Timestamp) -> [String; 8] {
    let (events, behind) = match lag {
        Lag::Behind { events, since } => {
            (events.to_string(), since.map_or_else(|| "-".to_owned(), |since| age(now.since(since))))
        }
        Lag::TooOld { .. } => ("too old".to_owned(), "-".to_owned()),
        Lag::PastEnd { .. } => ("past the end".to_owned(), "-".to_owned()),
        Lag::Unknown | Lag::Unreadable(_) => ("?".to_owned(), "-".to_owned()),
    };
    let holding = Holding::of(consumer, now);
    let lease = match holding {
        Holding::One { until, .. } => age(until.since(now)),
        _ => "-".to_owned(),
    };
    [
        consumer.name.clone(),
        consumer.log.to_string(),
        or_dash(consumer.position()),
        events,
        behind,
        holding.to_string(),
        lease,
        dead.to_string(),
    ]
}
