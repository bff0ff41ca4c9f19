use clap::Args;
use delta::Position;
use delta::core::{Access, DeadLetter, DeadLetterStatus, EventTables, Invalid, WakeUpSignal};
use serde_json::json;

use crate::commands::consumer::show::status;
use crate::consumers::{Consumer, LetterArguments};
use crate::failure::Failure;
use crate::log::{Link, LogArguments};
use crate::output::Output;

#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// The consumer's name.
    consumer: String,

    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    log: LogArguments,

    #[command(flatten)]
    letters: LetterArguments,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Which {
    /// The dead letter of this id, as `show` tells it; may be repeated.
    #[arg(long, value_name = "ID")]
    id: Vec<i64>,

    /// The dead letter of the event at this position; may be repeated.
    #[arg(long, value_name = "POSITION")]
    position: Vec<Position>,

    /// All dead letters.
    #[arg(long, conflicts_with_all = ["id", "position"])]
    all: bool,
}

impl Replay {
    pub(super) async fn run<S: EventTables>(&self, store: &S, output: &mut Output) -> Result<(), Failure> {
        let letters = self.letters.letters(store)?;
        let mut conn = store.acquire(Access::Write).await?;
        let mut link = Link { store, conn: &mut *conn };
        let now = store.now(link.conn).await?;
        let consumer = Consumer::read(&mut link, &self.log.log, &self.consumer, now).await?;
        let all = letters.all(&mut link, &consumer, None).await?;
        let ids = self.which.choose(&all)?;
        let (from, to) = (&[DeadLetterStatus::Dead], DeadLetterStatus::Replay);
        let marked = store.mark_dead_letters(link.conn, &letters.0, &ids, from, to, now).await?;
        store.wake(&[WakeUpSignal::Log(consumer.log.clone())]).await;
        let people = format!("{} is to try {marked} again", self.consumer);
        output.write(people, &json!({ "consumer": self.consumer, "log": self.log.log, "marked": marked, "ids": ids }))
    }
}

impl Which {
    /// The ids of the letters that are meant, which must be dead.
    fn choose(&self, all: &[DeadLetter]) -> Result<Vec<i64>, Invalid> {
        if self.all {
            let dead = all.iter().filter(|letter| letter.status == DeadLetterStatus::Dead);
            return Ok(dead.map(|letter| letter.id).collect());
        }
        let by_id = self.id.iter().map(|id| (format!("id {id}"), all.iter().find(|letter| letter.id == *id)));
        let by_position = self
            .position
            .iter()
            .map(|position| (format!("position {position}"), all.iter().find(|letter| letter.position == *position)));
        let mut ids = Vec::new();
        for (named, letter) in by_id.chain(by_position) {
            let refuse = |found: String| Invalid::new("dead letter", "one of this consumer that is dead", found);
            match letter {
                None => return Err(refuse(format!("none of {named}"))),
                // Asking again is harmless.
                Some(letter) if letter.status == DeadLetterStatus::Resolved => {
                    return Err(refuse(format!("{named}, which is {}", status(letter.status))));
                }
                Some(letter) => ids.push(letter.id),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}
