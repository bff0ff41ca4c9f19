//! Clients under load: they inform, work and read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use delta::{Client, ClientSettings, NamespaceSettings, Running};
use tokio::task::JoinHandle;

use crate::acknowledged::Acknowledged;
use crate::calls::Calls;
use crate::item::{Item, Worker};
use crate::log_kit::place::Place;
use crate::readers::{self, Streamed};
use crate::wait_until;

/// How many tasks inform, on each client.
const INFORMERS: usize = 2;
/// How long each of them waits between two objects.
const PACE: Duration = Duration::from_millis(8);

pub(crate) fn settings() -> ClientSettings {
    ClientSettings::new()
        .lease(Duration::from_secs(3))
        .maintenance_interval(Duration::from_secs(1))
        .subscription_capacity(1_000_000)
}

/// Two clients of one database, all that they do, and all that they were told.
pub(crate) struct Clients<S: Place> {
    pub(crate) each: Vec<Client<S>>,
    pub(crate) acknowledged: Acknowledged,
    pub(crate) calls: Calls,
    pub(crate) streamed: Streamed,
    running: Vec<Running>,
    informing: Arc<AtomicBool>,
    informers: Vec<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

impl<S: Place> Clients<S> {
    /// Starts one at each URL; the schema is there then.
    pub(crate) async fn start(urls: &[String]) -> Self {
        let (acknowledged, calls, streamed) = (Acknowledged::default(), Calls::default(), Streamed::default());
        let informing = Arc::new(AtomicBool::new(true));
        let (mut clients, mut running, mut informers, mut others) = (vec![], vec![], vec![], vec![]);
        for (number, url) in urls.iter().enumerate() {
            let store = S::connect(url).await;
            if number == 0 {
                readers::make_effects(&store).await;
            }
            let namespace = NamespaceSettings::new().max_workers(50);
            let worker = Worker { client: number, calls: calls.clone() };
            let builder = Client::builder(store).settings(settings()).namespace("default", namespace);
            let client = builder.controller(worker).build().unwrap();
            others.push(spawn(acknowledged.clone().listen(client.clone())));
            others.push(spawn(readers::consume(client.clone())));
            if number == 0 {
                others.push(spawn(streamed.clone().read(client.clone())));
            }
            running.push(client.start().await.unwrap());
            for informer in 0..INFORMERS {
                let name = format!("{number}-{informer}");
                informers.push(spawn(inform(client.clone(), acknowledged.clone(), informing.clone(), name)));
            }
            clients.push(client);
        }
        Self { each: clients, acknowledged, calls, streamed, running, informing, informers, others }
    }

    /// Lets them work until so many informs and settlements more were acknowledged.
    pub(crate) async fn go_on(&self, more: usize) {
        let (informs, settlements) = (self.acknowledged.informs(), self.acknowledged.settlements());
        wait_until(&format!("{more} more of each are acknowledged"), async || {
            self.acknowledged.informs() >= informs + more && self.acknowledged.settlements() >= settlements + more
        })
        .await;
    }

    /// Ends the load, and waits until all that was acknowledged is done.
    pub(crate) async fn settle(&mut self) {
        self.informing.store(false, Ordering::Release);
        for informer in self.informers.drain(..) {
            informer.await.unwrap();
        }
        let client = &self.each[0];
        wait_until("everything is synced", async || {
            let counts = client.count(&delta::Filter::default()).await.unwrap_or_default();
            !counts.is_empty() && counts.iter().all(|count| count.state == delta::State::Synced)
        })
        .await;
    }

    /// Ends the clients in order.
    pub(crate) async fn stop(mut self) -> (Acknowledged, Calls, Streamed) {
        for running in self.running.drain(..) {
            running.stop().await;
        }
        (self.acknowledged.clone(), self.calls.clone(), self.streamed.clone())
    }
}

impl<S: Place> Drop for Clients<S> {
    fn drop(&mut self) {
        for task in self.informers.iter().chain(&self.others) {
            task.abort();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own tasks, which end with the value that keeps them")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// Informs objects, one after the other: two of three new, else a change of an earlier one. One whose answer was an error, or
/// was lost, is informed again until there is one.
async fn inform<S: Place>(client: Client<S>, acknowledged: Acknowledged, go_on: Arc<AtomicBool>, name: String) {
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut value = 0;
    let mut new = 0;
    while go_on.load(Ordering::Acquire) {
        pace.tick().await;
        value += 1;
        let number = if value % 3 == 0 { value % new } else { new };
        new += u64::from(value % 3 != 0);
        let item = Item { id: format!("{name}-{number}"), value };
        loop {
            match client.inform(item.clone()).await {
                Ok(informed) => break acknowledged.inform(&item.id, value, informed),
                Err(error) => assert!(error.is_transient(), "not to be repeated: {error:?}"),
            }
            pace.tick().await;
        }
    }
}
