//! Throughput of the store through diesel against the one through sqlx, on Postgres, both sides in turn.
//!
//! `cargo bench -p delta --bench drivers --features postgres,diesel-postgres` prints a table: medians of rows in a second,
//! and what diesel makes of each hundred of sqlx. Figures move with the machine; the ratios are what to rely on.

use std::error::Error;
use std::time::{Duration, Instant};

use delta::core::{
    Access, Browse, Change, Changeset, ClaimRequest, EventDraft, EventKind, Lane, LeaseToken, Name, Owner, Resource,
    RunAt, Settle, Settlement, State, Store, Target, Timestamp,
};
use delta::{Client, Migrate, Object, ObjectSettings, PgDieselStore, PgStore};
use delta_testkit::database::PostgresDatabase;
use serde::{Deserialize, Serialize};

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 7;
const ROWS: usize = 10_000;

#[derive(Clone, Serialize, Deserialize)]
struct Item {
    id: String,
    text: String,
}

impl Item {
    fn many(from: usize, count: usize) -> Vec<Self> {
        // About 560 bytes as JSON.
        let item = |number| Self { id: format!("item-{number}"), text: "x".repeat(525) };
        (from..from + count).map(item).collect()
    }
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Informs of new objects, so many at a time.
    Inform(usize),
    /// Claims, settles what was claimed before with the next claim, and so on, on one connection.
    Drain(u32),
}

impl Work {
    const ALL: [Self; 6] =
        [Self::Inform(1), Self::Inform(1_000), Self::Drain(1), Self::Drain(10), Self::Drain(100), Self::Drain(1_000)];

    /// How many rows it takes for a measurement.
    fn rows(self) -> usize {
        match self {
            Self::Inform(1) | Self::Drain(1) => ROWS / 10,
            _ => ROWS,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

fn settled(row: &Resource) -> Option<Change> {
    let event = |kind| EventDraft { kind, generation: None, attempt: None, with_object: false };
    let unmoved = Settlement {
        state: State::Synced,
        attempt: None,
        run_at: RunAt::Never,
        synced_generation: Some(row.generation),
        deleted_by: None,
        events: vec![event(EventKind::Synced)],
    };
    let moved = Settlement { state: State::Scheduled, run_at: RunAt::At(row.updated_at), ..unmoved.clone() };
    let token = row.lease?.token;
    Some(Change::Settle(Box::new(Settle { id: row.id, token, over_at: None, error: None, unmoved, moved })))
}

async fn drain<S: Store>(store: &S, batch: u32, now: Timestamp) -> Result<usize, Failure> {
    let mut conn = store.acquire(Access::Write).await?;
    let lane = Lane { namespace: Name::new("default")?, kind: Name::new(Item::KIND)? };
    let (mut drained, mut finished) = (0, Changeset::new(now));
    for round in 1.. {
        let base = LeaseToken::new(round * 10_000);
        let until = now + Duration::from_hours(1);
        let request = ClaimRequest { now, owner: Owner::new(1), base, until, lanes: vec![(lane.clone(), batch)] };
        let claimed = store.claim(&mut conn, &finished, &request).await?.resources;
        if claimed.is_empty() {
            break;
        }
        drained += claimed.len();
        finished = Changeset { changes: claimed.iter().filter_map(settled).collect(), ..Changeset::new(now) };
    }
    Ok(drained)
}

/// Rows in a second, on an empty database.
async fn measure<S: Store + Browse + Migrate>(store: S, work: Work) -> Result<f64, Failure> {
    store.migrate_to(Target::Latest).await?;
    let client = Client::builder(store.clone()).build()?;
    // Names are made, connections opened and statements prepared.
    client.inform_many(Item::many(0, 1)).await?;
    client.inform_many(Item::many(1, 1)).await?;
    let rows = work.rows();
    let started;
    match work {
        Work::Inform(batch) => {
            started = now();
            for from in (10..rows + 10).step_by(batch) {
                client.inform_many(Item::many(from, batch)).await?;
            }
        }
        Work::Drain(batch) => {
            client.inform_many(Item::many(10, rows)).await?;
            let mut conn = store.acquire(Access::Write).await?;
            let time = store.now(&mut conn).await? + Duration::from_secs(1);
            drop(conn);
            started = now();
            let drained = drain(&store, batch, time).await?;
            assert_eq!(drained, rows + 2, "all are drained");
        }
    }
    Ok(f64::from(u32::try_from(rows)?) / started.elapsed().as_secs_f64())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    println!("{ROUNDS} rounds, each side on an empty database of its own, in turn");
    println!("{:16} {:>12} {:>12} {:>8}", "rows/s", "sqlx", "diesel", "ratio");
    for work in Work::ALL {
        let (mut sqlx, mut diesel) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            // Whoever is first is another in each round.
            for side in [round % 2, (round + 1) % 2] {
                let database = PostgresDatabase::create().await?;
                if side == 0 {
                    sqlx.push(measure(PgStore::connect(database.url()).await?, work).await?);
                } else {
                    diesel.push(measure(PgDieselStore::connect(database.url()).await?, work).await?);
                }
            }
        }
        let (sqlx, diesel) = (median(sqlx), median(diesel));
        println!("{:16} {sqlx:>12.0} {diesel:>12.0} {:>8.2}", format!("{work:?}"), diesel / sqlx);
    }
    Ok(())
}
