//! Idle pick-up latency: from the call of an inform to the start of its work, one at a time, on Postgres.
//!
//! `cargo bench -p delta --bench pickup --features postgres` prints a table; times move with the machine.

use std::error::Error;
use std::time::{Duration, Instant};

use delta::core::Target;
use delta::{
    Action, Client, ClientSettings, Controller, Migrate, Object, ObjectSettings, PgStore, Resource, WorkContext,
    WorkError,
};
use delta_store_sqlx::{Listen, PgSettings};
use delta_testkit::database::PostgresDatabase;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Clone, Serialize, Deserialize)]
struct Item {
    id: String,
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

struct Started(mpsc::UnboundedSender<Instant>);

impl Controller for Started {
    type Object = Item;

    async fn work(&self, _: &WorkContext, _: &Resource<Item>) -> Result<Action, WorkError> {
        self.0.send(now())?;
        Ok(Action::Synced)
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Who informs.
#[derive(Clone, Copy, Debug)]
enum From {
    /// The client that works.
    Itself,
    /// Another client, with a pool of its own.
    Another,
}

async fn measure(url: &str, listen: Listen, from: From, rounds: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let store = PgStore::options(url).settings(PgSettings::new().listen(listen)).connect().await?;
    store.migrate_to(Target::Latest).await?;
    let (started, mut starts) = mpsc::unbounded_channel();
    let client = Client::builder(store).settings(ClientSettings::new()).controller(Started(started)).build()?;
    let running = client.start().await?;
    let informer = match from {
        From::Itself => client.clone(),
        From::Another => Client::builder(PgStore::connect(url).await?).build()?,
    };
    let mut latencies = Vec::with_capacity(rounds);
    for round in 0..rounds + 10 {
        let called = now();
        informer.inform(Item { id: format!("{listen:?}-{from:?}-{round}") }).await?;
        let start = starts.recv().await.ok_or("the worker is gone")?;
        // The first ten warm up.
        if round >= 10 {
            latencies.push(start - called);
        }
    }
    running.stop().await;
    latencies.sort_unstable();
    Ok(latencies)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = PostgresDatabase::create().await?;
    println!("idle pick-up, inform to start of work   rounds      p50      p99      max");
    for (name, listen, from, rounds) in [
        ("informed by the same client", Listen::On, From::Itself, 1_000),
        ("by another client, with wake-ups", Listen::On, From::Another, 1_000),
        ("by another client, poll only (1 s)", Listen::Off, From::Another, 30),
    ] {
        let latencies = measure(database.url(), listen, from, rounds).await?;
        let at = |share: usize| latencies[(latencies.len() * share / 100).min(latencies.len() - 1)];
        let ms = |time: Duration| format!("{:.2}ms", time.as_secs_f64() * 1_000.0);
        println!("{name:38} {rounds:7} {:>8} {:>8} {:>8}", ms(at(50)), ms(at(99)), ms(latencies[latencies.len() - 1]));
    }
    Ok(())
}
