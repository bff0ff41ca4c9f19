//! A database server that is killed with -9 while two stores of two databases write to it, work and consume.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta::{Client, MySqlDieselStore, MySqlStore, PgDieselStore, PgStore, Running};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, MariaDbServer, PostgresDatabase, PostgresServer};
use delta_testkit::record::{self, Proof};
use rand::RngExt as _;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::calls::{Calls, Notes};
use crate::consumers::{self, Consumers};
use crate::item::{Items, builder};
use crate::log_kit::chance::Seed;
use crate::log_kit::channel::table;
use crate::log_kit::place::Place;
use crate::writer::{Book, Doubt, Progress, Writer};
use crate::{TURN, checks, nightly, until};

const WRITERS: usize = 3;
const CLIENTS: i64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_in_the_middle_of_everything_loses_nothing_and_repeats_nothing() {
    if Backend::Postgres.enabled() {
        let _turn = TURN.lock().await;
        let server = PostgresServer::start_private(&[]).await.unwrap();
        let [one, other] = [(); 2].map(|()| PostgresDatabase::create_on(server.url()));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        let kill = async || {
            server.kill9().unwrap();
        };
        let restart = async || server.restart().await.unwrap();
        fire::<PgStore, PgDieselStore>(one.url(), other.url(), kill, restart).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_killed_in_the_middle_of_everything_loses_nothing_and_repeats_nothing() {
    if Backend::MariaDb.enabled() {
        let _turn = TURN.lock().await;
        let server = MariaDbServer::start_private(&[]).await.unwrap();
        let [one, other] = [(); 2].map(|()| MariaDbDatabase::create_on(server.url()));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        let kill = async || {
            server.kill9().unwrap();
        };
        let restart = async || server.restart().await.unwrap();
        fire::<MySqlStore, MySqlDieselStore>(one.url(), other.url(), kill, restart).await;
    }
}

async fn fire<A: Place, B: Place>(one: &str, other: &str, kill: impl AsyncFn(), restart: impl AsyncFn()) {
    let seed = Seed::take("killed");
    let mut rng = seed.of("kills", 0);
    let (one, other) = (Scene::<A>::start(one, seed).await, Scene::<B>::start(other, seed).await);
    let both = [&one.progress, &other.progress];
    let failed = || both.map(Progress::failed).iter().sum::<u64>();
    let told = || both.map(Progress::acknowledged);
    for round in 0..if nightly() { 60 } else { 2 } {
        let goals = told().map(|told| told + rng.random_range(20..80));
        until(&format!("both write before kill {round}"), async || {
            told().iter().zip(goals).all(|(told, goal)| *told >= goal)
        })
        .await;
        let goal = failed() + rng.random_range(1..8);
        // Wherever they are by now.
        kill().await;
        // Not each: a pool may wait for the server to come back, as long as a call may wait for a connection.
        until("somebody sees that it is gone", async || failed() >= goal).await;
        restart().await;
    }
    let goals = told().map(|told| told + 20);
    until("both write in the end", async || told().iter().zip(goals).all(|(told, goal)| *told >= goal)).await;
    one.finish().await;
    other.finish().await;
    for store in [A::NAME, B::NAME] {
        record::shown(store, Proof::DatabaseKilled);
    }
}

/// Clients, writers and consumers of one database.
struct Scene<S: Place> {
    client: Client<S>,
    running: Vec<Running>,
    consumers: Consumers,
    writers: JoinSet<Book>,
    progress: Progress,
    notes: TempDir,
}

impl<S: Place> Scene<S> {
    async fn start(url: &str, seed: Seed) -> Self {
        let notes = TempDir::new().unwrap();
        let store = S::connect(url).await;
        consumers::create(&store).await;
        let (mut clients, mut running) = (Vec::new(), Vec::new());
        for number in 1..=CLIENTS {
            let store = S::connect(url).await;
            let notes = Arc::new(Notes::of(notes.path(), number));
            let client = builder(store, Items { notes, gate: "/nonexistent".into() }).build().unwrap();
            running.push(client.start().await.unwrap());
            clients.push(client);
        }
        let client = clients.swap_remove(0);
        client.event_log(table()).unwrap().create().await.unwrap();
        let (consumers, progress, mut writers) = (Consumers::start(&client), Progress::default(), JoinSet::new());
        for number in 0..WRITERS {
            let rng = seed.of(S::NAME, number);
            writers.spawn(Writer::new(&client, number, rng, Doubt::Possible, &progress).run());
        }
        Self { client, running, consumers, writers, progress, notes }
    }

    async fn finish(self) {
        let Self { client, running, consumers, writers, progress, notes } = self;
        progress.stop();
        let mut book = Book::default();
        for written in writers.join_all().await {
            book.add(written);
        }
        checks::at_rest(&client).await;
        checks::consumed(&client).await;
        for client in running {
            client.stop().await;
        }
        let given = consumers.stop().await;
        let (acknowledged, failed) = (progress.acknowledged(), progress.failed());
        println!("{}: {acknowledged} acknowledged, {failed} failed: {:#?}", S::NAME, book.errors);
        let rows = checks::told(&client, &book).await;
        checks::calls(&Calls::read(notes.path(), CLIENTS, &BTreeMap::new()), &rows);
        checks::given_in_order(&client, &given).await;
    }
}
