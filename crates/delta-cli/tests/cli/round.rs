//! A database that was worked for real goes round all backends.

use std::time::{Duration, Instant};

use delta::core::{Access, DeadLetter, DeadLetterStatus, LogName, LogStore, Position, Timestamp};
use delta::{Action, Client, Controller, Filter, InformContext, InformError, Resource, State};
use delta::{WorkContext, WorkError};
use futures::stream::{self, Stream};

use crate::support::{Customer, Database, Run, customer};
use crate::with_store;

/// Works most, gives up on some, and deletes a few.
struct Customers;

impl Controller for Customers {
    type Object = Customer;

    async fn work(&self, _: &WorkContext, customer: &Resource<Customer>) -> Result<Action, WorkError> {
        let number: u64 = customer.object.id[1..].parse().unwrap();
        match number % 10 {
            3 => Err(WorkError::permanent(std::io::Error::other(format!("{number} is not wanted")))),
            7 => Ok(Action::Delete { reason: Some("gone".to_owned()) }),
            _ => Ok(Action::Synced),
        }
    }

    fn inform(&self, _: InformContext) -> impl Stream<Item = Result<Customer, InformError>> + Send {
        stream::empty()
    }
}

/// What consumers gave up on.
const LETTERS: i64 = 3;

pub(crate) async fn give_up<S: LogStore>(store: &S) {
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let table = store.dead_letter_table();
    // Not in the order in which they are exported.
    for number in (1..=LETTERS).rev() {
        let letter = DeadLetter {
            id: 0,
            consumer: "mailer".to_owned(),
            log: Some(LogName::own()),
            position: Position::new(number),
            message: format!("no\t\u{1f4a5} \"{number}\""),
            attempts: Some(u32::try_from(number).unwrap()),
            status: DeadLetterStatus::from_number(number).unwrap(),
            event: Some(format!("{{ \"position\": {number} }}")),
            created_at: Timestamp::from_micros(1_700_000_000_000_001 + number),
            updated_at: Timestamp::from_micros(1_800_000_000_000_001 + number),
        };
        store.put_dead_letter(&mut conn, &table, &letter).await.unwrap();
    }
}

/// Informs so many customers, and has a client work all of them.
async fn fill(database: &Database, resources: u64) {
    database.json(&["migrate", "up"]);
    with_store!(database, |store| {
        let client = Client::builder(store.clone()).controller(Customers).build().unwrap();
        for chunk in (0..resources).collect::<Vec<_>>().chunks(2_000) {
            let customers = chunk.iter().map(|id| customer(&format!("c{id}")));
            for answer in client.inform_many(customers).await.unwrap() {
                answer.unwrap();
            }
        }
        let running = client.start().await.unwrap();
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let counts = client.count(&Filter::default()).await.unwrap();
            let waits = |state: &State| !matches!(state, State::Synced | State::Degraded | State::Deleted);
            if counts.iter().all(|count| !waits(&count.state)) {
                break;
            }
        }
        running.stop().await;
        give_up(&store).await;
        store.close().await;
    });
}

#[expect(clippy::disallowed_methods, reason = "measures how long the program takes")]
fn now() -> Instant {
    Instant::now()
}

fn done(run: &Run) {
    assert_eq!(run.code, 0, "{run:?}");
}

/// Exports each and imports it into the next; all exports are the same but for their headers.
async fn round(resources: u64, stops: &[(&str, Database)]) {
    let directory = tempfile::tempdir().unwrap();
    let file = |number: usize| directory.path().join(format!("{number}.jsonl"));
    let begin = now();
    fill(&stops[0].1, resources).await;
    println!("{:>10} filled with {resources} resources in {:.1?}", stops[0].0, begin.elapsed());
    for (number, (name, stop)) in stops.iter().enumerate() {
        if number > 0 {
            done(&stop.run(&["migrate", "up"]));
            let begin = now();
            done(&stop.run(&["import", "--from", file(number - 1).to_str().unwrap()]));
            println!("{name:>10} imported in {:.1?}", begin.elapsed());
        }
        let begin = now();
        done(&stop.run(&["export", "--to", file(number).to_str().unwrap()]));
        println!("{name:>10} exported in {:.1?}", begin.elapsed());
    }
    let content = |number: usize| {
        let text = std::fs::read_to_string(file(number)).unwrap();
        text.split_once('\n').unwrap().1.to_owned()
    };
    let first = content(0);
    let found = |what: &str| first.lines().filter(|line| line.starts_with(what)).count() as u64;
    assert_eq!(found("{\"resource\""), resources);
    assert_eq!(found("{\"dead_letter\""), LETTERS.unsigned_abs());
    assert!(found("{\"event\"") >= 2 * resources, "each was scheduled, and came to an end");
    println!("{:>10} bytes, of them {} events; {}", first.len(), found("{\"event\""), first.lines().last().unwrap());
    for number in 1..stops.len() {
        assert!(content(number) == first, "{} holds something else than {}", stops[number].0, stops[0].0);
    }
}

/// SQLite, each server, and SQLite again; `None` if one of them was left out on purpose.
async fn stops() -> Option<Vec<(&'static str, Database)>> {
    Some(vec![
        ("sqlite", Database::sqlite()?),
        ("postgres", Database::postgres().await?),
        ("mariadb", Database::mariadb().await?),
        ("sqlite", Database::sqlite()?),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_worked_resources_go_round_all_backends() {
    let Some(stops) = stops().await else { return };
    round(500, &stops).await;
}

/// In a release build, with `--nocapture` for the figures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_worked_resources_go_round_all_backends() {
    let Some(stops) = stops().await else { return };
    round(100_000, &stops).await;
}
